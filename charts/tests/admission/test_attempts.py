"""Nobody reaches Live around the gate: every attempt is made on a real API server, and none succeeds."""

import json
import re

import pytest

from charts.tests.admission.attempts import Attempt, all_attempts
from charts.tests.admission.desk import DESK
from charts.tests.admission.guarded import MASTER, Guarded

LEAST = 100
KINDS = "tbot,tdesk,pgate,papproval,statefulset,deployment,daemonset,replicaset,job,cronjob,pod,configmap,podtemplate"


def _stored(cluster: Guarded) -> dict[str, str]:
    found = json.loads(cluster.must(MASTER, "get", KINDS, "-n", DESK, "-o", "json"))["items"]
    return {f"{item['kind']}/{item['metadata']['name']}": item["metadata"]["resourceVersion"] for item in found}


def _result(cluster: Guarded, attempt: Attempt) -> tuple[bool, str]:
    """Make the attempt; return whether it was refused by whom it should be, and what is to be printed about it."""
    stdin = json.dumps(attempt.manifest) if attempt.manifest else None
    done = cluster.run(attempt.user, *attempt.args, stdin=stdin)
    said = " ".join(done.stderr.split())
    if done.returncode == 0:
        return False, f"SUCCEEDED: {done.stdout.strip()}"
    if "resulted in error" in said or not re.search(attempt.refused_by, said):
        return False, f"refused by another: {said}"
    return True, f"refused: {said.split('denied request: ')[-1]}"[:150]


def test_no_attempt_to_reach_live_around_the_gate_succeeds(
    guarded: Guarded, capsys: pytest.CaptureFixture[str]
) -> None:
    before = _stored(guarded)
    results = [(attempt, *_result(guarded, attempt)) for attempt in all_attempts()]
    with capsys.disabled():
        print()  # noqa: T201  the table is what this test is for
        for number, (attempt, _, said) in enumerate(results, 1):
            who = attempt.user.rsplit(":", 1)[-1]
            print(f"{number:3} {attempt.what:<45} {who:<22} {said}")  # noqa: T201
    assert [f"{attempt.what}: {said}" for attempt, refused, said in results if not refused] == []
    assert len(results) >= LEAST
    assert len({attempt.what for attempt, *_ in results}) == len(results)
    assert _stored(guarded) == before, "something was written all the same"
