"""Memory and CPU of the simulated venue with ten bots connected: `python services/bench/sim_venue_load.py`.

Starts the venue as its own process with a certificate from files, as in a cluster, connects clients that subscribe as
Hummingbot does and that place and cancel orders, and prints medians over the measured time. A benchmark is not a test.
"""

import argparse
import asyncio
import base64
import hashlib
import hmac
import json
import os
import platform
import ssl
import statistics
import sys
import tempfile
import time
from pathlib import Path

import aiohttp
from aviary_services.sim_venue.pki import write_pki

CLOCK_TICKS = os.sysconf("SC_CLK_TCK")
ORDER_PAUSE_S = 5.0


def sign(secret: str, message: str) -> str:
    return base64.b64encode(hmac.new(secret.encode(), message.encode(), hashlib.sha256).digest()).decode()


class Bot:
    """One client: public and private socket, and an order placed and cancelled now and then."""

    def __init__(self, number: int, session: aiohttp.ClientSession, base: str) -> None:
        self.name = f"bot-{number}"
        self.symbol = ("BTCUSDT", "ETHUSDT", "SOLUSDT")[number % 3]
        self.session = session
        self.base = base
        self.messages = 0

    async def listen(self, side: str, args: list[dict[str, str]]) -> None:
        """Subscribe and count what comes."""
        async with self.session.ws_connect(f"{self.base}/v2/ws/{side}") as socket:
            if side == "private":
                timestamp = str(int(time.time()))
                login = {"apiKey": self.name, "passphrase": self.name, "timestamp": timestamp}
                login["sign"] = sign(self.name, f"{timestamp}GET/user/verify")
                await socket.send_json({"op": "login", "args": [login]})
            await socket.send_json({"op": "subscribe", "args": args})
            async for _ in socket:
                self.messages += 1

    async def trade(self) -> None:
        """Place an order far from the market, cancel it, and again."""
        number = 0
        price = {"BTCUSDT": "30000", "ETHUSDT": "1500", "SOLUSDT": "75"}[self.symbol]
        while True:
            number += 1
            client_id = f"{self.name}-{number}"
            order = {"symbol": self.symbol, "side": "buy", "orderType": "limit", "force": "gtc", "size": "1"}
            await self.post("place-order", order | {"price": price, "clientOid": client_id})
            await asyncio.sleep(ORDER_PAUSE_S)
            await self.post("cancel-order", {"symbol": self.symbol, "clientOid": client_id})

    async def post(self, verb: str, body: dict[str, str]) -> None:
        """Send one signed request; fails unless it is answered with 200."""
        path, text, timestamp = f"/api/v2/spot/trade/{verb}", json.dumps(body), str(int(time.time() * 1000))
        headers = {
            "ACCESS-KEY": self.name,
            "ACCESS-PASSPHRASE": self.name,
            "ACCESS-TIMESTAMP": timestamp,
            "ACCESS-SIGN": sign(self.name, f"{timestamp}POST{path}{text}"),
            "Content-Type": "application/json",
        }
        async with self.session.post(self.base + path, data=text, headers=headers) as response:
            assert response.status == 200, await response.text()

    def tasks(self) -> list[asyncio.Task[None]]:
        """Start all of it."""
        public = [{"instType": "SPOT", "channel": channel, "instId": self.symbol} for channel in ("books", "trade")]
        private = [{"instType": "SPOT", "channel": channel, "coin": "default"} for channel in ("account", "fill")]
        private.append({"instType": "SPOT", "channel": "orders", "instId": self.symbol})
        work = (self.listen("public", public), self.listen("private", private), self.trade())
        return [asyncio.create_task(each) for each in work]


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / CLOCK_TICKS


def resident_mib(pid: int) -> float:
    line = next(row for row in Path(f"/proc/{pid}/status").read_text().splitlines() if row.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


async def measure(folder: Path, *, bots: int, seconds: int) -> None:
    files = write_pki(folder)
    (folder / "accounts.json").write_text(json.dumps({"accounts": [account(f"bot-{n}") for n in range(bots)]}))
    environment = {
        "PATH": os.environ["PATH"],
        "SIM_VENUE_HOST": "127.0.0.1",
        "SIM_VENUE_TLS_PORT": "0",
        "SIM_VENUE_TLS_CERT": str(files.certificate),
        "SIM_VENUE_TLS_KEY": str(files.key),
        "SIM_VENUE_ACCOUNTS_FILE": str(folder / "accounts.json"),
        "SIM_VENUE_DATA_DIR": str(folder / "data"),
        "SERVICES_ADMIN_HOST": "127.0.0.1",
        "SERVICES_ADMIN_PORT": "0",
    }
    command = (sys.executable, "-m", "aviary_services", "sim-venue")
    venue = await asyncio.create_subprocess_exec(*command, env=environment, stdout=asyncio.subprocess.PIPE)
    try:
        assert venue.stdout is not None
        opened = json.loads(await venue.stdout.readline())
        context = ssl.create_default_context(cafile=str(files.ca_certificate))
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context, limit=0)) as session:
            clients = [Bot(n, session, f"https://localhost:{opened['ports']['tls']}") for n in range(bots)]
            tasks = [task for client in clients for task in client.tasks()]
            await asyncio.sleep(5)
            shares, sizes = await sample(venue.pid, seconds)
            failed = [task.exception() for task in tasks if task.done()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        print(f"machine {platform.node()} ({platform.machine()}), Python {platform.python_version()}")
        print(
            f"{'bots':>6}{'s':>6}{'CPU % of a core':>18}{'resident MiB':>14}{'max':>8}{'messages/s':>12}{'failed':>8}"
        )
        messages = sum(client.messages for client in clients) / (seconds + 5)
        share, size = statistics.median(shares), statistics.median(sizes)
        print(f"{bots:>6}{seconds:>6}{share:>18.2f}{size:>14.1f}{max(sizes):>8.1f}{messages:>12.0f}{len(failed):>8}")
    finally:
        venue.terminate()
        await venue.wait()


async def sample(pid: int, seconds: int) -> tuple[list[float], list[float]]:
    shares, sizes = [], []
    before, began = cpu_seconds(pid), time.monotonic()
    for _ in range(max(1, seconds // 5)):
        await asyncio.sleep(5)
        now, at = cpu_seconds(pid), time.monotonic()
        shares.append(100 * (now - before) / (at - began))
        sizes.append(resident_mib(pid))
        before, began = now, at
    return shares, sizes


def account(name: str) -> dict[str, object]:
    spot = {"USDT": "1000000"}
    return {"name": name, "api_key": name, "secret": name, "passphrase": name, "spot": spot}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bots", type=int, default=10)
    parser.add_argument("--seconds", type=int, default=60)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measure(Path(folder), bots=arguments.bots, seconds=arguments.seconds))


if __name__ == "__main__":
    main()
