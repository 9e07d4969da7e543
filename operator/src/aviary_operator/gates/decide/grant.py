"""The grant: written, renewed, cut short, withdrawn (docs/design/promotion.md, 5).

Grace is part of the grant itself: when evidence can no longer be read, its end moves to ``graceSeconds`` from now and
is sealed there. So a grant ends on time even if this operator does not live to withdraw it, and deciding again, or
after a restart, never gives more.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from aviary_crds.v1alpha1.gatestatus import GrantStatus

from aviary_operator.bots.decide.promotion import EVALUATOR_VERSION
from aviary_operator.bots.seal import Seal, grant_parts
from aviary_operator.gates.decide.break_glass import BreakGlass
from aviary_operator.gates.decide.gate_view import DeskFacts, GateFacts
from aviary_operator.gates.decide.run import SubjectKey
from aviary_operator.gates.decide.seals import is_grant_genuine
from aviary_operator.gates.decide.shortfalls import Cost, Shortfall
from aviary_operator.gates.decide.subject import SubjectView


@dataclass(frozen=True, slots=True)
class StandingGrant:
    """The stored grant: ``grant`` when it still stands, else why it does not. Both None: there was none."""

    grant: GrantStatus | None
    reason: str | None = None
    message: str = ""


def read_standing(facts: GateFacts, view: SubjectView, *, now: datetime, seal: Seal) -> StandingGrant:
    """Return the stored grant if it was written by this operator for what is true now."""
    grant = facts.stored.grant
    if grant is None:
        return StandingGrant(None)
    if not is_grant_genuine(facts, seal=seal):
        return StandingGrant(None, "GrantForged", "the stored grant was not written by this operator")
    why_not = next(_why_not_standing(facts, view, grant, now), None)
    return StandingGrant(grant) if why_not is None else StandingGrant(None, *why_not)


def _why_not_standing(
    facts: GateFacts, view: SubjectView, grant: GrantStatus, now: datetime
) -> Iterator[tuple[str, str]]:
    key, stored, spec = view.key, facts.stored, facts.spec
    if stored.evaluator_version != EVALUATOR_VERSION:
        yield "EvaluatorChanged", "it was granted by other rules than this operator's"
    if facts.bot is None:
        yield "BotMissing", "the bot it was granted to is gone"
    if key is None or (grant.digest, grant.bot_uid, grant.image_id) != (key.digest, key.bot_uid, key.image_id):
        yield "SubjectChanged", "the bot is not the one it was granted to: another uid, digest or image"
    changed = stored.observed_generation != facts.generation or grant.granted_time < view.generation_time
    if changed or grant.mode is not spec.to or grant.capital_quote != spec.grant.capital_quote:
        yield "GateChanged", "the gate's spec changed after it was granted"
    if grant.granted_time > now:
        yield "ClockSetBack", "it was granted in what is now the future: the clock was set back"
    if now >= grant.expires_time:
        yield "GrantExpired", f"it ended at {grant.expires_time:%Y-%m-%d %H:%M:%S} UTC"


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantTerms:
    """What a grant is decided on, beside the facts.

    Attributes:
        shortfalls: what is missing before the gate passes.
        break_glass: the break-glass approval in force.
        bound: until when approvals and acknowledgements last; None: for ever.
    """

    standing: StandingGrant
    shortfalls: Sequence[Shortfall]
    break_glass: BreakGlass | None
    bound: datetime | None
    key: SubjectKey | None


def decide_grant(facts: GateFacts, terms: GrantTerms, *, now: datetime, seal: Seal) -> GrantStatus | None:
    """Return what the gate grants now, sealed; None: nothing."""
    desk, key, standing = facts.desk, terms.key, terms.standing.grant
    if desk is None or key is None or facts.spec.to not in desk.modes:
        return None
    second = now.replace(microsecond=0)
    longest = second + timedelta(seconds=_valid_seconds(facts, desk))
    costs = {item.cost for item in terms.shortfalls}
    normal = standing if standing is not None and standing.break_glass is None else None
    if Cost.AT_ONCE not in costs and Cost.AFTER_GRACE not in costs and (normal or not costs):
        return _passed(facts, key, normal, latest=_earliest(longest, terms.bound), now=second, seal=seal)
    if terms.break_glass is not None:
        return _broken(facts, terms, key, terms.break_glass, longest=longest, now=second, seal=seal)
    if normal is None or Cost.AT_ONCE in costs:
        return None
    cut = _earliest(second + timedelta(seconds=facts.spec.grace_seconds), terms.bound, longest)
    return _until(facts, normal, min(normal.expires_time, cut), now=second, seal=seal)


def renewal_time(facts: GateFacts, grant: GrantStatus | None) -> datetime | None:
    """Return when the grant is renewed while all holds: when half its time is over; None when it never is."""
    if grant is None or grant.break_glass is not None or facts.desk is None:
        return None
    return grant.expires_time - timedelta(seconds=_valid_seconds(facts, facts.desk) // 2)


def _passed(
    facts: GateFacts, key: SubjectKey, standing: GrantStatus | None, *, latest: datetime, now: datetime, seal: Seal
) -> GrantStatus | None:
    if standing is None:
        return _build(facts, key, granted=now, expires=latest, break_glass=None, seal=seal)
    renewal = renewal_time(facts, standing)
    expires = standing.expires_time
    if expires > latest or (renewal is not None and now >= renewal):
        expires = latest
    return _until(facts, standing, expires, now=now, seal=seal)


def _broken(
    facts: GateFacts,
    terms: GrantTerms,
    key: SubjectKey,
    approval: BreakGlass,
    *,
    longest: datetime,
    now: datetime,
    seal: Seal,
) -> GrantStatus | None:
    """Return the grant of a break-glass approval. It is never renewed beyond the approval's end."""
    standing = terms.standing.grant
    unknown = [item for item in terms.shortfalls if item.reason in {"DigestUnknown", "ImageUnknown"}]
    if standing is not None and standing.break_glass == approval.name:
        expires = min(standing.expires_time, approval.expires, longest)
        if any(item.cost is Cost.AFTER_GRACE for item in unknown):
            expires = min(expires, now + timedelta(seconds=facts.spec.grace_seconds))
        return _until(facts, standing, expires, now=now, seal=seal)
    if unknown:
        return None
    expires = min(approval.expires, longest)
    return _build(facts, key, granted=now, expires=expires, break_glass=approval.name, seal=seal)


def _until(facts: GateFacts, grant: GrantStatus, expires: datetime, *, now: datetime, seal: Seal) -> GrantStatus | None:
    if expires <= now:
        return None
    return grant if expires == grant.expires_time else _sealed(facts, grant, expires=expires, seal=seal)


def _build(
    facts: GateFacts, key: SubjectKey, *, granted: datetime, expires: datetime, break_glass: str | None, seal: Seal
) -> GrantStatus | None:
    if expires <= granted:
        return None
    grant = GrantStatus(
        mode=facts.spec.to,
        capital_quote=facts.spec.grant.capital_quote,
        digest=key.digest,
        bot_uid=key.bot_uid,
        image_id=key.image_id,
        granted_time=granted,
        expires_time=expires,
        break_glass=break_glass,
        seal="",
    )
    return _sealed(facts, grant, expires=expires, seal=seal)


def _sealed(facts: GateFacts, grant: GrantStatus, *, expires: datetime, seal: Seal) -> GrantStatus:
    open_grant = grant.model_copy(update={"expires_time": expires, "seal": ""})
    parts = grant_parts(open_grant, namespace=facts.namespace, gate=facts.name, gate_uid=facts.uid)
    return open_grant.model_copy(update={"seal": seal(parts)})


def _valid_seconds(facts: GateFacts, desk: DeskFacts) -> int:
    return min(facts.spec.grant.valid_seconds, desk.max_grant_seconds)


def _earliest(first: datetime, *others: datetime | None) -> datetime:
    return min([first, *(moment for moment in others if moment is not None)]).replace(microsecond=0)
