"""A grant is believed only when everything about it is as the bot controller sees it itself."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from aviary_crds.v1alpha1.gatestatus import GrantStatus
from aviary_crds.v1alpha1.modes import Mode
from aviary_crds.v1alpha1.promotiongate import PromotionGateSpec
from aviary_operator.bots.decide.grant import decide_grant
from aviary_operator.bots.decide.promotion import EVALUATOR_VERSION, Candidate, Promotion, decide_promotion
from aviary_operator.bots.gates import read_gate_view
from aviary_operator.bots.observed import GateView, Missing
from aviary_operator.bots.records import GateRecord, read_gate
from aviary_operator.bots.seal import grant_parts, seal_text
from hypothesis import given
from hypothesis import strategies as st

from .builders import NOW, UID

DIGEST = "sha256:" + "d" * 64
KEY = b"operator's key"
CANDIDATE = Candidate(
    name="alpha", uid=UID, digest=DIGEST, image_id="image", granted=False, halted=False, enforces_envelope=True
)

GATE_SPEC: dict[str, Any] = {
    "botRef": {"name": "alpha"},
    "from": "Paper",
    "to": "Live",
    "checks": [
        {
            "name": "fills",
            "bot": {"field": "Fills"},
            "threshold": {"comparison": "AtLeast", "value": "1"},
        }
    ],
    "grant": {"capitalQuote": "100"},
}

GRANT = GrantStatus(
    mode=Mode.LIVE,
    capital_quote=Decimal(100),
    digest=DIGEST,
    bot_uid=UID,
    image_id="image",
    granted_time=NOW - timedelta(minutes=1),
    expires_time=NOW + timedelta(minutes=59),
    seal="",
)


def gate_view(grant: GrantStatus | None = GRANT, **spec: Any) -> GateView:
    """Return a gate that grants Live."""
    return GateView(
        name="to-live",
        spec=PromotionGateSpec.model_validate({**GATE_SPEC, **spec}),
        evaluator_version=EVALUATOR_VERSION,
        current=True,
        grant=grant,
        forged=False,
        message="AwaitingApproval",
    )


def decide(
    candidate: Candidate = CANDIDATE,
    gate: GateView | Missing | None = None,
    *raises: GateView,
    requested: Mode = Mode.LIVE,
) -> tuple[Mode, str, Promotion]:
    """Return mode and reason that come out, and the promotion."""
    promotion = decide_promotion(requested, candidate, gate, raises, now=NOW)
    grant = decide_grant(requested, promotion.ceilings, desk=None, desk_modes=())
    return grant.mode, grant.reason, promotion


def test_a_good_grant_is_granted_with_its_capital() -> None:
    mode, reason, promotion = decide(gate=gate_view())
    assert (mode, reason) == (Mode.LIVE, "Granted")
    assert promotion.capital == 100
    assert promotion.expires == GRANT.expires_time


REFUSED: dict[str, tuple[Candidate, GateView | Missing | None, str]] = {
    "no gate": (CANDIDATE, None, "GateMissing"),
    "a gate that does not exist": (CANDIDATE, Missing("GateMissing", "create it"), "GateMissing"),
    "a gate that cannot be read": (CANDIDATE, Missing("GateInvalid", "spec.to"), "GateInvalid"),
    "a gate that grants nothing": (CANDIDATE, gate_view(None), "GatePending"),
    "a gate of another bot": (CANDIDATE, gate_view(botRef={"name": "beta"}), "GateOfAnotherBot"),
    "a suspended gate": (CANDIDATE, gate_view(suspend=True), "GateSuspended"),
    "a forged grant": (CANDIDATE, replace(gate_view(None), forged=True), "GrantForged"),
    "a gate whose spec changed": (CANDIDATE, replace(gate_view(), current=False), "GatePending"),
    "a grant of an older evaluator": (CANDIDATE, replace(gate_view(), evaluator_version=0), "GatePending"),
    "a grant of a newer evaluator": (CANDIDATE, replace(gate_view(), evaluator_version=99), "GatePending"),
    "another digest": (replace(CANDIDATE, digest="sha256:other"), gate_view(), "SubjectChanged"),
    "an unknown digest": (replace(CANDIDATE, digest=None), gate_view(), "SubjectChanged"),
    "a bot made anew": (replace(CANDIDATE, uid="another"), gate_view(), "SubjectChanged"),
    "another image": (replace(CANDIDATE, image_id="other"), gate_view(), "SubjectChanged"),
    "an image nobody knows yet": (replace(CANDIDATE, image_id=None), gate_view(), "ImageUnknown"),
    "an expired grant": (CANDIDATE, gate_view(GRANT.model_copy(update={"expires_time": NOW})), "GrantExpired"),
    "a grant from the future": (
        CANDIDATE,
        gate_view(GRANT.model_copy(update={"granted_time": NOW + timedelta(seconds=1)})),
        "GrantExpired",
    ),
    "a grant of another mode than the gate's": (CANDIDATE, gate_view(to="Testnet"), "GrantForged"),
    "a guard that does not enforce": (
        replace(CANDIDATE, enforces_envelope=False),
        gate_view(),
        "EnvelopeNotEnforced",
    ),
    "a guard that has not spoken": (replace(CANDIDATE, enforces_envelope=None), gate_view(), "EnvelopeNotEnforced"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_nothing_is_granted_with(case: str) -> None:
    candidate, gate, reason = REFUSED[case]
    mode, why, _ = decide(candidate, gate)
    assert (mode, why) == (Mode.PAPER, reason)


@pytest.mark.parametrize("case", [case for case in REFUSED if case != "an image nobody knows yet"])
def test_a_bot_that_held_a_grant_halts_with(case: str) -> None:
    candidate, gate, reason = REFUSED[case]
    mode, why, promotion = decide(replace(candidate, granted=True), gate)
    if case == "a guard that has not spoken":
        assert mode is Mode.LIVE, "its pod restarts"
        return
    assert (mode, why) == (Mode.NO_TRADE, "GrantLost")
    assert promotion.lost is not None
    assert reason in promotion.lost


def test_a_restarting_pod_does_not_cost_a_grant_that_is_held() -> None:
    candidate = replace(CANDIDATE, granted=True, image_id=None, enforces_envelope=None)
    assert decide(candidate, gate_view())[:2] == (Mode.LIVE, "Granted")


def test_why_a_grant_was_lost_is_told_and_not_what_follows_from_the_halt() -> None:
    gate = replace(gate_view(None), message="rung 0 does not hold", lost=("ChecksFailed", "drawdown: 3 %"))
    promotion = decide(replace(CANDIDATE, granted=True), gate)[2]
    assert promotion.lost is not None
    assert promotion.lost.startswith("the grant is gone (ChecksFailed): drawdown: 3 %; orders are cancelled")
    assert decide(CANDIDATE, gate)[2].lost is None, "a bot that never held one lost none"


def test_last_event_of_the_grant_tells_why_it_was_lost() -> None:
    events = [("Granted", "GatePassed"), ("Lost", "ChecksFailed"), ("RunEnded", "CheckFailed")]
    history = [
        {"time": "2026-01-01T00:00:00Z", "event": event, "reason": reason, "message": f"because of {reason}"}
        for event, reason in events
    ]
    assert _view(history=history).lost == ("ChecksFailed", "because of ChecksFailed")
    assert _view(history=history[:1]).lost is None
    assert _view(history=[]).lost is None


def _view(**status: Any) -> GateView:
    body = {"metadata": {"name": "to-live", "namespace": "desk", "uid": "u"}, "spec": GATE_SPEC, "status": status}
    view = read_gate_view(read_gate(body), name="to-live", namespace="desk", seal=lambda _: "")
    assert isinstance(view, GateView)
    return view


def test_demote_goes_on_on_paper() -> None:
    mode, reason, promotion = decide(replace(CANDIDATE, granted=True), gate_view(None, onGrantLost="Demote"))
    assert (mode, reason, promotion.lost) == (Mode.PAPER, "GatePending", None)


def test_a_gate_that_is_gone_halts_whatever_it_said() -> None:
    mode, reason, _ = decide(replace(CANDIDATE, granted=True), Missing("GateMissing", "create it"))
    assert (mode, reason) == (Mode.NO_TRADE, "GrantLost")


def test_asking_for_less_needs_nobody_and_ends_the_halt() -> None:
    mode, reason, promotion = decide(replace(CANDIDATE, granted=True), gate_view(None), requested=Mode.PAPER)
    assert (mode, reason) == (Mode.PAPER, "Granted")
    assert promotion == Promotion()


def test_a_gate_to_testnet_grants_no_more_than_testnet() -> None:
    testnet = gate_view(GRANT.model_copy(update={"mode": Mode.TESTNET}), to="Testnet")
    assert decide(CANDIDATE, testnet)[:2] == (Mode.TESTNET, "GateGrantsLess")


def _raise(grant: GrantStatus | None, **spec: Any) -> GateView:
    soak = {"minSeconds": 432000}
    return replace(gate_view(grant, **{"from": "Live", "soak": soak, **spec}), name="raise")


def test_a_raise_lifts_the_capital_and_nothing_else() -> None:
    raised = _raise(GRANT.model_copy(update={"capital_quote": Decimal(900)}))
    _, _, promotion = decide(CANDIDATE, gate_view(), raised)
    assert promotion.capital == 900
    mode, reason, promotion = decide(CANDIDATE, gate_view(None), raised)
    assert (mode, reason, promotion.capital) == (Mode.PAPER, "GatePending", None)


@pytest.mark.parametrize(
    "raised",
    [
        _raise(None),
        _raise(GRANT.model_copy(update={"capital_quote": Decimal(900), "digest": "sha256:other"})),
        _raise(GRANT.model_copy(update={"capital_quote": Decimal(900), "expires_time": NOW})),
        _raise(GRANT.model_copy(update={"capital_quote": Decimal(900)}), suspend=True),
        _raise(GRANT.model_copy(update={"capital_quote": Decimal(900)}), botRef={"name": "beta"}),
        gate_view(GRANT.model_copy(update={"capital_quote": Decimal(900)})),
    ],
    ids=["no grant", "another digest", "expired", "suspended", "another bot", "no raise"],
)
def test_a_raise_that_is_not_good_lifts_nothing(raised: GateView) -> None:
    assert decide(CANDIDATE, gate_view(), raised)[2].capital == 100


LOSSES: dict[str, Callable[[Candidate, GateView], tuple[Candidate, GateView | Missing | None]]] = {
    "gate": lambda bot, _: (bot, None),
    "grant": lambda bot, gate: (bot, replace(gate, grant=None)),
    "digest": lambda bot, gate: (replace(bot, digest=None), gate),
    "image": lambda bot, gate: (replace(bot, image_id=None), gate),
    "state": lambda bot, gate: (replace(bot, enforces_envelope=None), gate),
    "evaluation": lambda bot, gate: (bot, replace(gate, current=False)),
}


@given(
    requested=st.sampled_from(Mode),
    granted_now=st.booleans(),
    halted=st.booleans(),
    enforces=st.sampled_from([True, False, None]),
    digest=st.sampled_from([DIGEST, "other", None]),
    granted=st.sampled_from([Mode.TESTNET, Mode.LIVE]),
    to=st.sampled_from(["Testnet", "Live"]),
    minutes=st.integers(-3, 3),
    loss=st.sampled_from(sorted(LOSSES)),
)
def test_losing_an_input_never_raises_the_grant(
    requested: Mode,
    *,
    granted_now: bool,
    halted: bool,
    enforces: bool | None,
    digest: str | None,
    granted: Mode,
    to: str,
    minutes: int,
    loss: str,
) -> None:
    candidate = replace(CANDIDATE, granted=granted_now, halted=halted, enforces_envelope=enforces, digest=digest)
    expires = NOW + timedelta(minutes=minutes)
    gate = gate_view(GRANT.model_copy(update={"mode": granted, "expires_time": expires}), to=to)
    before = decide(candidate, gate, requested=requested)[0]
    if loss == "state" and enforces is False and granted_now:
        return  # it is lowered before it falls silent: the next test
    poorer, left = LOSSES[loss](candidate, gate)
    after = decide(poorer, left, requested=requested)[0]
    assert after.rank <= before.rank
    assert before.rank <= max(Mode.PAPER.rank, min(requested.rank, granted.rank))


@pytest.mark.parametrize("unknown", [{"image_id": None}, {"enforces_envelope": None}, {"digest": None}])
def test_a_halted_bot_gets_nothing_back_by_falling_silent(unknown: dict[str, Any]) -> None:
    halted = replace(CANDIDATE, halted=True)
    assert decide(halted, gate_view())[0] is Mode.LIVE, "a gate that passes again ends the halt"
    assert decide(replace(halted, **unknown), gate_view())[:2] == (Mode.NO_TRADE, "GrantLost")


def _record(grant: GrantStatus) -> GateRecord:
    return read_gate(
        {
            "metadata": {"name": "to-live", "namespace": "desk", "uid": "gate-1", "generation": 1},
            "spec": GATE_SPEC,
            "status": {
                "observedGeneration": 1,
                "evaluatorVersion": 1,
                "grant": grant.model_dump(mode="json", by_alias=True),
            },
        }
    )


def _sealed(grant: GrantStatus, *, key: bytes = KEY, gate: str = "to-live") -> GrantStatus:
    parts = grant_parts(grant, namespace="desk", gate=gate, gate_uid="gate-1")
    return grant.model_copy(update={"seal": seal_text(key, parts)})


def _read(grant: GrantStatus) -> GateView:
    view = read_gate_view(_record(grant), name="to-live", namespace="desk", seal=lambda parts: seal_text(KEY, parts))
    assert isinstance(view, GateView)
    return view


def test_the_operators_own_seal_is_believed() -> None:
    assert _read(_sealed(GRANT)).grant == _sealed(GRANT)


@pytest.mark.parametrize(
    "forged",
    [
        GRANT,
        GRANT.model_copy(update={"seal": "hmac-sha256:0"}),
        _sealed(GRANT, key=b"another key"),
        _sealed(GRANT, gate="another-gate"),
        *[
            _sealed(GRANT).model_copy(update=change)
            for change in (
                {"mode": Mode.TESTNET},
                {"capital_quote": Decimal(1000)},
                {"digest": "sha256:other"},
                {"bot_uid": "other"},
                {"image_id": "other"},
                {"granted_time": NOW},
                {"expires_time": NOW + timedelta(days=9)},
                {"break_glass": "mine"},
            )
        ],
    ],
)
def test_an_edited_grant_is_no_grant(forged: GrantStatus) -> None:
    view = _read(forged)
    assert view.grant is None
    assert view.forged
