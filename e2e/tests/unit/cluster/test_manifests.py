"""The system manifests: every placeholder filled, every image one of ours and never `latest`."""

import yaml
from aviary_cluster.address_plan import AddressPlan
from aviary_cluster.manifests import render_system_manifests
from aviary_cluster.system_images import image_names
from aviary_cluster.versions import load_versions


def documents() -> list[dict[str, object]]:
    return list(yaml.safe_load_all(render_system_manifests(AddressPlan(2), image_names(load_versions()))))


def test_all_documents_are_objects_and_dns_has_the_plan_s_address() -> None:
    kinds = [document["kind"] for document in documents()]
    assert {"Deployment", "StorageClass", "Service", "ClusterRole"} <= set(kinds)
    assert "clusterIP: 10.79.2.10" in render_system_manifests(AddressPlan(2), image_names(load_versions()))


def test_the_storage_class_is_the_default_one() -> None:
    [found] = [document for document in documents() if document["kind"] == "StorageClass"]
    metadata = found["metadata"]
    assert isinstance(metadata, dict)
    assert metadata["annotations"] == {"storageclass.kubernetes.io/is-default-class": "true"}


def test_images_are_ours_tagged_and_never_pulled() -> None:
    deployments = [document for document in documents() if document["kind"] == "Deployment"]
    names = set(image_names(load_versions()).values())
    for deployment in deployments:
        text = yaml.safe_dump(deployment)
        spec = yaml.safe_load(text)["spec"]["template"]["spec"]
        for container in spec["containers"]:
            assert container["image"] in names
            assert container["imagePullPolicy"] == "Never"
    assert not [name for name in names if name.endswith(":latest")]
    assert all("." in name.partition("/")[0] for name in names)
