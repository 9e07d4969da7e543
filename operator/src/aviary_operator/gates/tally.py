"""Sums over all gates, for the metrics. No gate is a label: their number is not bounded."""

from collections import Counter
from dataclasses import dataclass

from aviary_crds.v1alpha1.gatestatus import CheckState, PromotionGateStatus

from aviary_operator.runtime.metrics import Metrics


@dataclass(frozen=True, slots=True)
class _Share:
    passed: bool
    glass: bool
    states: tuple[CheckState, ...]


class Tally:
    """Keeps the gauges about gates."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._shares: dict[str, _Share] = {}
        self._show()

    def note(self, gate_uid: str, status: PromotionGateStatus) -> None:
        """Count a gate as this status says."""
        grant = status.grant
        share = _Share(
            grant is not None,
            grant is not None and grant.break_glass is not None,
            tuple(check.state for check in status.checks),
        )
        if self._shares.get(gate_uid) != share:
            self._shares[gate_uid] = share
            self._show()

    def forget(self, gate_uid: str) -> None:
        """Count a gate no more."""
        if self._shares.pop(gate_uid, None) is not None:
            self._show()

    def _show(self) -> None:
        shares = list(self._shares.values())
        passed = sum(share.passed for share in shares)
        self._metrics.gates.labels(passed="true").set(passed)
        self._metrics.gates.labels(passed="false").set(len(shares) - passed)
        self._metrics.break_glass.set(sum(share.glass for share in shares))
        states = Counter(state for share in shares for state in share.states)
        for state in CheckState:
            self._metrics.checks.labels(state=state.value).set(states[state])
