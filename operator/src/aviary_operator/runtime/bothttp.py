"""Talks to a bot's pod: reads ``/state``, pushes a configuration to ``/control/retune``.

Contract: docs/design/bot-contract.md. Whatever goes wrong, of whatever kind, is a ``BotSilentError`` with the cause in
words: an answer that cannot be understood is no answer.
"""

import hmac
from dataclasses import dataclass
from hashlib import sha256
from types import TracebackType
from typing import Final, Literal, Protocol, Self, override

import aiohttp
from aviary_crds.botconfig import BotConfig
from aviary_crds.botstate import BotState, ConfigState
from aviary_crds.labels import BOT_HTTP_PORT, CONTROL_TOKEN_HEADER
from pydantic import ValidationError

STATE_TIMEOUT_SECONDS: Final = 3.0
RETUNE_TIMEOUT_SECONDS: Final = 8.0
_LONGEST_BODY: Final = 1_000_000
_OK: Final = 200


class BotSilentError(Exception):
    """The bot gave no answer that can be understood; the message says what happened instead."""


@dataclass(frozen=True, slots=True)
class RetuneAnswer:
    """What a bot said to a new configuration.

    ``InForce``: it runs it. ``NotHot``: a field needs a restart (409). ``Refused``: the controller does not take a
    value, the old configuration stays (422). ``Failed``: anything else.
    """

    verdict: Literal["InForce", "NotHot", "Refused", "Failed"]
    message: str = ""
    config: ConfigState | None = None


class BotHttp(Protocol):
    """What the operator asks of a bot."""

    async def fetch_state(self, address: str) -> BotState:
        """Return what the bot at this IP address says about itself.

        Raises:
            BotSilentError: when there is no answer, or none that can be understood.
        """

    async def push_retune(self, address: str, config: BotConfig, *, token: str) -> RetuneAnswer:
        """Ask the bot to run ``config`` from now on. Never raises for what the bot or the network does."""


class AiohttpBotHttp(BotHttp):
    """``BotHttp`` over one session with kept-alive connections: a poll costs no handshake."""

    def __init__(self, *, port: int = BOT_HTTP_PORT) -> None:
        self._port = port
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=64, keepalive_timeout=60), trust_env=False
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    def _url(self, address: str, path: str) -> str:
        host = f"[{address}]" if ":" in address else address
        return f"http://{host}:{self._port}{path}"

    @override
    async def fetch_state(self, address: str) -> BotState:
        timeout = aiohttp.ClientTimeout(total=STATE_TIMEOUT_SECONDS)
        try:
            async with self._session.get(self._url(address, "/state"), timeout=timeout) as answer:
                body = await _read(answer)
                if answer.status != _OK:
                    raise BotSilentError(f"/state answered {answer.status}")
                return BotState.model_validate_json(body)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise BotSilentError(f"/state is not a BotState: {where}: {first['msg']}") from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise BotSilentError(f"no answer from {address}:{self._port}: {_cause(error)}") from error

    @override
    async def push_retune(self, address: str, config: BotConfig, *, token: str) -> RetuneAnswer:
        timeout = aiohttp.ClientTimeout(total=RETUNE_TIMEOUT_SECONDS)
        headers = {CONTROL_TOKEN_HEADER: token, "Content-Type": "application/json"}
        body = config.model_dump_json(by_alias=True)
        try:
            async with self._session.post(
                self._url(address, "/control/retune"), data=body, headers=headers, timeout=timeout
            ) as answer:
                return _read_verdict(answer.status, await _read(answer))
        except (aiohttp.ClientError, TimeoutError, OSError, BotSilentError) as error:
            return RetuneAnswer("Failed", _cause(error))


def control_token(key: bytes, *, namespace: str, name: str, uid: str) -> str:
    """Return the token for one bot: an HMAC of its identity under the operator's key, so none has to be stored."""
    return hmac.new(key, f"{namespace}/{name}/{uid}".encode(), sha256).hexdigest()


def token_fingerprint(token: str) -> str:
    """Return the hexadecimal SHA-256 of a token: all that the pod ever sees of it."""
    return sha256(token.encode()).hexdigest()


async def _read(answer: aiohttp.ClientResponse) -> bytes:
    body = await answer.content.read(_LONGEST_BODY + 1)
    while len(body) <= _LONGEST_BODY and not answer.content.at_eof():
        body += await answer.content.read(_LONGEST_BODY + 1 - len(body))
    if len(body) > _LONGEST_BODY:
        raise BotSilentError(f"answer of more than {_LONGEST_BODY} bytes")
    return body


def _read_verdict(status: int, body: bytes) -> RetuneAnswer:
    text = body.decode(errors="replace")[:500].strip()
    match status:
        case 200:
            try:
                return RetuneAnswer("InForce", config=ConfigState.model_validate_json(body))
            except ValidationError:
                return RetuneAnswer("Failed", "the answer to retune is not a ConfigState")
        case 409:
            return RetuneAnswer("NotHot", text)
        case 422:
            return RetuneAnswer("Refused", text)
        case _:
            return RetuneAnswer("Failed", f"retune answered {status}: {text}")


def _cause(error: BaseException) -> str:
    return str(error) or type(error).__name__
