"""From a line to a version: the commit decides, time chooses among what is equal, and what is not known is said."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest

from reconciler.audit.trace.finding import By, Finder, Found, Lost, Unserved
from reconciler.audit.trace.line import Line, read_line
from reconciler.audit.trace.summary import Summary
from reconciler.audit.trace.telling import Words
from reconciler.audit.trace.tracer import Tracer
from reconciler.audit.trace.version import Version
from tests.support.log_lines import COMMIT, connection_line, json_line, text_line

OTHER = "b" * 40
ITEM = Version(
    kind="Mapping",
    namespace="default",
    name="item",
    path="routes/item.yaml",
    line=7,
    touch=COMMIT,
    author="Ann <ann@example.com>",
    written="2026-05-06T11:00:00+00:00",
    came=5,
    entry=4,
    begun="2026-05-06T12:00:00.000Z",
    until="2026-05-06T13:00:00.000Z",
    document="sha256:1",
)
AGAIN = replace(ITEM, came=9, entry=8, begun="2026-05-06T14:00:00.000Z", until=None)
OBJECT = replace(
    ITEM, path="cluster://Service/default/item", touch="object:uid-1@881", author="kubectl-edit", name="annotated"
)
NEWER = replace(OBJECT, touch="object:uid-1@905", came=7, entry=6, begun=OBJECT.until or "", until=None)
RED, BLUE = (
    replace(
        ITEM,
        kind="TCPMapping",
        name=name,
        path=f"routes/{name}.yaml",
        touch=touch,
        document=name,
        came=came,
        entry=came,
    )
    for name, touch, came in (("red", COMMIT, 11), ("blue", OTHER, 12))
)
HOST = replace(ITEM, kind="Host", name="shop", path="routes/hosts.yaml")


@dataclass
class Journal:
    """A few versions; counts how often it is asked."""

    known: Sequence[Version] = (ITEM, AGAIN, OBJECT, NEWER, RED, BLUE)
    asked: int = 0
    gone: dict[str, int] = field(default_factory=dict)

    def versions(self, kind: str, namespace: str, name: str, commits: tuple[str, ...]) -> Sequence[Version]:
        self.asked += 1
        wanted = [one for one in self.known if (one.kind, one.namespace, one.name) == (kind, namespace, name)]
        return [one for one in wanted if (one.touch in commits if commits else one.touch.startswith("object:"))]

    def sent(self, kind: str, _namespace: str, name: str, commits: tuple[str, ...]) -> tuple[int, str] | None:
        return (21, "was taken back") if (kind, name, commits) == ("Mapping", "brief", (COMMIT,)) else None

    def deleted(self, moment: str) -> int | None:
        return next((number for before, number in self.gone.items() if moment < before), None)

    def upstreams(self, versions: Sequence[Version]) -> Sequence[str]:
        return [f"tcp://{one.document}.data:6379" for one in versions]

    def hosts(self, _authority: str, _moment: str) -> Sequence[Version]:
        return [HOST]


def find(text: str, journal: Journal | None = None) -> Found:
    """What a line leads to."""
    line = read_line(text)
    assert isinstance(line, Line)
    return Finder(journal or Journal()).find(line)


def test_the_commit_decides() -> None:
    """An Envoy that is behind serves the older version: that is the one it names."""
    late = text_line(time="2026-05-06T18:00:00.000Z")
    assert find(late, Journal([ITEM, replace(ITEM, touch=OTHER, came=7, until=None)])).versions == (ITEM,)


@pytest.mark.parametrize(
    ("time", "version", "apart"),
    [
        ("2026-05-06T12:30:00.000Z", ITEM, 0.0),
        ("2026-05-06T14:00:00.000Z", AGAIN, 0.0),
        ("2026-05-06T11:59:30.000Z", ITEM, 0.0),
        ("2026-05-06T11:58:00.000Z", ITEM, -120.0),
        ("2026-05-06T13:20:00.000Z", ITEM, 1200.0),
        ("2026-05-06T13:59:50.000Z", AGAIN, 0.0),
    ],
)
def test_time_chooses_among_equal_ones(time: str, version: Version, apart: float) -> None:
    """One commit served twice; what is further off than is tolerated is said."""
    found = find(text_line(time=time))
    assert (found.versions, found.by, found.apart_s, found.lost) == ((version,), By.COMMIT, apart, None)


def test_an_object_of_the_cluster_is_told_by_time() -> None:
    """It has no commit; close to a change both are possible, and that is said."""

    def at(time: str) -> str:
        return text_line("default/annotated", "", source=OBJECT.path, time=f"2026-05-06T{time}.000Z")

    found = find(at("12:30:00"))
    assert (found.versions, found.by, found.others) == ((OBJECT,), By.TIME, 0)
    found = find(at("13:00:20"))
    assert (found.versions, found.others) == ((NEWER,), 1)


def test_what_stands_elsewhere_is_not_taken_for_it() -> None:
    """Same name and commit in another file: that is not what the line says."""
    assert find(text_line(source="routes/other.yaml")).lost is Lost.ELSEWHERE
    assert find(text_line(commit=OTHER)).lost is Lost.UNKNOWN


def test_what_retention_deleted_is_told_with_the_entry() -> None:
    """Never as nothing."""
    found = find(text_line(commit=OTHER), Journal(gone={"2026-05-06T12:30:00.000Z": 44}))
    assert (found.lost, found.deleted_by) == (Lost.DELETED, 44)


def test_connections_that_share_a_chain_are_told_apart_by_their_upstream() -> None:
    """And both are named where it can't be told."""
    origin = {"mapping": "default/red,default/blue", "commit": f"{COMMIT},{OTHER}"}
    paths = "routes/red.yaml,routes/blue.yaml"
    assert find(connection_line(cluster="blue.data:6379", source=paths, **origin)).versions == (BLUE,)
    assert find(connection_line(cluster="red.data:6379~0123456789", source=paths, **origin)).versions == (RED,)
    assert find(connection_line(cluster="-", source=paths, **origin)).versions == (RED, BLUE)


@pytest.mark.parametrize(
    ("status", "flags", "why"),
    [
        (404, "NR", Unserved.NO_ROUTE),
        (301, "-", Unserved.TO_HTTPS),
        (404, "-", Unserved.REJECTED),
        (200, "-", Unserved.PROBE),
        (400, "DPE", Unserved.BEFORE_ROUTES),
    ],
)
def test_what_no_mapping_served_is_told_as_such(status: int, flags: str, why: Unserved) -> None:
    """With the Host that answered, where one did."""
    found = find(text_line("-", "-", source="-", status=status, flags=flags))
    assert (found.unserved, found.lost) == (why, None)
    assert found.versions == ((HOST,) if why in (Unserved.TO_HTTPS, Unserved.REJECTED) else ())


def test_the_journal_is_asked_once_for_all_lines_of_a_version() -> None:
    """Until it has grown."""
    journal = Journal()
    tracer = Tracer(Finder(journal), Words(lambda _number: None), "text")
    told = tracer.feed(f"{text_line()}\n{json_line()}\n".encode() * 500)
    assert (len(told.lines), journal.asked) == (1000, 1)
    assert len(set(told.lines)) == 1
    tracer.forget()
    tracer.feed(f"{text_line()}\n".encode())
    assert journal.asked == 2


def test_a_line_is_worded_for_people() -> None:
    """Who, where and by which entry; nothing in it moves a cursor."""
    told = Tracer(Finder(Journal()), Words(lambda _number: None), "text").feed(
        f"{text_line(path='/a')}\n{json_line(path=chr(27) + '[31m')}\n".encode()
    )
    assert told.lines[0] == (
        "2026-05-06T12:00:30.000Z  GET shop.example.com/a 200  default/item  "
        "routes/item.yaml:7 @ 3f2a9c1 (Ann <ann@example.com>)  entry 4"
    )
    assert "\x1b" not in told.lines[1]


def test_counts_add_up() -> None:
    """By version and by what served none; lines of others apart."""
    tracer = Tracer(Finder(Journal()), Words(lambda _number: None), "")
    lost, unserved = text_line(commit=OTHER), text_line("-", "-", source="-", status=404, flags="NR")
    tracer.feed("\n".join([text_line()] * 3 + [text_line(status=503), lost, unserved, "?", ""]).encode())
    counted: Summary = tracer.summary
    assert (counted.lines, counted.unread, counted.lost) == (7, 1, 1)
    (subject, count), *rest = counted.counts()
    assert (subject, count.lines, count.classes) == (ITEM, 4, [0, 0, 3, 0, 0, 1])
    assert sorted(str(one) for one, _ in rest) == [
        "default/item: the journal has no such version of it",
        "no Mapping takes this request",
    ]


def test_what_envoys_held_for_a_moment_leads_to_who_sent_it() -> None:
    """A request between an apply and its rollback was served by a version that never came to stay."""
    line = text_line(mapping="default/brief", source="routes/brief.yaml", commit=COMMIT)
    found = find(line)
    assert (found.sent_by, found.ended, found.lost, found.versions) == (21, "was taken back", None, ())
    told = Tracer(Finder(Journal()), Words(lambda _number: None), "text").feed(f"{line}\n".encode()).lines[0]
    assert told.endswith("sent to Envoys by entry 21, which was taken back")
