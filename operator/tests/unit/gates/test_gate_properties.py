"""For any history: a grant never exceeds what the evidence allows now, and losing something never raises it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from aviary_crds.v1alpha1.gatechecks import Enforcement
from aviary_crds.v1alpha1.gatestatus import CheckState, GrantStatus, PromotionGateStatus
from aviary_crds.v1alpha1.modes import Mode
from aviary_operator.gates.decide.check_record import add_measurement, begin_record
from aviary_operator.gates.decide.figures import figure
from aviary_operator.gates.decide.floor import all_checks
from aviary_operator.gates.decide.gate_view import ApprovalFacts, GateDecision, GateFacts
from aviary_operator.gates.decide.run import advance_run, fail_run, note_measurement, read_subject
from aviary_operator.gates.measurement import Reading, Silence, decide_measurement
from hypothesis import given, settings
from hypothesis import strategies as st

from .evidence import (
    DIGEST,
    NOW,
    OTHER_DIGEST,
    SEEN,
    approval,
    bot_facts,
    break_glass,
    check_body,
    condition,
    decide,
    desk_facts,
    gate_facts,
    gate_spec,
    granted_facts,
    reading,
    sample,
    silence,
)

SPEC = gate_spec(
    check_body(),
    check_body(
        "price", bot=None, prometheus={"query": "up", "series": "up"}, threshold={"comparison": "AtLeast", "value": "1"}
    ),
)
HELD = granted_facts(spec=SPEC)
FREE = gate_facts(spec=SPEC)


def worth(grant: GrantStatus | None) -> tuple[int, Decimal]:
    """Return what a grant allows: mode and capital."""
    return (grant.mode.rank, grant.capital_quote) if grant else (Mode.PAPER.rank, Decimal(0))


LOSSES: dict[str, Callable[[GateFacts], GateFacts]] = {
    "bot": lambda facts: replace(facts, bot=None),
    "digest": lambda facts: replace(facts, bot=facts.bot and replace(facts.bot, digest=None)),
    "image": lambda facts: replace(facts, bot=facts.bot and replace(facts.bot, image_id=None)),
    "changer": lambda facts: replace(facts, bot=facts.bot and replace(facts.bot, changed_by=None)),
    "rung 0": lambda facts: replace(facts, bot=facts.bot and replace(facts.bot, static_ok=False)),
    "desk": lambda facts: replace(facts, desk=None),
    "run": lambda facts: replace(facts, run=None),
    "measurements": lambda facts: replace(facts, measurements={}),
    "one measurement": lambda facts: replace(
        facts, measurements={name: item for name, item in facts.measurements.items() if name != "price"}
    ),
    "approvals": lambda facts: replace(facts, approvals=()),
    "stored status": lambda facts: replace(facts, stored=PromotionGateStatus()),
    "stored grant": lambda facts: replace(facts, stored=facts.stored.model_copy(update={"grant": None})),
    "stored subject": lambda facts: replace(facts, stored=facts.stored.model_copy(update={"subject": None})),
    "stored floor": lambda facts: replace(facts, stored=facts.stored.model_copy(update={"floor": None})),
    "evidence log": lambda facts: replace(facts, evidence_problem="gone"),
}


@settings(max_examples=150, deadline=None)
@given(
    held=st.booleans(),
    first=st.lists(st.sampled_from(sorted(LOSSES)), max_size=3),
    loss=st.sampled_from(sorted(LOSSES)),
    seconds=st.integers(0, 90),
    glass=st.booleans(),
)
def test_losing_an_input_never_raises_a_grant(
    *, held: bool, first: list[str], loss: str, seconds: int, glass: bool
) -> None:
    facts = HELD if held else FREE
    if glass:
        facts = replace(facts, approvals=(*facts.approvals, break_glass()))
    for name in first:
        facts = LOSSES[name](facts)
    before = decide(facts)
    poorer = LOSSES[loss](replace(facts, stored=before.status))
    after = decide(poorer, now=NOW + timedelta(seconds=seconds))
    assert worth(after.status.grant) <= worth(before.status.grant)
    mine, old = after.status.grant, before.status.grant
    if mine and old and mine.break_glass == old.break_glass:
        assert mine.expires_time <= max(old.expires_time, NOW + timedelta(hours=1, seconds=seconds))


@pytest.mark.parametrize("loss", LOSSES)
def test_no_loss_alone_gives_a_grant_its_time_back(loss: str) -> None:
    cut = decide(LOSSES["measurements"](HELD))
    again = decide(LOSSES[loss](LOSSES["measurements"](replace(HELD, stored=cut.status))))
    before, after = cut.status.grant, again.status.grant
    assert before is not None
    assert after is None or after.expires_time <= before.expires_time


@dataclass
class World:
    """A gate, its bot and its people while time goes on; every step is decided on and judged."""

    facts: GateFacts
    now: datetime = NOW
    price: str = "1"
    measured_price: str = "1"
    digest: str | None = DIGEST
    since: datetime = SEEN
    """When the present digest was first seen."""
    silent: bool = False
    bad_since: datetime | None = None

    def look(self, seconds: int, **change: object) -> None:
        """Let time pass, look at the bot, and measure everything unless the sources are silent."""
        self.now += timedelta(seconds=seconds)
        facts, bot = self.facts, self.facts.bot
        seen = sample(self.now, digest=bot.digest, image_id=bot.image_id, **change) if bot else silence(self.now)
        if bot is not None and (bot.digest is None or bot.image_id is None):
            seen = silence(self.now)
        granted = facts.stored.grant is not None
        run = advance_run(facts.run, seen, subject=read_subject(bot), spec=facts.spec, granted=granted, now=self.now)
        self.facts = replace(facts, run=run)
        if not self.silent:
            self.measure()

    def measure(self) -> None:
        """Measure everything now, and tell the run."""
        facts, run = self.facts, self.facts.run
        if run is None or run.began is None:
            return
        records, began = {}, run.began
        for item in all_checks(facts.spec, facts.floor_seconds):
            answer: Reading | Silence = reading(self.price, observed=self.now)
            if item.bot is not None:
                answer = figure(run, item.bot.field, item.bot.window_seconds, now=self.now)
            made = decide_measurement(item, answer, now=self.now)
            before = facts.measurements.get(item.name)
            same = before is not None and before.began == began
            record = before if before is not None and same else begin_record(item, began=began)
            records[item.name] = add_measurement(record, made)
            run = note_measurement(run, made, began=began)
        self.measured_price = self.price
        self.facts = replace(facts, run=run, measurements=records)

    def decide(self) -> GateDecision:
        """Decide, act on it as the operator does, and judge it."""
        decision = decide(self.facts, now=self.now)
        self.judge(decision)
        run = self.facts.run
        if run is not None and decision.failing:
            run = fail_run(run, decision.failing, now=self.now)
        self.facts = replace(self.facts, stored=decision.status, run=run)
        return decision

    def judge(self, decision: GateDecision) -> None:
        """Check the grant against what is plainly true, without the code under test."""
        facts, status, grant = self.facts, decision.status, decision.status.grant
        passed = condition(decision, "Passed")[0] == "True"
        if facts.bot is not None and facts.bot.digest not in {None, self.digest}:
            self.digest, self.since = facts.bot.digest, self.now
        good = passed or (grant is not None and grant.break_glass is not None)
        self.bad_since = None if good else (self.bad_since or self.now)
        if grant is None:
            return
        bot, desk = facts.bot, facts.desk
        assert bot is not None
        assert desk is not None
        assert facts.evidence_problem is None
        assert not facts.spec.suspend
        assert grant.mode in desk.modes
        assert (grant.mode, grant.capital_quote, grant.bot_uid) == (Mode.LIVE, Decimal(100), bot.uid)
        assert bot.digest in {None, grant.digest}
        assert bot.image_id in {None, grant.image_id}
        longest = min(facts.spec.grant.valid_seconds, desk.max_grant_seconds)
        assert self.now < grant.expires_time <= self.now + timedelta(seconds=longest)
        yeses = [item for item in facts.approvals if self.may_count(item, grant)]
        assert yeses
        if grant.break_glass is None:
            enforcing = [item for item in status.checks if item.enforcement is Enforcement.ENFORCE]
            assert all(item.state is not CheckState.FAILED for item in enforcing)
            if self.bad_since is not None:
                assert grant.expires_time <= self.bad_since + timedelta(seconds=facts.spec.grace_seconds)
            else:
                assert all(item.state is CheckState.PASSED for item in enforcing)
                assert self.measured_price == "1"
        else:
            assert grant.expires_time <= self.now + timedelta(hours=1)

    def may_count(self, item: ApprovalFacts, grant: GrantStatus) -> bool:
        """Whether a person's yes may stand behind this grant."""
        assert self.facts.bot is not None
        return (
            item.spec.digest == grant.digest
            and item.spec.approver != self.facts.bot.changed_by
            and self.since < item.created
            and self.now < item.created + timedelta(seconds=item.spec.valid_seconds)
        )


def _digest(world: World, digest: str | None) -> None:
    assert world.facts.bot is not None
    world.facts = replace(world.facts, bot=replace(world.facts.bot, digest=digest))


def _approve(world: World, item: ApprovalFacts) -> None:
    world.facts = replace(world.facts, approvals=(*world.facts.approvals[-3:], replace(item, created=world.now)))


def _soak(world: World) -> None:
    for _ in range(20):
        world.look(60)


def _restart(world: World) -> None:
    world.facts = replace(world.facts, run=None, measurements={})


def _forge(world: World) -> None:
    grant = world.facts.stored.grant or HELD.stored.grant
    assert grant is not None
    edited = grant.model_copy(update={"expires_time": world.now + timedelta(days=1), "capital_quote": Decimal(9_999)})
    world.facts = replace(world.facts, stored=world.facts.stored.model_copy(update={"grant": edited}))


def _set(name: str, value: object) -> Callable[[World], None]:
    def act(world: World) -> None:
        setattr(world, name, value)

    return act


def _fact(**change: object) -> Callable[[World], None]:
    def act(world: World) -> None:
        world.facts = replace(world.facts, **change)  # type: ignore[arg-type]

    return act


EVENTS: dict[str, Callable[[World], None]] = {
    "look": lambda world: world.look(15),
    "look after a minute": lambda world: world.look(60),
    "look after a gap": lambda world: world.look(200),
    "hard stop": lambda world: world.look(15, guard="HardStopped"),
    "no trade": lambda world: world.look(15, mode=Mode.NO_TRADE),
    "loss": lambda world: world.look(15, day_loss_bps=Decimal(400)),
    "soak": _soak,
    "price fails": _set("price", "0"),
    "price holds": _set("price", "1"),
    "price is strange": _set("price", "NaN"),
    "sources fall silent": _set("silent", True),
    "sources answer": _set("silent", False),
    "approve": lambda world: _approve(world, approval()),
    "approve as the changer": lambda world: _approve(world, approval(approver="tara")),
    "break glass": lambda world: _approve(world, break_glass()),
    "withdraw": _fact(approvals=()),
    "another digest": lambda world: _digest(world, OTHER_DIGEST),
    "the digest again": lambda world: _digest(world, bot_facts().digest),
    "no digest": lambda world: _digest(world, None),
    "no desk": _fact(desk=None),
    "desk": _fact(desk=desk_facts()),
    "desk of paper": _fact(desk=desk_facts(modes=frozenset({Mode.PAPER}))),
    "log broken": _fact(evidence_problem="full"),
    "log well": _fact(evidence_problem=None),
    "restart": _restart,
    "forge": _forge,
}


@settings(max_examples=120, deadline=None)
@given(st.booleans(), st.lists(st.sampled_from(sorted(EVENTS)), min_size=1, max_size=12))
def test_whatever_happens_a_grant_never_exceeds_the_evidence(begins_granted: bool, events: list[str]) -> None:  # noqa: FBT001
    world = World(HELD if begins_granted else FREE)
    for name in events:
        EVENTS[name](world)
        world.decide()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(sorted(EVENTS)), min_size=1, max_size=8))
def test_deciding_again_on_the_own_status_changes_nothing(events: list[str]) -> None:
    world = World(HELD)
    for name in events:
        EVENTS[name](world)
        first = decide(world.facts, now=world.now)
        second = decide(replace(world.facts, stored=first.status), now=world.now)
        assert second.status == first.status
        assert second.notices == ()
        assert not second.changed_grant
        assert second.failing == first.failing
        world.decide()


def test_the_worlds_events_reach_a_grant_lose_it_and_reach_it_again() -> None:
    world = World(FREE)
    assert world.decide().status.grant is not None
    for name in ("price fails", "look"):
        EVENTS[name](world)
    assert world.decide().status.grant is None
    for name in ("price holds", "look", "look", "soak", "approve", "look"):
        EVENTS[name](world)
        world.decide()
    assert world.facts.stored.grant is not None
