"""``bot.json``: what the operator tells a bot, beside Hummingbot's own files.

The operator renders it into the bot's ConfigMap; the launcher reads it at start and takes later versions over
``/control/retune``. ``revision`` is the hash of everything that is rendered, so a bot can prove what it runs, and a
file that was edited by hand is found out. ``bootRevision`` names the revision the pod was started for: hot changes
move ``revision`` and leave it.
"""

import json
from collections.abc import Collection, Iterable
from typing import Any, ClassVar, Final, Self

from pydantic import Field

from aviary_crds.digest import canonical_json, sha256_hex
from aviary_crds.quantities import DecimalString, PositiveDecimalString, TradingPair
from aviary_crds.rules import Rule
from aviary_crds.v1alpha1.base import SpecModel
from aviary_crds.v1alpha1.tradingbot import (
    ControllerType,
    Fees,
    Market,
    Mode,
    Paper,
    Telemetry,
)

CONFIG_DIR: Final = "/etc/aviary"
"""Where the ConfigMap is mounted in the pod, read-only."""

BOT_JSON: Final = "bot.json"
CODE_FILE: Final = "strategy.py"
VENUE_CA_FILE: Final = "venue-ca.crt"
CONTROL_TOKEN_FILE: Final = "control-token.sha256"  # noqa: S105  a file name; it holds a hash
"""Hex SHA-256 of the token that ``/control`` asks for. The token itself never enters the pod."""

BOOT_REVISION_ENV: Final = "AVIARY_BOOT_REVISION"
"""Set in the pod template; the launcher waits until the mounted ``bot.json`` is of this boot revision."""


class OrderLimits(SpecModel):
    """The envelope as the order guard checks it: the tighter of the bot's own limits and the desk's ceilings.

    Defaults are those of ``spec.safety``: a document of an operator that did not know a limit is read as one that left
    it at its default.
    """

    allowed_pairs: tuple[TradingPair, ...] = Field(min_length=1, description="Pairs an order may name")
    max_order_notional_quote: PositiveDecimalString = Field(description="Largest notional of one order")
    max_notional_quote: PositiveDecimalString = Field(
        description="Largest notional of positions and resting orders together"
    )
    max_leverage: int = Field(ge=1, le=20, description="Largest leverage")
    max_daily_loss_bps: int = Field(
        default=300, ge=0, le=10_000, description="Largest loss since 00:00 UTC, of the capital"
    )
    max_drawdown_bps: int = Field(default=500, ge=0, le=10_000, description="Largest fall of the equity from its peak")
    max_daily_turnover_bps: int = Field(
        default=30_000, ge=1, description="Largest traded notional since 00:00 UTC, of the capital"
    )
    max_cancels_per_minute: int = Field(default=50, ge=1, description="Cancels in 60 seconds")
    min_base_share_bps: int = Field(
        default=0, ge=0, le=10_000, description="Least share of the equity in base assets; spot only"
    )
    max_base_share_bps: int = Field(
        default=9_000, ge=0, le=10_000, description="Largest share of the equity in base assets; spot only"
    )


class RenderedController(SpecModel):
    """One Hummingbot controller configuration: the content of ``conf/controllers/<file>``."""

    file: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*\.yml$", description="File name in conf/controllers")
    config: dict[str, Any] = Field(description="The controller's configuration as Hummingbot reads it")


class BotConfig(SpecModel):
    """Everything a bot needs to know to trade within its envelope."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel="self.mode != 'Disabled'",
            message="a Disabled bot has no pod, hence no configuration",
            holds=lambda config: config.mode is not Mode.DISABLED,
        ),
        Rule(
            cel="self.controllers.all(one, self.controllers.exists_one(other, other.file == one.file))",
            message="two controllers have the same file name; the second would overwrite the first",
            holds=lambda config: len({one.file for one in config.controllers}) == len(config.controllers),
        ),
    )

    schema_version: int = Field(default=1, ge=1, le=1, description="Version of this document")
    name: str = Field(description="Name of the TradingBot")
    namespace: str = Field(description="Namespace of the TradingBot")
    uid: str = Field(description="uid of the TradingBot: a new object of the same name is another bot")
    mode: Mode = Field(description="Mode to run in; never more than granted")
    granted_mode: Mode | None = Field(
        default=None, description="What is granted; above mode while this release has no path to it. For people to see"
    )
    digest: str = Field(description="Subject digest")
    revision: str = Field(default="", description="Hash of this document without revision and bootRevision")
    boot_revision: str = Field(default="", description="Revision the pod was started for")
    controller: str = Field(description="Module name of the controller")
    controller_type: ControllerType = Field(description="Folder of the controller")
    code_sha256: str | None = Field(default=None, description="Hash of strategy.py, when the bot brings its own code")
    controllers: tuple[RenderedController, ...] = Field(min_length=1, description="Hummingbot controller files")
    client: dict[str, Any] = Field(description="conf_client.yml")
    script: dict[str, Any] = Field(description="conf/scripts/aviary.yml")
    market: Market = Field(description="Where the bot trades")
    total_amount_quote: PositiveDecimalString = Field(description="Capital in the quote asset")
    limits: OrderLimits = Field(description="The envelope")
    paper: Paper = Field(description="How fills are simulated")
    start_balances: dict[str, DecimalString] = Field(description="Paper balances at the first start, by asset")
    fees: Fees = Field(description="Fees of simulated fills")
    telemetry: Telemetry = Field(description="What the bot writes about itself")
    stop_budget_seconds: int = Field(ge=5, le=600, description="Time the engine has to stop after SIGTERM")

    def content_revision(self) -> str:
        """Return the hash of everything but the two revision fields."""
        body = self.model_dump(mode="json", by_alias=True, exclude={"revision", "boot_revision"})
        return sha256_hex(canonical_json(body))

    def sealed(self, *, boot_revision: str | None = None) -> Self:
        """Return a copy with ``revision`` set to the content's hash, and ``bootRevision`` to that or as given."""
        revision = self.content_revision()
        return self.model_copy(update={"revision": revision, "boot_revision": boot_revision or revision})

    @classmethod
    def read_sealed(cls, document: str | bytes) -> Self:
        """Read a sealed document, also one of an older version that has fewer fields.

        Raises:
            ValueError: when it cannot be read, or its revision is not the hash of what it says: it was edited by hand.
        """
        body = json.loads(document)
        config = cls.model_validate(body)
        content = {key: value for key, value in body.items() if key not in {"revision", "bootRevision"}}
        if config.revision != sha256_hex(canonical_json(content)):
            raise ValueError("the revision is not that of the document: it was edited by hand")
        return config

    @property
    def intact(self) -> bool:
        """Whether ``revision`` is the hash of the content; False for a document that was edited by hand."""
        return self.revision == self.content_revision()


def changed_paths(old: BotConfig, new: BotConfig) -> frozenset[str]:
    """Return the dotted paths that differ, such as ``limits.maxOrderNotionalQuote`` or ``controllers.a.yml.leverage``.

    A controller that exists on one side only is the path ``controllers.<file>``. The revision fields are left out.
    """
    before = _flat(old)
    after = _flat(new)
    return frozenset(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))


def restart_paths(changed: Iterable[str], *, updatable: Collection[str]) -> frozenset[str]:
    """Return those of ``changed`` (as ``changed_paths`` names them) that a running bot cannot take.

    Hot are the limits, the log level and the controller fields in ``updatable`` (``updatableParameters`` of
    ``/state``). The digest follows what it describes, Hummingbot's own log level the bot's. Operator and bot share
    this rule: the one decides by it, the other refuses by it.
    """
    return frozenset(path for path in changed if not _is_hot(path, updatable))


def _is_hot(path: str, updatable: Collection[str]) -> bool:
    if path in {"digest", "grantedMode", "telemetry.logLevel", "client.log_level"} or path.startswith("limits."):
        return True
    file, dot, field = path.removeprefix("controllers.").partition(".yml.")
    return path.startswith("controllers.") and bool(file and dot) and field in updatable


def _flat(config: BotConfig) -> dict[str, bytes]:
    """Return the canonical text of each value by its path. Text, because to Python ``1 == True`` and None is absent."""
    body = config.model_dump(mode="json", by_alias=True, exclude={"revision", "boot_revision"})
    controllers = body.pop("controllers")
    flat: dict[str, Any] = {}
    for key, value in body.items():
        if isinstance(value, dict) and key != "startBalances":
            flat.update({f"{key}.{inner}": inner_value for inner, inner_value in value.items()})
        else:
            flat[key] = value
    for controller in controllers:
        flat[f"controllers.{controller['file']}"] = True
        flat.update({f"controllers.{controller['file']}.{key}": value for key, value in controller["config"].items()})
    return {path: canonical_json(value) for path, value in flat.items()}
