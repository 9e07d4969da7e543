"""The subject: what evidence and approvals belong to, and since when it is known (docs/design/promotion.md, 1)."""

from dataclasses import dataclass
from datetime import datetime

from aviary_crds.v1alpha1.gatestatus import Subject

from aviary_operator.bots.seal import Seal
from aviary_operator.gates.decide.gate_view import GateFacts
from aviary_operator.gates.decide.run import Run, SubjectKey
from aviary_operator.gates.decide.seals import is_subject_genuine, seal_subject


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectView:
    """The subject as far as it is known.

    Attributes:
        subject: None when the bot or its digest was never known. Of a bot whose digest or image is not known right now,
            the one that was.
        generation_time: since when the gate's spec is as it is.
        digest_known: whether the bot's controller says the digest now.
        image_known: whether the node says the image now.
    """

    subject: Subject | None
    generation_time: datetime
    digest_known: bool
    image_known: bool

    @property
    def key(self) -> SubjectKey | None:
        """Whose evidence counts; None while digest or image were never known."""
        subject = self.subject
        if subject is None or subject.image_id is None:
            return None
        return SubjectKey(subject.digest, subject.bot_uid, subject.image_id)

    def own_run(self, run: Run | None) -> Run | None:
        """Return the run when it is of this subject."""
        return run if run is not None and run.subject is not None and run.subject == self.key else None


def decide_subject(facts: GateFacts, *, now: datetime, seal: Seal) -> SubjectView:
    """Return the subject. Times of the stored status count under a good seal only; without one, all begins now.

    What is not known now (a bot being looked at anew, a pod being started) does not change the subject.
    """
    bot, stored = facts.bot, facts.stored
    genuine = is_subject_genuine(facts, stored, seal=seal)
    second = max(now.replace(microsecond=0), facts.created)
    generation_time = second
    if facts.generation == 1:
        generation_time = facts.created
    elif genuine and stored.generation_time is not None and stored.observed_generation == facts.generation:
        generation_time = max(stored.generation_time, facts.created)
    before = stored.subject if genuine else None
    if bot is None:
        return SubjectView(subject=None, generation_time=generation_time, digest_known=False, image_known=False)
    if before is not None and before.bot_uid != bot.uid:
        before = None
    digest = bot.digest or (before.digest if before else None)
    subject: Subject | None = None
    if digest is not None:
        same = before if before is not None and before.digest == digest else None
        image = bot.image_id or (same.image_id if same else None)
        first_seen = same.since if same and same.image_id == image else second
        since = max(first_seen, facts.created, bot.created)
        subject = Subject(digest=digest, bot_uid=bot.uid, image_id=image, since=since)
        subject = seal_subject(facts, subject, generation_time=generation_time, seal=seal)
    return SubjectView(
        subject=subject,
        generation_time=generation_time,
        digest_known=bot.digest is not None,
        image_known=bot.image_id is not None,
    )
