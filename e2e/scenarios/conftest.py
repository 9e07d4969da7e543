"""What every scenario starts from: a cluster with the release installed, a desk in a namespace of its own, a voice."""

import itertools
import time
from collections.abc import Callable, Iterator

import pytest
from aviary_e2e.bots import Bot, bot_manifest
from aviary_e2e.release import Release, desk_manifests, running_release
from aviary_e2e.venue import Venue

Saw = Callable[[str], None]
_spoken: list[str] = []
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def release() -> Release:
    """The release on the cluster that `make e2e` prepared."""
    return running_release()


@pytest.fixture(scope="session")
def venue(release: Release) -> Venue:
    """The simulated venue of the release."""
    return Venue.find(release.kubectl, release.namespace)


@pytest.fixture
def namespace(release: Release) -> Iterator[str]:
    """A namespace with a desk, gone afterwards with all that is in it."""
    name = f"e2e-{next(_numbers)}-{int(time.time()) % 100_000}"
    release.kubectl.apply(desk_manifests(name))
    yield name
    release.kubectl.delete("namespace", name, "", wait=False)


@pytest.fixture
def make_bot(release: Release, namespace: str) -> Callable[..., Bot]:
    """Make a TradingBot in the test's namespace; keyword arguments as ``bot_manifest`` takes them."""

    def make(name: str, **spec: object) -> Bot:
        release.kubectl.apply([bot_manifest(name, namespace, **spec)])  # type: ignore[arg-type]  # spec fields are free
        return Bot(release.kubectl, name, namespace)

    return make


@pytest.fixture
def saw(request: pytest.FixtureRequest) -> Saw:
    """Tell what a scenario saw; printed at the end of the run."""
    name = request.node.name.removeprefix("test_").replace("_", " ")

    def say(text: str) -> None:
        _spoken.append(f"{name}: {text}")

    return say


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what the scenarios saw."""
    if _spoken:
        terminalreporter.section("what the scenarios saw")
        for line in _spoken:
            terminalreporter.write_line(line)
