// Volumes as folders of a node: the provisioner of the `local` cluster's default StorageClass, one process per node.
//
// local-path-provisioner makes each folder with a pod of its own, which costs every new volume three seconds (start
// of the pod, and two looks of the kubelet, one second apart, before its end is seen). Here the process runs on the
// node and makes the folder itself; all the rest is the Kubernetes project's own provisioning library.
//
//	volumes KUBECONFIG NODE FOLDER
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"
	"sigs.k8s.io/sig-storage-lib-external-provisioner/v10/controller"
)

const provisionerName = "aviary.local/node-folder"

// The node a volume's folder is on; what another node's process made is left to that node's process.
const nodeAnnotation = "aviary.local/node"

// Where the scheduler writes the node it chose for the claim's pod (volumeBindingMode WaitForFirstConsumer).
const selectedNodeAnnotation = "volume.kubernetes.io/selected-node"

type nodeFolders struct {
	node   string
	folder string
}

// ShouldProvision says whether the scheduler has put the claim's pod on this node.
func (n nodeFolders) ShouldProvision(_ context.Context, claim *v1.PersistentVolumeClaim) bool {
	return claim.Annotations[selectedNodeAnnotation] == n.node
}

// Provision makes the claim's folder.
func (n nodeFolders) Provision(_ context.Context, options controller.ProvisionOptions) (*v1.PersistentVolume, controller.ProvisioningState, error) {
	path := filepath.Join(n.folder, options.PVName)
	if err := os.MkdirAll(path, 0o777); err != nil {
		return nil, controller.ProvisioningFinished, fmt.Errorf("making the folder of %s: %w", options.PVName, err)
	}
	// Whatever this process's file mode mask is: pods run as any user.
	if err := os.Chmod(path, 0o777); err != nil {
		return nil, controller.ProvisioningFinished, fmt.Errorf("opening the folder of %s: %w", options.PVName, err)
	}
	return n.volume(options, path), controller.ProvisioningFinished, nil
}

// ShouldDelete says whether the volume's folder is on this node.
func (n nodeFolders) ShouldDelete(_ context.Context, volume *v1.PersistentVolume) bool {
	return volume.Annotations[nodeAnnotation] == n.node
}

// Delete removes the volume's folder, and everything in it.
func (n nodeFolders) Delete(_ context.Context, volume *v1.PersistentVolume) error {
	if volume.Spec.HostPath == nil || filepath.Dir(volume.Spec.HostPath.Path) != n.folder {
		return fmt.Errorf("volume %s is not a folder of %s: not removed", volume.Name, n.folder)
	}
	return os.RemoveAll(volume.Spec.HostPath.Path)
}

func (n nodeFolders) volume(options controller.ProvisionOptions, path string) *v1.PersistentVolume {
	hostPathType := v1.HostPathDirectory
	onThisNode := v1.NodeSelectorRequirement{Key: v1.LabelHostname, Operator: v1.NodeSelectorOpIn, Values: []string{n.node}}
	return &v1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: options.PVName, Annotations: map[string]string{nodeAnnotation: n.node}},
		Spec: v1.PersistentVolumeSpec{
			PersistentVolumeReclaimPolicy: *options.StorageClass.ReclaimPolicy,
			AccessModes:                   options.PVC.Spec.AccessModes,
			VolumeMode:                    options.PVC.Spec.VolumeMode,
			Capacity:                      v1.ResourceList{v1.ResourceStorage: options.PVC.Spec.Resources.Requests[v1.ResourceStorage]},
			PersistentVolumeSource: v1.PersistentVolumeSource{
				HostPath: &v1.HostPathVolumeSource{Path: path, Type: &hostPathType},
			},
			NodeAffinity: &v1.VolumeNodeAffinity{
				Required: &v1.NodeSelector{NodeSelectorTerms: []v1.NodeSelectorTerm{{MatchExpressions: []v1.NodeSelectorRequirement{onThisNode}}}},
			},
		},
	}
}

func run(kubeconfig, node, folder string) error {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	ctx := context.Background()
	// Every node has its own process, which answers for that node's volumes only: there is nothing to elect.
	provisioner := controller.NewProvisionController(klog.FromContext(ctx), client, provisionerName,
		nodeFolders{node: node, folder: filepath.Clean(folder)}, controller.LeaderElection(false))
	provisioner.Run(ctx)
	return errors.New("the controller ended")
}

func main() {
	if len(os.Args) != 4 {
		klog.Exit("usage: volumes KUBECONFIG NODE FOLDER")
	}
	klog.Exit(run(os.Args[1], os.Args[2], os.Args[3]))
}
