"""Asking an API server small questions over HTTPS, without a Kubernetes client (whose import takes a second)."""

import base64
import http.client
import json
import os
import ssl
import tempfile
import urllib.parse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_ANSWER_SECONDS = 5.0


class ApiProbeError(Exception):
    """The API server did not answer, or not with 200."""


@dataclass(frozen=True)
class ApiProbe:
    """A connection recipe: every call opens and closes its own connection, so it survives restarts."""

    host: str
    port: int
    context: ssl.SSLContext

    def get_text(self, path: str) -> str:
        """Return the body of a GET.

        Raises:
            ApiProbeError: no answer within 5 s, or a status other than 200.
        """
        connection = http.client.HTTPSConnection(self.host, self.port, timeout=_ANSWER_SECONDS, context=self.context)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            body = answer.read().decode("utf-8", "replace")
        except (OSError, http.client.HTTPException) as error:
            raise ApiProbeError(f"GET https://{self.host}:{self.port}{path}: {error}") from error
        finally:
            connection.close()
        if answer.status != http.client.OK:
            raise ApiProbeError(f"GET {path}: HTTP {answer.status}: {body[:300]}")
        return body

    def get_json(self, path: str) -> dict[str, Any]:
        """Return the body of a GET as an object; raises as `get_text`."""
        document = json.loads(self.get_text(path))
        if not isinstance(document, dict):
            raise ApiProbeError(f"GET {path}: not an object")
        return document

    def is_ready(self) -> bool:
        """Whether `/readyz` says ok now."""
        try:
            return self.get_text("/readyz") == "ok"
        except ApiProbeError:
            return False


def probe_from_kubeconfig(path: Path) -> ApiProbe:
    """Build a probe from one of our own kubeconfigs (JSON, everything inline)."""
    config = json.loads(path.read_text(encoding="utf-8"))
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
    context = ssl.create_default_context(cadata=authority)
    # The ssl module loads client keys from files only.
    handle, name = tempfile.mkstemp(prefix="aviary-client-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(base64.b64decode(user["client-certificate-data"]))
            file.write(base64.b64decode(user["client-key-data"]))
        context.load_cert_chain(name)
    finally:
        Path(name).unlink()
    server = urllib.parse.urlsplit(cluster["server"])
    return ApiProbe(host=server.hostname or "", port=server.port or 443, context=context)
