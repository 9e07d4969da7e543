"""The operator's own figures, as Prometheus reads them. No bot is a label: their number is not bounded."""

import time
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

_FAST: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_SLOW: Final = (0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class Metrics:
    """All metrics of one operator process, in a registry of their own so that tests stay apart."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        registry = self.registry
        ProcessCollector(registry=registry)
        self.queue_depth = Gauge("aviary_operator_queue_depth", "Keys waiting for a reconcile", registry=registry)
        self.queue_wait = Histogram(
            "aviary_operator_queue_wait_seconds",
            "Time a key waited for its reconcile, from when it was due",
            buckets=_SLOW,
            registry=registry,
        )
        self.queue_retries = Counter(
            "aviary_operator_queue_retries", "Reconciles that failed and will be tried again", registry=registry
        )
        self.reconcile_time = Histogram(
            "aviary_operator_reconcile_seconds", "Time of one reconcile", ["kind"], buckets=_FAST, registry=registry
        )
        self.reconciles = Counter(
            "aviary_operator_reconciles",
            "Reconciles by result: Unchanged, Changed, Retry or Error",
            ["kind", "result"],
            registry=registry,
        )
        self.api_calls = Counter(
            "aviary_operator_api_calls",
            "Calls to the API server by verb, kind and HTTP code (0: no answer); kopf's own watches not counted",
            ["verb", "kind", "code"],
            registry=registry,
        )
        self.state_polls = Counter(
            "aviary_operator_state_polls",
            "Reads of a bot's /state by result: Ok or Failed",
            ["result"],
            registry=registry,
        )
        self.retunes = Counter(
            "aviary_operator_retunes",
            "Configurations pushed to a running bot by result",
            ["result"],
            registry=registry,
        )
        self.restarts = Counter(
            "aviary_operator_bot_restarts", "Pods deleted in order to restart a bot", registry=registry
        )
        self.bots = Gauge("aviary_operator_bots", "TradingBots in view", registry=registry)
        self.resync_time = Gauge(
            "aviary_operator_last_resync_timestamp_seconds", "When all keys were last queued anew", registry=registry
        )
        self.gates = Gauge(
            "aviary_operator_gates",
            "PromotionGates by whether they grant their mode now",
            ["passed"],
            registry=registry,
        )
        self.checks = Gauge("aviary_operator_gate_checks", "Checks of all gates by state", ["state"], registry=registry)
        self.measurements = Counter(
            "aviary_operator_measurements",
            "Measurements by source and outcome; one that could not be stored is Unrecorded and counts for nothing",
            ["source", "outcome"],
            registry=registry,
        )
        self.measurement_time = Histogram(
            "aviary_operator_measurement_seconds",
            "Time of one measurement, without the wait for a slot",
            ["source"],
            buckets=_SLOW,
            registry=registry,
        )
        self.decision_time = Histogram(
            "aviary_operator_gate_decision_seconds",
            "Time of one decision about a gate",
            buckets=_FAST,
            registry=registry,
        )
        self.break_glass = Gauge(
            "aviary_operator_break_glass_grants", "Grants that rest on a break-glass approval now", registry=registry
        )
        self._last_answer = time.monotonic()
        self._last_silence: float | None = None

    def note_api_answer(self, *, answered: bool) -> None:
        """Remember whether the last call to the API server got any answer at all."""
        if answered:
            self._last_answer = time.monotonic()
            self._last_silence = None
        elif self._last_silence is None:
            self._last_silence = time.monotonic()

    @property
    def api_silent_seconds(self) -> float:
        """Since when calls get no answer; 0 while the last one did."""
        return 0.0 if self._last_silence is None else time.monotonic() - self._last_silence
