"""The sample manifests: the real API server takes them, and they name what the chart makes."""

import ast
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from aviary_crds.v1alpha1.tradingbot import Mode

REPOSITORY = Path(__file__).resolve().parents[2]
MANIFESTS = REPOSITORY / "manifests"
SAMPLES = MANIFESTS / "samples"
Manifest = dict[str, Any]
Render = Callable[..., list[Manifest]]
Kubectl = Callable[..., subprocess.CompletedProcess[str]]


def _documents(path: Path) -> list[Manifest]:
    files = sorted(path.glob("*.yaml")) if path.is_dir() else [path]
    return [document for file in files for document in yaml.safe_load_all(file.read_text()) if document]


def _bots(path: Path) -> dict[str, Manifest]:
    return {item["metadata"]["name"]: item["spec"] for item in _documents(path) if item["kind"] == "TradingBot"}


@pytest.mark.usefixtures("installed_crds")
@pytest.mark.parametrize("path", [SAMPLES, MANIFESTS / "real-venue"], ids=lambda path: path.name)
def test_after_apply_there_is_nothing_left_to_change(path: Path, kubectl: Kubectl) -> None:
    namespace = SAMPLES / "namespace.yaml"
    kubectl("apply", "--server-side", "-f", str(namespace))
    kubectl("apply", "--server-side", "-f", str(path))
    assert kubectl("diff", "--server-side", "-f", str(path)).stdout == ""
    again = kubectl("apply", "--server-side", "-f", str(path)).stdout.splitlines()
    assert again
    assert all(line.endswith("serverside-applied") for line in again)
    assert kubectl("diff", "--server-side", "-f", str(path)).stdout == ""


@pytest.mark.usefixtures("installed_crds")
def test_plain_apply_and_diff_are_clean_too(kubectl: Kubectl) -> None:
    text = (SAMPLES / "market-maker-spot.yaml").read_text().replace("namespace: desk-demo", "namespace: default")
    kubectl("apply", "-f", "-", stdin=text)
    assert kubectl("diff", "-f", "-", stdin=text).stdout == ""
    assert kubectl("apply", "-f", "-", stdin=text).stdout.strip().endswith("unchanged")


def test_the_samples_show_what_a_desk_needs_to_see() -> None:
    bots = _bots(SAMPLES)
    assert len(bots) >= 5
    assert {Mode(bot["mode"]) for bot in bots.values()} == {Mode.DISABLED, Mode.NO_TRADE, Mode.PAPER}
    assert {bot["market"]["connector"] for bot in bots.values()} == {"bitget", "bitget_perpetual"}
    assert any("code" in bot["strategy"] for bot in bots.values())
    assert any(len(bot["market"]["tradingPairs"]) > 1 for bot in bots.values())
    assert any(bot["market"].get("leverage", 1) > 1 for bot in bots.values())


def test_the_samples_run_the_image_that_the_chart_s_version_belongs_to() -> None:
    version = yaml.safe_load((REPOSITORY / "charts" / "aviary" / "Chart.yaml").read_text())["appVersion"]
    images = {bot["image"] for path in (SAMPLES, MANIFESTS / "real-venue") for bot in _bots(path).values()}
    assert images == {f"aviary.local/bot:{version}"}


def test_the_desk_sends_its_bots_to_what_the_chart_makes(render: Render) -> None:
    made = {
        (item["kind"], item["metadata"]["name"], item["metadata"]["namespace"]): item
        for item in render("aviary", {"simVenue": {"enabled": True}})
        if "namespace" in item["metadata"]
    }
    desk = next(item for item in _documents(SAMPLES) if item["kind"] == "TradingDesk")
    overrides = desk["spec"]["venueOverrides"]
    assert [host for override in overrides for host in override["hosts"]] == ["api.bitget.com", "ws.bitget.com"]
    for override in overrides:
        service = made["Service", override["service"]["name"], override["service"]["namespace"]]
        assert 443 in [port["port"] for port in service["spec"]["ports"]]
        ca = made["ConfigMap", override["ca"]["name"], override["ca"]["namespace"]]
        assert override["ca"].get("key", "ca.crt") in ca["data"]


@pytest.mark.parametrize("path", [SAMPLES, MANIFESTS / "real-venue"], ids=lambda path: path.name)
def test_every_bot_stays_under_its_desk(path: Path) -> None:
    documents = _documents(path)
    desk = next(item for item in documents if item["kind"] == "TradingDesk")
    ceilings = desk["spec"]["ceilings"]
    for bot in _bots(path).values():
        assert bot["deskRef"]["name"] == desk["metadata"]["name"]
        assert bot["mode"] in ceilings["modes"]
        assert bot["market"]["connector"] in ceilings["connectors"]
        assert set(bot["market"]["tradingPairs"]) <= set(ceilings["tradingPairs"])
        assert bot["market"].get("leverage", 1) <= ceilings["maxLeverage"]


def test_the_own_strategy_s_config_map_holds_its_source() -> None:
    done = subprocess.run([MANIFESTS / "embed-strategy.sh", "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    config_map = next(item for item in _documents(SAMPLES / "own-strategy.yaml") if item["kind"] == "ConfigMap")
    bot = next(iter(_bots(SAMPLES / "own-strategy.yaml").values()))
    reference = bot["strategy"]["code"]["configMapRef"]
    assert reference["name"] == config_map["metadata"]["name"]
    source = config_map["data"][reference["key"]]
    assert source == (SAMPLES / "own-strategy" / "volatility_quoter.py").read_text()
    fields = _config_fields(source)
    assert bot["strategy"]["parameters"].keys() <= fields


def _config_fields(source: str) -> set[str]:
    """Return the fields of the one class whose name ends in Config."""
    (config,) = (
        node for node in ast.parse(source).body if isinstance(node, ast.ClassDef) and node.name.endswith("Config")
    )
    return {
        node.target.id for node in config.body if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }


@pytest.mark.parametrize("path", [SAMPLES, MANIFESTS / "real-venue"], ids=lambda path: path.name)
def test_stock_strategies_get_parameters_that_they_know(path: Path) -> None:
    strategies = REPOSITORY / "controllers" / "src" / "aviary_bot" / "strategies"
    for bot in _bots(path).values():
        strategy = bot["strategy"]
        if "code" in strategy:
            continue
        source = strategies / strategy.get("type", "market_making") / f"{strategy['controller']}.py"
        assert strategy["parameters"].keys() <= _config_fields(source.read_text())


def test_a_desk_s_namespace_takes_restricted_pods_only() -> None:
    for path in (SAMPLES / "namespace.yaml", MANIFESTS / "real-venue" / "paper-bitget.yaml"):
        namespace = next(item for item in _documents(path) if item["kind"] == "Namespace")
        assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
