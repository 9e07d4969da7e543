"""Images in a running node: what is there, and bringing in what is not, once per content."""

import json
import os
import subprocess
import tarfile
import time
from collections.abc import Mapping
from pathlib import Path

from aviary_cluster.errors import ClusterError, ClusterTimeoutError
from aviary_cluster.node_process import NodeProcess
from aviary_cluster.node_spec import NodeSpec
from aviary_cluster.oci_image import read_archive

_RECORD = "aviary-loaded.json"
_BUILDS_KEPT = 3
_START_SECONDS = 60.0
_POLL_SECONDS = 0.1


def load_archive(node: NodeProcess, spec: NodeSpec, archive: Path) -> bool:
    """Make an archive's images runnable on a node, by name and by digest; returns False when nothing was imported.

    What was imported is remembered beside the image store, by content and not by name: a rebuilt image under the
    same name is imported again, the same one never is, also in a later cluster.

    Raises:
        ClusterError: no such file, no image archive, or containerd refuses it.
    """
    try:
        content = read_archive(archive)
    except (OSError, ValueError, tarfile.TarError) as error:
        raise ClusterError(f"cannot load {archive}: {error}") from error
    record = Path(spec.containerd_root) / _RECORD
    known: dict[str, dict[str, str]] = json.loads(record.read_text()) if record.exists() else {}
    present = _references(node, spec)
    wanted = known.pop(content.identity, {})
    if wanted and all(digest_reference(*pair) in present for pair in wanted.items()):
        for name, digest in wanted.items():
            if present.get(name) != digest:
                # Another build had the name since; this one's content is still here.
                _ctr(node, spec, "images", "tag", "--force", digest_reference(name, digest), name)
        _write_record(record, {**known, content.identity: wanted})
        return False
    _ctr(node, spec, "images", "import", str(archive))
    present = _references(node, spec)
    missing = [name for name in content.names if name not in present]
    if missing:
        raise ClusterError(f"{archive} was imported but {', '.join(missing)} is not among node {spec.node}'s images")
    imported = {name: present[name] for name in content.names}
    for name, digest in imported.items():
        # The kubelet finds `repository@sha256:...` only under that very name.
        _ctr(node, spec, "images", "tag", "--force", name, digest_reference(name, digest))
    known[content.identity] = imported
    outdated = decide_outdated(known)
    if outdated & present.keys():
        _ctr(node, spec, "images", "rm", *sorted(outdated & present.keys()))
    _write_record(record, known)
    return True


def digest_reference(name: str, digest: str) -> str:
    """Return `repository@digest` of an image name with a tag."""
    folder, slash, last = name.rpartition("/")
    return f"{folder}{slash}{last.partition(':')[0]}@{digest}"


def decide_outdated(known: Mapping[str, Mapping[str, str]]) -> set[str]:
    """Return the digest references to remove: of each name, all but those of the last three builds.

    `known` is in the order of loading, oldest first. Without this, a day of rebuilding fills the disk.
    """
    builds: dict[str, list[str]] = {}
    for images in known.values():
        for name, digest in images.items():
            builds.setdefault(name, []).append(digest_reference(name, digest))
    kept = {reference for references in builds.values() for reference in references[-_BUILDS_KEPT:]}
    return {reference for references in builds.values() for reference in references} - kept


def wait_containerd_of(node: NodeProcess, spec: NodeSpec) -> None:
    """Return when the node's containerd answers.

    Raises:
        ClusterTimeoutError: not within 60 s.
    """
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            _ctr(node, spec, "version")
        except ClusterError as error:
            if time.monotonic() > deadline:
                raise ClusterTimeoutError(f"containerd on node {spec.node} does not answer: {error}") from error
            time.sleep(_POLL_SECONDS)
        else:
            return


def _write_record(record: Path, known: Mapping[str, Mapping[str, str]]) -> None:
    temporary = record.with_suffix(".new")
    temporary.write_text(json.dumps(known, indent=1))
    temporary.replace(record)


def _references(node: NodeProcess, spec: NodeSpec) -> dict[str, str]:
    rows = [line.split() for line in _ctr(node, spec, "images", "ls").splitlines()[1:]]
    return {row[0]: row[2] for row in rows if len(row) > 2}


def _ctr(node: NodeProcess, spec: NodeSpec, *arguments: str) -> str:
    environment = {**os.environ, "PATH": spec.search_path, "LD_LIBRARY_PATH": spec.library_path}
    command = node.enter_command("ctr", "-n", "k8s.io", *arguments)
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if run.returncode != 0:
        raise ClusterError(f"`ctr {' '.join(arguments)}` on node {spec.node} failed: {run.stderr.strip()[-500:]}")
    return run.stdout
