"""One reconcile of one bot: observe, decide, apply, report."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import structlog
from aviary_crds.botconfig import BotConfig

from aviary_operator.bots.apply import Applier, NameTakenError, Written
from aviary_operator.bots.decide.plan import Plan, decide_plan
from aviary_operator.bots.fleet import Fleet
from aviary_operator.bots.names import Key
from aviary_operator.bots.observe import Observer, Remembered
from aviary_operator.bots.observed import Observed, RetuneRefusal
from aviary_operator.bots.podinputs import read_applied
from aviary_operator.bots.polling import StatePoller
from aviary_operator.bots.records import BotRecord
from aviary_operator.bots.report import Reporter
from aviary_operator.runtime.bothttp import BotHttp
from aviary_operator.runtime.events import Notice
from aviary_operator.runtime.kinds import CONFIG_MAP
from aviary_operator.runtime.kube import ApiError
from aviary_operator.runtime.metrics import Metrics
from aviary_operator.runtime.workqueue import Outcome, RetryError

SQUATTER_WAIT_SECONDS = 5.0
ENDING_WAIT_SECONDS = 15.0
RETUNE_WAIT_SECONDS = 3.0
"""How soon to push again what a bot has not taken over, or to see that it has."""

log = structlog.get_logger(__name__)


def wall_clock() -> datetime:
    """Return the time in whole seconds, as Kubernetes writes it."""
    return datetime.now(UTC).replace(microsecond=0)


class BotReconciler:
    """Makes one bot what it should be. Keeps nothing that it could not do without."""

    def __init__(
        self,
        *,
        fleet: Fleet,
        observer: Observer,
        applier: Applier,
        reporter: Reporter,
        poller: StatePoller,
        http: BotHttp,
        metrics: Metrics,
        forget: Callable[[Key], None],
        clock: Callable[[], datetime] = wall_clock,
    ) -> None:
        self._fleet = fleet
        self._observer = observer
        self._applier = applier
        self._reporter = reporter
        self._poller = poller
        self._http = http
        self._metrics = metrics
        self._forget = forget
        self._clock = clock
        self._memory: dict[str, Remembered] = {}
        self._uids: dict[Key, str] = {}

    async def reconcile(self, key: Key) -> Outcome:
        """Bring the bot one step nearer to its spec.

        Raises:
            RetryError: when the API server is away or refuses for now.
        """
        bot = self._fleet.bot(key)
        if bot is None or bot.deleting:
            self._let_go(key)
            return Outcome()
        if self._uids.setdefault(key, bot.uid) != bot.uid:
            self._let_go(key)
            self._uids[key] = bot.uid
        try:
            return await self._reconcile(key, bot)
        except* ApiError as errors:
            if _all_ending(errors):
                log.info("namespace is being deleted", bot=bot.name, namespace=bot.namespace)
            else:
                raise RetryError("; ".join(str(error) for error in errors.exceptions)) from None
        return Outcome(requeue_after=ENDING_WAIT_SECONDS)

    async def _reconcile(self, key: Key, bot: BotRecord) -> Outcome:
        remembered = self._memory.get(bot.uid, Remembered())
        observed = await self._observer.observe(key, bot, remembered)
        plan = decide_plan(observed, now=self._clock())
        self._follow(key, observed, plan)
        if plan.poll and not observed.report.asked:
            return Outcome()  # the answer, or that there is none, brings the key back within seconds
        try:
            written = await self._apply(observed, plan)
        except* NameTakenError as errors:
            observed = replace(observed, squatter=str(errors.exceptions[0]))
            written = []
        restarted = observed.squatter is None and await self._restart(observed, plan)
        pushed = observed.squatter is None and await self._retune(key, observed, plan.retune)
        if written or pushed or observed.squatter is not None:
            # what was written is seen at once, so the status that goes out is that of after it
            after = await self._observer.observe(key, bot, self._memory.get(bot.uid, Remembered()))
            plan = decide_plan(replace(after, squatter=observed.squatter), now=self._clock())
        reported = await self._reporter.report(key, bot, plan.status)
        waits = [plan.requeue_after] if plan.requeue_after is not None else []
        if observed.squatter is not None:
            waits.append(SQUATTER_WAIT_SECONDS)
        if plan.retune is not None:
            waits.append(RETUNE_WAIT_SECONDS)
        changed = bool(written) or restarted or pushed or reported
        return Outcome(changed=changed, requeue_after=min(waits, default=None))

    def _let_go(self, key: Key) -> None:
        """Stop watching a bot that is going, and forget it.

        Its pod cancels its orders on SIGTERM; the garbage collector does the rest.
        """
        self._poller.forget(key)
        self._forget(key)
        self._fleet.forget_bot(key)
        uid = self._uids.pop(key, None)
        if uid is not None:
            self._memory.pop(uid, None)
            self._observer.forget(uid)

    def _follow(self, key: Key, observed: Observed, plan: Plan) -> None:
        pod = observed.pod
        if plan.poll and pod is not None and pod.address is not None:
            self._poller.watch(key, pod_uid=pod.uid, address=pod.address, moving=plan.starting)
        else:
            self._poller.forget(key)

    async def _apply(self, observed: Observed, plan: Plan) -> list[Written]:
        """Write the children and tell when somebody else had been at them."""
        bot = observed.bot
        written = await self._applier.apply_children(observed, plan.children)
        self._remember_applied(bot)
        if written:
            log.info("children written", bot=bot.name, namespace=bot.namespace, because=[item.what for item in written])
        repaired = [item.what for item in written if item.repair]
        if repaired and observed.children:
            await self._reporter.notify(bot, Notice("Warning", "Repaired", "; ".join(repaired)))
        return written

    def _remember_applied(self, bot: BotRecord) -> None:
        child = self._fleet.child(CONFIG_MAP, bot.namespace, bot.name, bot.name)
        applied = read_applied(child) if child is not None and child.owner == bot.uid else None
        if applied is not None:
            self._memory[bot.uid] = replace(self._memory.get(bot.uid, Remembered()), applied=applied)

    async def _restart(self, observed: Observed, plan: Plan) -> bool:
        if plan.restart is None:
            return False
        bot = observed.bot
        if not await self._applier.delete_pod(plan.restart):
            return False
        self._metrics.restarts.inc()
        log.info("bot restarted", bot=bot.name, namespace=bot.namespace, pod_uid=plan.restart.uid)
        await self._reporter.notify(
            bot, Notice("Normal", "Restarted", f"pod {plan.restart.name} deleted to start the new configuration")
        )
        return True

    async def _retune(self, key: Key, observed: Observed, config: BotConfig | None) -> bool:
        pod, bot = observed.pod, observed.bot
        if config is None or pod is None or pod.address is None:
            return False
        memory, now = self._memory.get(bot.uid, Remembered()), asyncio.get_running_loop().time()
        if memory.pushed is not None and memory.pushed[0] == config.revision and now < memory.pushed[1]:
            return False  # taken over just now; the bot's next answer will say so
        answer = await self._http.push_retune(pod.address, config, token=self._observer.token(bot))
        self._metrics.retunes.labels(result=answer.verdict).inc()
        log.info(
            "configuration pushed",
            bot=bot.name,
            namespace=bot.namespace,
            verdict=answer.verdict,
            detail=answer.message,
        )
        self._poller.hasten(key)
        if answer.verdict in {"NotHot", "Refused"}:
            refusal = RetuneRefusal(config.revision, not_hot=answer.verdict == "NotHot", message=answer.message)
            self._memory[bot.uid] = replace(memory, refusal=refusal)
        elif answer.verdict == "InForce":
            self._memory[bot.uid] = replace(memory, pushed=(config.revision, now + RETUNE_WAIT_SECONDS))
        return True


def _all_ending(errors: BaseExceptionGroup[ApiError]) -> bool:
    """Whether every call failed because the namespace is being deleted."""
    leaves = list[BaseException](errors.exceptions)
    while leaves:
        error = leaves.pop()
        if isinstance(error, BaseExceptionGroup):
            leaves.extend(error.exceptions)
        elif not isinstance(error, ApiError) or not error.ending:
            return False
    return True
