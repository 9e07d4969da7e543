"""The processes of a component test: the simulated venue and bots, on real sockets."""

import contextlib
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aviary_crds.botconfig import BotConfig
from aviary_crds.botstate import BotState

REPOSITORY = Path(__file__).parents[3]
TOKEN = "open sesame"
API_KEY = {"name": "keyed", "api_key": "key-1", "secret": "secret-1", "passphrase": "phrase-1"}


def eventually[T](what: str, look: Callable[[], T | None], *, seconds: float = 30.0) -> T:
    """Return the first answer that is not None or False; fail with `what` when there is none in time."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds:.0f} s in vain: {what}")
        time.sleep(0.05)


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class Answer:
    """An HTTP answer."""

    status: int
    text: str

    def json(self) -> Any:
        """Return the body as JSON."""
        return json.loads(self.text)


def call(url: str, body: Any = None, *, headers: dict[str, str] | None = None) -> Answer | None:
    """GET, or POST when there is a body; None when nobody answers."""
    data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, headers=headers or {})  # noqa: S310  loopback
    try:
        with urllib.request.urlopen(request, timeout=5) as response:  # noqa: S310  loopback
            return Answer(response.status, response.read().decode())
    except urllib.error.HTTPError as error:
        return Answer(error.code, error.read().decode())
    except OSError:
        return None


class Venue:
    """The simulated venue, with one account that has keys."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.admin = f"http://127.0.0.1:{free_port()}"
        accounts = {"accounts": [{**API_KEY, "spot": {"USDT": "10000", "BTC": "1"}, "usdt_futures": "10000"}]}
        (folder / "accounts.json").write_text(json.dumps(accounts))
        self._log = (folder / "venue.log").open("w")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "aviary_services", "sim-venue"],
            stdout=self._log,
            stderr=subprocess.STDOUT,
            env=os.environ
            | {
                "PYTHONPATH": f"{REPOSITORY}/services/src:{os.environ.get('PYTHONPATH', '')}",
                "SERVICES_ADMIN_PORT": self.admin.rsplit(":", maxsplit=1)[1],
                "SIM_VENUE_HOST": "127.0.0.1",
                "SIM_VENUE_TLS_PORT": "443",
                "SIM_VENUE_PKI_DIR": str(folder / "pki"),
                "SIM_VENUE_DATA_DIR": str(folder / "data"),
                "SIM_VENUE_ACCOUNTS_FILE": str(folder / "accounts.json"),
            },
        )
        eventually("the venue is open", self._is_open)

    @property
    def ca(self) -> Path:
        """The certificate authority that clients must trust."""
        return self.folder / "pki" / "ca.crt"

    def _is_open(self) -> bool:
        if self._process.poll() is not None:
            raise AssertionError(f"the venue ended: {(self.folder / 'venue.log').read_text()[-2000:]}")
        answer = call(f"{self.admin}/readyz")
        return answer is not None and answer.status == 200

    def ask(self, path: str, body: Any = None) -> Any:
        """Ask the venue's control."""
        answer = call(f"{self.admin}/_venue/{path}", body)
        if answer is None or answer.status != 200:
            raise AssertionError(f"the venue's /_venue/{path} said {answer}")
        return answer.json()

    def private_requests(self) -> dict[str, int]:
        """Return how many requests each account made; public ones belong to nobody."""
        counts: dict[str, int] = self.ask("state")["requests"]["by_account"]
        return counts

    def order_log(self) -> list[dict[str, Any]]:
        """Return the venue's order log."""
        answer = call(f"{self.admin}/_venue/orders")
        return [] if answer is None else [json.loads(line) for line in answer.text.splitlines()]

    def close(self) -> None:
        """End the venue."""
        self._process.terminate()
        self._process.wait(10)
        self._log.close()


class BotProcess:
    """One bot: its folders and, one after another, its processes."""

    def __init__(self, folder: Path, config: BotConfig, venue: Venue, *, code: str | None = None) -> None:
        self.folder = folder
        self.config = config
        self._port = free_port()
        self._base = f"http://127.0.0.1:{self._port}"
        self._venue = venue
        self._process: subprocess.Popen[bytes] | None = None
        for name in ("etc", "tmp", "home/conf", "home/data", "home/logs"):
            (folder / name).mkdir(parents=True)
        (folder / "etc" / "bot.json").write_text(config.model_dump_json(by_alias=True))
        (folder / "etc" / "control-token.sha256").write_text(hashlib.sha256(TOKEN.encode()).hexdigest())
        if code is not None:
            (folder / "etc" / "strategy.py").write_text(code)

    @property
    def data(self) -> Path:
        """The bot's volume."""
        return self.folder / "home" / "data"

    def start(self) -> None:
        """Start a process; its log is appended to the bot's."""
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, str(Path(__file__).with_name("run_bot.py")), str(self.folder)],
                stdout=log,
                stderr=subprocess.STDOUT,
                env=os.environ
                | {
                    "AVIARY_BOOT_REVISION": self.config.boot_revision,
                    "AVIARY_HTTP_PORT": str(self._port),
                    "SSL_CERT_FILE": str(self._venue.ca),
                    "NUMBA_CACHE_DIR": str(self.data / ".numba"),
                },
            )

    def get(self, path: str) -> Answer | None:
        """GET from the bot's HTTP."""
        return call(f"{self._base}/{path}")

    def control(self, what: str, body: Any, *, token: str = TOKEN) -> Answer:
        """POST to the bot's control."""
        answer = call(f"{self._base}/control/{what}", body, headers={"X-Aviary-Control-Token": token})
        if answer is None:
            raise AssertionError(f"/control/{what} was not answered; log: {self.log()[-2000:]}")
        return answer

    def state(self) -> BotState:
        """Return what the bot says about itself."""
        answer = self.get("state")
        if answer is None or answer.status != 200:
            raise AssertionError(f"/state was not answered ({answer}); log: {self.log()[-2000:]}")
        return BotState.model_validate_json(answer.text)

    def wait_until(self, what: str, holds: Callable[[BotState], bool], *, seconds: float = 150.0) -> BotState:
        """Return the first state for which it holds."""

        def look() -> BotState | None:
            if self._process is not None and self._process.poll() is not None:
                raise AssertionError(f"the bot ended with {self._process.returncode}: {self.log()[-3000:]}")
            answer = self.get("state")
            if answer is None:
                return None
            state = BotState.model_validate_json(answer.text)
            return state if holds(state) else None

        try:
            return eventually(what, look, seconds=seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}; log: {self.log()[-3000:]}") from None

    def log(self) -> str:
        """Return the log of all its processes."""
        return (self.folder / "log").read_text()

    def terminate(self, *, seconds: float = 20.0) -> tuple[int, float]:
        """Send SIGTERM; return the exit code and how long it took."""
        if self._process is None:
            raise AssertionError("the bot was not started")
        begun = time.monotonic()
        self._process.send_signal(signal.SIGTERM)
        code = self._process.wait(seconds)
        return code, time.monotonic() - begun

    def kill(self) -> None:
        """Send SIGKILL, as the kernel does when memory is short."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)

    @property
    def pid(self) -> int:
        """The process id."""
        return 0 if self._process is None else self._process.pid


@contextlib.contextmanager
def running(bot: BotProcess) -> Iterator[BotProcess]:
    """Start a bot and see to it that no process of it is left."""
    bot.start()
    try:
        yield bot
    finally:
        bot.kill()
