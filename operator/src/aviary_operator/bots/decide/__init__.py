"""Decisions about a bot: pure functions of what is true now, without a loop, a client or a clock of their own."""
