"""How a plan is shown: on a terminal, in a pull request, to a program."""

import json
import unicodedata
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.digest import canonical_json
from reconciler.model.origin import Attached
from reconciler.model.policy import LocalLimit, RoutePolicy
from reconciler.model.provenance import Provenance
from reconciler.model.resource import Kind, MatchKind, PathMatch, ResourceId
from reconciler.model.table import EMPTY_TABLE, Forward, RouteTable
from reconciler.plan import BlastRadius, as_json, as_markdown, as_text
from tests.support.plans import TOUCH, compare, route, table, tables

BEFORE = table([route("api"), route("old")])
AFTER = table([route("api", action=Forward("httpbin", prefix_rewrite="/", timeout_ms=5000)), route("new")])


def test_text_reads_like_a_plan() -> None:
    """Symbols, places, one line per field change, a summary: exactly this."""
    plan = compare(BEFORE, AFTER)
    assert as_text(plan, colour=False) == (
        "~ Mapping default/api\n"
        "    routes/api.yaml:1 @ 3f2a9c1 (Ann <ann@example.com>)\n"
        "    timeout: 3000 ms → 5000 ms\n"
        "+ Mapping default/new\n"
        "    routes/new.yaml:1 @ 3f2a9c1 (Ann <ann@example.com>)\n"
        "    host: *\n"
        "    path: prefix /new/\n"
        "    to: httpbin.org:80\n"
        "    rewrite: /\n"
        "    timeout: 3000 ms\n"
        "- Mapping default/old\n"
        "    was routes/old.yaml:1 @ 3f2a9c1 (Ann <ann@example.com>)\n"
        "    host: *\n"
        "    path: prefix /old/\n"
        "    to: httpbin.org:80\n"
        "    rewrite: /\n"
        "    timeout: 3000 ms\n"
        "\n"
        "Plan: 1 to create, 1 to update, 1 to delete; 2 → 2 routes.\n"
        "Envoy resources: 1 RouteConfiguration created, 1 RouteConfiguration deleted, 1 RouteConfiguration updated.\n"
        f"Digest: {plan.digest}\n"
    )


def test_colour_adds_nothing_but_colour() -> None:
    """Without its escape codes the coloured text is the plain one."""
    plan = compare(BEFORE, EMPTY_TABLE)
    coloured = as_text(plan, colour=True)
    assert "\x1b[31m- Mapping default/api\x1b[0m" in coloured
    for code in ("\x1b[31m", "\x1b[33m", "\x1b[32m", "\x1b[2m", "\x1b[1;31m", "\x1b[0m"):
        coloured = coloured.replace(code, "")
    assert coloured == as_text(plan, colour=False)


def test_refusals_name_the_override() -> None:
    """Text and Markdown both carry the reason and the exact flag."""
    plan = compare(BEFORE, EMPTY_TABLE, blast_radius=BlastRadius())
    flag = f"--allow-plan {plan.digest[7:19]}"
    assert "Refused (EmptyTable): all routes (2) would be gone" in as_text(plan, colour=False)
    assert flag in as_text(plan, colour=False)
    assert "> **Refused (EmptyTable):**" in as_markdown(plan)
    assert flag in as_markdown(plan)


def test_an_empty_plan_says_so() -> None:
    """No change is one clear line in both."""
    plan = compare(BEFORE, BEFORE)
    assert as_text(plan, colour=False).startswith("Plan: No changes: what is served is what is desired (2 routes).\n")
    assert "**No changes: " in as_markdown(plan)
    assert "```" not in as_markdown(plan)


def test_metadata_alone_is_told_apart() -> None:
    """A plan that only moves provenance does not look like a routing change."""
    plan = compare(BEFORE, table([route("api", provenance=Provenance("routes/b.yaml", 2)), route("old")]))
    assert "Plan: No change in routing; only metadata" in as_text(plan, colour=False)


def hostile(text: str) -> RouteTable:
    """A table in which everything an author controls is this text."""
    bad = route(
        "bad",
        id=ResourceId(Kind.MAPPING, text, text),
        provenance=Provenance(text, 1, TOUCH.__class__(text, text, TOUCH.committed_at)),
        path=PathMatch(MatchKind.PREFIX, text),
        action=Forward(text, host_rewrite=text),
    )
    return table([bad])


@given(st.text(st.characters(max_codepoint=0x2FFF, codec="utf-8"), min_size=1, max_size=20))
def test_no_text_from_a_file_controls_the_terminal(text: str) -> None:
    """Whatever a file holds, the text has our own line breaks and no other control or format character."""
    plan = compare(EMPTY_TABLE, hostile(text))
    shown = as_text(plan, colour=False)
    assert shown.count("\n") == len(as_text(compare(EMPTY_TABLE, hostile("x")), colour=False).splitlines())
    assert not [c for c in shown.replace("\n", "") if unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp")]


def test_terminal_escapes_and_hidden_characters_become_visible() -> None:
    """Escape sequences, bidirectional overrides and line breaks are shown, not obeyed."""
    shown = as_text(compare(EMPTY_TABLE, hostile("/\x1b[2J\u202egnp\r\nPlan: ok")), colour=False)
    assert "\\x1b[2J" in shown
    assert "\\u202egnp\\r\\nPlan: ok" in shown


@given(
    st.text(st.sampled_from("`~<>\n\r|@#-+! \u2028</details>\\"), min_size=1, max_size=30)
    | st.just("\n```\n</details><script>alert(1)</script> @everyone")
)
def test_no_text_from_a_file_leaves_the_fence(text: str) -> None:
    """Every line that holds a file's text is inside the one fence and begins with our symbol."""
    plan = compare(EMPTY_TABLE, hostile(text))
    lines = as_markdown(plan).split("\n")
    opened, closed = lines.index("```diff"), lines.index("```")
    assert [line for line in lines if line.startswith("```")] == ["```diff", "```"]
    assert all(line[0] in "+-!#" for line in lines[opened + 1 : closed])
    outside = "\n".join(lines[:opened] + lines[closed + 1 :])
    for allowed in ("<details>", "</details>", "<summary>", "</summary>"):
        outside = outside.replace(allowed, "")
    assert "<" not in outside
    assert "@" not in outside


def test_markdown_shows_before_and_after() -> None:
    """A reviewer sees the old value in red and the new one in green."""
    assert (
        "! update Mapping default/api\n# routes/api.yaml:1 @ 3f2a9c1 (Ann <ann@example.com>)\n"
        "-   timeout: 3000 ms\n+   timeout: 5000 ms\n"
    ) in as_markdown(compare(BEFORE, AFTER))


def test_markdown_fits_a_comment() -> None:
    """Thousands of changes with long values are folded and cut to whole changes below 65,536 characters."""
    many = [route(f"r{n}", path=PathMatch(MatchKind.PREFIX, "/" + "x" * 500)) for n in range(2000)]
    shown = as_markdown(compare(EMPTY_TABLE, table(many)))
    assert len(shown) < 65_536
    assert "<details><summary>2002 changes</summary>" in shown
    assert "more changes are not shown here" in shown
    assert "2000 to create" in shown


@given(tables(), tables())
def test_json_is_canonical_and_whole(before: RouteTable, after: RouteTable) -> None:
    """The JSON form can be written canonically, and reads back with every change."""
    plan = compare(before, after)
    read = json.loads(canonical_json(as_json(plan)))
    assert [(c["op"], c["namespace"], c["name"], len(c["fields"])) for c in read["changes"]] == [
        (str(c.op), c.id.namespace, c.id.name, len(c.fields)) for c in plan.changes
    ]
    assert len(read["hosts"]) == len(plan.hosts)
    assert len(read["resources"]) == len(plan.resources)
    assert read["empty"] == plan.empty


def test_json_says_where_and_by_whom() -> None:
    """A change carries both places with commit, author and time."""
    read = as_json(compare(BEFORE, AFTER))
    assert isinstance(read, dict)
    assert isinstance(read["changes"], list)
    first = read["changes"][0]
    assert isinstance(first, dict)
    assert first["after"] == {
        "path": "routes/api.yaml",
        "line": 1,
        "commit": TOUCH.sha,
        "author": "Ann <ann@example.com>",
        "committed_at": "2026-03-04T05:06:07+00:00",
    }


def test_policies_are_named_beside_the_route() -> None:
    """Those that have a say in it from now on; where one is gone, the one that had."""
    policy = Attached("default/limits", Provenance("limits.yaml", 3))
    limited = replace(BEFORE.routes[0], policies=(policy,), policy=RoutePolicy(local_limit=LocalLimit(9, 9, 1000)))
    with_policy = replace(BEFORE, routes=(limited, *BEFORE.routes[1:]))
    for plan in (compare(BEFORE, with_policy), compare(with_policy, BEFORE)):
        assert "    policy default/limits  limits.yaml:3\n" in as_text(plan, colour=False)
        assert "# policy default/limits  limits.yaml:3\n" in as_markdown(plan)
        told = json.loads(json.dumps(as_json(plan)))
        assert told["changes"][0]["policies"][0]["name"] == "default/limits"
