"""GETs one document of somebody else's and trusts nothing about the answer: not its size, its speed or its encoding.

Redirects are not followed: they lead to hosts that nobody allowed. A compressed answer is refused: none was asked for,
and a small one can unpack to any size.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Protocol, Self, override

import aiohttp
from yarl import URL

DOCUMENT_TIMEOUT_SECONDS: Final = 5.0
_CHUNK: Final = 65_536
_PLAIN: Final = frozenset({"", "identity"})


@dataclass(frozen=True, slots=True)
class Document:
    """An answer: its status and its body, whatever they are."""

    status: int
    body: bytes


class DocumentError(Exception):
    """There is no answer that can be used. ``reason`` is one CamelCase word, the message says what happened."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class DocumentHttp(Protocol):
    """What fetches a document."""

    async def fetch(self, url: str, *, query: Mapping[str, str], headers: Mapping[str, str], limit: int) -> Document:
        """Return what a GET of ``url`` answers, at most ``limit`` bytes of it.

        Raises:
            DocumentError: when there was no answer within five seconds, or it redirects, is too large or encoded.
        """


class AiohttpDocumentHttp(DocumentHttp):
    """``DocumentHttp`` over one session. No cookies, no proxies of the environment."""

    def __init__(self, *, timeout_seconds: float = DOCUMENT_TIMEOUT_SECONDS) -> None:
        self._timeout = timeout_seconds
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=16, keepalive_timeout=30),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    @override
    async def fetch(self, url: str, *, query: Mapping[str, str], headers: Mapping[str, str], limit: int) -> Document:
        timeout = aiohttp.ClientTimeout(total=self._timeout)
        try:
            async with self._session.get(
                URL(url).update_query(query) if query else URL(url),
                headers={**headers, "Accept-Encoding": "identity"},
                timeout=timeout,
                allow_redirects=False,
            ) as answer:
                if 300 <= answer.status < 400:  # noqa: PLR2004  the redirects of HTTP
                    where = answer.headers.get("Location", "nowhere")[:200]
                    raise DocumentError("Redirected", f"{url} redirects to {where}; name the final address")
                encoding = answer.headers.get("Content-Encoding", "").strip().lower()
                if encoding not in _PLAIN:
                    raise DocumentError(
                        "Encoded", f"{url} answers in encoding {encoding[:40]}, which was not asked for"
                    )
                return Document(answer.status, await _read(answer, url, limit))
        except TimeoutError as error:
            raise DocumentError("TooSlow", f"{url} did not answer within {self._timeout:g} s") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            cause = str(error) or type(error).__name__
            raise DocumentError("NoAnswer", f"no answer from {url}: {cause[:300]}") from error


async def _read(answer: aiohttp.ClientResponse, url: str, limit: int) -> bytes:
    body = bytearray()
    async for chunk in answer.content.iter_chunked(_CHUNK):
        body += chunk
        if len(body) > limit:
            raise DocumentError("TooLarge", f"{url} answers with more than {limit} bytes")
    return bytes(body)
