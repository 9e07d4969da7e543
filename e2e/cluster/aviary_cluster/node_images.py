"""Images in a running node: what is there, and bringing in what is not, once per content."""

import json
import os
import subprocess
import tarfile
import time
from pathlib import Path

from aviary_cluster.errors import ClusterError, ClusterTimeoutError
from aviary_cluster.node_process import NodeProcess
from aviary_cluster.node_spec import NodeSpec
from aviary_cluster.oci_image import read_archive

_RECORD = "aviary-loaded.json"
_START_SECONDS = 60.0
_POLL_SECONDS = 0.1


def load_archive(node: NodeProcess, spec: NodeSpec, archive: Path) -> bool:
    """Import an archive's images into a node; returns False when the node has them already.

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
    if content.identity in known and known[content.identity].items() <= _references(node, spec).items():
        return False
    _ctr(node, spec, "images", "import", str(archive))
    present = _references(node, spec)
    missing = [name for name in content.names if name not in present]
    if missing:
        raise ClusterError(f"{archive} was imported but {', '.join(missing)} is not among node {spec.node}'s images")
    known[content.identity] = {name: present[name] for name in content.names}
    temporary = record.with_suffix(".new")
    temporary.write_text(json.dumps(known, indent=1))
    temporary.replace(record)
    return True


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
