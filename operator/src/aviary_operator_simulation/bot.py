"""A bot that speaks the contract (docs/design/bot-contract.md) and trades nothing."""

import hmac
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Final

from aiohttp import web
from aviary_crds.botconfig import BotConfig, changed_paths, restart_paths
from aviary_crds.botstate import (
    BotState,
    ConfigState,
    ConnectorReadiness,
    FailureReason,
    Figures,
    GuardView,
    Phase,
    RiskView,
)
from aviary_crds.labels import CONTROL_TOKEN_HEADER
from aviary_crds.v1alpha1.envelope import Safety
from pydantic import ValidationError

UPDATABLE: Final = ("spreads_bps", "refresh_seconds", "total_amount_quote")
ENFORCED: Final = tuple(field.alias or name for name, field in Safety.model_fields.items())

type Lie = Callable[[BotState], BotState]
"""What a forged bot makes of its true answer."""


class SimulatedBot:
    """One process of one bot, at an address of its own."""

    def __init__(self, config: BotConfig, token_fingerprint: str, *, address: str, port: int) -> None:
        self.config = config
        self.address = address
        self._fingerprint = token_fingerprint
        self._port = port
        self._runner: web.AppRunner | None = None
        self.started = datetime.now(UTC)
        self.phase = Phase.RUNNING
        self.reason: FailureReason | None = None
        self.message = ""
        self.ready = True
        self.flags = {"order_books_initialized": True}
        self.guard = GuardView(state="Running", enforced=ENFORCED)
        self.figures = Figures(
            equity_quote=Decimal(1000), open_orders=2, rejected_orders=0, fee_source="project:simulated"
        )
        self.risk = RiskView(
            day_loss_bps=Decimal(0),
            drawdown_bps=Decimal(0),
            day_turnover_bps=Decimal(0),
            cancels_last_minute=0,
            cancels_in_budget=True,
            base_share_bps=Decimal(5_000),
            inventory_in_band=True,
            leverage=1,
            hard_stops=0,
        )
        self.starts = 1
        self.refuse_retunes: tuple[int, str] | None = None
        self.retunes: list[BotConfig] = []
        self.polls = 0
        self.lie: Lie | None = None

    async def start(self) -> None:
        """Listen."""
        app = web.Application()
        app.add_routes([web.get("/state", self._state), web.post("/control/retune", self._retune)])
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, self.address, self._port, reuse_address=True).start()

    async def stop(self) -> None:
        """Listen no more."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def read_state(self) -> BotState:
        """Return what ``/state`` says now."""
        config = self.config
        return BotState(
            time=datetime.now(UTC),
            name=config.name,
            namespace=config.namespace,
            uid=config.uid,
            mode=config.mode,
            granted_mode=config.granted_mode,
            digest=config.digest,
            phase=self.phase,
            reason=self.reason,
            message=self.message,
            start_time=self.started,
            ready=self.ready and self.phase is Phase.RUNNING,
            tick_age_seconds=0.5,
            config=ConfigState(
                revision=config.revision, boot_revision=config.boot_revision, updatable_parameters=UPDATABLE
            ),
            connectors=(
                ConnectorReadiness(name=config.market.connector, ready=all(self.flags.values()), flags=self.flags),
            ),
            figures=self.figures,
            guard=self.guard,
            risk=self.risk,
            starts=self.starts,
        )

    async def _state(self, _: web.Request) -> web.Response:
        self.polls += 1
        state = self.read_state()
        told = self.lie(state) if self.lie is not None else state
        return web.json_response(text=told.model_dump_json(by_alias=True))

    async def _retune(self, request: web.Request) -> web.Response:
        token = request.headers.get(CONTROL_TOKEN_HEADER, "")
        if not hmac.compare_digest(sha256(token.encode()).hexdigest(), self._fingerprint):
            return web.Response(status=401, text="wrong token")
        try:
            new = BotConfig.model_validate_json(await request.read())
        except ValidationError as error:
            return web.Response(status=400, text=str(error))
        if not new.intact:
            return web.Response(status=400, text="not intact")
        if self.refuse_retunes is not None:
            return web.Response(status=self.refuse_retunes[0], text=self.refuse_retunes[1])
        cold = restart_paths(changed_paths(self.config, new), updatable=UPDATABLE)
        if cold:
            return web.Response(status=409, text=f"not hot: {', '.join(sorted(cold))}")
        self.config = new
        self.retunes.append(new)
        return web.json_response(text=self.read_state().config.model_dump_json(by_alias=True))
