"""Which approvals count, and of how many people (docs/design/promotion.md, 1 and 6).

An approval counts only when it was made after everything it is about was there to be seen: the subject, the gate, and
the gate's present spec. The API server's times are whole seconds, so one made within the same second does not count.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from aviary_crds.digest import canonical_json, sha256_hex
from aviary_crds.v1alpha1.promotionapproval import LONGEST_BREAK_GLASS_SECONDS, ApprovalType

from aviary_operator.bots.seal import Seal
from aviary_operator.gates.decide.gate_view import ApprovalFacts, GateFacts
from aviary_operator.gates.decide.subject import SubjectView, decide_subject
from aviary_operator.gates.measurement import FUTURE_TOLERANCE, Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedApproval:
    """An approval, when it ends, and why it does not count; ``refusal`` None: it counts."""

    approval: ApprovalFacts
    expires: datetime
    refusal: str | None

    @property
    def counts(self) -> bool:
        """Whether it counts now."""
        return self.refusal is None

    @property
    def approver(self) -> str:
        """Who made it, as the API server authenticated them."""
        return self.approval.spec.approver


def judge_approvals(facts: GateFacts, view: SubjectView, *, now: datetime) -> tuple[JudgedApproval, ...]:
    """Return every approval with whether it counts, the newest first."""
    newest_first = sorted(facts.approvals, key=lambda item: (item.created, item.name), reverse=True)
    return tuple(
        JudgedApproval(
            approval=item,
            expires=_expiry(facts, item),
            refusal=next(_refusals(facts, view, item, now), None),
        )
        for item in newest_first
    )


def find_approvers(judged: Iterable[JudgedApproval]) -> dict[str, datetime]:
    """Return the people whose yes counts, and until when."""
    return _people(judged, ApprovalType.APPROVAL, None)


def find_acknowledgers(judged: Iterable[JudgedApproval], check: str) -> dict[str, datetime]:
    """Return the people whose acknowledgement of ``check`` counts, and until when."""
    return _people(judged, ApprovalType.ACKNOWLEDGEMENT, check)


def enough_until(people: dict[str, datetime], required: int) -> datetime | None:
    """Return until when at least ``required`` (above 0) people say yes; None when too few do now."""
    ends = sorted(people.values(), reverse=True)
    return ends[required - 1] if len(ends) >= required else None


def read_acknowledgements(facts: GateFacts, check: str, *, now: datetime, seal: Seal) -> Reading:
    """Return the value of a ``manual`` check: how many people have acknowledged it."""
    judged = judge_approvals(facts, decide_subject(facts, now=now, seal=seal), now=now)
    people = find_acknowledgers(judged, check)
    return Reading(
        value=Decimal(len(people)),
        observed=now,
        query=f"people who acknowledged {check}",
        sha256=sha256_hex(canonical_json(sorted(people))),
    )


def _people(judged: Iterable[JudgedApproval], type_: ApprovalType, check: str | None) -> dict[str, datetime]:
    people: dict[str, datetime] = {}
    for item in judged:
        spec = item.approval.spec
        if item.counts and spec.type is type_ and spec.check == check:
            people[item.approver] = max(item.expires, people.get(item.approver, item.expires))
    return people


def _expiry(facts: GateFacts, item: ApprovalFacts) -> datetime:
    longest = facts.spec.approvals.valid_seconds
    if item.spec.type is ApprovalType.BREAK_GLASS:
        longest = LONGEST_BREAK_GLASS_SECONDS
    return item.created + timedelta(seconds=min(item.spec.valid_seconds, longest))


def _refusals(facts: GateFacts, view: SubjectView, item: ApprovalFacts, now: datetime) -> Iterator[str]:
    """Yield why it does not count, the most telling first."""
    spec, subject = item.spec, view.subject
    if spec.gate_ref.name != facts.name:
        yield f"it is about gate {spec.gate_ref.name}"
    if subject is None:
        yield "the bot's digest is not known"
        return
    if spec.digest != subject.digest:
        yield f"it is for digest {spec.digest}; the present one is {subject.digest}"
    if item.created > now + FUTURE_TOLERANCE:
        yield f"it is from the future ({_shown(item.created)}): check the clocks"
    for since, what in (
        (subject.since, "the present subject was first seen"),
        (facts.created, "the gate was made"),
        (view.generation_time, "the gate's spec last changed"),
    ):
        if item.created <= since:
            yield f"it was made at {_shown(item.created)}, not after {what} ({_shown(since)}); make it anew"
    if now >= _expiry(facts, item):
        yield f"it ended at {_shown(_expiry(facts, item))}; make it anew"
    if spec.check is not None and all(check.name != spec.check for check in facts.spec.checks):
        yield f"the gate has no check {spec.check}"
    yield from _person_refusals(facts, spec.approver)


def _person_refusals(facts: GateFacts, approver: str) -> Iterator[str]:
    if facts.desk is None:
        yield "the desk is not known, and with it whether two persons are needed"
    elif facts.desk.two_persons:
        changed_by = facts.bot.changed_by if facts.bot else None
        if not changed_by:
            yield f"desk {facts.desk.name} asks for two persons, and the bot does not say who changed it last"
        elif approver == changed_by:
            yield f"desk {facts.desk.name} asks for two persons, and {approver} changed the bot last"


def _shown(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
