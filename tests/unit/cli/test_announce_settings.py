"""Settings of what is said in the cluster."""

from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reconciler.cli.announce import voice
from reconciler.model.errors import Stalled
from reconciler.settings import load


def spoken(config: Path, **flags: object) -> object:
    """The voice that some settings give; nothing is asked before it begins."""
    given = {"kubernetes": "kubeconfig", "kubeconfig": config, **flags}
    with ExitStack() as stack:
        return voice(stack, load(given, {}, None), lambda: datetime.now(UTC), None, lambda _trigger: None)


@pytest.mark.parametrize("prefix", ["", "configmap:"])
@pytest.mark.parametrize(
    ("name", "flags"),
    [
        ("edge/routes", {"target": ("configmap:edge/routes",)}),
        ("edge/routes-0123456789ab", {"target": ("configmap:edge/routes",), "configmap_names": "rotating"}),
        ("edge/reconciler-standing", {"leader_election": "true", "lease_namespace": "edge"}),
        ("edge/l-standing", {"leader_election": "true", "lease_namespace": "edge", "lease_name": "l"}),
    ],
)
def test_the_object_for_the_whole_is_no_config_map_of_something_else(
    tmp_path: Path, prefix: str, name: str, flags: dict[str, object]
) -> None:
    """Also without the prefix: where the kind is missing, it is a ConfigMap."""
    with pytest.raises(Stalled, match="--repository-object") as refused:
        spoken(tmp_path / "none", repository_object=prefix + name, **flags)
    assert refused.value.reason == "InvalidSettings"


@pytest.mark.parametrize("name", ["edge/whole", "other/routes", "edge/routes-0123456789ab"])
def test_any_other_is_taken(tmp_path: Path, name: str) -> None:
    """What is missing then is the kubeconfig."""
    with pytest.raises(Stalled) as refused:
        spoken(tmp_path / "none", repository_object=name, target=("configmap:edge/routes",))
    assert "is for" not in str(refused.value)
    assert "are for" not in str(refused.value)
