"""What a gate's grant means for a bot: believed only when everything about it is as the bot controller sees it itself.

Contract: docs/design/promotion.md, section 5.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from aviary_crds.v1alpha1.modes import Mode
from aviary_crds.v1alpha1.promotiongate import OnGrantLost

from aviary_operator.bots.decide.grant import Ceiling
from aviary_operator.bots.observed import GateView, Missing

EVALUATOR_VERSION: Final = 1
"""Version of the rules by which gates decide. A grant by other rules is none: it is decided anew."""

HIGHEST_RUNNABLE: Final = Mode.PAPER
"""The highest mode that this release has a path for. What is granted above it is shown and run on paper."""

_KEEPS_TRADING: Final = "; the bot keeps trading on paper and holds no keys"


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """What the bot controller itself sees of the bot that a grant is for. None: not known, which never helps."""

    name: str
    uid: str
    digest: str | None
    image_id: str | None
    granted: bool
    """It is granted a mode above Paper now. While its pod restarts, what is not known does not take the grant away."""
    halted: bool
    """It lost such a grant and was halted for it. What is not known does not give the grant back."""
    enforces_envelope: bool | None
    """Whether its guard enforces every field of spec.safety."""

    @property
    def held(self) -> bool:
        """Whether it holds a grant, or held one until it was halted."""
        return self.granted or self.halted


@dataclass(frozen=True, slots=True)
class Promotion:
    """What the gates say. ``ceilings`` bound the mode, ``capital`` the amount; a ``lost`` grant is why it is halted."""

    ceilings: tuple[Ceiling, ...] = ()
    capital: Decimal | None = None
    lost: str | None = None
    expires: datetime | None = None


def decide_promotion(
    requested: Mode, candidate: Candidate, gate: GateView | Missing | None, raises: Sequence[GateView], *, now: datetime
) -> Promotion:
    """Return what the gates allow a bot that asks for ``requested``.

    ``raises`` are gates from Live to Live about the same bot: they raise the capital of a granted mode, nothing else.
    """
    if not requested.needs_grant:
        return Promotion()
    refusal = next(_refusals(candidate, gate, now), None)
    if refusal is not None or not isinstance(gate, GateView) or gate.grant is None:
        refused = refusal or Ceiling(Mode.PAPER, "GatePending", "nothing is granted")
        return _without_grant(candidate, gate, refused)
    grant = gate.grant
    ceilings = tuple(_lower_grant(requested, gate))
    amounts = [grant.capital_quote]
    ends = [grant.expires_time]
    for other in raises:
        if grant.mode is Mode.LIVE and other.spec.is_capital_raise and not any(_refusals(candidate, other, now)):
            raised = other.grant
            if raised is not None:
                amounts.append(raised.capital_quote)
                ends.append(raised.expires_time)
    return Promotion(ceilings, capital=max(amounts), expires=min(ends))


def _without_grant(candidate: Candidate, gate: GateView | Missing | None, refused: Ceiling) -> Promotion:
    if not candidate.held:
        return Promotion((refused,))
    policy = gate.spec.on_grant_lost if isinstance(gate, GateView) else OnGrantLost.HALT
    if policy is OnGrantLost.DEMOTE:
        return Promotion((refused,))
    reason, why = refused.reason, refused.message.removesuffix(_KEEPS_TRADING)
    if reason == "GatePending" and isinstance(gate, GateView) and gate.lost is not None:
        reason, why = gate.lost  # what is missing now is mostly what follows from the halt
    message = (
        f"the grant is gone ({reason}): {why}; orders are cancelled, the position stays, no new orders. "
        "Ask for spec.mode Paper to soak anew"
    )
    return Promotion((Ceiling(Mode.NO_TRADE, "GrantLost", message),), lost=message)


def _refusals(candidate: Candidate, gate: GateView | Missing | None, now: datetime) -> Iterator[Ceiling]:
    """Yield why nothing is granted, the most telling first."""
    for reason, why in _reasons(candidate, gate, now):
        yield Ceiling(Mode.PAPER, reason, why + _KEEPS_TRADING)


def _reasons(candidate: Candidate, gate: GateView | Missing | None, now: datetime) -> Iterator[tuple[str, str]]:
    if gate is None:
        yield "GateMissing", "no PromotionGate is named in spec.gateRef, so nothing grants the mode"
    elif isinstance(gate, Missing):
        yield gate.reason, gate.message
    else:
        yield from _gate_reasons(candidate, gate)
        yield from _grant_reasons(candidate, gate, now)
        if candidate.enforces_envelope is False or (candidate.enforces_envelope is None and not candidate.granted):
            why = "the bot's guard does not say that it enforces every field of spec.safety"
            yield "EnvelopeNotEnforced", why


def _gate_reasons(candidate: Candidate, gate: GateView) -> Iterator[tuple[str, str]]:
    name = f"PromotionGate {gate.name}"
    if gate.spec.bot_ref.name != candidate.name:
        yield "GateOfAnotherBot", f"{name} is about {gate.spec.bot_ref.name}, not about this bot"
    if gate.spec.suspend:
        yield "GateSuspended", f"{name} is suspended and grants nothing"
    if gate.forged:
        yield "GrantForged", f"the grant of {name} was not written by this operator"
    if not gate.current or gate.evaluator_version != EVALUATOR_VERSION:
        yield "GatePending", f"{name} is being evaluated anew"
    if not gate.decided and not candidate.granted:
        yield "GatePending", f"{name} was not evaluated yet since the operator's start"


def _grant_reasons(candidate: Candidate, gate: GateView, now: datetime) -> Iterator[tuple[str, str]]:
    name, grant = f"PromotionGate {gate.name}", gate.grant
    if grant is None:
        yield "GatePending", f"{name} does not grant it: {gate.message}"
        return
    if grant.bot_uid != candidate.uid or candidate.digest is None or grant.digest != candidate.digest:
        yield "SubjectChanged", f"{name} granted it for another subject; its evidence is void"
    if candidate.image_id is None and not candidate.granted:
        yield "ImageUnknown", "the node has not said yet which image the bot runs"
    if candidate.image_id is not None and grant.image_id != candidate.image_id:
        yield "SubjectChanged", f"{name} granted it for another image; its evidence is void"
    if not grant.granted_time <= now < grant.expires_time:
        yield "GrantExpired", f"the grant of {name} ended at {grant.expires_time:%Y-%m-%d %H:%M:%S} UTC"
    if grant.mode is not gate.spec.to:
        yield "GrantForged", f"{name} grants another mode than it is about"


def _lower_grant(requested: Mode, gate: GateView) -> Iterator[Ceiling]:
    grant = gate.grant
    if grant is not None and grant.mode.rank < requested.rank:
        yield Ceiling(
            grant.mode,
            "GateGrantsLess",
            f"PromotionGate {gate.name} grants {grant.mode.value}; name one to {requested.value} in spec.gateRef",
        )
