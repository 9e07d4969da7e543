"""The in-reconcile guard: reads a spec as admission should have let it through, and says what is wrong if not.

Admission can be bypassed (an object from before a rule, a cluster without the policy), so every spec is validated
again by the same models, and by what only the operator knows: names of children, parameters it renders itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from aviary_crds.v1alpha1.tradingbot import Market, TradingBotSpec
from aviary_crds.v1alpha1.tradingdesk import TradingDeskSpec
from pydantic import ValidationError

from aviary_operator.bots.names import find_name_problem

RESERVED_PARAMETERS: Final[Mapping[str, str]] = {
    "id": "the operator gives each controller its id",
    "controller_name": "use spec.strategy.controller",
    "controller_type": "use spec.strategy.type",
    "total_amount_quote": "use spec.capital.totalAmountQuote",
    "manual_kill_switch": "set spec.mode to NoTrade or Disabled instead",
    "connector_name": "use spec.market.connector",
    "trading_pair": "use spec.market.tradingPairs",
    "leverage": "use spec.market.leverage",
    "position_mode": "use spec.market.positionMode",
    "skip_rebalance": "rebalancing by market orders is always off",
    "initial_positions": "a bot starts without positions",
}
"""Controller fields that are rendered from the spec; a parameter of the same name would win over it."""


@dataclass(frozen=True, slots=True)
class InvalidSpec:
    """A spec that is not acted on. ``reason`` is a condition's reason."""

    reason: str
    message: str


def check_bot(name: str, raw: Mapping[str, Any]) -> TradingBotSpec | InvalidSpec:
    """Return the spec, or what is wrong with it and what to do."""
    problem = find_name_problem(name)
    if problem:
        return InvalidSpec("InvalidName", f"name {name!r}: {problem}; make a TradingBot with another name")
    try:
        spec = TradingBotSpec.model_validate(dict(raw))
    except ValidationError as error:
        return InvalidSpec("InvalidSpec", _explain(error))
    for parameter in spec.strategy.parameters:
        if parameter in RESERVED_PARAMETERS:
            return InvalidSpec(
                "ReservedParameter",
                f"spec.strategy.parameters.{parameter} is not for parameters: {RESERVED_PARAMETERS[parameter]}",
            )
    return spec


def check_desk(raw: Mapping[str, Any]) -> TradingDeskSpec | InvalidSpec:
    """Return the desk's spec, or what is wrong with it."""
    try:
        return TradingDeskSpec.model_validate(dict(raw))
    except ValidationError as error:
        return InvalidSpec("InvalidSpec", _explain(error))


def quote_assets(market: Market) -> frozenset[str]:
    """Return the quote assets of the pairs."""
    return frozenset(pair.rpartition("-")[2] for pair in market.trading_pairs)


def _explain(error: ValidationError) -> str:
    """Return the first three errors as ``spec.path: what``."""
    lines = []
    for item in error.errors(include_url=False)[:3]:
        path = ".".join(["spec", *(str(part) for part in item["loc"])])
        lines.append(f"{path}: {item['msg'].removeprefix('Value error, ')}")
    more = error.error_count() - len(lines)
    return "; ".join(lines) + (f"; and {more} more" if more > 0 else "")
