"""The evidence log's form: one line an entry, each line carrying the hash of the one before it.

    {"hash":"sha256:<64 hex>","entry":{...},"prev":"sha256:...","seq":7}

``hash`` is over the rest of the line, which is canonical JSON. It stands first and has a fixed length, so a chain is
checked without parsing it: a million lines take seconds. A log that was shortened at a line's end is whole in itself;
the gate's ``status.evidenceHead`` tells.
"""

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, BinaryIO, Final

from aviary_crds.digest import canonical_json
from aviary_crds.quantities import decimal_text
from aviary_crds.v1alpha1.gatestatus import CheckState

from aviary_operator.gates.measurement import Measurement

GENESIS: Final = "sha256:" + "0" * 64
LONGEST_LINE: Final = 65_536
_HEAD: Final = b'{"hash":"'
_HASH: Final = len(GENESIS)
_BODY: Final = len(_HEAD) + _HASH + len(b'",')


class ChainError(Exception):
    """A log whose chain is broken; the message says where and how."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One measurement as it goes to the log: of which gate, bot and run."""

    namespace: str
    gate: str
    gate_uid: str
    bot: str
    digest: str
    source: str
    definition: str
    """Hash of the check as it was written then: what another wording measured does not count."""
    began: datetime
    """When the stretch began in which it was measured; in another it does not count."""
    measurement: Measurement


@dataclass(frozen=True, slots=True)
class Chain:
    """The end of a whole chain."""

    head: str = GENESIS
    entries: int = 0
    size: int = 0
    """Bytes up to the end of its last line."""
    torn: int = 0
    """Bytes after it: a line that a crash cut short."""


def seal_line(entry: dict[str, Any], *, chain: Chain) -> tuple[bytes, Chain]:
    """Return ``entry`` as the next line of the chain, and the chain with it."""
    body = canonical_json({"entry": entry, "prev": chain.head, "seq": chain.entries + 1})
    head = _hash(body)
    line = _HEAD + head.encode() + b'",' + body[1:] + b"\n"
    return line, Chain(head=head, entries=chain.entries + 1, size=chain.size + len(line))


def follow_chain(file: BinaryIO, *, each: Callable[[str, bytes], None] | None = None) -> Chain:
    """Check a log from its beginning; ``each`` is called with every hash and the line it stands in.

    Raises:
        ChainError: when a line was changed, taken out, put in or is no entry. A last line without its end is no break.
    """
    chain = Chain()
    while line := file.readline(LONGEST_LINE + 1):
        if not line.endswith(b"\n"):
            if len(line) > LONGEST_LINE:
                raise ChainError(f"line {chain.entries + 1} is longer than {LONGEST_LINE} bytes")
            return Chain(chain.head, chain.entries, chain.size, torn=len(line))
        number = chain.entries + 1
        head = line[len(_HEAD) : len(_HEAD) + _HASH].decode(errors="replace")
        body = b"{" + line[_BODY:-1]
        if not line.startswith(_HEAD) or line[_BODY - 2 : _BODY] != b'",' or _hash(body) != head:
            raise ChainError(f"line {number} is not what its hash says: it was changed")
        if not body.endswith(f',"prev":"{chain.head}","seq":{number}}}'.encode()):
            raise ChainError(f"line {number} does not follow the one before it: something was taken out or put in")
        chain = Chain(head, number, chain.size + len(line))
        if each is not None:
            each(head, line)
    return chain


def belongs_to(began: datetime) -> bytes:
    """Return what every line of the stretch that ``began`` then holds, and no other."""
    return f'"began":"{_text(began)}"'.encode()


def dump_entry(entry: Entry) -> dict[str, Any]:
    """Return an entry as JSON."""
    measured = {key: value for key, value in asdict(entry.measurement).items() if value not in {None, ""}}
    measured["time"] = _text(entry.measurement.time)
    measured["outcome"] = entry.measurement.outcome.value
    if entry.measurement.observed is not None:
        measured["observed"] = _text(entry.measurement.observed)
    if entry.measurement.value is not None:
        measured["value"] = decimal_text(entry.measurement.value)
    return {
        "began": _text(entry.began),
        "namespace": entry.namespace,
        "gate": entry.gate,
        "gateUid": entry.gate_uid,
        "bot": entry.bot,
        "digest": entry.digest,
        "source": entry.source,
        "definition": entry.definition,
        "measurement": measured,
    }


def load_entry(line: bytes) -> Entry:
    """Read an entry back from its line.

    Raises:
        ChainError: when it is none.
    """
    try:
        body = json.loads(line)["entry"]
        told = body["measurement"]
        return Entry(
            namespace=body["namespace"],
            gate=body["gate"],
            gate_uid=body["gateUid"],
            bot=body["bot"],
            digest=body["digest"],
            source=body["source"],
            definition=body["definition"],
            began=datetime.fromisoformat(body["began"]),
            measurement=Measurement(
                check=told["check"],
                time=datetime.fromisoformat(told["time"]),
                outcome=CheckState(told["outcome"]),
                reason=told["reason"],
                message=told.get("message", ""),
                value=Decimal(told["value"]) if "value" in told else None,
                observed=_time(told.get("observed")),
                query=told.get("query", ""),
                window_seconds=told["window_seconds"],
                sha256=told.get("sha256"),
            ),
        )
    except (ValueError, KeyError, TypeError, ArithmeticError) as error:
        raise ChainError(f"an entry cannot be read: {error}") from error


def load_entries(lines: Iterable[bytes]) -> tuple[Entry, ...]:
    """Read several.

    Raises:
        ChainError: when one is none.
    """
    return tuple(load_entry(line) for line in lines)


def _hash(body: bytes) -> str:
    return "sha256:" + hashlib.sha256(body).hexdigest()


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
