"""One guarded cluster for the attempts and their counterparts: a desk with people, bots, a gate, and what runs."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from aviary_cluster.controlplane import run_control_plane

from charts.tests.admission import desk
from charts.tests.admission.guarded import MASTER, OPERATOR, STATEFUL_SETS, Guarded, account

PEOPLE = {
    "tara": ["aviary-trader"],
    "bo": ["aviary-trader", "aviary-approver"],
    "amir": ["aviary-approver"],
    "rosa": ["aviary-risk"],
    "vera": ["aviary-viewer"],
    "prue": ["aviary-producer"],
    "nils": ["aviary-trader"],
    "edna": ["system:aggregate-to-edit", "system:aggregate-to-view"],
    account(desk.DESK, "ci"): ["aviary-trader", "aviary-approver"],
}
"""Roles in the desk's namespace. Beside them: carla is cluster-admin, and so is an account of the operator's name
elsewhere; nora approves another gate, nils attests another gate, faye may create any approval and has no verb; prue
produces reports here and trades elsewhere; edna has the cluster's own role edit (in its parts: nothing here puts the
whole together); the operator is an approver by mistake."""


@pytest.fixture(scope="session")
def bare(helm: Path, kubectl_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """Give an API server of this folder's own: the policies of a release are the whole cluster's."""
    with run_control_plane(tmp_path_factory.mktemp("guarded")) as plane:
        yield Guarded(plane, helm, kubectl_binary)


@pytest.fixture(scope="session")
def guarded(bare: Guarded) -> Guarded:
    """Give the cluster with both charts, after the desk was set up and the policies were in force."""
    bare.install_kinds()
    bare.make_namespace(desk.DESK)
    bare.make_namespace("other")
    _bind_people(bare)
    bare.install("aviary")
    _await_policies(bare)
    for manifest in (desk.trading_desk("demo", two_persons=True), desk.trading_desk("solo", two_persons=False)):
        bare.create("rosa", manifest)
    _await_desks(bare)
    _open_the_desk(bare)
    return bare


def _bind_people(cluster: Guarded) -> None:
    for user, roles in PEOPLE.items():
        for role in roles:
            cluster.bind(user, role, desk.DESK)
    cluster.bind("carla", "cluster-admin")
    cluster.bind(account(desk.DESK, "aviary-operator"), "cluster-admin")
    cluster.bind(OPERATOR, "aviary-approver", desk.DESK)
    kinds = ["--resource=promotionapprovals.aviary.trading"]
    cluster.must(MASTER, "create", "clusterrole", "any-approval", "--verb=create,patch", *kinds)
    cluster.bind("faye", "any-approval", desk.DESK)
    cluster.bind("nora", "any-approval", desk.DESK)
    gate = ["--resource=promotiongates.aviary.trading", "--resource-name=other-to-live"]
    cluster.must(MASTER, "create", "clusterrole", "one-gate", "--verb=approve,breakglass,attest", *gate)
    cluster.bind("nora", "one-gate", desk.DESK)
    cluster.bind("nils", "one-gate", desk.DESK)
    cluster.bind("prue", "aviary-trader", "other")


def _await_policies(cluster: Guarded) -> None:
    create = ("create", "-f", "-")
    cluster.create(MASTER, desk.bot("probe", desk="nowhere"))
    cluster.create(MASTER, desk.pod("probe", "Paper"))
    status = ["patch", "tbot", "probe", "-n", desk.DESK, "--type=merge", "--subresource=status", "-p"]
    image = '{"status":{"containerStatuses":[{"name":"bot","image":"a","imageID":"b","ready":true,"restartCount":0}]}}'
    cluster.await_refusal("-status'", MASTER, [*status, '{"status":{"digest":"x"}}'], None)
    cluster.await_refusal("-approvals'", MASTER, create, desk.approval("probe", approver="nobody"))
    cluster.await_refusal("-changed-by'", MASTER, create, desk.bot("other", desk="nowhere", changed_by="nobody"))
    cluster.await_refusal("-live-children'", MASTER, create, desk.pod("other", "Live"))
    cluster.await_refusal("-live-workloads'", MASTER, create, desk.workload("StatefulSet", "other", "Live"))
    cluster.await_refusal("-attestations'", "tara", create, desk.report_map("other"))
    patch = ["patch", "pod", "probe", "-n", desk.DESK, "--subresource=status", "-p", image]
    cluster.await_refusal("-bot-reports'", MASTER, patch, None)
    cluster.must(MASTER, "delete", "tbot/probe", "pod/probe", "-n", desk.DESK, "--force", "--grace-period=0")


def _await_desks(cluster: Guarded) -> None:
    cluster.await_refusal("-two-persons'", MASTER, ("create", "-f", "-"), desk.bot("probe"))


def _open_the_desk(cluster: Guarded) -> None:
    """Make what there is to cheat with: two bots, gates, approvals, children on Live and on paper, reports."""
    cluster.create("tara", desk.bot("btc", changed_by="tara"))
    cluster.create("tara", desk.bot("eth", desk="solo"))
    cluster.create("rosa", desk.gate("btc-to-live"))
    cluster.create("amir", desk.approval("yes", approver="amir"))
    live = cluster.create(OPERATOR, desk.workload("StatefulSet", "btc", "Live"))
    cluster.create(OPERATOR, desk.config_map("btc", "Live"))
    cluster.create(STATEFUL_SETS, desk.pod("btc-0", "Live", owner=live))
    paper = cluster.create(OPERATOR, desk.workload("StatefulSet", "eth", "Paper"))
    cluster.create(STATEFUL_SETS, desk.pod("eth-0", "Paper", owner=paper))
    apply = ("apply", "--server-side", "-f", "-")
    cluster.must("prue", *apply, stdin=json.dumps(desk.report_map("review")))
    cluster.create("tara", desk.report_map("mine", label=None))
    cluster.must(MASTER, "create", "secret", "generic", "keys", "-n", desk.DESK, "--from-literal=key=secret")
