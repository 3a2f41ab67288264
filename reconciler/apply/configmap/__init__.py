"""Target ``configmap``: what Envoys mount, in ConfigMaps of the cluster."""

from reconciler.apply.configmap.admin import EnvoyAdmins
from reconciler.apply.configmap.content import Layout, Shape, read_files
from reconciler.apply.configmap.marks import Owner
from reconciler.apply.configmap.target import ConfigMapTarget, Names, Place

__all__ = ["ConfigMapTarget", "EnvoyAdmins", "Layout", "Names", "Owner", "Place", "Shape", "read_files"]
