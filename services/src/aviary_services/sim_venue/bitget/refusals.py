"""Bitget's codes for what the exchange refuses."""

from aviary_services.sim_venue.bitget.envelope import BitgetError
from aviary_services.sim_venue.exchange.market import Product
from aviary_services.sim_venue.exchange.orders import Refusal, RefusalReason

_CODES = {
    RefusalReason.BAD_QUANTITY: ("40808", "Parameter verification exception size"),
    RefusalReason.BAD_PRICE: ("40808", "Parameter verification exception price"),
    RefusalReason.BELOW_MIN_NOTIONAL: ("45110", "less than the minimum amount"),
    RefusalReason.DUPLICATE_CLIENT_ID: ("40786", "Duplicate clientOid"),
    RefusalReason.WRONG_POSITION_MODE: (
        "40774",
        "The order type for unilateral position must also be the unilateral position type.",
    ),
    RefusalReason.NO_POSITION: ("22002", "No position to close"),
    RefusalReason.MARKET_CLOSED: ("41114", "The current trading pair is under maintenance"),
    RefusalReason.INJECTED: ("40015", "System is abnormal, please try again later"),
}
_CODES_BY_PRODUCT = {
    (Product.SPOT, RefusalReason.INSUFFICIENT_FUNDS): ("43012", "Insufficient balance"),
    (Product.SPOT, RefusalReason.TOO_MANY_ORDERS): ("43005", "Exceed the maximum number of orders"),
    (Product.SPOT, RefusalReason.UNKNOWN_ORDER): ("43001", "The order does not exist"),
    (Product.USDT_PERPETUAL, RefusalReason.INSUFFICIENT_FUNDS): ("40762", "The order amount exceeds the balance"),
    (Product.USDT_PERPETUAL, RefusalReason.TOO_MANY_ORDERS): (
        "40761",
        "The total number of unfilled orders is too high",
    ),
    (Product.USDT_PERPETUAL, RefusalReason.UNKNOWN_ORDER): ("40768", "Order does not exist"),
}


def bitget_error(refusal: Refusal, product: Product) -> BitgetError:
    """Return the answer to a refused order or cancel; the exchange's own words stand behind Bitget's."""
    code, message = _CODES_BY_PRODUCT.get((product, refusal.reason)) or _CODES[refusal.reason]
    return BitgetError(code, f"{message} ({refusal.message})")
