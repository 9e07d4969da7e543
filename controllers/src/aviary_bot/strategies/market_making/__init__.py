"""Controllers of type market_making."""
