"""The operator: makes every TradingBot what its spec says. See README.md beside the sources."""
