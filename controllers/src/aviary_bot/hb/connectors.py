"""Connectors are made here: the real class with its private side simulated, never with keys."""

import inspect
from typing import Any, Final, override

from aviary_crds.botstate import FailureReason
from hummingbot.client.config.config_helpers import ClientConfigAdapter, get_connector_class
from hummingbot.core.connector_manager import ConnectorManager
from hummingbot.core.rate_oracle.rate_oracle import RateOracle

from aviary_bot.boot_document import BotFailed
from aviary_bot.hb.paper_connector import PaperLink, paper_class

SUPPORTED: Final = ("binance", "binance_perpetual", "bitget", "bitget_perpetual")
"""Connectors whose paper trading is proven."""


def ensure_supported(connector: str) -> None:
    """Raise BotFailed (ConnectorUnsupported) for a connector whose paper trading is not proven."""
    if connector not in SUPPORTED:
        raise BotFailed(
            FailureReason.CONNECTOR_UNSUPPORTED,
            f"connector {connector!r} is not supported by this image; supported: {', '.join(SUPPORTED)}",
        )


class PaperConnectorManager(ConnectorManager):
    """Hummingbot's connector manager, which makes paper connectors only."""

    def __init__(self, client_config: ClientConfigAdapter, link: PaperLink) -> None:
        super().__init__(client_config)
        self._link = link

    @override
    def create_connector(
        self,
        connector_name: str,
        trading_pairs: list[str],
        trading_required: bool = True,
        api_keys: dict[str, str] | None = None,
    ) -> Any:
        """Make the paper connector.

        Raises:
            BotFailed: another connector than the bot's is asked for (StrategyInvalid).
        """
        if connector_name != self._link.market.connector:
            raise BotFailed(
                FailureReason.STRATEGY_INVALID,
                f"the strategy asks for connector {connector_name!r}; the bot's is {self._link.market.connector!r}",
            )
        if connector_name not in self.connectors:
            connector = make_paper_connector(connector_name, trading_pairs, self._link)
            self.connectors[connector_name] = connector
            RateOracle.get_instance().register_connector(connector)
        return self.connectors[connector_name]


def make_paper_connector(connector_name: str, trading_pairs: list[str], link: PaperLink) -> Any:
    """Make a paper connector of a supported name."""
    base = get_connector_class(connector_name)
    return paper_class(base, link)(**_no_keys(connector_name, base), trading_pairs=list(trading_pairs))


def _no_keys(connector_name: str, base: type[Any]) -> dict[str, str]:
    """Return a word in place of each key the constructor asks for: some have no default."""
    names = inspect.signature(base.__init__).parameters
    return {name: "paper" for name in names if name.startswith(f"{connector_name}_")}
