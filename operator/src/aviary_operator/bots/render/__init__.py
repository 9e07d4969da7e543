"""Rendering: pure functions from a spec to the bot's configuration and to manifests."""
