"""Puts a snapshot into a directory that Envoys watch.

The layout is that of `reconciler.model.files`; each file is replaced in one step (a temporary file in the same
directory, fsync, rename), which is also the only kind of change Envoy notices. All temporary files are complete
before the first rename, so a full disk leaves everything as it was. Renames go make-before-break:

1. secrets that are new or changed, then clusters, old and new together
2. one file per route configuration, scopes of routes, old and new together where listeners change; then the listeners
3. clusters and scopes again, without those that nothing uses any more; then files that are gone

Envoy reads a file when it notices, not when it is written, so a pause stands before 2 where clusters were added or
changed and before 3 where clusters go away. A file whose content would not change is not touched. Files carry no
acknowledgement: what an Envoy makes of them, only its log and stats say.
"""

import os
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePath

from reconciler.apply.files_format import decode, decode_all, encode, encode_all
from reconciler.apply.files_sources import by_path
from reconciler.model.digest import Digest, digest_bytes
from reconciler.model.effect import UNNAMED, Ack, AckState, Drift, Evidence, Release
from reconciler.model.errors import Stalled, Transient
from reconciler.model.files import FilesFormat, clusters_file, is_of_layout, listeners_file, scopes_file
from reconciler.model.snapshot import ResourceSet, Snapshot, TypeUrl

_SERVED = (TypeUrl.CLUSTER, TypeUrl.LISTENER, TypeUrl.ROUTE)
_MODE = 0o644  # Envoy often runs as another user
_DIRECTORY_MODE = 0o755
_TEMPORARY = ".reconciler-"
_MOST_TOLD = 5  # files in the words about a drift


@dataclass(frozen=True, slots=True)
class Step:
    """One change of the directory.

    Attributes:
        content: None removes the file.
        settled: Envoy must have had time for the steps before.
    """

    name: str
    content: bytes | None
    settled: bool = False


def steps(held: Mapping[str, bytes], snapshot: Snapshot, directory: PurePath, form: FilesFormat) -> tuple[Step, ...]:
    """How files that hold ``held`` come to hold ``snapshot``, make-before-break; none if they do already. Pure."""
    wanted = encode_all(snapshot, directory, form)
    cds, lds, srds = clusters_file(form), listeners_file(form), scopes_file(form)
    meanwhile = dict(wanted)
    before = _held(TypeUrl.CLUSTER, held, cds, form)
    if before is not None:
        placed = by_path(snapshot, directory, form)[TypeUrl.CLUSTER]
        meanwhile[cds] = _together(TypeUrl.CLUSTER, before, placed, form)
    scopes = _held(TypeUrl.SCOPED_ROUTE, held, srds, form)
    if scopes is not None and srds in wanted and held.get(lds) != wanted[lds]:
        meanwhile[srds] = _together(TypeUrl.SCOPED_ROUTE, scopes, snapshot[TypeUrl.SCOPED_ROUTE], form)
    differing = [Step(name, content) for name, content in sorted(meanwhile.items()) if held.get(name) != content]
    # What clusters and listeners name must be there before them: secrets, then routes, whose files listeners name.
    first = sorted((step for step in differing if step.name == cds or _secret(step.name)), key=lambda s: s.name == cds)
    rest = [step for step in differing if step not in first]
    routing = sorted(rest, key=lambda step: (step.name == lds, step.name))
    last = [Step(name, wanted[name]) for name in (cds, srds) if meanwhile.get(name) != wanted.get(name)]
    last += [Step(name, None) for name in sorted(held.keys() - wanted.keys())]
    if before is None:
        return (*first, *routing, *last)
    return (*first, *_settled(first, routing), *_settled(routing, last))


def _held(type_url: TypeUrl, held: Mapping[str, bytes], name: str, form: FilesFormat) -> ResourceSet | None:
    try:
        return decode(type_url, held[name], form)
    except (KeyError, ValueError):
        return None


def _together(type_url: TypeUrl, before: ResourceSet, after: ResourceSet, form: FilesFormat) -> bytes:
    """A file with what was there and what is to be there; where both have a name, what is to be."""
    return encode(type_url, ResourceSet.of({**before.resources, **after.resources}.values()), form)


def _secret(name: str) -> bool:
    return name.startswith("sds.")


def _settled(before: list[Step], then: list[Step]) -> Iterator[Step]:
    """``then``, the first of which waits if there was anything ``before``."""
    for position, step in enumerate(then):
        yield Step(step.name, step.content, settled=bool(before) and position == 0)


class FilesTarget:
    """A directory that Envoys watch, with nobody else writing to it.

    Args:
        directory: absolute, and the same path as Envoy sees; created if missing.
        form: binary is what Envoy reads fastest, JSON is for reading along.
        settle_s: seconds to give Envoy between the steps.
        pause: waits that long.

    Raises:
        Stalled: the directory can't be used.
    """

    exclusive = False  # each replica has a disk of its own

    def __init__(
        self,
        directory: Path,
        form: FilesFormat = FilesFormat.PB,
        *,
        settle_s: float = 1.0,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.directory = directory.absolute()
        self.form = form
        self._settle_s = settle_s
        self._pause = pause
        self._seen: tuple[Digest | None, Digest | None] = (None, None)  # decoding JSON is slow: once per content
        self._digests: dict[str, Digest] = {}  # of each file, as it was seen last
        self._written: dict[str, Digest] | None = None  # likewise, as we left it; None: not since we began
        self._prepare()

    @property
    def name(self) -> str:
        """``files:DIR``."""
        return f"files:{self.directory}"

    def observe(self) -> Digest | None:
        """Digest of what the files hold, by their content; None if one is missing or broken.

        Raises:
            Transient: the directory can't be read.
        """
        with _translated(f"can't read {self.directory}"):
            try:
                files = self._read()
            except FileNotFoundError:
                self._digests = {}
                return None
        self._digests = {name: digest_bytes(content) for name, content in files.items()}
        fingerprint = digest_bytes(b"".join(f"{name}\0{digest}".encode() for name, digest in self._digests.items()))
        if fingerprint != self._seen[0]:
            self._seen = (fingerprint, self._digest(files))
        return self._seen[1]

    def drift(self) -> tuple[Drift, ...]:
        """Which files are not as this process wrote them, and since when; a file does not tell by whom."""
        if self._written is None:
            return ()
        now, then = self._digests, self._written
        changed = sorted(name for name in now.keys() | then.keys() if now.get(name) != then.get(name))
        if not changed:
            return ()
        told = ", ".join(name if name in now else f"{name} is gone" for name in changed[:_MOST_TOLD])
        more = f" and {len(changed) - _MOST_TOLD} more" if len(changed) > _MOST_TOLD else ""
        return (Drift(self.name, told + more, at=self._changed_at(changed)),)

    def _changed_at(self, names: Iterable[str]) -> datetime | None:
        """When the newest of them was written, by the clock of the file system; None where none is there."""
        times = []
        for name in names:
            with suppress(OSError):
                times.append((self.directory / name).stat().st_mtime)
        return datetime.fromtimestamp(max(times), UTC) if times else None

    def apply(self, snapshot: Snapshot, release: Release = UNNAMED) -> tuple[Ack, ...]:
        """Write what changed, in make-before-break order; see the module.

        Returns:
            One ack per type, UNKNOWN: that the files hold it was read back, what Envoy thinks nobody knows.

        Raises:
            Stalled: the directory can't be used.
            Transient: it can't be written now (full disk, permission). Each file is then wholly old or wholly new.
        """
        self._prepare()
        with _translated(f"can't write to {self.directory}"):
            try:
                self._sweep()
                self._carry_out(steps(self._read(), snapshot, self.directory, self.form))
            finally:
                self._sweep()
        if self.observe() != snapshot.digest:
            hint = "make sure that nothing else writes there"
            raise Transient("FilesTargetFailed", f"{self.directory} does not hold what was written to it", hint)
        self._written = self._digests
        release.written()
        return tuple(
            Ack(self.name, str(self.directory), t, snapshot[t].version, AckState.UNKNOWN, Evidence.READ_BACK)
            for t in (*_SERVED, *([TypeUrl.SCOPED_ROUTE] if snapshot[TypeUrl.SCOPED_ROUTE].resources else []))
        )

    def close(self) -> None:
        """Nothing to let go of: the files stay, and Envoys go on with them."""

    def _digest(self, files: Mapping[str, bytes]) -> Digest | None:
        try:
            return decode_all(files, self.directory, self.form).digest
        except ValueError:
            return None

    def _prepare(self) -> None:
        """Makes the directory if it is missing.

        A symbolic link is refused: who exchanges it would leave Envoy watching the old directory.
        """
        hint = "name a directory that only this reconciler writes to"
        if self.directory.is_symlink():
            raise Stalled("FilesTargetUnusable", f"{self.directory} is a symbolic link", hint)
        try:
            self.directory.mkdir(mode=_DIRECTORY_MODE, parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError) as error:
            raise Stalled(
                "FilesTargetUnusable", f"{self.directory} can't be a directory: a file stands in the way", hint
            ) from error
        except OSError as error:
            raise Transient("FilesTargetFailed", f"can't make {self.directory}: {error.strerror}") from error

    def _read(self) -> dict[str, bytes]:
        """All files of the layout, by name."""
        names = sorted(path.name for path in self.directory.iterdir())
        return {name: (self.directory / name).read_bytes() for name in names if is_of_layout(name, self.form)}

    def _sweep(self) -> None:
        """Removes what a process that died has left half written."""
        for path in self.directory.glob(f"{_TEMPORARY}*"):
            path.unlink(missing_ok=True)

    def _carry_out(self, todo: Iterable[Step]) -> None:
        staged = [(step, None if step.content is None else self._stage(step.content)) for step in todo]
        for step, temporary in staged:
            if step.settled:
                self._pause(self._settle_s)
            path = self.directory / step.name
            if temporary is None:
                path.unlink(missing_ok=True)
            else:
                temporary.replace(path)
            self._sync_directory()

    def _stage(self, content: bytes) -> Path:
        """Content, safe on disk under a name that Envoy does not read."""
        descriptor, temporary = tempfile.mkstemp(prefix=_TEMPORARY, dir=self.directory)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), _MODE)
            os.fsync(file.fileno())
        return Path(temporary)

    def _sync_directory(self) -> None:
        descriptor = os.open(self.directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextmanager
def _translated(what: str) -> Iterator[None]:
    """Disk trouble as our own error."""
    try:
        yield
    except OSError as error:
        hint = "check free space and permissions"
        raise Transient("FilesTargetFailed", f"{what}: {error.strerror}", hint) from error
