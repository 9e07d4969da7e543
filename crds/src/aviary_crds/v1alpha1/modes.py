"""The ladder of modes, from nothing to real money."""

from enum import StrEnum


class Mode(StrEnum):
    """What a bot may do, from nothing to real money. The order of the members is the order of the ladder."""

    DISABLED = "Disabled"
    NO_TRADE = "NoTrade"
    PAPER = "Paper"
    TESTNET = "Testnet"
    LIVE = "Live"

    @property
    def rank(self) -> int:
        """Place on the ladder, 0 for Disabled."""
        return list(Mode).index(self)

    @property
    def needs_grant(self) -> bool:
        """Whether a PromotionGate has to grant this mode: it trades with keys at a venue."""
        return self in {Mode.TESTNET, Mode.LIVE}
