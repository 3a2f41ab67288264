"""The settings of ConfigMaps to the working part."""

from collections.abc import Callable
from pathlib import PurePath

from reconciler.apply.configmap import ConfigMapTarget, EnvoyAdmins, Layout, Names, Place, Shape
from reconciler.cluster import Cluster
from reconciler.model.files import FilesFormat
from reconciler.settings import Settings

PREFIX = "configmap:"


def configmap_target(s: Settings, name: str, cluster: Cluster, may_write: Callable[[], bool]) -> ConfigMapTarget:
    """The target ``configmap:NAMESPACE/NAME``.

    Args:
        s: the settings.
        name: of the target, as the settings have it.
        cluster: the API server; it stays open when the target is closed.
        may_write: asked right before every write.
    """
    namespace, _, config_map = name.removeprefix(PREFIX).partition("/")
    place = Place(namespace, config_map, configmap_shape(s), s.instance, Names(s.configmap_names), s.configmap_keep)
    envoys = EnvoyAdmins(name, s.envoy_admin, s.ack_timeout) if s.envoy_admin else None
    return ConfigMapTarget(cluster, place, may_write, envoys)


def configmap_shape(s: Settings) -> Shape:
    """How the files are in it."""
    return Shape(PurePath(s.configmap_mount), FilesFormat(s.files_format), Layout(s.configmap_layout))
