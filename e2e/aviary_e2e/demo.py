"""``make demo``: from nothing to bots that trade on paper in a real cluster, with the board to prove it."""

import time
from typing import Final

from aviary_e2e.board import board_text, show_until
from aviary_e2e.bots import Bot
from aviary_e2e.commands import say
from aviary_e2e.release import SAMPLES, Release, prepare
from aviary_e2e.venue import Venue

NAMESPACE: Final = "desk-demo"
FILL_SECONDS: Final = 300.0
PRODUCTS: Final = {"bitget": "Spot", "bitget_perpetual": "UsdtPerpetual"}


def demo() -> int:
    """Run the demo and leave the cluster running; return the exit code."""
    begin = time.monotonic()
    release = prepare()
    say("==> applying the sample desk and its bots (manifests/samples)")
    release.kubectl.run("apply", "--server-side", "-f", str(SAMPLES / "namespace.yaml"))
    release.kubectl.run("apply", "--server-side", "-f", str(SAMPLES))
    bots = [bot for bot in _bots(release) if bot.manifest()["spec"]["mode"] == "Paper"]
    traded = _Traded(bots)
    say("")
    show_until(release.kubectl, NAMESPACE, traded.first, seconds=FILL_SECONDS)
    if not traded.times:
        say(f"\nNo fill within {FILL_SECONDS:.0f} s. Look at: kubectl describe tbot -n {NAMESPACE}")
        return 1
    name, moment = next(iter(traded.times.items()))
    say(f"\nFirst fill: {name}, {moment - begin:.0f} s after `make demo` was typed.\n")
    show_until(release.kubectl, NAMESPACE, lambda: traded.all() and traded.on_board(), seconds=120)
    say("\n" + board_text(release.kubectl, NAMESPACE))
    agreed = _compare_with_venue(release, bots)
    _farewell(release)
    return 0 if agreed else 1


class _Traded:
    """Remembers when each bot was first seen to have a fill."""

    def __init__(self, bots: list[Bot]) -> None:
        self._bots = bots
        self.times: dict[str, float] = {}

    def _look(self) -> None:
        for bot in self._bots:
            if bot.name in self.times:
                continue
            try:
                fills = bot.state().figures.fills
            except (RuntimeError, ValueError):
                continue  # the pod is not there yet, or not up yet
            if fills:
                self.times[bot.name] = time.monotonic()

    def first(self) -> bool:
        self._look()
        return bool(self.times)

    def all(self) -> bool:
        self._look()
        return len(self.times) == len(self._bots)

    def on_board(self) -> bool:
        return all(bot.status().observed.fills for bot in self._bots)


def _bots(release: Release) -> list[Bot]:
    names = [item["metadata"]["name"] for item in release.kubectl.items("tradingbot", NAMESPACE)]
    return [Bot(release.kubectl, name, NAMESPACE) for name in names]


def _compare_with_venue(release: Release, bots: list[Bot]) -> bool:
    """Say whether the venue's log agrees with the bots': no order of theirs there, every fill within its tape."""
    venue = Venue.find(release.kubectl, release.namespace)
    orders = venue.private_calls()
    disagreements, compared = [], 0
    for bot in bots:
        product = PRODUCTS[bot.manifest()["spec"]["market"]["connector"]]
        for fill in bot.state().recent_fills:
            compared += 1
            why = venue.disagreement(fill, product)
            if why:
                disagreements.append(f"{bot.name}: {why}")
    say(
        f"\nThe venue's side: {orders} private requests or orders (a paper bot makes none); "
        f"{compared - len(disagreements)} of {compared} paper fills lie within its tape of prices and trades."
    )
    for line in disagreements:
        say(f"  {line}")
    return orders == 0 and not disagreements


def _farewell(release: Release) -> None:
    kubeconfig = release.kubectl.kubeconfig
    say(
        f"""
The cluster goes on running. To look further:

  export KUBECONFIG={kubeconfig}
  kubectl get tbot -n {NAMESPACE} -w                     the board
  kubectl logs -n {NAMESPACE} -l aviary.trading/bot -f   what the bots do
  docs/tutorials/paper-to-live.md                        how btc-spot earns a grant of Live
  make down                                             stops everything and leaves nothing behind
"""
    )
