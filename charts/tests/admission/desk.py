"""What stands in a desk's namespace when somebody tries something: desks, bots, gates, approvals and what they run."""

from typing import Any, Final

from aviary_crds.labels import (
    API_VERSION,
    BOT_LABEL,
    CHANGED_BY_ANNOTATION,
    MODE_LABEL,
    REPORT_LABEL,
    REPORT_LABEL_VALUE,
)

Manifest = dict[str, Any]

DESK: Final = "desk"
"""Namespace of the desk; its TradingDesk `demo` asks for two persons, `solo` does not."""
DIGEST: Final = "sha256:" + "ab" * 32
OTHER_DIGEST: Final = "sha256:" + "cd" * 32


def trading_desk(name: str, *, two_persons: bool) -> Manifest:
    """Return a desk that allows Live."""
    ceilings = {
        "modes": ["Disabled", "NoTrade", "Paper", "Live"],
        "connectors": ["bitget"],
        "tradingPairs": ["BTC-USDT"],
        "maxOrderNotionalQuote": "1000",
        "maxBotNotionalQuote": "2500",
        "maxTotalNotionalQuote": "25000",
        "maxLiveBots": 1,
    }
    return _object("TradingDesk", name, spec={"ceilings": ceilings, "promotion": {"twoPersons": two_persons}})


def bot(name: str, *, desk: str = "demo", changed_by: str | None = None, **spec: Any) -> Manifest:
    """Return a bot on paper; ``changed_by`` is what its annotation says."""
    made = _object(
        "TradingBot",
        name,
        spec={
            "image": "aviary.local/bot:0.1.0",
            "deskRef": {"name": desk},
            "strategy": {"controller": "simple_market_maker", "parameters": {"spreads_bps": [12]}},
            "market": {"connector": "bitget", "tradingPairs": ["BTC-USDT"]},
            "capital": {"totalAmountQuote": "1000"},
            "safety": {"maxNotionalQuote": "1500"},
            **spec,
        },
    )
    if changed_by is not None:
        made["metadata"]["annotations"] = {CHANGED_BY_ANNOTATION: changed_by}
    return made


def gate(name: str, **spec: Any) -> Manifest:
    """Return a gate that lets the bot `btc` go Live."""
    check = {"name": "fills", "bot": {"field": "Fills"}, "threshold": {"comparison": "AtLeast", "value": "10"}}
    wanted = {
        "botRef": {"name": "btc"},
        "from": "Paper",
        "to": "Live",
        "checks": [check],
        "grant": {"capitalQuote": "100"},
    }
    return _object("PromotionGate", name, spec={**wanted, **spec})


def approval(name: str, *, approver: str, namespace: str = DESK, **spec: Any) -> Manifest:
    """Return an approval of the gate `btc-to-live` in the name of ``approver``."""
    wanted = {"gateRef": {"name": "btc-to-live"}, "digest": DIGEST, "reason": "looked at every check of the gate"}
    return _object("PromotionApproval", name, namespace=namespace, spec={**wanted, "approver": approver, **spec})


def break_glass(name: str, *, approver: str) -> Manifest:
    """Return an approval of type BreakGlass."""
    return approval(name, approver=approver, type="BreakGlass", validSeconds=600)


def pod(name: str, mode: str | None, *, owner: Manifest | None = None) -> Manifest:
    """Return a pod, of a bot in ``mode`` when there is one."""
    made = {"apiVersion": "v1", "kind": "Pod", **_template(mode)}
    made["metadata"] |= {"name": name, "namespace": DESK}
    if owner is not None:
        reference = {"apiVersion": owner["apiVersion"], "kind": owner["kind"], "controller": True}
        made["metadata"]["ownerReferences"] = [
            {**reference, "name": owner["metadata"]["name"], "uid": owner["metadata"]["uid"]}
        ]
    return made


def workload(kind: str, name: str, mode: str | None) -> Manifest:
    """Return a workload of any kind whose template is a bot's pod in ``mode``."""
    template = _template(mode)
    match kind:
        case "Job" | "CronJob":
            template["spec"]["restartPolicy"] = "Never"
            job: Manifest = {"template": template}
            spec = job if kind == "Job" else {"schedule": "0 0 1 1 *", "jobTemplate": {"spec": job}}
            return {"apiVersion": "batch/v1", "kind": kind, "metadata": {"name": name, "namespace": DESK}, "spec": spec}
        case "PodTemplate":
            meta = {"name": name, "namespace": DESK}
            return {"apiVersion": "v1", "kind": kind, "metadata": meta, "template": template}
        case "ReplicationController":
            old = {"selector": {BOT_LABEL: "btc"}, "template": template}
            return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": DESK}, "spec": old}
        case _:
            set_of_one = {"serviceName": name, "updateStrategy": {"type": "OnDelete"}}
            spec = dict[str, Any](selector={"matchLabels": {BOT_LABEL: "btc"}}, template=template)
            spec |= set_of_one if kind == "StatefulSet" else {}
            return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name, "namespace": DESK}, "spec": spec}


def config_map(name: str, mode: str | None) -> Manifest:
    """Return a bot's ConfigMap."""
    made = _object("ConfigMap", name)
    made |= {"apiVersion": "v1", "data": {"bot.json": "{}"}}
    made["metadata"]["labels"] = _labels(mode)
    return made


def report_map(name: str, *, label: str | None = REPORT_LABEL_VALUE, namespace: str = DESK) -> Manifest:
    """Return a ConfigMap with a report, attested when it has the label."""
    made = _object("ConfigMap", name, namespace=namespace)
    made |= {"apiVersion": "v1", "data": {"report.json": '{"result": "Pass"}'}}
    made["metadata"]["labels"] = {"app": "review"} if label is None else {"app": "review", REPORT_LABEL: label}
    return made


def _template(mode: str | None) -> Manifest:
    container = {"name": "bot", "image": "aviary.local/bot:0.1.0", "resources": {"requests": {"cpu": "100m"}}}
    return {"metadata": {"labels": _labels(mode)}, "spec": {"containers": [container]}}


def _labels(mode: str | None) -> dict[str, str]:
    return {BOT_LABEL: "btc"} if mode is None else {BOT_LABEL: "btc", MODE_LABEL: mode}


def _object(kind: str, name: str, *, namespace: str = DESK, **fields: Any) -> Manifest:
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, **fields}
