"""The gate catalogue: named, versioned templates of PromotionGates, and the gate of one bot made from one.

A template is a whole, valid gate about the bot ``my-bot`` of the desk ``my-desk`` (``manifests/gates``). What a gate
asks is said there and nowhere else: making one puts in the names and the capital, and never leaves a check out.
"""

import copy
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from aviary_crds.labels import DESCRIPTION_ANNOTATION, GATE_TEMPLATE_LABEL, GATE_TEMPLATE_VERSION_LABEL
from aviary_crds.manifests import check_manifest
from aviary_crds.quantities import LABEL_PATTERN, NAME_PATTERN, POSITIVE_MESSAGE, parse_decimal
from aviary_crds.v1alpha1.gatechecks import Enforcement
from aviary_crds.v1alpha1.objects import BOT_NAME_LIMIT

PLACEHOLDER_BOT: Final = "my-bot"
PLACEHOLDER_NAMESPACE: Final = "my-desk"
"""First folder of every report's path: the reports volume is the operator's, and may serve several desks."""

CAPITAL_CHECK: Final = "balance"
"""The check whose threshold is the capital that is granted."""

_LONGEST_LABEL: Final = 63
_LONGEST_NAME: Final = 253
_VERSION: Final = r"[1-9][0-9]{0,5}"


class TemplateError(Exception):
    """A folder of templates that is not as it should be; the message says which file and why."""


class ChoiceError(Exception):
    """A gate that cannot be made as asked; the message says what to ask for instead."""


@dataclass(frozen=True, slots=True)
class Template:
    """One template.

    Attributes:
        name: of the template, and of its file.
        version: rises with every change of what it asks.
        summary: one line for people.
        manifest: the whole gate.
    """

    name: str
    version: int
    summary: str
    manifest: Mapping[str, Any]

    @property
    def step(self) -> str:
        """Which step it is for, such as ``Paper to Live``."""
        spec = self.manifest["spec"]
        return f"{spec['from']} to {spec['to']}"


def read_templates(folder: Path) -> dict[str, Template]:
    """Return the templates in ``folder`` by name.

    Raises:
        TemplateError: when there is none, or one of them is no valid gate with the labels of a template.
    """
    paths = sorted(folder.glob("*.yaml"))
    if not paths:
        raise TemplateError(f"no templates in {folder}; --folder names manifests/gates of the repository")
    return {path.stem: _read_template(path) for path in paths}


def build_gate(
    template: Template, *, bot: str, namespace: str, name: str | None = None, capital: str | None = None, strict: bool
) -> dict[str, Any]:
    """Return the gate of ``bot`` as the template asks for it.

    Args:
        template: what is asked.
        bot: name of the TradingBot.
        namespace: of the bot, and so of its desk.
        name: of the gate; ``BOT-TEMPLATE`` when left out.
        capital: ceiling that is granted, in the quote asset; the template's when left out.
        strict: enforce what the template only tries out (``enforcement: DryRun``), row R-201.

    Raises:
        ChoiceError: when a name or the capital is none, or the template has nothing to be strict about.
    """
    name = f"{bot}-{template.name}" if name is None else name
    _refuse_bad_names(bot, namespace, name)
    gate: dict[str, Any] = copy.deepcopy(dict(template.manifest))
    gate["metadata"] = {"name": name, "namespace": namespace, **_without_name(gate["metadata"])}
    spec = gate["spec"]
    spec["botRef"]["name"] = bot
    if capital is not None:
        _put_capital(spec, capital)
    for check in spec["checks"]:
        _put_names(check, bot=bot, namespace=namespace)
    if strict:
        _enforce_all(template.name, spec["checks"])
    faults = check_manifest(gate, source=name)
    if faults:
        raise ChoiceError("; ".join(map(str, faults)))
    return gate


def render_gate(gate: Mapping[str, Any]) -> str:
    """Return the gate as YAML."""
    return yaml.safe_dump(dict(gate), sort_keys=False, width=120, allow_unicode=True)


def _read_template(path: Path) -> Template:
    try:
        manifest = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise TemplateError(f"{path} cannot be read: {error}") from error
    if not isinstance(manifest, dict) or manifest.get("kind") != "PromotionGate":
        raise TemplateError(f"{path} holds no PromotionGate")
    faults = check_manifest(manifest, source=str(path))
    if faults:
        raise TemplateError("\n".join(map(str, faults)))
    metadata = manifest["metadata"]
    labels, annotations = metadata.get("labels") or {}, metadata.get("annotations") or {}
    version = str(labels.get(GATE_TEMPLATE_VERSION_LABEL, ""))
    if labels.get(GATE_TEMPLATE_LABEL) != path.stem:
        raise TemplateError(f"{path}: label {GATE_TEMPLATE_LABEL} must be {path.stem}, as the file is called")
    if not re.fullmatch(_VERSION, version):
        raise TemplateError(f'{path}: label {GATE_TEMPLATE_VERSION_LABEL} must be a whole number such as "1"')
    if manifest["spec"]["botRef"]["name"] != PLACEHOLDER_BOT:
        raise TemplateError(f"{path}: a template is about the bot {PLACEHOLDER_BOT}")
    summary = annotations.get(DESCRIPTION_ANNOTATION)
    if not summary:
        raise TemplateError(f"{path}: annotation {DESCRIPTION_ANNOTATION} must say in a line what the gate is for")
    return Template(path.stem, int(version), str(summary), manifest)


def _refuse_bad_names(bot: str, namespace: str, name: str) -> None:
    if not re.fullmatch(LABEL_PATTERN, bot) or not bot[0].isalpha() or len(bot) > BOT_NAME_LIMIT:
        raise ChoiceError(
            f"no TradingBot can be called {bot!r}: lower-case letters, digits and hyphens, beginning with a letter, "
            f"at most {BOT_NAME_LIMIT} characters"
        )
    if not re.fullmatch(LABEL_PATTERN, namespace) or len(namespace) > _LONGEST_LABEL:
        raise ChoiceError(
            f"no namespace can be called {namespace!r}: lower-case letters, digits and hyphens, "
            f"at most {_LONGEST_LABEL} characters"
        )
    if not re.fullmatch(NAME_PATTERN, name) or len(name) > _LONGEST_NAME:
        raise ChoiceError(f"no gate can be called {name!r}: lower-case letters, digits, hyphens and points")


def _without_name(metadata: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in metadata.items() if key not in {"name", "namespace"}}


def _put_capital(spec: dict[str, Any], capital: str) -> None:
    """Put the capital into the grant, and into the check that the account holds as much."""
    try:
        amount = parse_decimal(capital)
    except ValueError as error:
        raise ChoiceError(f"capital: {error}") from None
    if amount <= 0:
        raise ChoiceError(f"capital: {POSITIVE_MESSAGE}; got {capital!r}")
    spec["grant"]["capitalQuote"] = capital
    for check in spec["checks"]:
        if check["name"] == CAPITAL_CHECK:
            check["threshold"]["value"] = capital


def _put_names(check: dict[str, Any], *, bot: str, namespace: str) -> None:
    """Put desk and bot into the path of a report. Queries have variables for both."""
    place = (check.get("report") or {}).get("file")
    if place is not None:
        names = {PLACEHOLDER_NAMESPACE: namespace, PLACEHOLDER_BOT: bot}
        place["path"] = "/".join(names.get(part, part) for part in place["path"].split("/"))


def _enforce_all(template: str, checks: list[dict[str, Any]]) -> None:
    dry = [check for check in checks if check.get("enforcement") == Enforcement.DRY_RUN]
    if not dry:
        raise ChoiceError(f"template {template} has nothing to be strict about: every check of it is enforced")
    for check in dry:
        del check["enforcement"]
