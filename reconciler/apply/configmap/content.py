"""What a ConfigMap holds of a snapshot: its files, or all of them packed into one key. Pure.

Envoy reads the files as they are where it mounts the ConfigMap. What is packed, ``reconciler unpack`` reads: a
ConfigMap holds 1 MiB, and packed that is more than ten times as many Mappings.
"""

import base64
import io
import lzma
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePath

from envoy.extensions.transport_sockets.tls.v3.secret_pb2 import Secret

from reconciler.apply.files_format import decode_all, encode_all
from reconciler.model.digest import Json
from reconciler.model.errors import Stalled
from reconciler.model.files import MOUNTED, FilesFormat, is_of_layout
from reconciler.model.snapshot import Snapshot, TypeUrl

# Of the API server, over all values: https://kubernetes.io/docs/concepts/configuration/configmap/
LARGEST = 1 << 20
LARGEST_UNPACKED = 64 << 20  # bytes; who unpacks has no more memory than a sidecar
PACKED = "routes.tar.xz"

_PRESET = 3  # 10,000 Mappings take a tenth of the time of the default, and a third more bytes at most
_MEMORY = 64 << 20  # what preset 3 needs to unpack is 5 MiB


class Layout(StrEnum):
    """How a ConfigMap holds a snapshot."""

    FILES = "files"
    PACKED = "packed"


@dataclass(frozen=True, slots=True)
class Shape:
    """What the writer and the one who mounts a ConfigMap agree on.

    Attributes:
        mount: the directory where Envoy finds the files, absolute: they name one another.
        form: of the files.
    """

    mount: PurePath
    form: FilesFormat = FilesFormat.PB
    layout: Layout = Layout.FILES

    @property
    def directory(self) -> PurePath:
        """As files name one another: what is unpacked is no volume any more."""
        return self.mount / MOUNTED if self.layout is Layout.FILES else self.mount

    @property
    def section(self) -> str:
        """The field of a ConfigMap where its keys stand: what is text can be read with kubectl."""
        text = self.layout is Layout.FILES and self.form is FilesFormat.JSON
        return "data" if text else "binaryData"

    def is_ours(self, key: str) -> bool:
        """Whether a key is one that this target writes, in whatever way it is set up; all others are left alone."""
        return key == PACKED or any(is_of_layout(key, form) for form in FilesFormat)


Keys = dict[tuple[str, str], bytes]  # by section and key


def wanted_keys(snapshot: Snapshot, shape: Shape) -> Keys:
    """All keys of the ConfigMap that holds a snapshot.

    Raises:
        Stalled: no ConfigMap can hold it.
    """
    _refuse_secrets(snapshot)
    files = encode_all(snapshot, shape.directory, shape.form)
    if shape.layout is Layout.PACKED:
        files = {PACKED: _packed(files, shape)}
    size = sum(map(len, files.values()))
    if size > LARGEST:
        raise Stalled(
            "ConfigMapTooLarge",
            f"the routes take {size:,} bytes {'packed' if shape.layout is Layout.PACKED else f'as {shape.form}'}, "
            f"and a ConfigMap holds {LARGEST:,}",
            _smaller(shape),
        )
    return {(shape.section, name): content for name, content in files.items()}


def _refuse_secrets(snapshot: Snapshot) -> None:
    """Everybody who may read ConfigMaps reads this one: keys are only ever named, as files of Envoy's machine."""
    for resource in snapshot[TypeUrl.SECRET].resources.values():
        key = Secret.FromString(resource.body).tls_certificate.private_key
        if key.WhichOneof("specifier") in ("inline_bytes", "inline_string"):
            raise Stalled("ConfigMapSecret", f"{resource.name} holds a key, which no ConfigMap may", "name it by file")


def _smaller(shape: Shape) -> str:
    if shape.layout is Layout.PACKED:
        return "serve them over xDS, which has no such limit"
    packed = "--configmap-layout packed with reconciler unpack beside Envoy holds more than ten times as much"
    return packed if shape.form is FilesFormat.PB else f"--files-format pb takes a third less; {packed}"


def keys_of(body: Mapping[str, Json]) -> Keys:
    """All keys of a ConfigMap."""
    found: Keys = {}
    for section in ("data", "binaryData"):
        held = body.get(section)
        for key, value in held.items() if isinstance(held, dict) else ():
            found[section, key] = _bytes(section, value)
    return found


def _bytes(section: str, value: Json) -> bytes:
    text = value if isinstance(value, str) else ""
    try:
        return text.encode() if section == "data" else base64.b64decode(text)
    except ValueError:
        return b""


def fields(keys: Keys) -> dict[str, Json]:
    """The fields of a ConfigMap with these keys."""
    text = {key: content.decode() for (section, key), content in keys.items() if section == "data"}
    binary = {key: base64.b64encode(content).decode() for (section, key), content in keys.items() if section != "data"}
    found: dict[str, Json] = {}
    if text:
        found["data"] = dict(sorted(text.items()))
    if binary:
        found["binaryData"] = dict(sorted(binary.items()))
    return found


def snapshot_in(keys: Keys, shape: Shape) -> Snapshot | None:
    """The snapshot that keys hold; None where it is none, or not as ``shape`` has it."""
    ours = {key: content for (section, key), content in keys.items() if shape.is_ours(key) and section == shape.section}
    beside = PACKED in ours and len(ours) > 1
    if beside or len(ours) != sum(shape.is_ours(key) for _, key in keys):
        return None
    try:
        return read_files(ours, shape)
    except ValueError:
        return None


def read_files(files: Mapping[str, bytes], shape: Shape) -> Snapshot:
    """The snapshot in files as they are mounted; packed or not, whatever ``shape`` says.

    Raises:
        ValueError: a file is missing or broken, or names others in another directory.
    """
    found = unpack(files[PACKED]) if PACKED in files else files
    return decode_all(dict(found), shape.directory, shape.form)


def _packed(files: Mapping[str, bytes], shape: Shape) -> bytes:
    archive = _archive(files)
    if len(archive) >= LARGEST_UNPACKED:
        words = f"the routes take {len(archive):,} bytes before they are packed, and {LARGEST_UNPACKED:,} are unpacked"
        raise Stalled("ConfigMapTooLarge", words, _smaller(shape))
    return lzma.compress(archive, preset=_PRESET)


def pack(files: Mapping[str, bytes]) -> bytes:
    """Files as one ``tar.xz``; the same files always give the same bytes."""
    return lzma.compress(_archive(files), preset=_PRESET)


def _archive(files: Mapping[str, bytes]) -> bytes:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, content in sorted(files.items()):
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o644
            tar.addfile(member, io.BytesIO(content))
    return archive.getvalue()


def unpack(packed: bytes) -> dict[str, bytes]:
    """The files of `pack`, in memory: no name of the archive is used as a path.

    Raises:
        ValueError: it is none, or larger than it can honestly be.
    """
    try:
        return _files(_decompressed(packed))
    except (OverflowError, MemoryError, EOFError, tarfile.TarError, lzma.LZMAError, ValueError) as error:
        raise ValueError(f"{PACKED} is damaged: {error}") from error


def _decompressed(packed: bytes) -> bytes:
    reader = lzma.LZMADecompressor(format=lzma.FORMAT_XZ, memlimit=_MEMORY)
    whole = reader.decompress(packed, max_length=LARGEST_UNPACKED)
    if not reader.eof:
        raise ValueError("cut off, or too large")
    return whole


def _files(archive: bytes) -> dict[str, bytes]:
    """What a tar holds, header by header: whatever unfolds into more than stands there, `pack` never writes."""
    found: dict[str, bytes] = {}
    at = 0
    while (header := archive[at : at + tarfile.BLOCKSIZE]).strip(b"\0"):
        member = tarfile.TarInfo.frombuf(header, "ascii", "strict")
        at += tarfile.BLOCKSIZE
        if member.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or member.name in found:
            raise ValueError("it holds something else than files")
        if not 0 <= member.size <= len(archive) - at:
            raise ValueError("a file in it is cut off")
        found[member.name] = archive[at : at + member.size]
        at += -(-member.size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE
    return found
