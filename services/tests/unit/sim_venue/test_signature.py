"""Who is let in, and which of Bitget's codes the others get."""

import pytest
from aviary_services.sim_venue.bitget.envelope import BitgetError
from aviary_services.sim_venue.bitget.signature import authenticate_login, authenticate_request, sign
from aviary_services.sim_venue.exchange.accounts import Accounts

from .conftest import NOW_NS, spec

ACCOUNTS = Accounts([spec("ann"), spec("bob")])
NOW_MS = NOW_NS // 1_000_000
PATH = "/api/v2/spot/trade/orderInfo?clientOid=x1"


def headers(**changes: str) -> dict[str, str]:
    given = {
        "ACCESS-KEY": "key-ann",
        "ACCESS-TIMESTAMP": str(NOW_MS),
        "ACCESS-PASSPHRASE": "pass-ann",
    } | {name.replace("_", "-"): value for name, value in changes.items()}
    given.setdefault("ACCESS-SIGN", sign(b"secret-ann", given["ACCESS-TIMESTAMP"], "GET", PATH, ""))
    return given


def test_signature_equals_one_computed_by_hand() -> None:
    # openssl dgst -sha256 -hmac k -binary | base64, over time, method, path and body written one after the other.
    signature = sign(b"k", "1700000000000", "post", "/api/v2/spot/trade/place-order", '{"size":"1"}')
    assert signature == "L8DK5CdoUFcVGCiCORWvjVeewqjU5KAu3YfwH3yaMOQ="


def test_a_signed_request_is_its_account() -> None:
    account = authenticate_request(ACCOUNTS, headers(), method="GET", path=PATH, body="", now_ns=NOW_NS)
    assert account.name == "ann"


@pytest.mark.parametrize("skew_ms", [-29_999, 29_999])
def test_half_a_minute_of_clock_difference_is_fine(skew_ms: int) -> None:
    given = headers(ACCESS_TIMESTAMP=str(NOW_MS + skew_ms))
    authenticate_request(ACCOUNTS, given, method="GET", path=PATH, body="", now_ns=NOW_NS)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"ACCESS_KEY": ""}, "40001"),
        ({"ACCESS_SIGN": ""}, "40002"),
        ({"ACCESS_TIMESTAMP": ""}, "40003"),
        ({"ACCESS_PASSPHRASE": ""}, "40011"),
        ({"ACCESS_TIMESTAMP": "yesterday"}, "40005"),
        ({"ACCESS_TIMESTAMP": str(NOW_MS - 30_001)}, "40008"),
        ({"ACCESS_TIMESTAMP": str(NOW_MS + 30_001)}, "40008"),
        ({"ACCESS_KEY": "key-eve"}, "40006"),
        ({"ACCESS_PASSPHRASE": "pass-bob"}, "40012"),
        ({"ACCESS_SIGN": "bm90IGl0"}, "40009"),
        ({"ACCESS_KEY": "key-bob", "ACCESS_PASSPHRASE": "pass-bob"}, "40009"),
    ],
)
def test_a_bad_request_gets_bitgets_code(changes: dict[str, str], code: str) -> None:
    with pytest.raises(BitgetError) as refused:
        authenticate_request(ACCOUNTS, headers(**changes), method="GET", path=PATH, body="", now_ns=NOW_NS)
    assert refused.value.code == code


@pytest.mark.parametrize(("method", "path", "body"), [("POST", PATH, ""), ("GET", PATH + "2", ""), ("GET", PATH, "{}")])
def test_the_signature_covers_method_path_query_and_body(method: str, path: str, body: str) -> None:
    with pytest.raises(BitgetError) as refused:
        authenticate_request(ACCOUNTS, headers(), method=method, path=path, body=body, now_ns=NOW_NS)
    assert refused.value.code == "40009"


def login(**changes: str) -> dict[str, str]:
    given = {"apiKey": "key-ann", "passphrase": "pass-ann", "timestamp": str(NOW_MS // 1000)} | changes
    given.setdefault("sign", sign(b"secret-ann", given["timestamp"], "GET", "/user/verify", ""))
    return given


def test_a_login_is_signed_with_seconds() -> None:
    assert authenticate_login(ACCOUNTS, login(), now_ns=NOW_NS).name == "ann"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"timestamp": "soon"}, "30013"),
        ({"timestamp": str(NOW_MS)}, "30014"),
        ({"timestamp": str(NOW_MS // 1000 - 31)}, "30014"),
        ({"apiKey": "key-eve"}, "30011"),
        ({"passphrase": ""}, "30012"),
        ({"sign": "bm90IGl0"}, "30015"),
    ],
)
def test_a_bad_login_gets_bitgets_code(changes: dict[str, str], code: str) -> None:
    with pytest.raises(BitgetError) as refused:
        authenticate_login(ACCOUNTS, login(**changes), now_ns=NOW_NS)
    assert refused.value.code == code


def test_accounts_do_not_share_names_or_keys() -> None:
    with pytest.raises(ValueError, match="of its own"):
        Accounts([spec("ann"), spec("ann")])
