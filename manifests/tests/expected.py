"""What others than Argo CD make of every case: decided by people, checked by the tests."""

from collections.abc import Mapping
from typing import Final

from manifests.tests.waiters import Kstatus

EXPECTED: Final[Mapping[str, tuple[Kstatus, bool]]] = {
    "PromotionApproval/degraded_another_digest": ("Failed", False),
    "PromotionApproval/degraded_gate_missing": ("Failed", False),
    "PromotionApproval/healthy_counts": ("Current", True),
    "PromotionApproval/progressing_deleting": ("Terminating", False),
    "PromotionApproval/progressing_no_status": ("Current", False),
    "PromotionGate/degraded_desk_ceiling": ("Failed", False),
    "PromotionGate/degraded_grant_lost": ("Current", True),
    "PromotionGate/degraded_invalid": ("Failed", False),
    "PromotionGate/degraded_no_evidence_volume": ("Failed", False),
    "PromotionGate/healthy_break_glass": ("Current", True),
    "PromotionGate/healthy_check_failed": ("Current", True),
    "PromotionGate/healthy_granted": ("Current", True),
    "PromotionGate/healthy_new_subject": ("Current", True),
    "PromotionGate/healthy_soaking": ("Current", True),
    "PromotionGate/healthy_waiting_for_evidence": ("Current", True),
    "PromotionGate/healthy_waiting_for_people": ("Current", True),
    "PromotionGate/progressing_bot_missing": ("InProgress", False),
    "PromotionGate/progressing_deleting": ("Terminating", False),
    "PromotionGate/progressing_new_generation": ("InProgress", False),
    "PromotionGate/progressing_no_status": ("Current", False),
    "PromotionGate/suspended_by_spec": ("InProgress", False),
    "TradingBot/degraded_crash_loop": ("Failed", False),
    "TradingBot/degraded_desk_missing": ("Failed", False),
    "TradingBot/degraded_desk_total_exceeded": ("Failed", False),
    "TradingBot/degraded_disabled_by_desk": ("Failed", False),
    "TradingBot/degraded_envelope_not_enforced": ("Failed", True),
    "TradingBot/degraded_grant_lost": ("Failed", False),
    "TradingBot/degraded_hard_stopped": ("Failed", False),
    "TradingBot/degraded_image_pull": ("Failed", False),
    "TradingBot/degraded_name_taken": ("Failed", False),
    "TradingBot/degraded_reserved_parameter": ("Failed", False),
    "TradingBot/degraded_retune_refused": ("Failed", True),
    "TradingBot/healthy_disabled": ("Current", True),
    "TradingBot/healthy_gate_pending": ("Current", True),
    "TradingBot/healthy_live_granted": ("Current", True),
    "TradingBot/healthy_no_trade": ("Current", True),
    "TradingBot/healthy_paper": ("Current", True),
    "TradingBot/healthy_restart_required": ("Current", True),
    "TradingBot/progressing_deleting": ("Terminating", False),
    "TradingBot/progressing_new_generation": ("InProgress", False),
    "TradingBot/progressing_no_status": ("Current", False),
    "TradingBot/progressing_paused": ("InProgress", False),
    "TradingBot/progressing_starting": ("InProgress", False),
    "TradingBot/suspended_by_spec": ("Current", True),
    "TradingDesk/degraded_invalid": ("Failed", False),
    "TradingDesk/healthy_accepted": ("Current", True),
    "TradingDesk/progressing_deleting": ("Terminating", False),
    "TradingDesk/progressing_new_generation": ("InProgress", False),
    "TradingDesk/progressing_no_status": ("Current", False),
}
"""By case: what kstatus says, and whether ``kubectl wait --for=condition=Ready`` is over."""

DIFFERS: Final[Mapping[str, str]] = {
    "PromotionApproval/progressing_no_status": "kstatus takes what has no status for current",
    "PromotionGate/progressing_no_status": "kstatus takes what has no status for current",
    "TradingBot/progressing_no_status": "kstatus takes what has no status for current",
    "TradingDesk/progressing_no_status": "kstatus takes what has no status for current",
    "PromotionGate/degraded_grant_lost": "the gate works; the bot that lost the grant is Failed",
    "TradingBot/suspended_by_spec": "kstatus has no word for suspended; the bot goes on",
    "PromotionGate/suspended_by_spec": "kstatus has no word for suspended; the gate evaluates nothing",
}
"""Cases of which kstatus says something else than Argo CD, and why."""
