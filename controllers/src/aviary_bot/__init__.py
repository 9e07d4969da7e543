"""The bot runtime: everything that runs inside the Hummingbot process.

Only `aviary_bot.hb` and `aviary_bot.strategies` import Hummingbot; the rest is pure or a thin edge and is tested
without it.
"""

from typing import Final

VERSION: Final = "0.1.0"
