"""What is true about a bot now, gathered in one value: the whole input of a decision."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from aviary_crds.botstate import BotState
from aviary_crds.v1alpha1.gatestatus import GrantStatus
from aviary_crds.v1alpha1.promotiongate import PromotionGateSpec
from aviary_crds.v1alpha1.tradingbot import TradingBotSpec
from aviary_crds.v1alpha1.tradingdesk import TradingDeskSpec

from aviary_operator.bots.decide.envelope import Claim
from aviary_operator.bots.guard import InvalidSpec
from aviary_operator.bots.memo import Memo
from aviary_operator.bots.podinputs import Applied
from aviary_operator.bots.records import BotRecord, ChildRecord, PodRecord
from aviary_operator.bots.render.venue import Venue
from aviary_operator.runtime.kinds import Kind


@dataclass(frozen=True, slots=True)
class Missing:
    """Something the spec names that is not there or cannot be used. ``reason`` is a condition's reason."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class DeskView:
    """The desk a bot names: its spec, and what its bots claim of its total."""

    name: str
    spec: TradingDeskSpec
    claims: Sequence[Claim]


@dataclass(frozen=True, slots=True)
class GateView:
    """What a PromotionGate says about a bot."""

    name: str
    spec: PromotionGateSpec
    evaluator_version: int
    current: bool
    """Whether it was evaluated as its spec is now."""
    grant: GrantStatus | None
    """What it grants; None as well when the grant was not written by this operator."""
    forged: bool
    message: str
    """Why it passes, or does not."""
    lost: tuple[str, str] | None = None
    """Reason and message of how what it granted last was lost; None while it grants, or never did."""
    decided: bool = True
    """Whether the evaluator has decided on it since the operator's start. Until then nobody is granted anything new."""


@dataclass(frozen=True, slots=True)
class BotReport:
    """What the bot's ``/state`` said, and how that was."""

    state: BotState | None = None
    """The last document of the present pod; None before the first."""
    seen: datetime | None = None
    """When it was read."""
    silent_since: datetime | None = None
    """When reading began to fail; None while it succeeds or was never tried."""
    error: str = ""

    @property
    def asked(self) -> bool:
        """Whether this operator has asked the present pod at least once, whatever came of it."""
        return self.state is not None or self.silent_since is not None


@dataclass(frozen=True, slots=True)
class RetuneRefusal:
    """A configuration that the running bot did not take."""

    revision: str
    not_hot: bool
    """It said that a restart is needed; otherwise it refused a value."""
    message: str


@dataclass(frozen=True, slots=True)
class Observed:
    """Everything a decision about one bot rests on."""

    bot: BotRecord
    spec: TradingBotSpec | InvalidSpec
    desk: DeskView | Missing | None
    """None when the spec names no desk."""
    code: str | Missing | None
    """None when the spec brings no code."""
    venues: tuple[Venue, ...] | Missing
    children: Mapping[Kind, ChildRecord]
    squatter: str | None
    """An object that has the name of a child and is not the bot's."""
    pod: PodRecord | None
    report: BotReport
    applied: Applied | None
    refusal: RetuneRefusal | None
    token_fingerprint: str
    operator_namespace: str
    metrics_label: tuple[str, str] | None
    gate: GateView | Missing | None = None
    """The gate that the spec names; None when it names none."""
    raises: tuple[GateView, ...] = ()
    """Gates from Live to Live that are about this bot."""
    memo: Memo = field(default_factory=Memo, compare=False)
    """Saves doing the same pure work again; no input of any decision."""
