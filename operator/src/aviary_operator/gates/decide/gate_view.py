"""What is true about a gate now, gathered in one value, and what is decided on it: the whole input and output.

Nothing here is read from the gate's stored status but ``stored`` itself, and of that only the sealed parts are
believed (``subject``, ``floor``, ``grant``).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from aviary_crds.v1alpha1.gatestatus import PromotionGateStatus
from aviary_crds.v1alpha1.modes import Mode
from aviary_crds.v1alpha1.promotionapproval import PromotionApprovalSpec
from aviary_crds.v1alpha1.promotiongate import PromotionGateSpec

from aviary_operator.gates.decide.check_record import CheckRecord
from aviary_operator.gates.decide.run import Run
from aviary_operator.gates.samples import BotFacts
from aviary_operator.runtime.events import Notice

__all__ = ["ApprovalFacts", "BotFacts", "DeskFacts", "GateDecision", "GateFacts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskFacts:
    """What the bot's desk allows."""

    name: str
    modes: frozenset[Mode]
    two_persons: bool
    max_grant_seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalFacts:
    """A PromotionApproval of this namespace that names this gate; one that is being deleted is not among them."""

    name: str
    created: datetime
    spec: PromotionApprovalSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class GateFacts:
    """Everything a decision about one gate rests on. What is not known is None, and None is never good.

    Attributes:
        stored: the status as the API has it; only what is sealed is believed.
        bot: None when there is no such bot, or its spec cannot be read.
        desk: None when the bot names none, or it cannot be read: then nothing above Paper is granted.
        run: what was seen of the bot; None before the first sample.
        measurements: by the name of the check, those of the floor too; one of another run or another check is ignored.
        evidence_problem: why the evidence log cannot be written; None while it can.
        floor_seconds: the operator's window of the floor for Live.
    """

    namespace: str
    name: str
    uid: str
    generation: int
    created: datetime
    spec: PromotionGateSpec
    stored: PromotionGateStatus
    bot: BotFacts | None
    desk: DeskFacts | None
    run: Run | None
    measurements: Mapping[str, CheckRecord] = field(default_factory=dict)
    approvals: tuple[ApprovalFacts, ...] = ()
    evidence_problem: str | None
    evidence_head: str
    floor_seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GateDecision:
    """What follows.

    Attributes:
        status: the whole status; ``gate_status.is_status_due`` says whether it is worth a write.
        notices: Events, for what is new against ``stored``.
        wait: seconds until something changes by time alone; None: nothing will.
        changed_grant: whether the grant differs from the stored one; then it is written at once.
        failing: checks that end the present run: enforcing, Critical and Failed beyond their limit. Hand them to
            ``run.fail_run``.
    """

    status: PromotionGateStatus
    notices: tuple[Notice, ...]
    wait: float | None
    changed_grant: bool
    failing: frozenset[str]
