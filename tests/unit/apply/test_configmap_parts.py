"""The pure parts of ConfigMaps: what they hold, whose they are, who wrote them, and what an Envoy's statistics say."""

import io
import json
import lzma
import re
import string
import tarfile
import tracemalloc
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path, PurePath

import pytest
from click.testing import CliRunner
from envoy.extensions.transport_sockets.tls.v3.secret_pb2 import Secret
from hypothesis import given
from hypothesis import strategies as st

from reconciler.apply.configmap import Layout, Shape, read_files
from reconciler.apply.configmap.admin import Expected, Stats, expected, judge, read
from reconciler.apply.configmap.blame import last_stranger, owned_by_others, writers
from reconciler.apply.configmap.content import PACKED, fields, keys_of, pack, snapshot_in, unpack, wanted_keys
from reconciler.apply.configmap.marks import Owner, annotations
from reconciler.cli.main import cli
from reconciler.cluster import Body
from reconciler.model.digest import Digest, Json
from reconciler.model.effect import AckState, Release
from reconciler.model.errors import Stalled
from reconciler.model.files import FilesFormat, is_of_layout, routes_file, secret_file, watched
from reconciler.model.snapshot import ResourceSet, Snapshot, TypeUrl, XdsResource
from reconciler.model.source import Commit, Person
from reconciler.settings import parse
from tests.support.kubelet import write_volume
from tests.support.routing import ONE, cluster, snapshot

FILES = st.dictionaries(st.text(string.ascii_letters + "._-", min_size=1, max_size=90), st.binary(max_size=300))
SHAPES = [Shape(PurePath("/m"), form, layout) for form in FilesFormat for layout in Layout]
KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}")  # of the API server
FIRST = snapshot([ONE], cluster("one"))


@given(FILES)
def test_what_is_packed_is_unpacked(files: dict[str, bytes]) -> None:
    """The same files, always by the same bytes."""
    assert unpack(pack(files)) == files
    assert pack(files) == pack(dict(reversed(files.items())))


@given(st.binary(max_size=200))
def test_no_bytes_break_unpacking(content: bytes) -> None:
    """Whatever somebody puts there is files or a ValueError; cut off and stray bytes, too."""
    for damaged in (content, pack({"a": content})[:-9], lzma.compress(content)):
        with suppress(ValueError):
            assert isinstance(unpack(damaged), dict)


def test_an_archive_that_grows_beyond_reason_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A small key that would unpack into all memory: stopped at the limit, not after it."""
    monkeypatch.setattr("reconciler.apply.configmap.content.LARGEST_UNPACKED", 1000)
    with pytest.raises(ValueError, match="too large"):
        unpack(pack({"a": b"\0" * 5000}))


def sparse() -> bytes:
    """A file of 600 MiB of which nothing stands in the archive, as GNU tar writes holes."""
    header = bytearray(tarfile.TarInfo("cds.pb").tobuf(tarfile.GNU_FORMAT))
    header[156:157] = tarfile.GNUTYPE_SPARSE
    header[483:495] = b"%011o\0" % (600 << 20)
    return signed(header)


def of_size(size: bytes) -> bytes:
    """A file whose header says that size."""
    header = bytearray(tarfile.TarInfo("cds.pb").tobuf())
    header[124:136] = size
    return signed(header)


def signed(header: bytearray) -> bytes:
    """With the checksum that it is to have, as a whole archive."""
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return lzma.compress(bytes(header) + bytes(1024))


def pax(**headers: str) -> bytes:
    """A file with more said about it."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w", format=tarfile.PAX_FORMAT) as tar:
        member = tarfile.TarInfo("cds.pb")
        member.pax_headers = headers
        tar.addfile(member)
    return lzma.compress(archive.getvalue())


@pytest.mark.parametrize(
    "packed",
    [
        sparse(),
        of_size(b"\x80" + bytes(3) + b"\x7f" * 8),
        of_size(b"\xff" * 12),
        of_size(b"77777777777\0"),
        pax(**{"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": str(600 << 20)}),
        pax(size=str(1 << 80)),
    ],
)
def test_an_archive_that_claims_more_than_it_holds_is_damaged(packed: bytes) -> None:
    """Holes, sizes beyond all numbers: told as the other damages are, and it takes no memory to find out."""
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="is damaged"):
            unpack(packed)
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()
    for shape in SHAPES:
        assert snapshot_in({("binaryData", PACKED): packed}, shape) is None


def test_what_could_not_be_unpacked_is_not_packed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is much alike may fit a ConfigMap and still be too much for who reads it."""
    monkeypatch.setattr("reconciler.apply.configmap.content.LARGEST_UNPACKED", 2000)
    with pytest.raises(Stalled, match="before they are packed"):
        wanted_keys(FIRST, Shape(PurePath("/m"), layout=Layout.PACKED))


def test_unpacking_once_ends_where_there_is_damage(tmp_path: Path) -> None:
    """An init container says what is wrong and ends, to be seen; waiting would help nobody."""
    write_volume(tmp_path / "mount", {PACKED: sparse()})
    command = ["unpack", str(tmp_path / "mount"), str(tmp_path / "watched"), "--once"]
    result = CliRunner().invoke(cli, command, standalone_mode=False)
    assert isinstance(result.exception, Stalled)
    assert "is damaged" in result.exception.message


@given(st.text(max_size=400), st.text(max_size=400))
def test_every_name_is_a_file_and_a_key_and_no_two_share_one(one: str, other: str) -> None:
    """Names of resources may be anything; files of a volume and keys may not."""
    for form in FilesFormat:
        for file in (routes_file, secret_file):
            assert KEY.fullmatch(file(one, form))
            assert is_of_layout(file(one, form), form)
            assert (file(one, form) == file(other, form)) == (one == other)


def test_files_of_a_volume_are_watched_where_its_link_is() -> None:
    """The link to all of them is what is renamed."""
    assert watched(PurePath("/m/..data")) == watched(PurePath("/m")) == PurePath("/m")


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_keys_become_fields_and_back(shape: Shape) -> None:
    """What is put into an object is what is read of it, and is that snapshot; in another shape it is none."""
    keys = wanted_keys(FIRST, shape)
    found = keys_of(fields(keys))
    assert found == keys
    assert snapshot_in(found, shape) == FIRST
    assert [other for other in SHAPES if snapshot_in(found, other)] == [shape]
    files = {name: content for (_, name), content in found.items()}
    assert read_files(files, shape) == FIRST
    elsewhere = Shape(PurePath("/elsewhere"), shape.form, shape.layout)
    assert snapshot_in(found, elsewhere) is None


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_foreign_keys_are_no_part_of_it(shape: Shape) -> None:
    """A note beside our files is left alone; a file among them is not what was applied."""
    keys = wanted_keys(FIRST, shape)
    assert snapshot_in(keys | {("data", "README"): b"hands off"}, shape) == FIRST
    for stray in ("rds.evil.pb", "cds.yaml.json", PACKED):
        for section in ("data", "binaryData"):
            if (section, stray) not in keys:
                assert snapshot_in(keys | {(section, stray): b""}, shape) is None


def test_a_key_is_never_written() -> None:
    """Should a secret ever hold one, that is refused before anything is written."""
    secret = Secret(name="leak")
    secret.tls_certificate.private_key.inline_string = "-----BEGIN"
    holding = XdsResource.of("leak", secret.SerializeToString())
    with pytest.raises(Stalled) as stalled:
        wanted_keys(Snapshot.of({**FIRST.sets, TypeUrl.SECRET: ResourceSet.of([holding])}), SHAPES[0])
    assert "BEGIN" not in str(stalled.value)


@given(st.text(max_size=3000), st.text(max_size=300))
def test_what_an_author_wrote_stays_on_one_short_line(name: str, email: str) -> None:
    """Names of commits are anybody's: nothing hides, reorders or floods."""
    person = Person(name, email)
    commit = Commit("0" * 40, "1" * 40, (), person, NOW, person, NOW, "")
    told = annotations(Digest("sha256:0"), Release(None, commit, 3))
    author = told.get("reconciler.dev/author", "")
    assert isinstance(author, str)
    assert author.isprintable()
    assert len(author) < 2500  # each of 200 characters may be shown as an escape of ten
    assert told["reconciler.dev/journal-entry"] == "3"


NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


def test_ours_is_what_has_all_three_labels() -> None:
    """Of another instance, another target, or nobody: not ours."""
    owner = Owner("edge", "routes")
    for other in (owner, Owner("edge", "x"), Owner("x", "routes")):
        body: Body = {"metadata": {"labels": other.labels("content")}}
        assert owner.owns(body) == (other == owner)
    assert not owner.owns({})
    assert not owner.owns({"metadata": {"labels": None}})
    assert owner.selector("content").count("=") == 4
    long, longer = (Owner("edge", "routes-" + "x" * more).labels("")["reconciler.dev/target"] for more in (99, 100))
    assert long != longer
    assert parse.label(str(long)) == long


def entry(manager: str, at: str, *keys: str, operation: str = "Update") -> Json:
    """One of managedFields."""
    owned: dict[str, Json] = {f"f:{key}": {} for key in keys}
    return {"manager": manager, "operation": operation, "time": at, "fieldsV1": {"f:binaryData": owned}}


def managed(*entries: Json) -> Body:
    """An object with such fields."""
    return {"metadata": {"managedFields": list(entries)}}


OURS = entry("reconciler", "2026-03-04T05:00:00Z", "lds.pb", operation="Apply")


def test_who_wrote_a_key_last_is_told() -> None:
    """Of several the last one; who wrote under our name but did not apply is somebody else."""
    found = writers(
        managed(
            OURS,
            entry("kubectl-edit", "2026-03-04T06:00:00Z", "cds.pb"),
            entry("argocd", "2026-03-04T07:00:00Z", "cds.pb", "x"),
            entry("reconciler", "2026-03-04T04:00:00Z", "rds.pb"),
        )
    )
    assert {key for _, key in owned_by_others(found)} == {"cds.pb", "x", "rds.pb"}
    by = last_stranger(found, frozenset({("binaryData", "cds.pb")}))
    assert by
    assert (by.name, by.at) == ("argocd", datetime(2026, 3, 4, 7, tzinfo=UTC))


def test_who_only_removed_a_key_is_whoever_came_after_us() -> None:
    """Nobody owns what is gone; earlier ones can't have done it."""
    gone = frozenset({("binaryData", "lds.pb")})
    earlier, later = entry("helm", "2026-03-04T04:00:00Z"), entry("kubectl-edit", "2026-03-04T06:00:00Z")
    by = last_stranger(writers(managed(OURS, earlier, later)), gone)
    assert by
    assert by.name == "kubectl-edit"
    assert last_stranger(writers(managed(OURS, earlier)), gone) is None
    assert last_stranger(writers(managed()), gone) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_managed_fields_may_be_anything(value: Json) -> None:
    """What the server gives is read as far as it makes sense."""
    assert isinstance(writers({"metadata": {"managedFields": value}}), tuple)
    assert isinstance(writers({"metadata": {"managedFields": [{"manager": value, "fieldsV1": value}]}}), tuple)


def test_statistics_are_read_and_judged() -> None:
    """Taken, refused since, refused earlier, not seen: and of many files of a type each counts for itself."""
    answer = {
        "stats": [
            {"name": "cluster_manager.cds.version_text", "value": "new"},
            {"name": "cluster_manager.cds.update_rejected", "value": 4},
            {"name": "http.ingress.rds.a.version_text", "value": "old"},
            {"name": "http.ingress.rds.a.update_rejected", "value": 2},
        ]
    }
    now = read(json.dumps(answer).encode())
    cds, rds = Expected(TypeUrl.CLUSTER, "cluster_manager.cds", "new"), Expected(TypeUrl.ROUTE, ".rds.a", "new")
    assert judge(cds, Stats(), now) is AckState.ACKED
    assert judge(rds, Stats(rejected={"http.ingress.rds.a": 1}), now) is AckState.NACKED
    assert judge(rds, now, now) is AckState.PENDING
    assert judge(Expected(TypeUrl.ROUTE, ".rds.b", "new"), now, now) is AckState.PENDING


@given(JSON)
def test_statistics_may_be_anything(value: Json) -> None:
    """Whatever answers at that address is statistics or an error that is expected."""
    for document in (value, {"stats": value}):
        with suppress(ValueError, TypeError):
            assert isinstance(read(json.dumps(document).encode()), Stats)


def test_versions_are_those_in_the_files() -> None:
    """Not those over xDS: files name files."""
    (cds, lds, rds) = expected(FIRST, SHAPES[0])
    assert cds.version == FIRST[TypeUrl.CLUSTER].version
    assert lds.version != FIRST[TypeUrl.LISTENER].version
    assert rds.version == FIRST[TypeUrl.ROUTE].version
    assert rds.stat == ".rds.http-8080"


@pytest.mark.parametrize("text", ["configmap:a/b", "configmap:shop-1/routes.edge", f"configmap:a/{'b' * 240}"])
def test_targets_that_are_taken(text: str) -> None:
    """A namespace and a name, as Kubernetes has them."""
    assert parse.target(text) == text


@pytest.mark.parametrize(
    "text",
    [
        f"configmap:{place}"
        for place in ("", "a", "a/", "/b", "A/b", "a/b/c", "a/-b", "../x", f"a/{'b' * 241}", f"{'a' * 64}/b")
    ],
)
def test_targets_that_are_not_taken(text: str) -> None:
    """Anything else names its form."""
    with pytest.raises(ValueError, match="configmap:NAMESPACE/NAME"):
        parse.target(text)
