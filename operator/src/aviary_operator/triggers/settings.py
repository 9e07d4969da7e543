"""kopf's settings, pinned: it watches and keeps quiet.

Each line answers something that went wrong for others: watches that froze (server and inactivity time-outs), a start
that needs CRD-listing rights (scanning off), peers that freeze each other (standalone), annotations and finalizers in
objects that are not kopf's (nothing is stored).
"""

import os
from dataclasses import replace
from typing import Any, override

import kopf
from aviary_crds.labels import BOT_LABEL, EVENT_REPORTER, GROUP

from aviary_operator.runtime.kinds import CHILD_KINDS, POD

WATCH_SECONDS = 300
CONNECT_SECONDS = 10
REQUEST_SECONDS = 30


class NothingStored(kopf.DiffBaseStorage):
    """Keeps no last-handled state: kopf compares nothing, so it need not copy every object it sees either."""

    @override
    def build(self, *, body: kopf.Body, extra_fields: Any = None) -> kopf.BodyEssence:
        return kopf.BodyEssence()

    @override
    def fetch(self, *, body: kopf.Body) -> kopf.BodyEssence | None:
        return None

    @override
    def store(self, *, body: kopf.Body, patch: kopf.Patch, essence: kopf.BodyEssence) -> None:
        """Store nothing."""


def build_kopf_settings() -> kopf.OperatorSettings:
    """Return the settings."""
    settings = kopf.OperatorSettings()
    settings.scanning.disabled = True
    settings.peering.standalone = True
    settings.posting.enabled = False
    settings.posting.reporting_component = EVENT_REPORTER
    settings.watching.server_timeout = WATCH_SECONDS
    settings.watching.connect_timeout = CONNECT_SECONDS
    settings.networking.request_timeout = REQUEST_SECONDS
    settings.networking.enforce_retry_after = True
    settings.persistence.finalizer = f"{GROUP}/unused"
    settings.persistence.diffbase_storage = NothingStored()
    settings.persistence.progress_storage = kopf.AnnotationsProgressStorage(prefix=GROUP)
    settings.process.ultimate_exiting_timeout = REQUEST_SECONDS
    for kind in (*CHILD_KINDS, POD):
        settings.watching.label_selectors[kind.group, kind.version, kind.plural] = BOT_LABEL
    return settings


def login(settings: kopf.OperatorSettings) -> kopf.ConnectionInfo | None:
    """Return how to reach the API server: KUBECONFIG when set, else the pod's ServiceAccount.

    By address, not by name: an operator must start while the cluster's DNS does not.
    """
    if os.environ.get("KUBECONFIG"):
        return kopf.login_with_kubeconfig(settings=settings)
    found = kopf.login_with_service_account(settings=settings)
    host, port = os.environ.get("KUBERNETES_SERVICE_HOST"), os.environ.get("KUBERNETES_SERVICE_PORT")
    if found is None or not host or not port:
        return found
    return replace(found, server=f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}")
