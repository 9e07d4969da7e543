"""What a TradingBot and its desk need: observe, decide, render, apply, report."""
