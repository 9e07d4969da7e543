"""A real API server with the CRDs in it, and the few verbs that the tests need."""

import json
import subprocess
import time
import uuid
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
import yaml
from aviary_cluster.binaries import ensure
from aviary_cluster.controlplane import ControlPlane
from aviary_cluster.pytest_controlplane import kube_apiserver
from aviary_crds.kinds import KINDS
from aviary_crds.labels import GROUP, VERSION
from kubernetes import config
from kubernetes.client import (
    ApiClient,
    ApiextensionsV1Api,
    CoreV1Api,
    CustomObjectsApi,
    V1APIResource,
    V1Namespace,
    V1ObjectMeta,
)
from kubernetes.client.exceptions import ApiException

__all__ = ["kube_apiserver"]

_DEFINITIONS = Path(__file__).parents[2] / "generated" / "crds"
_PLURALS = {kind.kind: kind.plural for kind in KINDS}

type Manifest = dict[str, Any]


@pytest.fixture(scope="session")
def api_client(kube_apiserver: ControlPlane) -> ApiClient:
    """Give the administrator's client of a server that serves the kinds."""
    client: ApiClient = config.new_client_from_config(str(kube_apiserver.kubeconfig))  # type: ignore[no-untyped-call]  # the library's
    extensions = ApiextensionsV1Api(client)
    for path in sorted(_DEFINITIONS.glob("*.yaml")):
        definition = yaml.safe_load(path.read_text(encoding="utf-8"))
        extensions.create_custom_resource_definition(definition, field_validation="Strict")
    _await_served(CustomObjectsApi(client))
    return client


def _served_resources(objects: CustomObjectsApi) -> list[V1APIResource]:
    try:
        return objects.get_api_resources(GROUP, VERSION).resources
    except ApiException as error:
        if error.status == HTTPStatus.NOT_FOUND:
            return []
        raise


def _await_served(objects: CustomObjectsApi) -> None:
    deadline = time.monotonic() + 30
    waiting = set(_PLURALS.values())
    while waiting:
        waiting -= {resource.name for resource in _served_resources(objects)}
        if time.monotonic() > deadline:
            pytest.fail(f"the API server does not serve {sorted(waiting)} after 30 s")


@pytest.fixture
def custom_objects(api_client: ApiClient) -> CustomObjectsApi:
    """Give the client of custom objects."""
    return CustomObjectsApi(api_client)


@pytest.fixture
def namespace(api_client: ApiClient) -> str:
    """Give a new namespace."""
    name = f"t-{uuid.uuid4().hex[:12]}"
    CoreV1Api(api_client).create_namespace(V1Namespace(metadata=V1ObjectMeta(name=name)))
    return name


@pytest.fixture
def create(custom_objects: CustomObjectsApi, namespace: str) -> Callable[..., Manifest]:
    """Give what creates a manifest as strictly as kubectl does and returns what is stored."""

    def create_object(manifest: Manifest, *, dry_run: bool = False) -> Manifest:
        metadata = {**manifest["metadata"], "namespace": namespace}
        stored = custom_objects.create_namespaced_custom_object(
            GROUP,
            VERSION,
            namespace,
            _PLURALS[manifest["kind"]],
            {**manifest, "metadata": metadata},
            field_validation="Strict",
            dry_run="All" if dry_run else None,
        )
        assert isinstance(stored, dict)
        return stored

    return create_object


@pytest.fixture
def kubectl(kube_apiserver: ControlPlane, namespace: str) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Give kubectl in the test's namespace; the exit code is the caller's to judge."""
    program = ensure("kubectl")

    def run(*arguments: str, given: Manifest | None = None) -> subprocess.CompletedProcess[str]:
        command = [str(program), f"--kubeconfig={kube_apiserver.kubeconfig}", f"--namespace={namespace}", *arguments]
        text = None
        if given is not None:
            text = json.dumps({**given, "metadata": {**given["metadata"], "namespace": namespace}})
        return subprocess.run(command, input=text, capture_output=True, text=True, check=False, timeout=60)

    return run
