"""Evidence for tests: a bot that soaks, what is measured of it, and a gate that it passes; each changed by keyword."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from aviary_crds.v1alpha1.gatechecks import Check
from aviary_crds.v1alpha1.gatestatus import CheckStatus, PromotionGateStatus
from aviary_crds.v1alpha1.modes import Mode
from aviary_crds.v1alpha1.promotionapproval import PromotionApprovalSpec
from aviary_crds.v1alpha1.promotiongate import PromotionGateSpec
from aviary_operator.bots.seal import seal_text
from aviary_operator.gates.decide.approvals import read_acknowledgements
from aviary_operator.gates.decide.check_record import CheckRecord, add_measurement, begin_record
from aviary_operator.gates.decide.figures import figure
from aviary_operator.gates.decide.floor import all_checks
from aviary_operator.gates.decide.gate import decide_gate
from aviary_operator.gates.decide.gate_view import ApprovalFacts, DeskFacts, GateDecision, GateFacts
from aviary_operator.gates.decide.run import Run, SubjectKey, advance_run
from aviary_operator.gates.measurement import Reading, Silence, decide_measurement
from aviary_operator.gates.samples import BotFacts, Sample

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
UID = "0b0b0b0b-0000-4000-8000-000000000001"
DIGEST = "sha256:" + "d" * 64
OTHER_DIGEST = "sha256:" + "e" * 64
IMAGE = "registry.desk/bot@sha256:" + "a" * 64
SUBJECT = SubjectKey(DIGEST, UID, IMAGE)
FLOOR_SECONDS = 600
RUN_SECONDS = 1_200
"""Age of the run at ``NOW``."""
MADE = NOW - timedelta(hours=3)
SEEN = NOW - timedelta(hours=1)
"""When the subject was first seen."""


def seal(parts: Mapping[str, str]) -> str:
    """Seal with the operator's key."""
    return seal_text(b"operator's key", parts)


def another_seal(parts: Mapping[str, str]) -> str:
    """Seal with somebody else's key."""
    return seal_text(b"somebody else's", parts)


def check_body(name: str = "ready", **changes: Any) -> dict[str, Any]:
    """Return a check that a healthy bot passes, as it is written."""
    return {
        "name": name,
        "bot": {"field": "ReadyShareBps", "windowSeconds": 300},
        "threshold": {"comparison": "AtLeast", "value": "9500"},
        **changes,
    }


def check(name: str = "ready", **changes: Any) -> Check:
    """Return a check."""
    return Check.model_validate(check_body(name, **changes))


def gate_spec(*checks: dict[str, Any], **changes: Any) -> PromotionGateSpec:
    """Return a gate from Paper to Live."""
    body: dict[str, Any] = {
        "botRef": {"name": "alpha"},
        "from": "Paper",
        "to": "Live",
        "soak": {"minSeconds": 900, "minFills": 3, "maxGapSeconds": 120},
        "checks": list(checks) or [check_body()],
        "grant": {"capitalQuote": "100"},
        **changes,
    }
    return PromotionGateSpec.model_validate(body)


def bot_facts(**changes: Any) -> BotFacts:
    """Return alpha as its controller shows it: on paper, asking for Live."""
    plain = BotFacts(
        name="alpha",
        uid=UID,
        created=MADE,
        digest=DIGEST,
        image_id=IMAGE,
        requested=Mode.LIVE,
        granted=Mode.PAPER,
        changed_by="tara",
        static_ok=True,
        static_message="envelope valid and enforced, configuration in sync",
        envelope_enforced=True,
        config_in_sync=True,
        image_pinned=True,
    )
    return replace(plain, **changes)


def desk_facts(**changes: Any) -> DeskFacts:
    """Return a desk that allows Live and asks for two persons."""
    plain = DeskFacts(name="risk", modes=frozenset(Mode), two_persons=True, max_grant_seconds=86_400)
    return replace(plain, **changes)


def sample(time: datetime = NOW, **changes: Any) -> Sample:
    """Return a good look at a healthy bot; it fills once a minute."""
    plain = Sample(
        time=time,
        bot_uid=UID,
        digest=DIGEST,
        image_id=IMAGE,
        mode=Mode.PAPER,
        good=True,
        ready=True,
        connectors_ready=True,
        guard="Running",
        hard_stops=0,
        starts=1,
        fills=int((time - MADE).total_seconds()) // 60,
        rejected_orders=2,
        refused_orders=0,
        open_orders=4,
        cancels_in_budget=True,
        day_loss_bps=Decimal(10),
        drawdown_bps=Decimal(20),
        day_turnover_bps=Decimal(500),
        fee_source="api:bitget",
        inventory_in_band=True,
        leverage=1,
        equity_quote=Decimal(10_000),
        envelope_enforced=True,
        config_in_sync=True,
        image_pinned=True,
    )
    return replace(plain, **changes)


def silence(time: datetime) -> Sample:
    """Return a look that got no answer."""
    return Sample(
        time=time, bot_uid=UID, digest=None, image_id=IMAGE, mode=None, good=False, why_not="the bot does not answer"
    )


def samples(seconds: int = RUN_SECONDS, *, end: datetime = NOW, step: int = 15, **changes: Any) -> list[Sample]:
    """Return looks every ``step`` seconds, the last one at ``end``."""
    return [sample(end - timedelta(seconds=back), **changes) for back in range(seconds, -1, -step)]


def run_of(
    looks: Iterable[Sample],
    *,
    spec: PromotionGateSpec | None = None,
    run: Run | None = None,
    subject: SubjectKey | None = SUBJECT,
    granted: bool = False,
) -> Run:
    """Return the run that these looks make."""
    for look in looks:
        run = advance_run(run, look, subject=subject, spec=spec or gate_spec(), granted=granted, now=look.time)
    assert run is not None
    return run


def record_of(checked: Check, run: Run, *answers: Reading | Silence, now: datetime = NOW) -> CheckRecord:
    """Return the record of a check that got these answers a second apart, the last one now."""
    assert run.began is not None
    record = begin_record(checked, began=run.began)
    for back, answer in zip(range(len(answers) - 1, -1, -1), answers, strict=True):
        time = now - timedelta(seconds=back)
        if isinstance(answer, Reading):
            answer = replace(answer, observed=answer.observed - timedelta(seconds=back))  # noqa: PLW2901
        record = add_measurement(record, decide_measurement(checked, answer, now=time))
    return record


def reading(value: str | int, *, observed: datetime = NOW) -> Reading:
    """Return a value as a source gives it."""
    return Reading(value=Decimal(value), observed=observed, query="asked", sha256="sha256:" + "0" * 64)


def measured(facts: GateFacts, *, now: datetime = NOW, passing: str = "1") -> dict[str, CheckRecord]:
    """Return one measurement of each check: of bot and people what is true, of the others ``passing``."""
    run = facts.run
    if run is None or run.began is None:
        return {}
    records = {}
    for item in all_checks(facts.spec, facts.floor_seconds):
        answer: Reading | Silence = reading(passing, observed=now)
        if item.bot is not None:
            answer = figure(run, item.bot.field, item.bot.window_seconds, now=now)
        elif item.manual is not None:
            answer = read_acknowledgements(facts, item.name, now=now, seal=seal)
        records[item.name] = record_of(item, run, answer, now=now)
    return records


def approval(name: str = "by-amir", *, created: datetime = NOW - timedelta(minutes=5), **changes: Any) -> ApprovalFacts:
    """Return amir's yes."""
    spec = {
        "gateRef": {"name": "to-live"},
        "digest": DIGEST,
        "approver": "amir",
        "reason": "looked at the soak and every check",
        "validSeconds": 14_400,
        **changes,
    }
    return ApprovalFacts(name=name, created=created, spec=PromotionApprovalSpec.model_validate(spec))


def break_glass(**changes: Any) -> ApprovalFacts:
    """Return rosa's break-glass."""
    return approval(
        **{
            "name": "emergency",
            "type": "BreakGlass",
            "approver": "rosa",
            "reason": "the venue closes",
            "validSeconds": 3_600,
            **changes,
        }
    )


def gate_facts(**changes: Any) -> GateFacts:
    """Return a gate that was first looked at an hour ago and passes now, but for what is changed.

    Measurements are made of the facts as changed, unless they are given.
    """
    spec = changes.pop("spec", None) or gate_spec()
    run = changes.pop("run") if "run" in changes else run_of(samples(), spec=spec)
    plain: dict[str, Any] = {
        "namespace": "desk",
        "name": "to-live",
        "uid": "gate-1",
        "generation": 1,
        "created": MADE,
        "stored": PromotionGateStatus(),
        "bot": bot_facts(),
        "desk": desk_facts(),
        "approvals": (approval(),),
        "evidence_problem": None,
        "evidence_head": "sha256:" + "f" * 64,
        "floor_seconds": FLOOR_SECONDS,
    }
    stored = changes.pop("stored", None)
    measurements = changes.pop("measurements", None)
    facts = GateFacts(spec=spec, run=run, **{**plain, **changes})
    if stored is None:
        stored = decide_gate(replace(facts, run=None, approvals=()), now=SEEN, seal=seal).status
    facts = replace(facts, stored=stored)
    return replace(facts, measurements=measured(facts) if measurements is None else measurements)


def decide(facts: GateFacts, *, now: datetime = NOW) -> GateDecision:
    """Decide with the operator's seal."""
    return decide_gate(facts, now=now, seal=seal)


def granted_facts(**changes: Any) -> GateFacts:
    """Return a gate whose stored status holds a grant that was made now."""
    facts = gate_facts(**changes)
    status = decide(facts).status
    assert status.grant is not None
    return replace(facts, stored=status)


def condition(decision: GateDecision, type_: str) -> tuple[str, str]:
    """Return status and reason of a condition."""
    found = next(item for item in decision.status.conditions if item.type == type_)
    return found.status, found.reason


def shown(decision: GateDecision, name: str) -> CheckStatus:
    """Return a check of the status."""
    return next(item for item in decision.status.checks if item.name == name)
