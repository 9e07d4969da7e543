"""Values for tests: a bot, a desk, a pod, a state, each complete and each changed by keyword."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from aviary_crds.botconfig import BotConfig
from aviary_crds.botstate import BotState, ConfigState, Figures, GuardView, Phase
from aviary_crds.labels import BOOT_REVISION_ANNOTATION, BOT_CONTAINER
from aviary_crds.v1alpha1.tradingbot import Mode, TradingBotSpec
from aviary_crds.v1alpha1.tradingdesk import TradingDeskSpec
from aviary_operator.bots.decide.envelope import Claim, build_limits
from aviary_operator.bots.decide.update import Target
from aviary_operator.bots.guard import check_bot
from aviary_operator.bots.observed import BotReport, DeskView, Observed
from aviary_operator.bots.podinputs import Applied, build_pod_inputs
from aviary_operator.bots.records import BotRecord, PodRecord, read_bot, read_pod
from aviary_operator.bots.render.config import render_config
from aviary_operator_simulation.world import BOT_SPEC, CEILINGS, merged

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
UID = "0b0b0b0b-0000-4000-8000-000000000001"


def bot_spec(**changes: Any) -> TradingBotSpec:
    """Return the smallest spec with changes merged in."""
    return TradingBotSpec.model_validate(merged(BOT_SPEC, changes))


def bot_record(status: Mapping[str, Any] | None = None, *, approved: str | None = None, **changes: Any) -> BotRecord:
    """Return a TradingBot called alpha."""
    body = {
        "metadata": {
            "name": "alpha",
            "namespace": "desk",
            "uid": UID,
            "resourceVersion": "7",
            "generation": 1,
            "creationTimestamp": "2026-11-21T11:00:00Z",
        },
        "spec": merged(BOT_SPEC, changes),
        "status": dict(status or {}),
    }
    return replace(read_bot(body), approved=approved)


def desk_view(*, claims: tuple[Claim, ...] | None = None, **ceilings: Any) -> DeskView:
    """Return a desk whose total only alpha claims."""
    spec = TradingDeskSpec.model_validate({"ceilings": merged(CEILINGS, ceilings)})
    return DeskView("risk", spec, claims if claims is not None else (Claim("2026", "alpha", None),))


def target(spec: TradingBotSpec, *, mode: Mode = Mode.PAPER, code: str | None = None) -> Target:
    """Return what a spec asks for, without a desk."""
    config = render_config(
        spec, name="alpha", namespace="desk", uid=UID, mode=mode, limits=build_limits(spec, None), code=code
    )
    return Target(config, build_pod_inputs(spec, hosts=(), authorities="", code=code))


def applied(spec: TradingBotSpec, *, mode: Mode = Mode.PAPER) -> Applied:
    """Return what was let through when ``spec`` was taken whole."""
    wanted = target(spec, mode=mode)
    return Applied(wanted.config.sealed(boot_revision=wanted.boot_revision), wanted.pod)


def pod_body(*, boot_revision: str = "", ready: bool = True, **status: Any) -> dict[str, Any]:
    """Return a running pod as the API shows it."""
    return {
        "metadata": {
            "name": "alpha-0",
            "namespace": "desk",
            "uid": "pod-1",
            "resourceVersion": "9",
            "annotations": {BOOT_REVISION_ANNOTATION: boot_revision},
            "labels": {"controller-revision-hash": "alpha-1"},
        },
        "status": {
            "phase": "Running",
            "podIP": "10.0.0.1",
            "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
            "containerStatuses": [
                {"name": BOT_CONTAINER, "ready": ready, "restartCount": 0, "state": {"running": {}}, "imageID": "id"}
            ],
            **status,
        },
    }


def pod_record(*, boot_revision: str = "", ready: bool = True, **status: Any) -> PodRecord:
    """Return a running pod."""
    return read_pod(pod_body(boot_revision=boot_revision, ready=ready, **status))


def container(state: Mapping[str, Any], *, ready: bool = False, **more: Any) -> list[dict[str, Any]]:
    """Return containerStatuses with the bot's container in this state."""
    return [{"name": BOT_CONTAINER, "ready": ready, "restartCount": 0, "state": dict(state), **more}]


def bot_state(config: BotConfig, **changes: Any) -> BotState:
    """Return what a bot that runs ``config`` says."""
    state = BotState(
        time=NOW,
        name=config.name,
        namespace=config.namespace,
        uid=config.uid,
        mode=config.mode,
        digest=config.digest,
        phase=Phase.RUNNING,
        start_time=NOW,
        ready=True,
        config=ConfigState(
            revision=config.revision, boot_revision=config.boot_revision, updatable_parameters=("refresh_seconds",)
        ),
        figures=Figures(fills=1),
        guard=GuardView(state="Running", enforced=("maxOrderNotionalQuote",)),
    )
    return state.model_copy(update=changes)


def observed(bot: BotRecord | None = None, **changes: Any) -> Observed:
    """Return what is true about alpha: by default a spec and nothing else."""
    bot = bot or bot_record()
    plain = Observed(
        bot=bot,
        spec=check_bot(bot.name, bot.spec),
        desk=None,
        code=None,
        venues=(),
        children={},
        squatter=None,
        pod=None,
        report=BotReport(),
        applied=None,
        refusal=None,
        token_fingerprint="f" * 64,
        operator_namespace="aviary-system",
        metrics_label=("aviary.trading/metrics", "allowed"),
    )
    return replace(plain, **changes)


def running(
    before: TradingBotSpec, bot: BotRecord | None = None, *, mode: Mode = Mode.PAPER, **changes: Any
) -> Observed:
    """Return alpha running what ``before`` asked for, ready and answering."""
    was = applied(before, mode=mode)
    state = bot_state(was.config)
    here: dict[str, Any] = {
        "applied": was,
        "pod": pod_record(boot_revision=was.config.boot_revision),
        "report": BotReport(state=state, seen=NOW),
        **changes,
    }
    return observed(bot, **here)
