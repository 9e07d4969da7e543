"""The command line of the cluster providers: `python -m aviary_cluster --help`."""

import os
import shutil
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from aviary_cluster.address_plan import AddressPlan
from aviary_cluster.binaries import CONTROL_PLANE_TOOLS, IMAGE_TOOLS, NODE_TOOLS, ensure, ensure_all
from aviary_cluster.controlplane import run_control_plane
from aviary_cluster.errors import ClusterError
from aviary_cluster.existing import ExistingCluster
from aviary_cluster.folders import cache_home, state_home
from aviary_cluster.kind import KindCluster
from aviary_cluster.local import LocalCluster
from aviary_cluster.progress import say
from aviary_cluster.provider import ClusterProvider, Faults
from aviary_cluster.provider_choice import decide_provider, engine_environment, fetch_machine_facts
from aviary_cluster.runtime_packages import ensure_runtime
from aviary_cluster.settings import ProviderChoice, Settings, read_settings
from aviary_cluster.system_images import ensure_system_images

app = typer.Typer(
    help="Clusters for Aviary. Chosen by AVIARY_CLUSTER=auto|local|kind|existing; AVIARY_NODES=1..3.",
    no_args_is_help=True,
    add_completion=False,
)

NodeNumber = Annotated[int, typer.Argument(help="1 to 3", min=1, max=3)]


def make_provider(settings: Settings) -> ClusterProvider:
    """Return the chosen provider; raises ClusterError when it cannot work here."""
    running = sys.platform == "linux" and local_cluster(settings).is_running()
    facts = fetch_machine_facts(local_running=running)
    decision = decide_provider(settings, facts)
    match decision.provider:
        case ProviderChoice.KIND:
            return KindCluster(slot=settings.slot, engine_env=engine_environment(facts.engine))
        case ProviderChoice.EXISTING if decision.kubeconfig is not None:
            return ExistingCluster(decision.kubeconfig)
        case _:
            return local_cluster(settings)


def local_cluster(settings: Settings) -> LocalCluster:
    """Return the `local` cluster of the settings' slot."""
    return LocalCluster(
        plan=AddressPlan(settings.slot),
        state=state_home(os.environ) / str(settings.slot),
        store=cache_home(os.environ) / "nodes" / str(settings.slot),
        node_grace_seconds=settings.node_grace_seconds,
    )


def _settings() -> Settings:
    return read_settings(os.environ)


def _provider() -> ClusterProvider:
    return make_provider(_settings())


def _faults() -> Faults:
    provider = _provider()
    if not isinstance(provider, Faults):
        raise ClusterError(f"faults can be made on AVIARY_CLUSTER=local only, this is {provider.name}")
    return provider


@app.command()
def up() -> None:
    """Bring the cluster up (or find it), saying what is done and how long it took."""
    settings = _settings()
    provider = make_provider(settings)
    begin = time.monotonic()
    say(f"cluster: {provider.name}, nodes: {settings.nodes}")
    provider.up(settings.nodes)
    say(f"cluster ready after {time.monotonic() - begin:.1f} s; kubeconfig: {provider.kubeconfig()}")


@app.command()
def down() -> None:
    """Take the cluster away; nothing stays but the cache. `existing` clusters are left alone."""
    begin = time.monotonic()
    _provider().down()
    say(f"cluster down after {time.monotonic() - begin:.1f} s")


@app.command()
def status() -> None:
    """Say provider, nodes, versions, readiness and kubeconfig; exit code 1 when not ready."""
    found = _provider().status()
    print(f"provider    {found.provider}")
    print(f"running     {'yes' if found.running else 'no'}")
    print(f"ready       {'yes' if found.ready else 'no'}")
    print(f"kubernetes  {found.version or '-'}")
    for name, ready in found.nodes:
        print(f"node        {name} {'Ready' if ready else 'NotReady'}")
    print(f"kubeconfig  {found.kubeconfig or '-'}")
    if found.detail:
        print(f"detail      {found.detail}")
    raise typer.Exit(0 if found.ready else 1)


@app.command()
def kubeconfig() -> None:
    """Print the path of the running cluster's kubeconfig, and nothing else."""
    print(_provider().kubeconfig())


@app.command()
def load(archives: Annotated[list[Path], typer.Argument(help="OCI or `docker save` archives")]) -> None:
    """Make images runnable on every node; what a node has already is not imported again."""
    provider = _provider()
    for archive in archives:
        provider.load_image(archive)


@app.command()
def logs(folder: Annotated[Path, typer.Argument(help="where to write them")] = Path("build/cluster-logs")) -> None:
    """Collect the logs of the cluster's parts into a folder."""
    _provider().collect_logs(folder)
    say(f"logs are in {folder}")


@app.command()
def node_kill(node: NodeNumber) -> None:
    """The node loses power (`local` only)."""
    _faults().kill_node(node)


@app.command()
def node_cut(node: NodeNumber) -> None:
    """The node's network cable is out; its pods run on (`local` only)."""
    _faults().cut_node(node)


@app.command()
def node_mend(node: NodeNumber) -> None:
    """Cable in, power on; returns when the node is Ready (`local` only)."""
    _faults().mend_node(node)


@app.command()
def apiserver_stop() -> None:
    """Stop the API server; everything else runs on (`local` only)."""
    _faults().stop_apiserver()


@app.command()
def apiserver_start() -> None:
    """Start the API server again; returns when it is ready (`local` only)."""
    _faults().start_apiserver()


@app.command()
def controlplane() -> None:
    """Run etcd and kube-apiserver alone on free ports until Ctrl-C; prints the kubeconfig's path."""
    with run_control_plane() as plane:
        print(plane.kubeconfig, flush=True)
        say(f"API server at {plane.server}; Ctrl-C ends it")
        while plane.probe.is_ready():
            time.sleep(1)


@app.command()
def tool(name: str) -> None:
    """Print the path of a pinned program (helm, kubectl, ...), getting it first if need be."""
    print(ensure(name))


@app.command()
def binaries() -> None:
    """Get every program and image a `local` cluster needs, without starting anything."""
    ensure_all((*CONTROL_PLANE_TOOLS, *NODE_TOOLS, *IMAGE_TOOLS, "helm"))
    if sys.platform == "linux":
        ensure_system_images(ensure_runtime().busybox)


@app.command()
def clean() -> None:
    """Take the `local` cluster of this slot down and delete the whole cache."""
    if sys.platform == "linux":
        local_cluster(_settings()).down()
    shutil.rmtree(cache_home(os.environ), ignore_errors=True)


def main() -> None:
    """Run the command line; errors meant for a person come without a traceback."""
    try:
        app()
    except ClusterError as error:
        say(f"error: {error}")
        sys.exit(1)


if __name__ == "__main__":
    main()
