"""What pages show, as values: moments, lengths, diffs, charts, filters, ways of changes."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.digest import Json
from reconciler.model.happening import Happening
from reconciler.model.plan import FieldChange
from reconciler.model.provenance import Provenance, Touch
from reconciler.model.question import Lack, Volume
from reconciler.model.resource import HostMatch, Kind, MatchKind, PathMatch, ResourceId, ServiceAddress
from reconciler.model.table import Cluster, Forward, Route, RouteTable
from reconciler.web.pages.views import charts, diffs, facts, filters, moments, rules

NOW = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("milliseconds", "words"),
    [
        (0, "0 ms"),
        (999, "999 ms"),
        (1_000, "1.0 s"),
        (59_940, "59.9 s"),
        (60_000, "1 min"),
        (192_000, "3 min 12 s"),
        (7_500_000, "2 h 5 min"),
        (273_600_000, "3 days 4 h"),
    ],
)
def test_lengths_read_well(milliseconds: int, words: str) -> None:
    """Two units at most, and none that says nothing."""
    assert moments.length(milliseconds) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(1, "just now"), (42, "42 s ago"), (200, "3 min ago"), (-7300, "in 2 h"), (5 * 86400, "5 days ago")],
)
def test_how_long_ago(seconds: int, words: str) -> None:
    """In the largest unit; the future is told apart."""
    assert moments.relative(NOW - timedelta(seconds=seconds), NOW) == words


def test_a_time_without_a_zone_is_utc() -> None:
    """A form's field has none; what is no time is told."""
    assert moments.read("2026-01-31T09:30") == NOW
    assert moments.read("2026-01-31T10:30+01:00") == NOW
    assert moments.read("yesterday") is None


@given(st.text(min_size=1, max_size=30), st.text(min_size=1, max_size=30))
def test_a_diff_shows_both_sides_whole(before: str, after: str) -> None:
    """Head, own part and tail give back the values, and what both share is the same."""
    found = diffs.field_diff(FieldChange("f", before, after))
    assert found.before is not None
    assert found.after is not None
    assert (found.before.whole, found.after.whole) == (before, after)
    assert (found.before.head, found.before.tail) == (found.after.head, found.after.tail)


@given(st.lists(st.tuples(st.integers(0, 500), st.lists(st.integers(1, 10**9), max_size=5)), min_size=1, max_size=40))
def test_charts_stay_inside_their_frame(stretches: list[tuple[int, list[int]]]) -> None:
    """Whatever happened, nothing is drawn outside, and the numbers add up."""
    volumes = [
        Volume(NOW + timedelta(hours=at), changes, {"reject": changes % 3}, tuple(sorted(leads)))
        for at, (changes, leads) in enumerate(stretches)
    ]
    chart = charts.chart(volumes, NOW + timedelta(hours=len(volumes)))
    assert chart.changes == sum(changes for changes, _ in stretches)
    assert chart.sample == sum(len(leads) for _, leads in stretches)
    for bar in chart.bars:
        assert bar.x >= 0
        assert bar.x + bar.width <= charts.WIDTH
        assert 0 <= bar.y <= bar.y + bar.height <= charts.HEIGHT
    for lead in chart.leads:
        assert 0 <= lead.p95 <= lead.median <= charts.HEIGHT
    assert len({tick.text for tick in chart.volume_ticks}) == len(chart.volume_ticks)


def test_percentiles_are_of_the_sample() -> None:
    """Nearest rank: always a value that was measured."""
    assert charts.percentile([1, 2, 3, 4], 0.5) == 2
    assert charts.percentile(list(range(1, 101)), 0.95) == 95
    assert charts.percentile([7], 0.95) == 7


_WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20).map(str.strip)


@given(
    q=_WORDS,
    author=_WORDS,
    happened=st.frozensets(st.sampled_from(Happening), max_size=3),
    lacking=st.frozensets(st.sampled_from(Lack), max_size=2),
    alone=st.booleans(),
)
def test_a_filter_s_url_leads_back_to_it(
    q: str, author: str, happened: frozenset[Happening], lacking: frozenset[Lack], alone: bool
) -> None:
    """What is in the form is in the URL, and nothing else."""
    asked = {"q": [q], "author": [author], "happened": [str(one) for one in happened]}
    asked |= {"lacking": [str(one) for one in lacking], "self_approved": ["1" if alone else ""]}
    wanted = filters.read(asked, NOW)
    again = filters.read(parse_qs(wanted.url().removeprefix("?")), NOW)
    assert again == wanted
    assert wanted.query(None).happened == happened


def test_what_a_filter_can_t_read_is_told_and_left_out() -> None:
    """A bad time, an unknown word, a page that is no number: the rest still counts."""
    found = filters.read(
        {
            "since": ["soon"],
            "until": ["7d"],
            "outside": ["Mon-Fri 9:00-17:00"],
            "happened": ["apply", "party"],
            "before": ["x"],
            "q": ["cart"],
            "author": ["a" * 300],
            "route": ["a\0b"],
        },
        NOW,
    )
    assert set(found.mistakes) == {"since", "happened", "before", "author", "route"}
    assert found.query(None).until == NOW - timedelta(days=7)
    assert found.query(None).outside is not None
    assert found.query(None).happened == {Happening.APPLY}
    assert found.query(None).text == "cart"
    assert found.query(None).author == ""


def test_a_visitor_of_some_namespaces_asks_only_for_those() -> None:
    """The form can narrow what may be seen, and never widen it."""
    wanted = filters.read({"namespace": ["shop"]}, NOW)
    assert wanted.query(frozenset({"shop", "web"})).namespaces == frozenset({"shop"})
    assert wanted.query(frozenset({"web"})).namespaces == frozenset()


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda v: st.lists(v) | st.dictionaries(st.text(), v)
    )
)
def test_any_json_can_be_read(value: Json) -> None:
    """A record of another version, or a damaged one, is shown as far as it goes."""
    assert isinstance(facts.words(value), str)
    assert isinstance(facts.person(value), str)
    assert isinstance(facts.group(value, "a", "b"), dict)
    assert isinstance(facts.texts(value), tuple)


def _route(number: int) -> Route:
    namespace, name = f"team-{number % 7}", f"route-{number}"
    return Route(
        name=f"{namespace}/{name}",
        id=ResourceId(Kind.MAPPING, namespace, name),
        provenance=Provenance(f"{namespace}/{name}.yaml", 1, Touch(f"{number:040x}", "Ann <ann@example.com>", NOW)),
        host=HostMatch(MatchKind.SUFFIX, f".{namespace}.example.com"),
        path=PathMatch(MatchKind.PREFIX, f"/{number}/"),
        method=None,
        headers=(),
        query=(),
        precedence=0,
        threshold=None,
        action=Forward("c"),
    )


def test_ten_thousand_routes_are_shown_page_by_page() -> None:
    """Each once, in their order; a page beyond the last is the last."""
    table = RouteTable((), tuple(map(_route, range(10_000))), (Cluster("c", ServiceAddress("c.svc", 80)),))
    pages = [rules.rules_page(table, rules.Search(), page) for page in range(1, 101)]
    assert [rule.name for page in pages for rule in page.rules] == [f"route-{number}" for number in range(10_000)]
    assert rules.rules_page(table, rules.Search(), 10**6) == pages[-1]
    assert pages[0].rules[0].to == "c.svc:80"


@pytest.mark.parametrize(
    ("search", "found"),
    [
        (rules.Search(text="ROUTE-9999"), 1),
        (rules.Search(text=f"{7:040x}"), 1),
        (rules.Search(namespace="team-3"), 1429),
        (rules.Search(host="shop.team-3.example.com"), 1429),
        (rules.Search(prefix="/99"), 111),
        (rules.Search(prefix="/99", namespace="team-0"), 15),
        (rules.Search(text="ann@"), 10_000),
        (rules.Search(text="nobody"), 0),
    ],
)
def test_a_table_is_searched(search: rules.Search, found: int) -> None:
    """By text, commit and author too; by a host that a pattern takes; by path and namespace, and by both."""
    table = RouteTable((), tuple(map(_route, range(10_000))), ())
    assert rules.rules_page(table, search, 1).found == found


def test_kind_and_effect_are_asked_for() -> None:
    """As the form sends them; what is none is told, and the rest holds."""
    query = filters.read({"kind": ["Module"], "applied": ["no"]}, NOW).query(None)
    assert (query.kind, query.applied) == ("Module", False)
    wrong = filters.read({"kind": ["Nothing"], "applied": ["perhaps"]}, NOW)
    assert (set(wrong.mistakes), wrong.query(None).kind, wrong.query(None).applied) == ({"kind", "applied"}, "", None)
