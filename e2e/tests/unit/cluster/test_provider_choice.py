"""Which provider is taken, as a table; above all: which kubeconfig is never taken by itself."""

from pathlib import Path

import pytest
from aviary_cluster.errors import ClusterError
from aviary_cluster.provider_choice import Decision, MachineFacts, decide_provider, engine_environment
from aviary_cluster.settings import ProviderChoice, read_settings

BARE_ROOT = MachineFacts(linux=True, root=True, kind_installed=False, engine=None)
BARE_USER = MachineFacts(linux=True, root=False, kind_installed=False, engine=None)
WITH_KIND = MachineFacts(linux=True, root=True, kind_installed=True, engine="docker")
KIND_NO_ENGINE = MachineFacts(linux=True, root=True, kind_installed=True, engine=None)
ENGINE_NO_KIND = MachineFacts(linux=True, root=True, kind_installed=False, engine="docker")
KIND_CAME_LATER = MachineFacts(linux=True, root=True, kind_installed=True, engine="docker", local_running=True)
MAC = MachineFacts(linux=False, root=True, kind_installed=False, engine=None)


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Path:
    path = tmp_path / "config"
    path.write_text("{}")
    return path


@pytest.mark.parametrize(
    ("choice", "facts", "expected"),
    [
        ("", BARE_ROOT, ProviderChoice.LOCAL),
        ("auto", BARE_ROOT, ProviderChoice.LOCAL),
        ("auto", WITH_KIND, ProviderChoice.KIND),
        ("auto", KIND_CAME_LATER, ProviderChoice.LOCAL),
        ("kind", KIND_CAME_LATER, ProviderChoice.KIND),
        ("auto", KIND_NO_ENGINE, ProviderChoice.LOCAL),
        ("auto", ENGINE_NO_KIND, ProviderChoice.LOCAL),
        ("local", WITH_KIND, ProviderChoice.LOCAL),
        ("local", BARE_USER, ProviderChoice.LOCAL),
        ("kind", WITH_KIND, ProviderChoice.KIND),
    ],
)
def test_choice_by_variable_and_machine(choice: str, facts: MachineFacts, expected: ProviderChoice) -> None:
    # A KUBECONFIG that is merely there changes nothing.
    settings = read_settings({"AVIARY_CLUSTER": choice, "KUBECONFIG": "/etc/somebody/production.yaml"})
    assert decide_provider(settings, facts) == Decision(expected)


@pytest.mark.parametrize("facts", [BARE_ROOT, WITH_KIND, BARE_USER])
def test_auto_takes_a_kubeconfig_only_when_it_was_set_for_us(kubeconfig: Path, facts: MachineFacts) -> None:
    chosen = read_settings({"AVIARY_KUBECONFIG": str(kubeconfig)})
    assert decide_provider(chosen, facts) == Decision(ProviderChoice.EXISTING, kubeconfig)


def test_existing_takes_kubeconfig_and_prefers_the_one_set_for_us(kubeconfig: Path) -> None:
    general = {"AVIARY_CLUSTER": "existing", "KUBECONFIG": str(kubeconfig)}
    assert decide_provider(read_settings(general), BARE_USER).kubeconfig == kubeconfig
    own = kubeconfig.with_name("own")
    own.write_text("{}")
    both = {**general, "AVIARY_KUBECONFIG": str(own)}
    assert decide_provider(read_settings(both), BARE_USER).kubeconfig == own


@pytest.mark.parametrize(
    ("env", "facts", "message"),
    [
        ({}, BARE_USER, "as root.*Docker and kind.*AVIARY_CLUSTER=existing with KUBECONFIG"),
        ({}, MAC, "as root on Linux"),
        ({"AVIARY_CLUSTER": "kind"}, BARE_ROOT, "kind is not on PATH"),
        ({"AVIARY_CLUSTER": "kind"}, KIND_NO_ENGINE, "neither Docker nor Podman answers"),
        ({"AVIARY_CLUSTER": "existing"}, BARE_ROOT, "needs KUBECONFIG.*no default file"),
        ({"AVIARY_CLUSTER": "existing", "KUBECONFIG": "/no/such"}, BARE_ROOT, "/no/such does not exist"),
        ({"AVIARY_KUBECONFIG": "/no/such"}, BARE_ROOT, "/no/such does not exist"),
        ({"AVIARY_KUBECONFIG": "/a:/b"}, BARE_ROOT, "one file"),
    ],
)
def test_impossible_choices_name_the_reason_and_the_way_out(
    env: dict[str, str], facts: MachineFacts, message: str
) -> None:
    with pytest.raises(ClusterError, match=message):
        decide_provider(read_settings(env), facts)


@pytest.mark.parametrize(
    ("env", "message"),
    [
        ({"AVIARY_CLUSTER": "minikube"}, "AVIARY_CLUSTER must be one of auto, local, kind, existing"),
        ({"AVIARY_NODES": "0"}, "AVIARY_NODES must be a whole number from 1 to 3"),
        ({"AVIARY_NODES": "4"}, "AVIARY_NODES"),
        ({"AVIARY_NODES": "two"}, "AVIARY_NODES"),
        ({"AVIARY_CLUSTER_SLOT": "16"}, "AVIARY_CLUSTER_SLOT"),
        ({"AVIARY_NODE_GRACE_SECONDS": "1"}, "AVIARY_NODE_GRACE_SECONDS"),
    ],
)
def test_bad_settings_are_refused_by_the_variable_s_name(env: dict[str, str], message: str) -> None:
    with pytest.raises(ClusterError, match=message):
        read_settings(env)


def test_a_list_in_kubeconfig_matters_only_when_it_would_be_used() -> None:
    settings = read_settings({"AVIARY_CLUSTER": "local", "KUBECONFIG": "/a:/b"})
    assert decide_provider(settings, BARE_ROOT) == Decision(ProviderChoice.LOCAL)
    with pytest.raises(ClusterError, match="one file"):
        decide_provider(read_settings({"AVIARY_CLUSTER": "existing", "KUBECONFIG": "/a:/b"}), BARE_ROOT)


def test_kind_is_told_about_podman_only() -> None:
    assert engine_environment("podman") == {"KIND_EXPERIMENTAL_PROVIDER": "podman"}
    assert engine_environment("docker") == {}
