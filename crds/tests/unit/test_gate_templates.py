"""The catalogue of gates: every required row is a check, the page says what the templates say, a gate is made whole."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from aviary_crds.__main__ import main
from aviary_crds.digest import canonical_json, sha256_hex
from aviary_crds.gate_templates import (
    CAPITAL_CHECK,
    PLACEHOLDER_BOT,
    PLACEHOLDER_NAMESPACE,
    ChoiceError,
    Template,
    build_gate,
    read_templates,
    render_gate,
)
from aviary_crds.manifests import check_manifest
from aviary_crds.v1alpha1.gatechecks import (
    DEFAULT_MAX_AGE_SECONDS,
    FLOOR_PREFIX,
    MOST_CHECKS,
    Check,
    Enforcement,
    ReportScope,
    Severity,
)
from aviary_crds.v1alpha1.modes import Mode
from aviary_crds.v1alpha1.promotiongate import LIVE_FLOOR_LEVEL, PromotionGateSpec

FOLDER = Path(__file__).resolve().parents[3] / "manifests" / "gates"
README = (FOLDER / "README.md").read_text(encoding="utf-8")
TEMPLATES = read_templates(FOLDER)
SPECS = {name: PromotionGateSpec.model_validate(item.manifest["spec"]) for name, item in TEMPLATES.items()}

CONDITIONS = (
    "mode_rendered", "balance", "connector_ready", "variant_roles", "floor_cap_set", "turnover", "fee_burden",
    "profit_factor", "drawdown_window", "ops_clean", "csv_written", "guard_visible", "paper_running", "paper_risk",
    "paper_cancel", "paper_fills", "paper_rejects", "paper_fee", "paper_inventory", "soak_window", "notrade_live",
    "perp_smoke", "perp_safety", "position_drift", "restart_recovery", "multi_day_soak", "rate_headroom",
    "env_parity", "kill_drill", "replay", "secrets", "event_store", "recon_parity_risk", "accounting", "alerting",
    "market_data", "ladder", "fill_factor", "ml", "policy_ci", "bus", "dex_ready", "hold_after_live",
)  # fmt: skip
"""Go-live as machine-checkable conditions: section 2 of the desk's requirements."""

REQUIRED = {*CONDITIONS, *(f"R-{number}" for number in range(163, 202))}

WARNS = {"env_parity", "market_data", "R-175", "R-185"}
WARNS_AND_FAILS = {"turnover", "fee_burden", "drawdown_window", "R-200"}

THE_EVALUATORS = {"R-163", "R-164", "R-190", "R-199"}
"""Rows about evaluating itself: they hold for every gate, and are nobody's check."""

NOT_BEFORE_LIVE = {"soak_window", "hold_after_live"}
"""Conditions that a gate to the first live trading states as its soak, or that can only hold later."""

AGES = {
    ReportScope.DESK: {DEFAULT_MAX_AGE_SECONDS, 86_400},
    ReportScope.SUBJECT: {DEFAULT_MAX_AGE_SECONDS, 90_000, 604_800, 2_592_000},
}
"""How old a report may be: only what names the digest may be older than a day."""

VERSIONS = {
    ("capital-raise", 1): "sha256:f5dc8846cb3c2b01549f9f31b789128829582c6a92ea8d016edbeb0c1027a865",
    ("image-upgrade", 1): "sha256:64ccca5e7c44ca48be91e677affaa7525973cc01f1e59aa4b5f1e614d805f4d0",
    ("live-micro", 1): "sha256:7a4188fed67d11905f3dd28fb7541dc7450946548770162f2af87466407e6a44",
    ("paper-smoke", 1): "sha256:938e67637326de3ef9823ceebf416f1e35887153d83db596361b9da521f98a2d",
    ("paper-soak", 1): "sha256:26e58b5276755715f4f1d87a24cd0bbd6f11279445a57e72f6aaf510489a6e6c",
    ("perp-smoke", 1): "sha256:ccd2c8b975c369fa054baf590bfc766fdd2b022efc2784feba49739cbfa9a880",
    ("preflight", 1): "sha256:3f1622bc55cf0ad6a15466785a65ffeb7fc9e95d97be00261a0b08b2777ac152",
}
"""Hash of what each version asks, without descriptions. A change is a new version: raise the label, and add a line."""


class Row(NamedTuple):
    """One line of the page's table of rows."""

    row: str
    asks: str
    severity: str
    checks: str
    templates: str
    source: str
    installed: str


@dataclass(frozen=True)
class Page:
    """What the page says."""

    rows: tuple[Row, ...]
    producers: dict[str, tuple[str, str, str]]
    """Subject, values and whether it is installed, by producer."""


def _tables(text: str) -> Iterator[list[list[str]]]:
    for block in re.findall(r"(?:^\|.*\n?)+", text, re.MULTILINE):
        yield [[cell.strip() for cell in line.strip("|").split("|")] for line in block.splitlines()]


def _body(text: str, *head: str) -> list[list[str]]:
    found = [table[2:] for table in _tables(text) if tuple(table[0]) == head]
    assert len(found) == 1, f"the page must have one table with the columns {', '.join(head)}"
    return found[0]


def read_page(text: str) -> Page:
    rows = _body(text, "row", "asks for", "severity", "checks", "templates", "source", "installed")
    producers = _body(text, "producer", "about", "values", "Pass says", "installed")
    assert len({line[0] for line in producers}) == len(producers)
    return Page(tuple(Row(*line) for line in rows), {line[0]: (line[1], line[2], line[4]) for line in producers})


def _checks() -> Iterator[tuple[str, Check]]:
    for template, spec in SPECS.items():
        yield from ((template, check) for check in spec.checks)


def _named_rows(check: Check) -> set[str]:
    """Return the rows that the description of a check names, in brackets at its end."""
    found = re.search(r"\(([^()]+)\)$", check.description)
    return set(found[1].split(", ")) if found else set()


def _has_floor(spec: PromotionGateSpec) -> bool:
    return spec.to is Mode.LIVE or spec.min_level >= LIVE_FLOOR_LEVEL


def _source(check: Check) -> str:
    if check.bot is not None:
        return f"bot {check.bot.field.value}"
    if check.report is not None:
        return f"report {check.report.producer}"
    return {"manual": "people"}.get(check.source_kind, check.source_kind)


def find_gaps(text: str) -> Iterator[str]:
    """Yield every difference between the page and the templates, and every required row that is not there."""
    page = read_page(text)
    named = [line.row for line in page.rows]
    yield from (f"row {row} is missing" for row in sorted(REQUIRED - set(named)))
    yield from (f"row {row} stands twice" for row in sorted({row for row in named if named.count(row) > 1}))
    told: dict[str, set[str]] = {}
    for line in page.rows:
        own = re.findall(r"`([a-z0-9-]+)`", line.checks) if line.row not in THE_EVALUATORS else []
        for name in own:
            told.setdefault(name, set()).add(line.row)
        yield from _gaps_of_row(line, own, page)
    for template, check in _checks():
        if told.get(check.name, set()) != _named_rows(check):
            yield f"{template}: {check.name} names the rows {_named_rows(check)}, the page {told.get(check.name)}"
    yield from _gaps_of_producers(page)


def _gaps_of_row(line: Row, own: list[str], page: Page) -> Iterator[str]:
    if line.row in THE_EVALUATORS:
        if (line.templates, line.source, line.installed) != ("every gate", "evaluator", "yes"):
            yield f"row {line.row} is the evaluator's"
        return
    found = {name: [check for _, check in _checks() if check.name == name] for name in own}
    unknown = [name for name, checks in found.items() if not checks and not name.startswith(FLOOR_PREFIX)]
    if unknown or not own:
        yield f"row {line.row} names no check, or one that no template has: {unknown}"
        return
    templates = {
        name
        for name, spec in SPECS.items()
        if any(check.name in own for check in spec.checks)
        or (_has_floor(spec) and any(name.startswith(FLOOR_PREFIX) for name in own))
    }
    if set(line.templates.split(", ")) != templates:
        yield f"row {line.row}: its checks are in {sorted(templates)}, the page says {line.templates}"
    severities = {
        "W" if check.severity is Severity.WARNING else "F" for checks in found.values() for check in checks
    } | {"F" for name in own if name.startswith(FLOOR_PREFIX)}
    if line.severity != "/".join(sorted(severities)):
        yield f"row {line.row}: its checks are {sorted(severities)}, the page says {line.severity}"
    sources = [_source(checks[0]) if checks else "operator" for checks in found.values()]
    if line.source.split(", ") != list(dict.fromkeys(sources)):
        yield f"row {line.row}: its sources are {sources}, the page says {line.source}"
    installed = [
        page.producers.get(source.removeprefix("report "), ("", "", "no"))[2] if source.startswith("report ") else "yes"
        for source in sources
    ]
    whole = installed[0] if len(set(installed)) == 1 else "in part"
    if line.installed != whole:
        yield f"row {line.row}: what it rests on is installed: {whole}, the page says {line.installed}"


def _gaps_of_producers(page: Page) -> Iterator[str]:
    asked: dict[str, set[str | None]] = {}
    scopes: dict[str, set[str]] = {}
    for _, check in _checks():
        if check.report is not None:
            asked.setdefault(check.report.producer, set()).add(check.report.value)
            scopes.setdefault(check.report.producer, set()).add(
                "desk" if check.report.scope is ReportScope.DESK else "bot"
            )
    yield from (f"producer {name} is on one side only" for name in sorted(set(asked) ^ set(page.producers)))
    for name in sorted(set(asked) & set(page.producers)):
        about, values, _ = page.producers[name]
        if {about} != scopes[name]:
            yield f"producer {name} is about {scopes[name]}, the page says {about}"
        if set(re.findall(r"`([^`]+)`", values)) != asked[name] - {None}:
            yield f"producer {name} is asked for {asked[name]}, the page says {values}"


def test_page_and_templates_say_the_same_and_no_row_is_missing() -> None:
    assert list(find_gaps(README)) == []


@pytest.mark.parametrize("row", sorted(REQUIRED))
def test_row_that_is_taken_off_the_page_is_missed(row: str) -> None:
    without = re.sub(rf"^\| {row} \|.*\n", "", README, flags=re.MULTILINE)
    assert without != README
    assert f"row {row} is missing" in list(find_gaps(without))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("`accounting`", "`reconciliation`"),
        ("| report alerting-health | no |", "| report alerting-health | yes |"),
        ("| report accounting-integrity | no |", "| report accounts | no |"),
        ("| env_parity | fill rate, spread capture and regimes as on the testnet | W |", "| env_parity | x | F |"),
        ("| reconciliation | desk |", "| reconciliation | bot |"),
        ("| `finding_count` |", "| none |"),
        ("`live-days` | capital-raise |", "`live-days` | live-micro |"),
    ],
)
def test_page_that_says_something_else_is_found_out(before: str, after: str) -> None:
    assert before in README
    assert list(find_gaps(README.replace(before, after))) != []


def test_check_that_no_row_names_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    soak = SPECS["paper-soak"]
    more = soak.checks[0].model_copy(update={"name": "of-nobody"})
    monkeypatch.setitem(SPECS, "paper-soak", soak.model_copy(update={"checks": (*soak.checks, more)}))
    assert [gap for gap in find_gaps(README) if "of-nobody" in gap]


def test_severities_are_those_of_the_requirements() -> None:
    for line in read_page(README).rows:
        if line.row in REQUIRED:
            wanted = "W" if line.row in WARNS else "F/W" if line.row in WARNS_AND_FAILS else "F"
            assert line.severity == wanted, line.row


@pytest.mark.parametrize("name", ["live-micro", "image-upgrade"])
def test_gate_to_live_holds_every_condition_itself(name: str) -> None:
    spec = SPECS[name]
    own = {row for check in spec.checks for row in _named_rows(check) if check.enforcement is Enforcement.ENFORCE}
    floors = {line.row for line in read_page(README).rows if f"`{FLOOR_PREFIX}" in line.checks}
    assert set(CONDITIONS) - own - floors == NOT_BEFORE_LIVE
    assert spec.soak.min_seconds >= 86_400


def test_templates_are_the_steps_of_the_ladder_and_the_page_lists_them() -> None:
    head = ("template", "version", "step", "minLevel", "soak", "people", "capital", "checks")
    told = {
        re.sub(r"\[(.+)\]\(\1\.yaml\)", r"\1", line[0]): (line[1], line[2], line[3], line[5], line[6], line[7])
        for line in _body(README, *head)
    }
    assert told == {
        name: (
            str(item.version),
            item.step,
            str(SPECS[name].min_level),
            str(SPECS[name].approvals.required),
            str(SPECS[name].grant.capital_quote),
            str(len(SPECS[name].checks)),
        )
        for name, item in TEMPLATES.items()
    }
    assert set(told) == {
        "preflight", "paper-smoke", "paper-soak", "perp-smoke", "live-micro", "capital-raise", "image-upgrade",
    }  # fmt: skip


def test_raise_asks_for_five_days_two_people_and_rung_six() -> None:
    spec = SPECS["capital-raise"]
    assert spec.is_capital_raise
    assert (spec.soak.min_seconds, spec.soak.min_trading_days) == (432_000, 5)
    assert (spec.approvals.required, spec.min_level) == (2, 6)


@pytest.mark.parametrize("name", TEMPLATES)
def test_checks_are_within_their_limits(name: str) -> None:
    spec = SPECS[name]
    assert len(spec.checks) <= MOST_CHECKS
    for check in spec.checks:
        assert check.window_seconds <= spec.soak.min_seconds, f"{check.name}: its window is longer than the soak"
        assert check.manual is not None or check.inconclusive_limit == 10_000, check.name
        if check.report is not None:
            assert check.max_age_seconds in AGES[check.report.scope], check.name
            assert check.failure_limit == 0, f"{check.name}: a Fail is not forgiven"


def test_only_the_strict_cycle_is_a_dry_run() -> None:
    assert {check.name for _, check in _checks() if check.enforcement is Enforcement.DRY_RUN} == {"day2-event-store"}


def test_report_lies_where_desk_bot_and_producer_say() -> None:
    for template, check in _checks():
        if check.report is not None:
            bot = () if check.report.scope is ReportScope.DESK else (PLACEHOLDER_BOT,)
            path = "/".join((PLACEHOLDER_NAMESPACE, *bot, check.report.producer, "latest.json"))
            assert check.report.file is not None
            assert check.report.file.path == path, f"{template}: {check.name}"


def test_a_name_means_the_same_check_in_every_template() -> None:
    seen: dict[str, Check] = {}
    for template, check in _checks():
        source = {"bot": check.bot and check.bot.model_copy(update={"window_seconds": 0})}
        bare = check.model_copy(update=source if check.name != CAPITAL_CHECK else {"threshold": None})
        assert seen.setdefault(check.name, bare) == bare, f"{template}: {check.name}"


def test_what_a_version_asks_never_changes() -> None:
    found = {}
    for name, item in TEMPLATES.items():
        spec = item.manifest["spec"]
        checks = [{key: value for key, value in check.items() if key != "description"} for check in spec["checks"]]
        found[name, item.version] = sha256_hex(canonical_json({**spec, "checks": checks}))
    assert found == {key: value for key, value in VERSIONS.items() if key in found}


def made(template: str = "live-micro", **changes: Any) -> dict[str, Any]:
    return build_gate(TEMPLATES[template], **{"bot": "btc", "namespace": "desk", "strict": False, **changes})


@pytest.mark.parametrize("name", TEMPLATES)
def test_gate_of_a_bot_is_its_template_with_other_names(name: str) -> None:
    gate = made(name)
    assert check_manifest(gate, source=name) == []
    assert gate["metadata"] | {"name": f"btc-{name}", "namespace": "desk"} == gate["metadata"]
    text = render_gate(gate)
    assert yaml.safe_load(text) == gate
    assert PLACEHOLDER_BOT not in text
    assert PLACEHOLDER_NAMESPACE not in text
    template = TEMPLATES[name].manifest
    assert [check["name"] for check in gate["spec"]["checks"]] == [
        check["name"] for check in template["spec"]["checks"]
    ]
    assert gate["metadata"]["labels"] == template["metadata"]["labels"]


def test_making_a_gate_leaves_the_template_as_it_was() -> None:
    before = canonical_json(dict(TEMPLATES["live-micro"].manifest))
    made(capital="7", strict=True)
    assert canonical_json(dict(TEMPLATES["live-micro"].manifest)) == before


def test_reports_lie_below_desk_and_bot_even_when_they_are_called_like_the_placeholders() -> None:
    gate = made(bot=PLACEHOLDER_NAMESPACE, namespace=PLACEHOLDER_BOT)
    paths = {check["name"]: check["report"]["file"]["path"] for check in gate["spec"]["checks"] if "report" in check}
    assert paths["tests"] == "my-bot/my-desk/tests/latest.json"
    assert paths["secrets"] == "my-bot/secrets-hygiene/latest.json"


@pytest.mark.parametrize("name", TEMPLATES)
def test_account_must_hold_the_capital_that_is_granted(name: str) -> None:
    for gate in (made(name), made(name, capital="250.5")):
        balance = [check["threshold"]["value"] for check in gate["spec"]["checks"] if check["name"] == CAPITAL_CHECK]
        assert balance == ([gate["spec"]["grant"]["capitalQuote"]] if SPECS[name].to is Mode.LIVE else [])
    assert gate["spec"]["grant"]["capitalQuote"] == "250.5"


def test_strict_gate_enforces_what_the_template_only_tries_out() -> None:
    assert [check for check in made()["spec"]["checks"] if "enforcement" in check]
    assert not [check for check in made(strict=True)["spec"]["checks"] if "enforcement" in check]
    with pytest.raises(ChoiceError, match="nothing to be strict about"):
        made("preflight", strict=True)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"bot": "Btc"}, "no TradingBot can be called 'Btc'"),
        ({"bot": "7btc"}, "beginning with a letter"),
        ({"bot": "a" * 53}, "at most 52"),
        ({"bot": "../x"}, "no TradingBot"),
        ({"bot": ""}, "no TradingBot"),
        ({"namespace": "a.b"}, "no namespace can be called"),
        ({"namespace": "a" * 64}, "no namespace can be called"),
        ({"namespace": ""}, "no namespace can be called"),
        ({"name": "My gate"}, "no gate can be called"),
        ({"name": ""}, "no gate can be called"),
        ({"name": "a" * 254}, "no gate can be called"),
        ({"capital": "1e3"}, "capital: write money"),
        ({"capital": "NaN"}, "capital: write money"),
        ({"capital": "-5"}, "capital: write money"),
        ({"capital": "0.00"}, "capital: must be above 0"),
    ],
)
def test_wrong_names_and_amounts_are_refused_with_words(changes: dict[str, str], words: str) -> None:
    with pytest.raises(ChoiceError, match=words):
        made(**changes)


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(["gate", *arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_command_prints_a_gate_that_validates(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    chosen = ("live-micro", "--bot", "btc", "--namespace", "desk", "--name", "up", "--capital", "40", "--strict")
    code, out, err = run(capsys, *chosen)
    assert (code, err) == (0, "")
    assert yaml.safe_load(out) == made(name="up", capital="40", strict=True)
    (tmp_path / "gate.yaml").write_text(out)
    assert main(["validate", str(tmp_path)]) == 0


def test_command_lists_templates_with_version_and_a_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "--list")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert [line.split()[:3] for line in lines] == [[name, "version", str(t.version)] for name, t in TEMPLATES.items()]
    assert all(item.summary in line for item, line in zip(TEMPLATES.values(), lines, strict=True))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("live-macro", "--bot", "btc", "--namespace", "desk"), "there are capital-raise, image-upgrade, live-micro"),
        (("live-micro", "--bot", "btc"), "--namespace"),
        (("live-micro", "--namespace", "desk"), "--bot"),
        ((), "TEMPLATE"),
        (("live-micro", "--bot", "BTC", "--namespace", "desk"), "no TradingBot"),
        (("live-micro", "--bot", "btc", "--namespace", "desk", "--capital", "much"), "capital: write money"),
    ],
)
def test_wrong_use_is_told_and_prints_no_gate(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], words: str
) -> None:
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (2, "")
    assert words in err


def _broken(template: Template, **changes: Any) -> str:
    manifest = {**template.manifest, **changes}
    return yaml.safe_dump(manifest)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [", "cannot be read"),
        ("[]", "holds no PromotionGate"),
        ("kind: TradingDesk", "holds no PromotionGate"),
        (_broken(TEMPLATES["preflight"], spec={}), "required, and not there"),
        (_broken(TEMPLATES["preflight"], metadata={"name": "x"}), "gate-template must be preflight"),
        (
            _broken(
                TEMPLATES["preflight"],
                metadata={**TEMPLATES["preflight"].manifest["metadata"], "annotations": {}},
            ),
            "kubernetes.io/description must say",
        ),
        (
            _broken(
                TEMPLATES["preflight"],
                metadata={"name": "x", "labels": {"aviary.trading/gate-template": "preflight"}},
            ),
            "must be a whole number",
        ),
        (
            _broken(
                TEMPLATES["preflight"], spec={**TEMPLATES["preflight"].manifest["spec"], "botRef": {"name": "btc"}}
            ),
            "about the bot my-bot",
        ),
    ],
)
def test_folder_of_broken_templates_makes_nothing(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, text: str, words: str
) -> None:
    (tmp_path / "preflight.yaml").write_text(text)
    code, out, err = run(capsys, "--list", "--folder", str(tmp_path))
    assert (code, out) == (1, "")
    assert words in err


def test_folder_without_templates_is_told(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, out, err = run(capsys, "--list", "--folder", str(tmp_path))
    assert (code, out) == (1, "")
    assert "no templates in" in err
