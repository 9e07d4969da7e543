"""The configuration files of a node's daemons, rendered from its spec: pure text in, text out."""

import json

from aviary_cluster.address_plan import AddressPlan
from aviary_cluster.node_spec import NodeSpec

CONTAINERD_SOCKET = "/run/containerd/containerd.sock"
CNI_CONF = "/etc/cni/net.d"


def render_containerd_config(spec: NodeSpec, *, with_cri: bool) -> str:
    """Return containerd's configuration (version 2, which containerd 1.6 to 2.x read).

    `restrict_oom_score_adj` is needed wherever this machine's root lacks CAP_SYS_RESOURCE (most containers and
    some virtual machines): without it no pod starts at all. Without CRI it serves `ctr` alone.
    """
    disabled = [f"io.containerd.snapshotter.v1.{name}" for name in ("aufs", "btrfs", "devmapper", "zfs")]
    disabled += ["io.containerd.tracing.processor.v1.otlp", "io.containerd.internal.v1.tracing"]
    if not with_cri:
        disabled.append("io.containerd.grpc.v1.cri")
    return f"""version = 2
root = {json.dumps(spec.containerd_root)}
state = "/run/containerd"
oom_score = 0
disabled_plugins = {json.dumps(disabled)}
[grpc]
  address = "{CONTAINERD_SOCKET}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = {json.dumps(spec.pause_image)}
  restrict_oom_score_adj = true
  disable_hugetlb_controller = true
  tolerate_missing_hugetlb_controller = true
  enable_unprivileged_ports = true
  enable_unprivileged_icmp = true
  stream_server_address = "127.0.0.1"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
        BinaryName = {json.dumps(spec.runc)}
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = {json.dumps(spec.cni_bin)}
    conf_dir = "{CNI_CONF}"
"""


def render_kubelet_config(spec: NodeSpec) -> str:
    """Return the kubelet's configuration (JSON, which is YAML)."""
    plan = AddressPlan(spec.slot)
    name = plan.node_name(spec.node)
    config = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": str(plan.node_address(spec.node)),
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": f"{spec.pki}/ca.crt"},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": f"{spec.pki}/kubelet-server-{name}.crt",
        "tlsPrivateKeyFile": f"{spec.pki}/kubelet-server-{name}.key",
        "containerRuntimeEndpoint": f"unix://{CONTAINERD_SOCKET}",
        "cgroupDriver": "cgroupfs",
        # One root per node: a kubelet deletes pod groups it does not know.
        "cgroupRoot": f"/{plan.cgroup}/{name}",
        "failCgroupV1": False,
        "failSwapOn": False,
        "enforceNodeAllocatable": ["pods"],
        "clusterDNS": [str(plan.dns_address)],
        "clusterDomain": "cluster.local",
        "resolvConf": "/etc/resolv.conf",
        "seccompDefault": True,
        "serializeImagePulls": False,
        # There is no registry here: an image collected is an image lost.
        "imageGCHighThresholdPercent": 100,
        "evictionHard": {"memory.available": "200Mi", "nodefs.available": "2%", "imagefs.available": "2%"},
        "nodeStatusUpdateFrequency": "5s",
        "nodeLeaseDurationSeconds": 20,
        "maxPods": 110,
    }
    return json.dumps(config, indent=1)


def render_kube_proxy_config(spec: NodeSpec) -> str:
    """Return kube-proxy's configuration; conntrack values of 0 leave the machine's settings alone."""
    plan = AddressPlan(spec.slot)
    config = {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "bindAddress": "0.0.0.0",  # noqa: S104  inside the node's network namespace
        "clientConnection": {"kubeconfig": f"{spec.pki}/kube-proxy.kubeconfig"},
        "clusterCIDR": str(plan.pod_network),
        "mode": "nftables",
        "hostnameOverride": plan.node_name(spec.node),
        "healthzBindAddress": "127.0.0.1:10256",
        "metricsBindAddress": "127.0.0.1:10249",
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
        "nftables": {"minSyncPeriod": "100ms", "syncPeriod": "30s"},
    }
    return json.dumps(config, indent=1)


def render_cni_config(spec: NodeSpec) -> str:
    """Return the CNI configuration: one bridge per node, addresses by host-local; loopback is containerd's own."""
    subnet = str(AddressPlan(spec.slot).node_pod_network(spec.node))
    ipam = {
        "type": "host-local",
        "dataDir": "/run/cni-ipam",
        "ranges": [[{"subnet": subnet}]],
        "routes": [{"dst": "0.0.0.0/0"}],
    }
    bridge = {"type": "bridge", "bridge": "cni0", "isGateway": True, "ipMasq": False, "hairpinMode": True}
    return json.dumps({"cniVersion": "1.0.0", "name": "aviary", "plugins": [{**bridge, "ipam": ipam}]}, indent=1)
