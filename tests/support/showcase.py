"""One table with everything a rule can say."""

from reconciler.model.match import HostMatch, MatchKind, PathMatch
from reconciler.model.resource import InsecureAction, Redirect, RedirectCode, RegexRewrite
from reconciler.model.table import Forward, Guard, Mirror, VirtualHost
from tests.support.routing import PRESENT, anyone, cluster, exact, listener, prefix, regex, rule, table

CATCH_ALL = rule("all", "/", "rest")
EXACT_HOST = HostMatch(MatchKind.EXACT, "exact.test")
SUFFIX_HOST = HostMatch(MatchKind.SUFFIX, ".suffix.test")
PREFIX_HOST = HostMatch(MatchKind.PREFIX, "prefix.")
REGEX_HOST = HostMatch(MatchKind.REGEX, "(red|blue)[0-9]+\\.test")

PATHS = (
    rule("exact", PathMatch(MatchKind.EXACT, "/exact"), Forward("one", prefix_rewrite="/new")),
    rule("regex", PathMatch(MatchKind.REGEX, "/re/[0-9]+"), "one"),
    rule("iregex", PathMatch(MatchKind.REGEX, "/ire/[a-z]+", case_sensitive=False), "one"),
    rule("insensitive", prefix("/Mixed/", case_sensitive=False), "one"),
    rule("sensitive", "/Case/", "one"),
    rule("strip", "/strip/", Forward("one", prefix_rewrite="/")),
    rule("kept", "/kept/", "one"),
)
CONDITIONS = (
    rule("method", "/method/", "one", method=exact("POST")),
    rule("methods", "/methods/", "one", method=regex("PU|PATCH")),
    rule("header", "/header/", "one", headers={"x-team": exact("red")}),
    rule("header-regex", "/header-regex/", "one", headers={"x-team": regex("r.d")}),
    rule("header-present", "/header-present/", "one", headers={"x-team": PRESENT}),
    rule("query", "/query/", "one", query={"v": exact("2")}),
    rule("query-regex", "/query-regex/", "one", query={"v": regex("[0-9]+")}),
    rule("query-present", "/query-present/", "one", query={"v": PRESENT}),
    rule("both", "/both/", "one", headers={"x-a": exact("1")}, query={"b": exact("2")}),
)
REWRITES = (
    rule("regex-rewrite", "/old/", Forward("one", regex_rewrite=RegexRewrite("^/old/([^/]+)/(.*)$", "/\\2/\\1"))),
    rule("whole", PathMatch(MatchKind.REGEX, "/w/.*"), Forward("one", regex_rewrite=RegexRewrite(".*", "/whole"))),
    rule("host-rewrite", "/host/", Forward("one", host_rewrite="httpbin.org")),
    rule("auto-host", "/auto/", Forward("one", auto_host_rewrite=True)),
    rule("auto-host-dns", "/auto-dns/", Forward("by-name", auto_host_rewrite=True)),
)
REDIRECTS = (
    rule("r-host", "/r-host/", Redirect("new.test")),
    rule("r-port", "/r-port/", Redirect("new.test:8443", code=RedirectCode.PERMANENT)),
    rule("r-path", "/r-path/", Redirect("new.test", path="/there", code=RedirectCode.FOUND)),
    rule("r-prefix", "/r-prefix/", Redirect("new.test", prefix="/moved/", code=RedirectCode.TEMPORARY)),
    rule(
        "r-regex",
        "/r-regex/",
        Redirect("new.test", regex=RegexRewrite("^/r-regex/(.*)$", "/x/\\1"), code=RedirectCode.SEE_OTHER),
    ),
)
TRAFFIC = (
    rule("w-a", "/weighted/", "one", threshold=20),
    rule("w-b", "/weighted/", "two", threshold=50),
    rule("w-c", "/weighted/", "rest"),
    rule("mirrored", "/mirrored/", Forward("one", mirrors=(Mirror("shadow", 100),))),
    rule("half-mirrored", "/half-mirrored/", Forward("one", mirrors=(Mirror("shadow", 50),))),
    rule("timeout", "/slow-timeout/", Forward("slow", prefix_rewrite="/slow/", timeout_ms=100)),
    rule("no-timeout", "/no-timeout/", Forward("slow", prefix_rewrite="/slow/", timeout_ms=0)),
)
BY_HOST = (
    rule("h-exact", "/h/", "one", host=EXACT_HOST),
    rule("h-suffix", "/h/", "two", host=SUFFIX_HOST),
    rule("h-prefix", "/h/", "slow", host=PREFIX_HOST),
    rule("h-regex", "/h/", "shadow", host=REGEX_HOST),
)
UNTRACKED = rule("untracked", "/untracked/", "one", touch=None)

TABLE = table(
    [
        listener(
            VirtualHost(EXACT_HOST, (rule("only-exact", "/only/", "one", host=EXACT_HOST), BY_HOST[0], CATCH_ALL)),
            VirtualHost(SUFFIX_HOST, (BY_HOST[1], CATCH_ALL)),
            VirtualHost(PREFIX_HOST, (BY_HOST[2], CATCH_ALL)),
            anyone(*PATHS, *CONDITIONS, *REWRITES, *REDIRECTS, *TRAFFIC, *BY_HOST, UNTRACKED, CATCH_ALL),
        ),
        listener(anyone(CATCH_ALL, guard=Guard(InsecureAction.REDIRECT, by_header=False)), name="to-https"),
        listener(anyone(CATCH_ALL, guard=Guard(InsecureAction.REJECT, by_header=False)), name="closed"),
        listener(anyone(CATCH_ALL, guard=Guard(InsecureAction.REDIRECT, by_header=True)), name="by-header"),
        listener(
            anyone(CATCH_ALL, guard=Guard(InsecureAction.REDIRECT, by_header=True)), name="behind-proxy", trusted_hops=1
        ),
        listener(anyone(CATCH_ALL, guard=Guard(InsecureAction.ROUTE, by_header=True)), name="open"),
        listener(anyone(UNTRACKED), name="narrow"),
    ],
    cluster("one"),
    cluster("two"),
    cluster("rest"),
    cluster("slow"),
    cluster("shadow"),
    cluster("by-name", "localhost"),
)
