"""The manifests of what runs in every `local` cluster, with its addresses and images filled in."""

from collections.abc import Mapping
from string import Template

from aviary_cluster.address_plan import AddressPlan
from aviary_cluster.folders import ASSETS

_FILES = ("netpol-enforcer.yaml", "coredns.yaml", "storage.yaml")


def render_system_manifests(plan: AddressPlan, images: Mapping[str, str]) -> str:
    """Return all manifests as one YAML stream; raises KeyError for a placeholder nobody fills."""
    values = {f"IMAGE_{name.upper().replace('-', '_')}": reference for name, reference in images.items()}
    values["DNS_ADDRESS"] = str(plan.dns_address)
    parts = [(ASSETS / "manifests" / name).read_text(encoding="utf-8") for name in _FILES]
    return "---\n".join(Template(part).substitute(values) for part in parts)
