"""Promotion: evidence and a second person take a bot from Paper to a grant of Live, and everything else takes it back.

A real Prometheus scrapes the bots' pods. The operator's floor for Live is cut to a minute here, as short as the chart
allows. Both bots soak at once, for the clock; each test waits for its own.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import pytest
from aviary_crds.conditions import find_condition
from aviary_crds.labels import CHANGED_BY_ANNOTATION
from aviary_crds.v1alpha1.gatestatus import GrantStatus
from aviary_crds.v1alpha1.tradingbot import Mode
from aviary_e2e.bots import Bot, bot_manifest
from aviary_e2e.gates import Gate, approval_manifest, gate_manifest, report_config_map
from aviary_e2e.kubectl import KubectlError, Manifest
from aviary_e2e.monitoring import URL, Monitoring
from aviary_e2e.people import Role, role_bindings, sign_in
from aviary_e2e.release import Release, desk_manifests
from aviary_e2e.venue import Venue
from aviary_e2e.waiting import until

pytestmark = pytest.mark.e2e

FLOOR_SECONDS: Final = 60
SOAK_SECONDS: Final = 90
GRACE_SECONDS: Final = 10
PERIOD_SECONDS: Final = 5
REPORT: Final = {"name": "desk-review", "key": "report.json"}
PEOPLE: Final = {
    "trader": (Role.TRADER,),
    "author": (Role.TRADER, Role.APPROVER),
    "approver": (Role.APPROVER,),
    "risk": (Role.RISK,),
    "desk-review": (Role.PRODUCER,),
}
"""The author holds two roles, so that only the desk's twoPersons keeps them from approving their own change."""

SERIES: Final = 'hbot_ready{namespace="$namespace", bot="$bot"}'
CHECKS: Final[list[dict[str, Any]]] = [
    {
        "name": "ready",
        "prometheus": {"query": f"avg_over_time({SERIES}[$window])", "series": SERIES, "windowSeconds": FLOOR_SECONDS},
        "threshold": {"comparison": "AtLeast", "value": "0.65"},
        "maxAgeSeconds": 30,
        "periodSeconds": PERIOD_SECONDS,
        "consecutiveErrorLimit": 0,
    },
    {
        "name": "fills",
        "bot": {"field": "Fills"},
        "threshold": {"comparison": "AtLeast", "value": "1"},
        "periodSeconds": PERIOD_SECONDS,
        "initialDelaySeconds": FLOOR_SECONDS,
    },
    {
        "name": "drawdown",
        "bot": {"field": "DrawdownBps"},
        "threshold": {"comparison": "LessThan", "value": "250"},
        "periodSeconds": PERIOD_SECONDS,
    },
]
MARKET_MAKER: Final = {
    "controller": "simple_market_maker",
    "parameters": {"spreads_bps": [12], "refresh_seconds": 10, "fill_cooldown_seconds": 2},
}


@dataclass(frozen=True)
class Candidate:
    """A bot that asks for Live, and the gate it must pass."""

    bot: Bot
    gate: Gate

    def await_scrape(self, monitoring: Monitoring) -> list[str]:
        """Wait until Prometheus has the bot's ``hbot_ready``; return its values, one for each series."""
        query = f'hbot_ready{{namespace="{self.bot.namespace}", bot="{self.bot.name}"}}'
        found = until("Prometheus to scrape the bot", lambda: monitoring.query(query) or None, seconds=30)
        return [series["value"][1] for series in found]

    def await_people(self) -> str:
        """Wait until nothing but an approval is missing; the bot is on paper at every look. Return its digest."""

        def only_people_are_missing() -> bool:
            assert self.bot.granted() in {None, Mode.PAPER}, "a mode was granted that nobody has approved"
            approved = self.gate.condition("Approved")
            if approved is not None and approved.reason == "AwaitingApproval":
                others = [self.gate.condition(name) for name in ("ChecksPassed", "Soaked")]
                if all(item is not None and item.status == "True" for item in others):
                    return True
            raise LookupError(self.gate.explanation())

        until(f"gate {self.gate.name} to wait for people only", only_people_are_missing, seconds=SOAK_SECONDS + 90)
        subject = self.gate.status().subject
        assert subject is not None
        assert subject.digest == self.bot.status().digest
        return subject.digest

    def approve(self, user: str, *, approver: str | None = None, digest: str) -> None:
        """Say yes as ``user``, in the name of ``approver`` (their own without).

        Raises:
            KubectlError: when the API server refuses it.
        """
        manifest = approval_manifest(
            f"{self.gate.name}-{user}",
            self.gate.namespace,
            gate=self.gate.name,
            digest=digest,
            approver=approver or user,
        )
        sign_in(self.bot.kubectl, user).apply([manifest])

    def pass_gate(self) -> GrantStatus:
        """Wait for the evidence, let the approver say yes, wait for Live; return the grant."""
        if self.bot.granted() is not Mode.LIVE:
            self.approve("approver", digest=self.await_people())
            self.gate.wait_condition("Passed", "True", seconds=30)
            until("Live to be granted", lambda: self.bot.granted() is Mode.LIVE, seconds=15)
        return until("the grant", self.gate.grant, seconds=5)

    def identity(self) -> tuple[str, int]:
        """Return the uid of the bot's pod and how often its container was restarted."""
        pod = self.bot.pod()
        assert pod is not None
        return pod["metadata"]["uid"], pod["status"]["containerStatuses"][0]["restartCount"]

    def await_new_pod(self, old: tuple[str, int]) -> None:
        """Wait until another pod than that of ``old`` is Ready: another mode is another process."""

        def replaced() -> bool:
            pod = self.bot.pod()
            if pod is None or pod["metadata"]["uid"] == old[0]:
                return False
            return any(item["type"] == "Ready" and item["status"] == "True" for item in pod["status"]["conditions"])

        until(f"a new pod of {self.bot.name}", replaced, seconds=60)


@pytest.fixture(scope="module")
def monitoring(release: Release) -> Iterator[Monitoring]:
    """A Prometheus that the operator knows, and a floor that can be reached in minutes."""
    prometheus = Monitoring(release.kubectl)
    prometheus.start()
    release.install(f"gates.prometheusUrl={URL}", f"gates.floorSeconds={FLOOR_SECONDS}")
    release.wait_operator(seconds=120)
    yield prometheus
    release.install()
    release.wait_operator(seconds=120)
    prometheus.delete()


@pytest.fixture(scope="module")
def candidates(release: Release, monitoring: Monitoring) -> Iterator[dict[str, Candidate]]:
    """Two bots that soak at once: ``promoted`` will be changed, ``steady`` is left alone."""
    kubectl = release.kubectl
    namespace = f"e2e-promotion-{int(time.time()) % 100_000}"
    kubectl.apply([*_desk(namespace), *role_bindings(namespace, PEOPLE)])
    made = {}
    for name in ("promoted", "steady"):
        made[name] = Candidate(Bot(kubectl, name, namespace), Gate(kubectl, f"{name}-to-live", namespace))
        sign_in(kubectl, "risk").apply([_gate(made[name])])
        sign_in(kubectl, "author").apply([_bot(made[name])])
    for candidate in made.values():
        candidate.bot.wait_ready(seconds=120)
        sign_in(kubectl, "desk-review").apply([_report(candidate)])
        candidate.await_scrape(monitoring)
    yield made
    kubectl.delete("namespace", namespace, "", wait=False)


def _desk(namespace: str) -> list[Manifest]:
    manifests = desk_manifests(namespace)
    for manifest in manifests:
        if manifest["kind"] == "TradingDesk":
            manifest["spec"]["ceilings"] |= {"modes": ["Disabled", "NoTrade", "Paper", "Live"], "maxLiveBots": 2}
            manifest["spec"]["promotion"] = {"twoPersons": True}
    return manifests


def _gate(candidate: Candidate) -> Manifest:
    review = {
        "name": "review",
        "report": {
            "producer": "desk-review",
            "value": "slippage_bps",
            "configMap": {**REPORT, "name": f"review-{candidate.bot.name}"},
        },
        "threshold": {"comparison": "AtMost", "value": "5"},
        "periodSeconds": PERIOD_SECONDS,
        "initialDelaySeconds": 30,
    }
    return gate_manifest(
        candidate.gate.name,
        candidate.gate.namespace,
        bot=candidate.bot.name,
        checks=[*CHECKS, review],
        soak={"minSeconds": SOAK_SECONDS, "minFills": 1, "maxGapSeconds": 120},
        approvals={"required": 1, "validSeconds": 600},
        # as much as the bot has on paper: with less it would have to start anew
        grant={"capitalQuote": "1000"},
        graceSeconds=GRACE_SECONDS,
    )


def _bot(candidate: Candidate) -> Manifest:
    manifest = bot_manifest(
        candidate.bot.name,
        candidate.bot.namespace,
        mode="Live",
        gateRef={"name": candidate.gate.name},
        strategy=MARKET_MAKER,
        safety={"maxOrderNotionalQuote": "600", "maxNotionalQuote": "1500", "maxDailyTurnoverBps": 10_000_000},
    )
    manifest["metadata"]["annotations"] = {CHANGED_BY_ANNOTATION: "author"}
    return manifest


def _report(candidate: Candidate) -> Manifest:
    digest = candidate.bot.status().digest
    assert digest is not None
    return report_config_map(
        f"review-{candidate.bot.name}",
        candidate.bot.namespace,
        bot=candidate.bot.name,
        digest=digest,
        producer="desk-review",
        time=datetime.now(UTC),
        values={"slippage_bps": "2.5"},
    )


def test_evidence_alone_grants_nothing_and_neither_do_people_who_may_not_approve(
    candidates: dict[str, Candidate], monitoring: Monitoring, saw: Callable[[str], None]
) -> None:
    """A bot soaks on paper until people only are missing; the trader, a false name and the author do not help it."""
    candidate = candidates["promoted"]
    bot, gate = candidate.bot, candidate.gate
    denied = bot.wait_condition("ModeGranted", "False", seconds=20, reason="GatePending")
    assert bot.granted() is Mode.PAPER
    saw(f"soaks on Paper: {denied.message}")

    digest = candidate.await_people()
    status = gate.status()
    assert candidate.await_scrape(monitoring) == ["1"], "one series of the bot, and it is ready"
    saw(
        f"checks {status.passed_checks}, soaked {status.soaked}, level {status.level}, fills {status.soak.fills}, "
        f"ready in Prometheus {gate.check('ready').value}: waits for a person, still Paper"
    )

    with pytest.raises(KubectlError, match=r"cannot (create|patch) resource"):
        candidate.approve("trader", digest=digest)
    with pytest.raises(KubectlError, match="ValidatingAdmissionPolicy"):
        candidate.approve("approver", approver="risk", digest=digest)
    with pytest.raises(KubectlError, match="trader may not attest"):
        sign_in(bot.kubectl, "trader").apply([_report(candidate)])
    candidate.approve("author", digest=digest)
    own = until(
        "the author's approval to be judged",
        lambda: next((item for item in gate.status().approvals if item.approver == "author"), None),
        seconds=20,
    )
    assert not own.counts
    assert bot.granted() is Mode.PAPER
    saw(
        "refused: the trader by RBAC, another's name and the trader's own report by policies; "
        f"the author's does not count: {own.reason}"
    )


def test_a_second_person_grants_live_and_a_changed_parameter_voids_it(
    candidates: dict[str, Candidate], venue: Venue, saw: Callable[[str], None]
) -> None:
    """Approved by somebody else, Live is granted and run on paper; one new parameter ends it; Paper needs nobody."""
    candidate = candidates["promoted"]
    bot, gate = candidate.bot, candidate.gate
    digest = candidate.await_people()
    private_calls, before = venue.private_calls(), candidate.identity()
    approved = time.monotonic()
    candidate.approve("approver", digest=digest)
    gate.wait_condition("Passed", "True", seconds=30)
    until("Live to be granted", lambda: bot.granted() is Mode.LIVE, seconds=15)
    granted = time.monotonic() - approved
    in_force = bot.wait_condition("ModeInForce", "False", seconds=10, reason="NoLivePath")
    state = until("the bot to know", lambda: s if (s := bot.state()).granted_mode is Mode.LIVE else None, seconds=15)
    assert state.mode is Mode.PAPER
    assert candidate.identity() == before
    assert venue.private_calls() == private_calls
    saw(f"Live granted {granted:.1f} s after the approval, same pod, 0 orders at the venue; {in_force.message}")

    changed = time.monotonic()
    retuned = {"strategy": {"parameters": {"refresh_seconds": 11}}}
    sign_in(bot.kubectl, "author").patch("tradingbot", bot.name, bot.namespace, {"spec": retuned})
    until("the grant of the bot to be void", lambda: bot.granted() is not Mode.LIVE, seconds=5, poll_seconds=0.1)
    void = time.monotonic() - changed
    assert void <= 5
    assert bot.granted() is Mode.NO_TRADE
    halted = bot.wait_condition("Halted", "True", seconds=10, reason="GrantLost")
    until("the gate's grant to be gone", lambda: gate.grant() is None, seconds=10)
    candidate.await_new_pod(before)
    halt = until("a halted bot to answer", lambda: s if (s := bot.state()).mode is Mode.NO_TRADE else None, seconds=30)
    assert halt.figures.open_orders == 0
    saw(f"void {void:.1f} s after refresh_seconds changed, 0 orders left; {halted.message}")

    halted_pod = candidate.identity()
    sign_in(bot.kubectl, "author").patch("tradingbot", bot.name, bot.namespace, {"spec": {"mode": "Paper"}})
    until("Paper to be granted", lambda: bot.granted() is Mode.PAPER, seconds=20)
    until("it not to be halted", lambda: find_condition(bot.status().conditions, "Halted") is None, seconds=20)
    candidate.await_new_pod(halted_pod)
    more = bot.wait_fills(at_least=halt.figures.fills + 1).figures.fills
    assert venue.private_calls() == private_calls
    saw(f"asked for Paper again, trades on: fills {halt.figures.fills} → {more}, never an order at the venue")


def test_a_grant_outlives_the_operator_s_pod(
    candidates: dict[str, Candidate], release: Release, saw: Callable[[str], None]
) -> None:
    """The operator dies while a grant stands: the bot stays Live, the run goes on, the next operator keeps both."""
    candidate = candidates["steady"]
    bot, gate = candidate.bot, candidate.gate
    before = candidate.pass_gate()
    run = gate.status().soak.since
    pod = candidate.identity()
    killed = datetime.now(UTC)
    release.kill_operator()
    release.wait_operator(seconds=90)

    def evaluated_again() -> bool:
        assert bot.granted() is Mode.LIVE, f"the grant was gone: {gate.status().history[-2:]}"
        decided = gate.status().evaluated_time
        return decided is not None and decided > killed

    until("the next operator to evaluate the gate", evaluated_again, seconds=120)
    after = gate.grant()
    assert after is not None
    assert (after.digest, after.bot_uid, after.mode) == (before.digest, before.bot_uid, before.mode)
    assert gate.status().soak.since == run
    assert [entry.event for entry in gate.status().history].count("Lost") == 0
    assert candidate.identity() == pod
    saw(f"grant and run (since {run:%H:%M:%S}) are the same after the operator's pod was killed, same bot pod")


def test_a_grant_ends_when_its_evidence_can_no_longer_be_read(
    candidates: dict[str, Candidate], monitoring: Monitoring, saw: Callable[[str], None]
) -> None:
    """Prometheus stops: the grant lasts for the grace, then it is gone and the gate says which check went silent."""
    candidate = candidates["steady"]
    bot, gate = candidate.bot, candidate.gate
    candidate.pass_gate()
    monitoring.stop()
    try:
        stopped = time.monotonic()
        limit = GRACE_SECONDS + PERIOD_SECONDS + 15
        until("the grant to be gone", lambda: gate.grant() is None, seconds=limit, poll_seconds=0.1)
        lost = time.monotonic() - stopped
        until("the bot to have lost it", lambda: bot.granted() is Mode.NO_TRADE, seconds=5)
        halted = bot.wait_condition("Halted", "True", seconds=10, reason="GrantLost")
        silent = gate.check("ready")
        assert silent.state in {"Errored", "Inconclusive"}
        entry = [entry for entry in gate.status().history if entry.event == "Lost"][-1]
    finally:
        monitoring.resume()
    saw(f"grant gone {lost:.1f} s after Prometheus stopped, grace {GRACE_SECONDS} s: {entry.reason}: {entry.message}")
    saw(f"ready: {silent.state} {silent.reason}: {silent.message}; bot: {halted.message}")
