"""Image references in a node's store: by digest, and how many builds are kept."""

import pytest
from aviary_cluster.node_images import decide_outdated, digest_reference


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("aviary.local/bot:1", "aviary.local/bot@sha256:d"),
        ("localhost:5000/bot:1", "localhost:5000/bot@sha256:d"),
        ("localhost:5000/bot", "localhost:5000/bot@sha256:d"),
        ("docker.io/library/bot:1", "docker.io/library/bot@sha256:d"),
    ],
)
def test_digest_reference_replaces_the_tag_and_not_the_port(name: str, reference: str) -> None:
    assert digest_reference(name, "sha256:d") == reference


def test_three_builds_of_a_name_are_kept_the_latest_loaded_last() -> None:
    known = {f"archive{n}": {"a.b/bot:1": f"sha256:{n}"} for n in range(5)}
    known["other"] = {"a.b/venue:1": "sha256:9"}
    assert decide_outdated(known) == {"a.b/bot@sha256:0", "a.b/bot@sha256:1"}


def test_a_build_that_is_still_current_under_another_archive_is_kept() -> None:
    known = {f"archive{n}": {"a.b/bot:1": digest} for n, digest in enumerate(["x", "y", "z", "w", "x"])}
    assert decide_outdated(known) == {"a.b/bot@y"}
