"""The kinds of the API: how they are called, what they hold, and what ``kubectl get`` shows of them."""

from dataclasses import dataclass
from typing import Final, Literal

from aviary_crds.v1alpha1.base import SpecModel, StatusModel
from aviary_crds.v1alpha1.objects import ApiObject, PromotionApproval, PromotionGate, TradingBot, TradingDesk
from aviary_crds.v1alpha1.promotionapproval import PromotionApprovalSpec, PromotionApprovalStatus
from aviary_crds.v1alpha1.promotiongate import PromotionGateSpec, PromotionGateStatus
from aviary_crds.v1alpha1.tradingbot import TradingBotSpec, TradingBotStatus
from aviary_crds.v1alpha1.tradingdesk import TradingDeskSpec, TradingDeskStatus


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of ``kubectl get``.

    Attributes:
        name: heading.
        type: as the API server formats it.
        path: where the value is.
        description: for ``kubectl describe crd``.
        wide: shown with ``-o wide`` only.
    """

    name: str
    type: Literal["string", "integer", "date"]
    path: str
    description: str
    wide: bool = False


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind.

    Attributes:
        object_model: the whole object, as a manifest or the API server holds it.
        spec: model of the spec.
        status: model of the status.
        description: what ``kubectl explain`` says first.
        selectable: paths that ``--field-selector`` takes.
    """

    kind: str
    plural: str
    short_name: str
    object_model: type[ApiObject]
    spec: type[SpecModel]
    status: type[StatusModel]
    description: str
    columns: tuple[Column, ...]
    selectable: tuple[str, ...] = ()


def _condition(type_: str, field: Literal["status", "message"]) -> str:
    return f'.status.conditions[?(@.type=="{type_}")].{field}'


_AGE: Final = Column(name="Age", type="date", path=".metadata.creationTimestamp", description="Time since it was made")

_BOT_COLUMNS: Final = (
    Column(name="Mode", type="string", path=".spec.mode", description="Mode that is requested"),
    Column(name="Granted", type="string", path=".status.grantedMode", description="Mode that is granted"),
    Column(
        name="Ready", type="string", path=_condition("Ready", "status"), description="Whether it does what was granted"
    ),
    Column(name="Strategy", type="string", path=".spec.strategy.controller", description="Controller that trades"),
    Column(name="Pair", type="string", path=".spec.market.tradingPairs[0]", description="First trading pair"),
    Column(name="Equity", type="string", path=".status.observed.equityQuote", description="Equity in the quote asset"),
    Column(
        name="Day PnL",
        type="string",
        path=".status.observed.dayPnlQuote",
        description="Profit or loss since 00:00 UTC in the quote asset",
    ),
    Column(name="Orders", type="integer", path=".status.observed.openOrders", description="Resting orders"),
    Column(name="Fills", type="integer", path=".status.observed.fills", description="Fills since the bot was made"),
    Column(
        name="Message",
        type="string",
        path=_condition("Ready", "message"),
        description="What it does, or why it does not",
    ),
    _AGE,
    Column(name="Connector", type="string", path=".spec.market.connector", description="Venue", wide=True),
    Column(
        name="In Sync",
        type="string",
        path=_condition("ConfigInSync", "status"),
        description="Whether the bot runs the configuration that the spec asks for",
        wide=True,
    ),
    Column(name="Guard", type="string", path=".status.observed.guardState", description="Order guard", wide=True),
    Column(name="Digest", type="string", path=".status.digest", description="Subject digest", wide=True),
)

_DESK_COLUMNS: Final = (
    Column(name="Modes", type="string", path=".spec.ceilings.modes", description="Modes a bot may be granted"),
    Column(
        name="Per Order",
        type="string",
        path=".spec.ceilings.maxOrderNotionalQuote",
        description="Largest notional of one order, quote asset",
    ),
    Column(
        name="Per Bot",
        type="string",
        path=".spec.ceilings.maxBotNotionalQuote",
        description="Largest notional of one bot, quote asset",
    ),
    Column(
        name="Total",
        type="string",
        path=".spec.ceilings.maxTotalNotionalQuote",
        description="Largest notional of all bots, quote asset",
    ),
    Column(name="Live Bots", type="integer", path=".spec.ceilings.maxLiveBots", description="Most live bots at once"),
    Column(name="Bots", type="integer", path=".status.bots", description="Bots that name this desk"),
    Column(name="Ready", type="string", path=_condition("Ready", "status"), description="Whether the desk is in force"),
    _AGE,
    Column(
        name="Connectors",
        type="string",
        path=".spec.ceilings.connectors",
        description="Connectors a bot may use",
        wide=True,
    ),
    Column(
        name="Message", type="string", path=_condition("Ready", "message"), description="Why it is not ready", wide=True
    ),
)

_GATE_COLUMNS: Final = (
    Column(name="Bot", type="string", path=".spec.botRef.name", description="The bot it is about"),
    Column(name="To", type="string", path=".spec.to", description="Mode that it grants"),
    Column(
        name="Passed", type="string", path=_condition("Passed", "status"), description="Whether it grants the mode now"
    ),
    Column(
        name="Checks", type="string", path=".status.passedChecks", description="Checks that Passed, of all enforced"
    ),
    Column(name="Soak", type="string", path=".status.soaked", description="Length of the run, of what is asked"),
    Column(name="Level", type="integer", path=".status.level", description="Rung of the validation ladder"),
    Column(name="Approvals", type="string", path=".status.approved", description="Approvals, of what is asked"),
    Column(name="Expires", type="string", path=".status.grant.expiresTime", description="End of the grant"),
    Column(
        name="Message", type="string", path=_condition("Passed", "message"), description="Why it passes, or does not"
    ),
    _AGE,
    Column(
        name="Ready",
        type="string",
        path=_condition("Ready", "status"),
        description="Whether its evidence can be evaluated",
        wide=True,
    ),
    Column(name="From", type="string", path=".spec.from", description="Mode of the evidence", wide=True),
    Column(
        name="Capital",
        type="string",
        path=".spec.grant.capitalQuote",
        description="Ceiling of the capital that it grants",
        wide=True,
    ),
    Column(name="Digest", type="string", path=".status.subject.digest", description="Subject digest", wide=True),
)

_APPROVAL_COLUMNS: Final = (
    Column(name="Gate", type="string", path=".spec.gateRef.name", description="The gate it is about"),
    Column(name="Type", type="string", path=".spec.type", description="What is said"),
    Column(name="Check", type="string", path=".spec.check", description="The check that is acknowledged"),
    Column(name="Approver", type="string", path=".spec.approver", description="Who says so"),
    Column(name="Counts", type="string", path=_condition("Ready", "status"), description="Whether it counts now"),
    Column(name="Expires", type="string", path=".status.expiresTime", description="When it ends"),
    _AGE,
    Column(name="Ready", type="string", path=_condition("Ready", "status"), description="As Counts", wide=True),
    Column(name="Reason", type="string", path=".spec.reason", description="Why its maker said so", wide=True),
    Column(
        name="Message",
        type="string",
        path=_condition("Ready", "message"),
        description="Why it does not count",
        wide=True,
    ),
    Column(name="Digest", type="string", path=".spec.digest", description="Subject digest", wide=True),
)

TRADING_BOT: Final = Kind(
    kind="TradingBot",
    plural="tradingbots",
    short_name="tbot",
    object_model=TradingBot,
    spec=TradingBotSpec,
    status=TradingBotStatus,
    description="TradingBot is one Hummingbot bot as its desk wants it to be. spec.mode is a request; "
    "status.grantedMode is what the bot may do.",
    columns=_BOT_COLUMNS,
    selectable=(".spec.mode", ".spec.market.connector"),
)

TRADING_DESK: Final = Kind(
    kind="TradingDesk",
    plural="tradingdesks",
    short_name="tdesk",
    object_model=TradingDesk,
    spec=TradingDeskSpec,
    status=TradingDeskStatus,
    description="TradingDesk holds the ceilings that every bot naming it must stay under, and says where its "
    "venues are.",
    columns=_DESK_COLUMNS,
)

PROMOTION_GATE: Final = Kind(
    kind="PromotionGate",
    plural="promotiongates",
    short_name="pgate",
    object_model=PromotionGate,
    spec=PromotionGateSpec,
    status=PromotionGateStatus,
    description="PromotionGate says which evidence lets one bot take one step up the ladder of modes. status.grant is "
    "what it grants now.",
    columns=_GATE_COLUMNS,
    selectable=(".spec.botRef.name", ".spec.to"),
)

PROMOTION_APPROVAL: Final = Kind(
    kind="PromotionApproval",
    plural="promotionapprovals",
    short_name="papproval",
    object_model=PromotionApproval,
    spec=PromotionApprovalSpec,
    status=PromotionApprovalStatus,
    description="PromotionApproval is one person's yes to one gate and one subject digest. It cannot be changed.",
    columns=_APPROVAL_COLUMNS,
    selectable=(".spec.gateRef.name",),
)

KINDS: Final = (TRADING_BOT, TRADING_DESK, PROMOTION_GATE, PROMOTION_APPROVAL)
