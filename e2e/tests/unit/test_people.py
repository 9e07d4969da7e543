"""People: who speaks, and with which rights."""

from pathlib import Path

from aviary_e2e.kubectl import Kubectl
from aviary_e2e.people import Role, role_bindings, sign_in


def test_signing_in_changes_who_speaks_and_nothing_else() -> None:
    admin = Kubectl(Path("kubectl"), Path("kubeconfig"))
    assert sign_in(admin, "tara") == Kubectl(Path("kubectl"), Path("kubeconfig"), as_user="tara")
    assert admin.as_user is None


def test_each_role_of_each_person_is_a_binding_of_its_own() -> None:
    bindings = role_bindings("desk", {"tara": (Role.TRADER,), "both": (Role.TRADER, Role.APPROVER)})
    given = {(item["subjects"][0]["name"], item["roleRef"]["name"]) for item in bindings}
    assert given == {("tara", "aviary-trader"), ("both", "aviary-trader"), ("both", "aviary-approver")}
    assert {item["metadata"]["namespace"] for item in bindings} == {"desk"}
    assert len({item["metadata"]["name"] for item in bindings}) == len(bindings)
