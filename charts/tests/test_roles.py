"""No role of the charts is enough to take a bot Live alone: who may do what, solved over the rendered roles.

docs/design/promotion.md §6. A power is what lets somebody do one of the steps; a role has it when its rules allow every
request that the step needs.
"""

import itertools
import json
import re
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from aviary_crds.labels import APPROVE_VERB, ATTEST_VERB, BREAKGLASS_VERB, REPORT_LABEL

Manifest = dict[str, Any]
Render = Callable[..., list[Manifest]]
Request = tuple[str, str, str]
"""Verb, API group, resource."""

GROUP = "aviary.trading"
WRITES = ("create", "update", "patch", "delete", "deletecollection")


def _any(resource: str, verbs: Iterable[str] = WRITES) -> list[frozenset[Request]]:
    return [frozenset({(verb, GROUP, resource)}) for verb in verbs]


POWERS: dict[str, list[frozenset[Request]]] = {
    "write bots": _any("tradingbots"),
    "write gates": _any("promotiongates"),
    "write desks": _any("tradingdesks"),
    "write statuses": [
        frozenset({(verb, GROUP, f"{kind}/status")})
        for verb in ("update", "patch")
        for kind in ("tradingbots", "tradingdesks", "promotiongates", "promotionapprovals")
    ],
    "approve": [frozenset({("create", GROUP, "promotionapprovals"), ("approve", GROUP, "promotiongates")})],
    "break glass": [frozenset({("create", GROUP, "promotionapprovals"), ("breakglass", GROUP, "promotiongates")})],
    "attest": [
        frozenset({(verb, "", "configmaps"), ("attest", GROUP, "promotiongates")})
        for verb in ("create", "update", "patch")
    ],
    "withdraw": _any("promotionapprovals", ("delete", "deletecollection")),
    "read keys": [frozenset({(verb, "", "secrets")}) for verb in ("get", "list", "watch")],
    "enter pods": [
        frozenset({(verb, "", f"pods/{part}")}) for verb in ("create", "get") for part in ("exec", "attach")
    ],
    "run pods": [
        frozenset({(verb, group, kind)})
        for verb in ("create", "update", "patch")
        for group, kind in (("", "pods"), ("apps", "deployments"), ("batch", "cronjobs"))
    ],
    "take roles": [
        frozenset({(verb, "rbac.authorization.k8s.io", kind)})
        for verb in (*WRITES, "bind", "escalate")
        for kind in ("roles", "clusterroles", "rolebindings", "clusterrolebindings")
    ]
    + [frozenset({("impersonate", "", kind)}) for kind in ("users", "groups", "serviceaccounts")]
    + [frozenset({("create", "", "serviceaccounts/token")})],
    "change policies": [
        frozenset({(verb, "admissionregistration.k8s.io", kind)})
        for verb in WRITES
        for kind in ("validatingadmissionpolicies", "validatingadmissionpolicybindings")
    ],
}
"""Each is any of several sets of requests; a set counts when all of it is allowed."""

EXPECTED: dict[str, set[str]] = {
    "aviary-viewer": set(),
    "aviary-view": set(),
    "aviary-trader": {"write bots"},
    "aviary-approver": {"approve", "withdraw"},
    "aviary-risk": {"write gates", "write desks", "break glass", "withdraw"},
    "aviary-producer": {"attest"},
    "operator": {"write statuses"},
}
TOGETHER_ALLOWED = {frozenset({"write gates", "break glass"})}
"""What one role may hold two of: risk answers for gates and for going around them, within the ceilings."""


def _allows(rules: list[Manifest], request: Request) -> bool:
    """Whether the rules allow a request, as RBAC decides it; a rule for names only counts: there is such a name."""
    verb, group, resource = request
    subresource = resource.partition("/")[2]
    return any(
        {verb, "*"} & set(rule["verbs"])
        and {group, "*"} & set(rule["apiGroups"])
        and {resource, "*", *([f"*/{subresource}"] if subresource else [])} & set(rule["resources"])
        for rule in rules
    )


def _powers(rules: list[Manifest]) -> set[str]:
    return {
        power for power, ways in POWERS.items() if any(all(_allows(rules, request) for request in way) for way in ways)
    }


def _rules(render: Render) -> dict[str, list[Manifest]]:
    """Return the rules of every role for people, and of the operator in a namespace where bots live."""
    people = {
        item["metadata"]["name"]: list(item["rules"])
        for item in render("aviary-crds")
        if item["kind"] in {"Role", "ClusterRole"}
    }
    (operator,) = (item for item in render("aviary") if item["kind"] == "ClusterRole")
    return {**people, "operator": list(operator["rules"])}


def test_each_role_has_its_powers_and_no_other(render: Render) -> None:
    assert {name: _powers(rules) for name, rules in _rules(render).items()} == EXPECTED


def test_no_role_has_two_steps_to_live_even_with_the_operator_s(render: Render) -> None:
    rules = _rules(render)
    steps = {"write bots", "approve", "break glass", "write gates", "attest"}
    for name, own in rules.items():
        held = _powers(own + rules["operator"]) & steps
        pairs = {frozenset(pair) for pair in itertools.combinations(held, 2)}
        assert pairs <= TOGETHER_ALLOWED, f"{name} with the operator's rights holds {sorted(held)}"


def test_every_role_reads_all_four_kinds_and_no_secret(render: Render) -> None:
    for name, rules in _rules(render).items():
        for kind in ("tradingbots", "tradingdesks", "promotiongates", "promotionapprovals"):
            assert all(_allows(rules, (verb, GROUP, kind)) for verb in ("get", "list", "watch")), name
        assert not any("secrets" in rule["resources"] for rule in rules), name


def test_no_role_of_the_kinds_chart_has_a_wildcard_or_a_status(render: Render) -> None:
    for name, rules in _rules(render).items():
        for rule in rules:
            assert "*" not in [*rule["apiGroups"], *rule["resources"], *rule["verbs"]], name
            assert name == "operator" or not any("/status" in resource for resource in rule["resources"]), name


@pytest.mark.parametrize(
    ("rules", "power"),
    [
        ([{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}], set(POWERS)),
        ([{"apiGroups": [GROUP], "resources": ["*/status"], "verbs": ["patch"]}], {"write statuses"}),
        ([{"apiGroups": [GROUP], "resources": ["promotiongates"], "verbs": ["approve", "attest"]}], set()),
        ([{"apiGroups": [GROUP], "resources": ["promotiongates"], "verbs": ["*"]}], {"write gates"}),
    ],
)
def test_the_solver_sees_wildcards(rules: list[Manifest], power: set[str]) -> None:
    assert _powers(rules) == power


def _verbs_for(rules: list[Manifest]) -> set[str]:
    """Return the verbs on gates that the API server itself knows nothing of."""
    usual = {"get", "list", "watch", *WRITES}
    return {
        verb
        for rule in rules
        if GROUP in rule["apiGroups"] and "promotiongates" in rule["resources"]
        for verb in rule["verbs"]
        if verb not in usual
    }


def test_each_verb_on_gates_is_one_role_s(render: Render) -> None:
    given = {name: verbs for name, rules in _rules(render).items() if (verbs := _verbs_for(rules))}
    assert given == {
        "aviary-approver": {APPROVE_VERB},
        "aviary-risk": {BREAKGLASS_VERB},
        "aviary-producer": {ATTEST_VERB},
    }


def test_policies_ask_for_the_verbs_and_the_label_that_the_code_knows(render: Render) -> None:
    policies = {
        item["metadata"]["name"].removeprefix("aviary-system-aviary-"): item["spec"]
        for item in render("aviary")
        if item["kind"] == "ValidatingAdmissionPolicy"
    }

    def variable(policy: str, name: str) -> str:
        return next(str(item["expression"]) for item in policies[policy]["variables"] if item["name"] == name)

    assert variable("approvals", "verb") == f"variables.breaksGlass ? '{BREAKGLASS_VERB}' : '{APPROVE_VERB}'"
    assert variable("attestations", "attests").replace(" ", "") == (
        f"authorizer.group('{GROUP}').resource('promotiongates').namespace(request.namespace)"
        f".check('{ATTEST_VERB}').allowed()"
    )
    selector = policies["attestations"]["matchConstraints"]["objectSelector"]
    assert selector == {"matchExpressions": [{"key": REPORT_LABEL, "operator": "Exists"}]}
    checked = re.findall(r"\.check\(([^)]*)\)", json.dumps(policies))
    assert sorted(checked) == [f"'{ATTEST_VERB}'", "variables.verb"]
