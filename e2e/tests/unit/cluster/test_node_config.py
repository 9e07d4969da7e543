"""The configuration of a node's daemons: the settings without which nothing runs, and nothing shared between nodes."""

import json
import tomllib
from typing import Any

from aviary_cluster.node_config import (
    render_cni_config,
    render_containerd_config,
    render_kube_proxy_config,
    render_kubelet_config,
)
from aviary_cluster.node_spec import NodeSpec


def spec(node: int = 1, slot: int = 0) -> NodeSpec:
    return NodeSpec(
        slot=slot,
        node=node,
        nodes=3,
        control_plane=node == 1,
        folder=f"/state/node{node}",
        pki="/state/pki",
        containerd_root="/cache/containerd",
        assets="/repo",
        programs={},
        search_path="/bin",
        library_path="",
        cni_bin="/cni",
        runc="/sbin/runc",
        pause_image="aviary.local/pause:1",
        python="/bin/python",
        node_grace_seconds=40,
    )


def test_containerd_runs_without_the_right_to_lower_oom_scores() -> None:
    config = tomllib.loads(render_containerd_config(spec(), with_cri=True))
    cri: dict[str, Any] = config["plugins"]["io.containerd.grpc.v1.cri"]
    assert cri["restrict_oom_score_adj"] is True
    assert cri["sandbox_image"] == "aviary.local/pause:1"
    assert cri["containerd"]["runtimes"]["runc"]["options"] == {"SystemdCgroup": False, "BinaryName": "/sbin/runc"}
    assert cri["cni"] == {"bin_dir": "/cni", "conf_dir": "/etc/cni/net.d"}
    assert "io.containerd.grpc.v1.cri" not in config["disabled_plugins"]


def test_containerd_for_tidying_knows_no_kubernetes() -> None:
    config = tomllib.loads(render_containerd_config(spec(), with_cri=False))
    assert "io.containerd.grpc.v1.cri" in config["disabled_plugins"]


def test_kubelet_accepts_old_control_groups_and_never_collects_images() -> None:
    config = json.loads(render_kubelet_config(spec(node=2, slot=3)))
    assert config["cgroupRoot"] == "/aviary3/node2"
    assert config["failCgroupV1"] is False
    assert config["imageGCHighThresholdPercent"] == 100
    assert config["clusterDNS"] == ["10.79.3.10"]
    assert config["seccompDefault"] is True
    assert config["authentication"]["anonymous"] == {"enabled": False}
    assert config["address"] == "10.77.3.3"


def test_kube_proxy_leaves_the_machine_s_connection_tracking_alone() -> None:
    config = json.loads(render_kube_proxy_config(spec()))
    assert config["conntrack"]["maxPerCore"] == 0
    assert config["conntrack"]["min"] == 0
    assert config["mode"] == "nftables"


def test_every_node_gives_addresses_of_its_own() -> None:
    subnets = [
        json.loads(render_cni_config(spec(node=node)))["plugins"][0]["ipam"]["ranges"][0][0]["subnet"]
        for node in (1, 2, 3)
    ]
    assert subnets == ["10.78.1.0/24", "10.78.2.0/24", "10.78.3.0/24"]
