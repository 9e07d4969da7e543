"""The Kubernetes API as the operator uses it: eight verbs behind a Protocol.

The only module that imports the Kubernetes client. Objects go in and come out as plain JSON, errors as ``ApiError``
that knows whether trying again can help. Every call is counted by verb and code.
"""

import os
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol, override

import aiohttp
from kubernetes.aio import config as kube_config
from kubernetes.aio.client.api_client import ApiClient
from kubernetes.aio.client.configuration import Configuration
from kubernetes.aio.dynamic import DynamicClient
from kubernetes.aio.dynamic.exceptions import DynamicApiError

from aviary_operator.runtime.kinds import Kind, Manifest
from aviary_operator.runtime.metrics import Metrics

REQUEST_TIMEOUT_SECONDS: Final = 20.0
CONNECTIONS: Final = 16
"""Calls at the same time. More would be handshakes, not speed."""

_METADATA_ONLY: Final = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
_APPLY: Final = "application/apply-patch+yaml"
_TOO_MANY: Final = 429
_FORBIDDEN: Final = 403
_CONFLICT: Final = 409
_NOT_FOUND: Final = 404
_SERVER_ERROR: Final = 500


class ApiError(Exception):
    """The API server refused, or could not be reached.

    ``status`` is the HTTP status, 0 when there was no answer.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status

    @property
    def retryable(self) -> bool:
        """Whether the same call can succeed later without anybody changing anything."""
        return self.status in {0, _CONFLICT, _TOO_MANY} or self.status >= _SERVER_ERROR

    @property
    def ending(self) -> bool:
        """Whether the namespace is being deleted: nothing can be made in it, and nothing needs to be."""
        return self.status == _FORBIDDEN and "is being terminated" in str(self)


class KubeApi(Protocol):
    """What the operator asks of the API server. Every method raises ApiError."""

    async def get(self, kind: Kind, namespace: str, name: str) -> Manifest | None:
        """Return the object, or None when there is none."""

    async def list(
        self, kind: Kind, namespace: str | None, *, labels: str = "", limit: int | None = None, slim: bool = False
    ) -> Sequence[Manifest]:
        """Return the objects, of all namespaces when ``namespace`` is None; ``slim`` leaves only their metadata."""

    async def create(self, kind: Kind, manifest: Manifest) -> Manifest:
        """Create the object."""

    async def apply(self, kind: Kind, manifest: Manifest, *, manager: str) -> Manifest:
        """Server-side apply, taking over every field of ``manifest`` from other managers."""

    async def apply_status(self, kind: Kind, manifest: Manifest, *, manager: str) -> Manifest:
        """Server-side apply of the status subresource."""

    async def replace(self, kind: Kind, manifest: Manifest, *, manager: str) -> Manifest:
        """Replace the whole object, so that nothing but ``manifest`` and the server's defaults is left."""

    async def delete(self, kind: Kind, namespace: str, name: str, *, uid: str) -> bool:
        """Delete the object if it still has this uid, then what it owns; False when it is gone or another one."""


class DynamicKubeApi(KubeApi):
    """``KubeApi`` over ``kubernetes.aio.dynamic``, without discovery: the kinds are known."""

    def __init__(self, client: ApiClient, metrics: Metrics) -> None:
        self._dynamic = DynamicClient(client)  # type: ignore[no-untyped-call]  # kubernetes.aio has no types
        self._client = client
        self._metrics = metrics

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()  # type: ignore[no-untyped-call]  # kubernetes.aio has no types

    @override
    async def get(self, kind: Kind, namespace: str, name: str) -> Manifest | None:
        try:
            return await self._call("get", kind, kind.path(namespace, name))
        except ApiError as error:
            if error.status == _NOT_FOUND:
                return None
            raise

    @override
    async def list(
        self, kind: Kind, namespace: str | None, *, labels: str = "", limit: int | None = None, slim: bool = False
    ) -> Sequence[Manifest]:
        headers = {"Accept": _METADATA_ONLY} if slim else {}
        answer = await self._call(
            "list", kind, kind.path(namespace), label_selector=labels or None, limit=limit, header_params=headers
        )
        items: list[Manifest] = answer.get("items") or []
        return items

    @override
    async def create(self, kind: Kind, manifest: Manifest) -> Manifest:
        return await self._call("create", kind, kind.path(manifest["metadata"]["namespace"]), body=manifest)

    @override
    async def apply(self, kind: Kind, manifest: Manifest, *, manager: str) -> Manifest:
        return await self._apply(kind, manifest, manager, None)

    @override
    async def apply_status(self, kind: Kind, manifest: Manifest, *, manager: str) -> Manifest:
        return await self._apply(kind, manifest, manager, "status")

    async def _apply(self, kind: Kind, manifest: Manifest, manager: str, subresource: str | None) -> Manifest:
        path = kind.path(manifest["metadata"]["namespace"], manifest["metadata"]["name"], subresource)
        return await self._call(
            "apply", kind, path, body=manifest, field_manager=manager, force_conflicts=True, content_type=_APPLY
        )

    @override
    async def replace(self, kind: Kind, manifest: Manifest, *, manager: str) -> Manifest:
        path = kind.path(manifest["metadata"]["namespace"], manifest["metadata"]["name"])
        return await self._call("update", kind, path, body=manifest, field_manager=manager)

    @override
    async def delete(self, kind: Kind, namespace: str, name: str, *, uid: str) -> bool:
        try:
            # said, not left to the server: a Job's own default would leave its pods behind
            body = {"preconditions": {"uid": uid}, "propagationPolicy": "Background"}
            await self._call("delete", kind, kind.path(namespace, name), body=body)
        except ApiError as error:
            if error.status in {_NOT_FOUND, _CONFLICT}:
                return False
            raise
        return True

    async def _call(self, verb: str, kind: Kind, path: str, **options: Any) -> Manifest:
        code = "0"
        try:
            answer = await self._dynamic.request(
                _METHODS[verb], path, serialize=False, _request_timeout=REQUEST_TIMEOUT_SECONDS, **options
            )
            code = str(answer.status)
            content: Manifest = await answer.json()
        except DynamicApiError as error:
            code = str(error.status)
            raise ApiError(int(error.status), f"{verb} {kind.kind} {path}: {_reason(error)}") from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            what = str(error) or type(error).__name__
            raise ApiError(0, f"{verb} {kind.kind} {path}: no answer from the API server: {what}") from error
        else:
            return content
        finally:
            self._metrics.api_calls.labels(verb=verb, kind=kind.kind, code=code).inc()
            self._metrics.note_api_answer(answered=code != "0")


_METHODS: Final[Mapping[str, str]] = {
    "get": "get",
    "list": "get",
    "create": "post",
    "apply": "patch",
    "update": "put",
    "delete": "delete",
}


def _reason(error: DynamicApiError) -> str:
    try:
        return str(error.summary())  # type: ignore[no-untyped-call]  # kubernetes.aio has no types
    except (ValueError, TypeError, KeyError):  # a body that is not a Status
        return str(error.body or error.reason)


async def connect(metrics: Metrics, *, kubeconfig: str | None = None) -> DynamicKubeApi:
    """Connect as a kubeconfig file says (by default the one in KUBECONFIG), else as the pod's ServiceAccount.

    Raises:
        ApiError: when there are neither.
    """
    configuration = Configuration()
    path = kubeconfig or os.environ.get("KUBECONFIG")
    try:
        if path:
            await kube_config.load_kube_config(  # type: ignore[no-untyped-call]  # kubernetes.aio has no types
                config_file=path, client_configuration=configuration
            )
        else:
            kube_config.load_incluster_config(  # type: ignore[no-untyped-call]  # kubernetes.aio has no types
                client_configuration=configuration
            )
    except kube_config.ConfigException as error:
        raise ApiError(0, f"no way to the API server: run in a pod with a ServiceAccount, or set KUBECONFIG: {error}")  # noqa: B904  the cause says nothing more
    configuration.connection_pool_maxsize = CONNECTIONS
    configuration.retries = None  # the work queue retries
    return DynamicKubeApi(ApiClient(configuration), metrics)
