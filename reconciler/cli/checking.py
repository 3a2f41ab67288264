"""Envoy's own validation of a snapshot, before it is applied."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from reconciler.apply import Target, XdsTarget
from reconciler.apply.envoy_binary import find_envoy, validate
from reconciler.cli.stages import stage_options
from reconciler.envoy import RenderOptions, files_of, static_bootstrap
from reconciler.model.digest import Digest
from reconciler.model.files import FilesFormat
from reconciler.model.snapshot import Snapshot
from reconciler.settings import Loaded


@dataclass(slots=True)
class EnvoyCheck:
    """Asks an Envoy binary: its words, empty if it accepts or where there is none.

    Attributes:
        binary: None asks nobody.
        options: see `RenderOptions`.
        left_to: where all of these have Envoys that are connected, it is left to those; none leaves it to nobody.
    """

    binary: Path | None
    options: RenderOptions
    left_to: Sequence[Target] = ()
    _last: tuple[Digest | None, str] = field(default=(None, ""), init=False)

    def __call__(self, snapshot: Snapshot) -> str:
        """What Envoy complains of."""
        if self.binary is None:
            return ""
        if self._last[0] == snapshot.digest:
            return self._last[1]  # it was asked before it was applied
        if self.left_to and all(map(_answers, self.left_to)):
            return ""
        # Binary: Envoy reads it, and we write it, several times faster than JSON. The certificates are on the
        # machines of the Envoys; where they are not here too, a Mapping must not be blamed for it.
        named = {self.options.upstream_ca_file, *files_of(snapshot)}
        elsewhere = not all(Path(file).exists() for file in named)
        bootstrap = static_bootstrap(snapshot, self.options, FilesFormat.PB, without_files=elsewhere)
        self._last = snapshot.digest, validate(self.binary, bootstrap, form=FilesFormat.PB) or ""
        return self._last[1]

    def asked(self, snapshot: Digest) -> bool:
        """Whether the binary was asked last about this one."""
        return self._last[0] == snapshot


def _answers(target: Target) -> bool:
    return isinstance(target, XdsTarget) and target.connected


def envoy_check(settings: Loaded, targets: Sequence[Target] = ()) -> EnvoyCheck:
    """Envoy's own validation of a snapshot: its words, empty if it accepts or where no binary is found.

    Under ``auto`` it is left to the Envoys that are connected, if everything goes to such: they take or refuse what
    they get, and keep what they had, resource by resource. One that has not answered for what is served is none.

    Args:
        settings: which binary, and when.
        targets: where the snapshot would go next; none for a check by itself.
    """
    envoy = settings.settings.envoy
    return EnvoyCheck(find_envoy(envoy), stage_options(settings).render, targets if envoy == "auto" else ())
