"""Evidence that is none: reports that were cut, aged or are about something else, an edited log, bots that lie."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from aviary_crds.evidence import seal_report
from aviary_crds.labels import REPORT_LABEL
from aviary_operator.runtime.kinds import CONFIG_MAP, PROMOTION_APPROVAL

from ..attempt import Attempt, Before  # noqa: TID252  the tests are no installed package
from ..cast import LIARS, LIES, OPEN_EDITED, REPORTED  # noqa: TID252
from ..manifests import DESK, OPEN, OTHER_DIGEST, build_approval  # noqa: TID252
from ..people import Stop  # noqa: TID252
from ..stage import Stage  # noqa: TID252


def attempts() -> Iterator[Attempt]:
    """Give every attempt that is made while the operator runs."""
    yield Attempt(
        what="report without the label of one",
        who="tara",
        victim=REPORTED,
        before=Before.NOT_LIVE,
        tell=_check,
        act=partial(_report, reason="NotAttested", changes={}, cut=False, who="tara"),
        stopped_by=Stop.OPERATOR,
        because="^NotAttested",
        undo=_remove_report,
    )
    yield Attempt(
        what="report with the label, by who may not make one",
        who="tara",
        victim=REPORTED,
        before=Before.NOT_LIVE,
        act=partial(_labelled_report, who="tara"),
        stopped_by=Stop.ADMISSION,
        because="report",
    )
    for what, reason, changes, cut in _DOCUMENTS:
        yield Attempt(
            what=f"report {what}",
            who="petra",
            victim=REPORTED,
            before=Before.NOT_LIVE,
            stopped_by=Stop.OPERATOR,
            act=partial(_report, reason=reason, changes=changes, cut=cut),
            because=f"^{reason}",
            tell=_check,
        )
    yield Attempt(
        what="evidence log edited, then approved",
        who="ann",
        victim=OPEN_EDITED,
        act=_edit_log,
        stopped_by=Stop.OPERATOR,
        because="evidence log cannot be written|changed by somebody else",
    )


def attempts_from_the_beginning() -> Iterator[Attempt]:
    """Give those that lied from their first second on, and were approved all the same."""
    for name, (what, _) in LIES.items():
        yield Attempt(
            what=f"approved on {what}",
            who="amir",
            victim=LIARS[name],
            before=Before.NOT_LIVE,
            act=_nothing,
            stopped_by=Stop.OPERATOR,
            because="not measured yet|there is no run|rung 0",
        )


_HOUR = timedelta(hours=1)
_DOCUMENTS: tuple[tuple[str, str, dict[str, Any], bool], ...] = (
    ("with a hash of something else", "HashMismatch", {}, True),
    ("about another digest", "WrongSubject", {"digest": OTHER_DIGEST}, False),
    ("about another bot", "WrongSubject", {"bot": "held"}, False),
    ("about another namespace", "WrongSubject", {"namespace": "other"}, False),
    ("about the whole desk", "WrongSubject", {"bot": None, "digest": None}, False),
    ("of another producer", "WrongProducer", {"producer": "tara"}, False),
    ("that says Fail", "ReportSaysFail|AboveThreshold|Failed", {"result": "Fail"}, False),
    ("that is no JSON", "NotJson", {"result": None}, False),
    ("of an hour ago", "Stale", {"time": -_HOUR}, False),
    ("from the future", "FromTheFuture", {"time": _HOUR}, False),
)


async def build_report(stage: Stage, changes: dict[str, Any]) -> bytes:
    """Return a report that passes, but for ``changes``."""
    subject = {"namespace": DESK, "bot": REPORTED.bot, "digest": await stage.digest(REPORTED)}
    about = {key: changes.get(key, value) for key, value in subject.items()}
    moment = datetime.now(UTC) + changes.get("time", timedelta())
    body = {
        "schemaVersion": 1,
        "producer": changes.get("producer", "reconciliation"),
        "time": moment.isoformat(),
        "subject": {key: value for key, value in about.items() if value is not None},
        "result": changes.get("result", "Pass") or "Pass",
        "values": {},
    }
    return seal_report(body)


async def write_report(stage: Stage, text: str, who: str, *, labelled: bool = True) -> None:
    """Put a document where the check looks for it."""
    labels = {REPORT_LABEL: "true"} if labelled else {}
    meta = {"name": "reconciled", "namespace": DESK, "labels": labels}
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"report.json": text}}
    await stage.person(who).apply(CONFIG_MAP, manifest)


async def _labelled_report(stage: Stage, *, who: str) -> None:
    await write_report(stage, (await build_report(stage, {})).decode(), who)


async def _remove_report(stage: Stage) -> None:
    await stage.person("carla").delete(CONFIG_MAP, DESK, "reconciled")


async def _report(stage: Stage, *, reason: str, changes: dict[str, Any], cut: bool, who: str = "petra") -> None:
    text = (await build_report(stage, changes)).decode()
    if cut:
        text = json.dumps({**json.loads(text), "message": "edited afterwards"})
    if changes.get("result", "") is None:
        text = text.replace("{", "[", 1)
    await write_report(stage, text, who, labelled=who == "petra")

    async def is_measured() -> bool:
        return (await _check(stage)).split(":")[0] in reason.split("|")

    try:
        await stage.until(is_measured, seconds=15)
    except AssertionError as error:
        raise AssertionError(f"the check says {await _check(stage)}") from error


async def _check(stage: Stage) -> str:
    checks = (await stage.gate(REPORTED))["status"]["checks"]
    said = next(item for item in checks if item["name"] == "reconciled")
    return f"{said['reason']}: {said['message']}"


async def _edit_log(stage: Stage) -> None:
    gate = await stage.gate(OPEN_EDITED)
    path = stage.evidence / f"{gate['metadata']['uid']}.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    with path.open("ab") as file:
        file.write(lines[-1])
    await stage.until_gate(OPEN_EDITED, status="False", reason="EvidenceUnwritable", seconds=20)
    digest = gate["status"]["subject"]["digest"]
    approval = build_approval(OPEN, "edited-yes", gate=OPEN_EDITED.gate, digest=digest, approver="ann")
    await stage.person("ann").create(PROMOTION_APPROVAL, approval)
    await stage.until_judged(OPEN, "edited-yes")


async def _nothing(stage: Stage) -> None:
    """The attempt was made at the beginning."""
    await stage.settle(DESK)
