"""The templates of the gate catalogue, and gates made from them, before a real API server."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aviary_crds.gate_templates import build_gate, read_templates
from aviary_crds.v1alpha1.promotiongate import PromotionGateSpec

type Create = Callable[..., dict[str, Any]]
type Kubectl = Callable[..., subprocess.CompletedProcess[str]]

_FOLDER = Path(__file__).resolve().parents[3] / "manifests" / "gates"
_TEMPLATES = read_templates(_FOLDER)


@pytest.mark.parametrize("name", _TEMPLATES)
def test_template_is_taken_as_it_is_and_means_what_the_model_says(name: str, create: Create) -> None:
    manifest = dict(_TEMPLATES[name].manifest)
    stored = create(manifest)
    assert PromotionGateSpec.model_validate(stored["spec"]) == PromotionGateSpec.model_validate(manifest["spec"])
    assert stored["metadata"]["labels"] == manifest["metadata"]["labels"]


@pytest.mark.parametrize("name", _TEMPLATES)
def test_gate_of_a_bot_applies_and_applying_it_again_changes_nothing(
    name: str, namespace: str, kubectl: Kubectl
) -> None:
    gate = build_gate(_TEMPLATES[name], bot="btc-spot", namespace=namespace, capital="40.5", strict=False)
    applied = kubectl("apply", "--server-side", "-f", "-", given=gate)
    assert applied.returncode == 0, applied.stderr
    difference = kubectl("diff", "--server-side", "-f", "-", given=gate)
    assert (difference.returncode, difference.stdout) == (0, ""), difference.stderr


def test_strict_gate_applies(namespace: str, kubectl: Kubectl) -> None:
    gate = build_gate(_TEMPLATES["live-micro"], bot="btc-spot", namespace=namespace, strict=True)
    applied = kubectl("apply", "--server-side", "-f", "-", given=gate)
    assert applied.returncode == 0, applied.stderr
