"""What the documents tell a person to type and to open exists."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from aviary_crds.botstate import FailureReason
from aviary_crds.manifests import check_manifest
from aviary_crds.v1alpha1.gatestatus import CheckState

REPOSITORY = Path(__file__).resolve().parents[3]
TUTORIAL = REPOSITORY / "docs" / "tutorials" / "first-bot.md"
LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)(?:#[^)]*)?\)")
CODE = re.compile(r"^```[a-z]*\n(.*?)^```$|`([^`\n]+)`", re.DOTALL | re.MULTILINE)
MAKE = re.compile(r"(?:^|[\s(;])make (?:-s )?((?:[a-z-]+ ?)+)(?=$|[\s#;)&|,])", re.MULTILINE)
PATH = re.compile(
    r"(?<![\w./-])((?:charts|manifests|images|docs|e2e|make|controllers|services|crds|operator)/[\w./-]+)"
)
MODULE = re.compile(r"python3? -m (aviary_\w+)")
REASON = re.compile(
    r'(?:_stuck|_moving|Missing|Refusal|InvalidSpec|Ceiling)\(\s*(?:Mode\.\w+, )?"([A-Z]\w+)"'
    r'|"(?:True|False|Unknown)", "([A-Z]\w+)"'
)
OPERATOR = REPOSITORY / "operator" / "src" / "aviary_operator"
GATES = OPERATOR / "gates"
EVIDENCE = REPOSITORY / "crds" / "src" / "aviary_crds" / "evidence.py"
WORD = re.compile(r'"([A-Z][a-z]+(?:[A-Z][A-Za-z]*)?)"')
NO_REASONS = {  # words of gates that are no reason: types in quotes, conditions, results, events, headers
    "AfterGrace", "ApprovalFacts", "Approved", "AtOnce", "Authorization", "BotFacts", "BreakGlass", "Complete",
    "ConfigInSync", "DeskFacts", "Encoded", "EnvelopeEnforced", "EnvelopeValid", "Fail", "Failed", "False", "File",
    "GateDecision", "GateFacts", "Level", "Location", "Never", "Normal", "Nothing", "Pass", "Ready", "Running",
    "RuntimeDefault", "SoftPaused", "True", "Unrecorded", "Warning",
}  # fmt: skip
PATCH = re.compile(r"kubectl -n desk-demo patch tbot (\S+) --type=merge -p\s*\\?\s*'(\{.*?\})'", re.DOTALL)


def _documents() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
        cwd=REPOSITORY, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [REPOSITORY / name for name in listed.stdout.split()]


DOCUMENTS = _documents()


def _code(path: Path) -> Iterator[str]:
    for block, inline in CODE.findall(path.read_text()):
        yield block or inline


def test_there_are_documents_to_check() -> None:
    assert {"README.md", "CONTRIBUTING.md", "docs/tutorials/first-bot.md"} <= {
        str(path.relative_to(REPOSITORY)) for path in DOCUMENTS
    }


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_links_lead_somewhere(path: Path) -> None:
    prose = CODE.sub("", path.read_text())
    broken = [link for link in LINK.findall(prose) if not (path.parent / link).exists()]
    assert broken == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_targets_of_make_exist(path: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))
    named = {target for code in _code(path) for found in MAKE.findall(code) for target in found.split()}
    assert named - {"TARGET"} <= targets


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_files_and_modules_in_commands_exist(path: Path) -> None:
    for code in _code(path):
        missing = [
            found
            for found in PATH.findall(code)
            if not (REPOSITORY / found).exists() and not (path.parent / found).exists() and "…" not in code
        ]
        assert missing == [], code
        for module in MODULE.findall(code):
            places = [file for root in ("*/src", "e2e", "e2e/cluster") for file in REPOSITORY.glob(f"{root}/{module}")]
            assert [place for place in places if (place / "__main__.py").exists()], f"{module} cannot be run"


def test_the_patches_of_the_tutorial_are_what_the_api_takes() -> None:
    samples = [
        document
        for file in sorted((REPOSITORY / "manifests" / "samples").glob("*.yaml"))
        for document in yaml.safe_load_all(file.read_text())
    ]
    bots = {item["metadata"]["name"]: item for item in samples if item["kind"] == "TradingBot"}
    patches = PATCH.findall(TUTORIAL.read_text())
    assert len(patches) == TUTORIAL.read_text().count(" patch tbot ")
    faults = []
    for name, text in patches:
        patched = _merged(bots[name], json.loads(text))
        found = check_manifest(patched, source=text)
        faults += [fault.field for fault in found]
        if not found and "connector" not in text:
            bots[name] = patched
    assert faults == ["spec.market.leverage"], "only leverage on spot, which the tutorial shows being refused"


def test_every_reason_of_a_bot_has_its_line_in_the_runbook() -> None:
    runbook = (REPOSITORY / "docs" / "runbooks" / "bot-not-ready.md").read_text()
    sources = (REPOSITORY / "operator" / "src" / "aviary_operator" / "bots").rglob("*.py")
    given = {reason for file in sources for match in REASON.findall(file.read_text()) for reason in match if reason}
    assert given >= {"ImagePullFailed", "VolumeUnbound", "RestartRequired", "DeskMissing"}, "reasons are not found"
    reasons = {*given, *FailureReason} - {"Running"}
    assert sorted(reason for reason in reasons if f"`{reason}`" not in runbook) == []


def test_every_reason_of_a_gate_has_its_line_in_the_runbook() -> None:
    runbook = (REPOSITORY / "docs" / "runbooks" / "bot-not-promoted.md").read_text()
    files = [*GATES.rglob("*.py"), OPERATOR / "runtime" / "documents.py", EVIDENCE]
    given = {word for file in files for word in WORD.findall(file.read_text())}
    assert given >= {"NotReached", "HashMismatch", "JobFailed", "Soaking", "NotStatic"}, "reasons are not found"
    reasons = {*given - NO_REASONS, *(f"Checks{state}" for state in CheckState if state is not CheckState.PASSED)}
    assert sorted(reason for reason in reasons if f"`{reason}`" not in runbook) == []


def _merged(old: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    merged = dict(old)
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = _merged(merged.get(key, {}), value) if isinstance(value, dict) else value
    return merged
