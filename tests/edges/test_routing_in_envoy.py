"""What rendered tables do in a real Envoy that runs the static bootstrap."""

import dataclasses
import json
import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.apply.envoy_binary import EnvoyProcess, find_envoy, validate
from reconciler.envoy import AccessLogFormat, RenderOptions, render, static_bootstrap
from reconciler.model.files import FilesFormat
from reconciler.model.resource import RegexRewrite
from reconciler.model.table import Forward, Mirror, RouteTable
from tests.support.http import Reply, get
from tests.support.routing import COMMIT, anyone, cluster, listener, rule, table
from tests.support.showcase import CATCH_ALL, TABLE
from tests.support.upstreams import Upstream
from tests.support.waiting import eventually


@dataclasses.dataclass(frozen=True)
class Running:
    """An Envoy that serves ``TABLE``, and its upstreams by name."""

    envoy: EnvoyProcess
    upstreams: dict[str, Upstream]
    ports: dict[str, int]

    def get(self, path: str, **request: object) -> Reply:
        """Ask the main listener."""
        return get(self.ports["http-8080"], path, **request)  # type: ignore[arg-type] # passed on as it is


def options(upstreams: dict[str, Upstream], **changed: object) -> RenderOptions:
    """Where the upstreams really are."""
    addresses = {f"{name}.test": upstream.address for name, upstream in upstreams.items()}
    addresses["localhost:80"] = f"localhost:{upstreams['one'].port}"
    return dataclasses.replace(RenderOptions(service_addresses=addresses), **changed)  # type: ignore[arg-type] # ditto


@pytest.fixture(scope="module")
def binary() -> Path:
    """The Envoy beside this Python: installed with the tests."""
    found = find_envoy("auto")
    assert found
    return found


@pytest.fixture(scope="module")
def running(binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One Envoy for all tests."""
    names = ("one", "two", "rest", "slow", "shadow")
    upstreams = {name: Upstream(name) for name in names}
    for upstream in upstreams.values():
        upstream.__enter__()
    chosen = options(upstreams)
    bootstrap = static_bootstrap(render(TABLE, chosen), chosen)
    with EnvoyProcess(binary, bootstrap, tmp_path_factory.mktemp("envoy")) as envoy:
        ports = {each.name: envoy.listener_port(each.name) for each in TABLE.listeners}
        yield Running(envoy, upstreams, ports)
    for upstream in upstreams.values():
        upstream.__exit__(None, None, None)


@pytest.mark.parametrize(
    ("path", "upstream", "seen"),
    [
        ("/exact", "one", "/new"),
        ("/exact?a=1", "one", "/new?a=1"),
        ("/exactly", "rest", "/exactly"),
        ("/exact/", "rest", "/exact/"),
        ("/re/42", "one", "/re/42"),
        ("/re/42?q=1", "one", "/re/42?q=1"),
        ("/re/42/more", "rest", "/re/42/more"),
        ("/IRE/Abc", "one", "/IRE/Abc"),
        ("/mIXed/x", "one", "/mIXed/x"),
        ("/case/x", "rest", "/case/x"),
        ("/Case/x", "one", "/Case/x"),
        ("/strip/a/b?c=d", "one", "/a/b?c=d"),
        ("/kept/a", "one", "/kept/a"),
        ("/x/../kept/a", "one", "/kept/a"),
        ("/%6Bept/a", "one", "/kept/a"),
        ("//kept/a", "rest", "//kept/a"),
        ("/old/a/b/c", "one", "/b/c/a"),
        ("/w/anything", "one", "/whole"),
    ],
)
def test_paths(running: Running, path: str, upstream: str, seen: str) -> None:
    """Prefix, exact and regex paths, with and without case, reach their cluster with the path that is promised."""
    reply = running.get(path)
    assert (reply.upstream, reply.seen["path"]) == (upstream, seen)


@pytest.mark.parametrize(
    ("path", "method", "headers", "upstream"),
    [
        ("/method/", "POST", {}, "one"),
        ("/method/", "GET", {}, "rest"),
        ("/methods/", "PATCH", {}, "one"),
        ("/methods/", "PUT", {}, "rest"),
        ("/header/", "GET", {"X-Team": "red"}, "one"),
        ("/header/", "GET", {"x-team": "redder"}, "rest"),
        ("/header/", "GET", {}, "rest"),
        ("/header-regex/", "GET", {"x-team": "rod"}, "one"),
        ("/header-regex/", "GET", {"x-team": "road"}, "rest"),
        ("/header-present/", "GET", {"x-team": ""}, "one"),
        ("/header-present/", "GET", {}, "rest"),
        ("/query/?v=2", "GET", {}, "one"),
        ("/query/?a=1&v=2", "GET", {}, "one"),
        ("/query/?v=22", "GET", {}, "rest"),
        ("/query-regex/?v=42", "GET", {}, "one"),
        ("/query-regex/?v=4x", "GET", {}, "rest"),
        ("/query-present/?v", "GET", {}, "one"),
        ("/query-present/?w=1", "GET", {}, "rest"),
        ("/both/?b=2", "GET", {"x-a": "1"}, "one"),
        ("/both/?b=2", "GET", {}, "rest"),
        ("/both/", "GET", {"x-a": "1"}, "rest"),
    ],
)
def test_conditions(running: Running, path: str, method: str, headers: dict[str, str], upstream: str) -> None:
    """Method, header and query conditions hold, or the request falls to the next rule."""
    reply = running.get(path, method=method, headers=headers)
    assert reply.upstream == upstream


@pytest.mark.parametrize(
    ("path", "host"),
    [("/kept/", "a.test"), ("/host/", "httpbin.org"), ("/auto/", "one.test"), ("/auto-dns/", "localhost")],
)
def test_host_rewrites(running: Running, path: str, host: str) -> None:
    """The upstream sees the host the rule says, also where an address stands in for the service."""
    assert running.get(path).seen["host"] == host


@pytest.mark.parametrize(
    ("path", "status", "location"),
    [
        ("/r-host/x?y=1", 301, "http://new.test/r-host/x?y=1"),
        ("/r-port/x", 308, "http://new.test:8443/r-port/x"),
        ("/r-path/x", 302, "http://new.test/there"),
        ("/r-prefix/x?y=1", 307, "http://new.test/moved/x?y=1"),
        ("/r-regex/x", 303, "http://new.test/x/x"),
    ],
)
def test_redirects(running: Running, path: str, status: int, location: str) -> None:
    """Redirects say host, port, path and status."""
    reply = running.get(path, host="old.test:8080")
    assert (reply.status, reply.headers["location"]) == (status, location)


@pytest.mark.parametrize(
    ("host", "path", "upstream"),
    [
        ("exact.test", "/h/", "one"),
        ("EXACT.test:8080", "/h/", "one"),
        ("a.suffix.test", "/h/", "two"),
        ("A.b.Suffix.test:1", "/h/", "two"),
        (".suffix.test", "/h/", "rest"),
        ("suffix.test", "/h/", "rest"),
        ("prefix.org", "/h/", "slow"),
        ("Prefix.org:80", "/h/", "slow"),
        ("red7.test", "/h/", "shadow"),
        ("BLUE42.test:8080", "/h/", "shadow"),
        ("red.test", "/h/", "rest"),
        ("red7.testing", "/h/", "rest"),
        ("exact.test", "/only/", "one"),
        ("other.test", "/only/", "rest"),
        ("other.test", "/h/", "rest"),
    ],
)
def test_hosts(running: Running, host: str, path: str, upstream: str) -> None:
    """Hosts are matched without case and port: as domains, and as conditions of a rule in a wider virtual host."""
    assert running.get(path, host=host).upstream == upstream


def test_weights_add_up(running: Running) -> None:
    """Thresholds 20, 50, rest give shares 20, 30, 50 %: each within 5 standard deviations (error chance under 2e-6)."""
    count = 2000
    before = {name: len(running.upstreams[name].seen) for name in ("one", "two", "rest")}
    for _ in range(count):
        assert running.get("/weighted/").status == 200
    for name, share in {"one": 0.2, "two": 0.3, "rest": 0.5}.items():
        seen = len(running.upstreams[name].seen) - before[name]
        assert abs(seen - count * share) < 5 * math.sqrt(count * share * (1 - share)), (name, seen)


def test_mirrors(running: Running) -> None:
    """Every request of a mirrored rule reaches the shadow too, the client gets the first one's answer."""
    shadow = running.upstreams["shadow"].seen
    for number in range(5):
        assert running.get(f"/mirrored/{number}").upstream == "one"
    eventually(lambda: {s["path"] for s in shadow} >= {f"/mirrored/{n}" for n in range(5)})


def test_mirrors_a_share(running: Running) -> None:
    """Half of 200 requests are mirrored, within 5 standard deviations."""
    shadow = running.upstreams["shadow"].seen
    for _ in range(200):
        running.get("/half-mirrored/x")
    running.get("/mirrored/last")
    eventually(lambda: any(s["path"] == "/mirrored/last" for s in shadow))
    copied = sum(s["path"] == "/half-mirrored/x" for s in shadow)
    assert abs(copied - 100) < 5 * math.sqrt(200 * 0.25)


def test_timeout(running: Running) -> None:
    """An upstream that takes longer than timeout_ms becomes 504."""
    assert running.get("/slow-timeout/x").status == 504


def test_insecure_requests(running: Running) -> None:
    """Guards redirect to https, refuse, or let through; a claim about the protocol is believed of a trusted proxy."""
    reply = get(running.ports["to-https"], "/a?b=1", host="a.test:8080")
    assert (reply.status, reply.headers["location"]) == (301, "https://a.test:8080/a?b=1")
    assert get(running.ports["to-https"], "/.well-known/acme-challenge/token").upstream == "rest"
    assert get(running.ports["closed"], "/a").status == 404
    assert get(running.ports["closed"], "/.well-known/acme-challenge/token").upstream == "rest"
    assert get(running.ports["by-header"], "/a").status == 301
    assert get(running.ports["by-header"], "/a", headers={"x-forwarded-proto": "https"}).status == 301
    assert get(running.ports["behind-proxy"], "/a").status == 301
    assert get(running.ports["behind-proxy"], "/a", headers={"x-forwarded-proto": "https"}).upstream == "rest"
    assert get(running.ports["open"], "/a").upstream == "rest"


def test_no_rule(running: Running) -> None:
    """What no rule takes is a 404, and its log line says that no Mapping served it."""
    assert get(running.ports["narrow"], "/nobody").status == 404
    assert log_line(running, "/nobody").endswith(" mapping=- source=- commit=-")


def test_access_log_leads_to_the_commit(running: Running) -> None:
    """A line names Mapping, file and commit; without history the commit is empty."""
    running.get("/kept/logged?a=1")
    line = log_line(running, "/kept/logged?a=1")
    assert '"GET /kept/logged?a=1 HTTP/1.1" 200 - 0 ' in line
    assert line.endswith(f" mapping=default/kept source=routes/kept.yaml commit={COMMIT}")
    running.get("/untracked/x")
    assert log_line(running, "/untracked/x").endswith(" mapping=default/untracked source=routes/untracked.yaml commit=")


def log_line(running: Running, path: str) -> str:
    """The access log line of a request; Envoy writes in batches."""
    found: list[str] = []

    def look() -> bool:
        lines = running.envoy.access_log_path.read_text().splitlines()
        found[:] = [line for line in lines if f" {path} " in line]
        return bool(found)

    eventually(look, what=f"log line of {path}")
    return found[-1]


def test_json_access_log(binary: Path, running: Running, tmp_path: Path) -> None:
    """The JSON variant says the same."""
    chosen = options(running.upstreams, access_log_format=AccessLogFormat.JSON, access_log_path=str(tmp_path / "log"))
    small = table([listener(anyone(CATCH_ALL))], *TABLE.clusters)
    with EnvoyProcess(binary, static_bootstrap(render(small, chosen), chosen), tmp_path) as envoy:
        get(envoy.listener_port("http-8080"), "/logged")
        eventually((tmp_path / "log").read_text)
    line = json.loads((tmp_path / "log").read_text())
    assert (line["mapping"], line["source"], line["commit"]) == ("default/all", "routes/all.yaml", COMMIT)
    assert (line["method"], line["path"], line["response_code"]) == ("GET", "/logged", 200)


def test_nothing_deprecated(running: Running) -> None:
    """Envoy 1.40 finds nothing deprecated or unfinished in what is rendered."""
    stats = running.envoy.admin("/stats?filter=deprecated_feature_use")
    assert "runtime.deprecated_feature_use: 0" in stats
    warnings = [line for line in running.envoy.log_path.read_text().splitlines() if "[warning]" in line]
    assert not [line for line in warnings if "eprecat" in line or "work-in-progress" in line], warnings


def broken(**action: object) -> RouteTable:
    """A table with one rule that Envoy refuses."""
    return table([listener(anyone(rule("bad", "/bad/", Forward(**action))))], cluster("one"))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (broken(cluster="nowhere"), "route: unknown cluster 'nowhere'"),
        (broken(cluster="one", mirrors=(Mirror("nowhere", 1),)), "route: unknown shadow cluster 'nowhere'"),
        (broken(cluster="one", regex_rewrite=RegexRewrite("(", "")), "missing ): ("),
        (table([listener(anyone(), anyone())]), "Only a single wildcard domain is permitted"),
        (table([listener(port=70_000)]), "PortValue: value must be less than or equal to 65535"),
    ],
)
def test_validate_sees_what_is_rendered(binary: Path, bad: RouteTable, words: str) -> None:
    """The static bootstrap, in either form, shows Envoy's own check every route and cluster."""
    for form in FilesFormat:
        bootstrap = static_bootstrap(render(bad, RenderOptions()), RenderOptions(), form)
        assert words in (validate(binary, bootstrap, form=form) or "")
