"""References to other objects. Each is replaced as a whole when applied: half a reference names nothing."""

from pydantic import ConfigDict, Field

from aviary_crds.quantities import ConfigMapKey, LabelName, ObjectName
from aviary_crds.v1alpha1.base import SpecModel


class _Reference(SpecModel):
    model_config = ConfigDict(json_schema_extra={"x-kubernetes-map-type": "atomic"})


class ObjectRef(_Reference):
    """Names an object in the same namespace."""

    name: ObjectName = Field(description="Name of the object, in the same namespace")


class ConfigMapKeyRef(_Reference):
    """Names one key of a ConfigMap in the same namespace."""

    name: ObjectName = Field(description="Name of the ConfigMap, in the same namespace")
    key: ConfigMapKey = Field(description="Key that holds the text")


class ServiceRef(_Reference):
    """Names a Service."""

    name: LabelName = Field(description="Name of the Service")
    namespace: LabelName = Field(description="Namespace of the Service")


class CaRef(_Reference):
    """Names the ConfigMap key that holds a certificate authority."""

    name: ObjectName = Field(description="Name of the ConfigMap")
    namespace: LabelName = Field(description="Namespace of the ConfigMap")
    key: ConfigMapKey = Field(default="ca.crt", description="Key that holds the certificate, PEM")
