"""A check's PromQL for one bot: the names filled in, and refused where it could see beyond the subject.

The kind's own rules refuse ``[5m]``. What they cannot see is seen here, with strings and comments taken out first: a
range that is written with a tab or a line break, ``offset`` and ``@``, which look at another time, and a ``series``
that is no plain selector, for ``timestamp()`` of anything else is always now.
"""

import re
from dataclasses import dataclass
from typing import Final

from aviary_crds.quantities import LABEL_PATTERN
from aviary_crds.v1alpha1.gatechecks import PrometheusSource

PART_LABEL: Final = "aviary_part"
VALUE_PART: Final = "value"
TIME_PART: Final = "time"

_STRINGS_AND_COMMENTS: Final = re.compile(r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"|`[^`]*`|#[^\n]*", re.DOTALL)
_VARIABLE: Final = re.compile(r"\$(namespace|bot|window)\b")
_WINDOW: Final = re.compile(r"\[\s*\$window\s*(\]|:\s*([0-9]+(ms|s|m|h))?\s*\])")
_OTHER_TIME: Final = re.compile(r"\boffset\b(?=\s*[-+(0-9$])|@", re.IGNORECASE)
_SELECTOR: Final = re.compile(r"\s*([A-Za-z_:][A-Za-z0-9_:]*\s*(\{[^{}\[\]()]*\})?|\{[^{}\[\]()]+\})\s*", re.ASCII)


class QueryError(Exception):
    """A query that is not asked; ``reason`` is one CamelCase word."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Queries:
    """What is asked for one value. ``query`` as its author wrote it, ``time`` for the time of its oldest sample."""

    query: str
    time: str

    @property
    def both(self) -> str:
        """One query for both, told apart by a label: one request in place of two, and both of the same moment."""
        value = f'label_replace((\n{self.query}\n), "{PART_LABEL}", "{VALUE_PART}", "", "")'
        return f'{value} or label_replace({self.time}, "{PART_LABEL}", "{TIME_PART}", "", "")'


def resolve_queries(source: PrometheusSource, *, namespace: str, bot: str) -> Queries:
    """Return the queries of a check for one bot.

    Raises:
        QueryError: when a name could be read as PromQL, or the query reaches beyond the window.
    """
    for name in (namespace, bot):
        if not re.fullmatch(LABEL_PATTERN, name):
            raise QueryError("UnsafeName", f"the name {name!r} cannot be put into a query")
    bare, series = _strip(source.query), _strip(source.series)
    if len(re.findall(r"\[", bare)) != len(_WINDOW.findall(bare)):
        raise QueryError("FixedRange", "prometheus.query: write [$window] for every range, and set windowSeconds")
    if _OTHER_TIME.search(bare) or _OTHER_TIME.search(series):
        raise QueryError("ReachesBack", "prometheus.query: offset and @ reach back into another subject")
    if not _SELECTOR.fullmatch(series):
        raise QueryError(
            "SeriesNotASelector", 'prometheus.series: name the series itself, such as hbot_fills_total{bot="$bot"}'
        )
    words = {"namespace": namespace, "bot": bot, "window": f"{source.window_seconds}s"}
    query, selector = (_VARIABLE.sub(lambda found: words[found[1]], text) for text in (source.query, source.series))
    return Queries(query, f"min(timestamp({selector}\n))")


def _strip(text: str) -> str:
    return _STRINGS_AND_COMMENTS.sub(lambda found: "" if found[0].startswith("#") else '""', text)
