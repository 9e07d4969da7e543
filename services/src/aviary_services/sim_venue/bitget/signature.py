"""Bitget's request signatures: base64 of HMAC-SHA256 over timestamp, method, path with query, and body."""

import base64
import hashlib
import hmac
from collections.abc import Mapping

from aviary_services.sim_venue.bitget.envelope import BitgetError
from aviary_services.sim_venue.exchange.accounts import Account, Accounts

REST_WINDOW_MS = 30_000
LOGIN_WINDOW_S = 30


def sign(secret: bytes, timestamp: str, method: str, path: str, body: str) -> str:
    """Return the signature; `path` includes "?" and the query as sent."""
    message = f"{timestamp}{method.upper()}{path}{body}".encode()
    return base64.b64encode(hmac.new(secret, message, hashlib.sha256).digest()).decode()


def authenticate_request(
    accounts: Accounts, headers: Mapping[str, str], *, method: str, path: str, body: str, now_ns: int
) -> Account:
    """Return the account that signed a REST request; raises BitgetError with the code that Bitget uses."""
    key = _header(headers, "ACCESS-KEY", "40001")
    given = _header(headers, "ACCESS-SIGN", "40002")
    timestamp = _header(headers, "ACCESS-TIMESTAMP", "40003")
    passphrase = _header(headers, "ACCESS-PASSPHRASE", "40011")
    if not timestamp.isdigit():
        raise BitgetError("40005", "Invalid ACCESS_TIMESTAMP")
    if abs(now_ns // 1_000_000 - int(timestamp)) > REST_WINDOW_MS:
        raise BitgetError("40008", "Request timestamp expired")
    account = accounts.by_key(key)
    if account is None:
        raise BitgetError("40006", "Invalid ACCESS_KEY")
    if not account.has_passphrase(passphrase):
        raise BitgetError("40012", "apikey/password is incorrect")
    if not hmac.compare_digest(sign(account.secret, timestamp, method, path, body).encode(), given.encode()):
        raise BitgetError("40009", "sign signature error")
    return account


def _header(headers: Mapping[str, str], name: str, code: str) -> str:
    value = headers.get(name, "")
    if not value:
        raise BitgetError(code, f"{name.replace('-', '_')} cannot be empty")
    return value


def authenticate_login(accounts: Accounts, login: Mapping[str, str], *, now_ns: int) -> Account:
    """Return the account of a WebSocket login; raises BitgetError with WebSocket codes. Its time is in seconds."""
    timestamp = login.get("timestamp", "")
    if not timestamp.isdigit():
        raise BitgetError("30013", "Invalid ACCESS_TIMESTAMP")
    if abs(now_ns // 1_000_000_000 - int(timestamp)) > LOGIN_WINDOW_S:
        raise BitgetError("30014", "Request timestamp expired")
    account = accounts.by_key(login.get("apiKey", ""))
    if account is None:
        raise BitgetError("30011", "Invalid ACCESS_KEY")
    if not account.has_passphrase(login.get("passphrase", "")):
        raise BitgetError("30012", "Invalid ACCESS_PASSPHRASE")
    expected = sign(account.secret, timestamp, "GET", "/user/verify", "")
    if not hmac.compare_digest(expected.encode(), login.get("sign", "").encode()):
        raise BitgetError("30015", "Invalid sign")
    return account
