"""What a team writes into objects of its own namespace concerns nobody else."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reconciler.change import compiled_change, read
from reconciler.compile import NOTHING, Compiled, Options, compile_routes, load_source
from reconciler.model.digest import digest_bytes
from reconciler.model.limits import DEFAULT_LIMITS
from reconciler.model.problem import Code
from reconciler.model.provenance import ObjectTouch, namespace_of, object_path
from reconciler.model.resource import Kind
from reconciler.model.source import ClusterObject, Revision, SourceFile, SourceSnapshot
from reconciler.recompile import Memory, recompile
from reconciler.resources import load_files, load_origins
from reconciler.rollout import Attempted, accept
from reconciler.state import State, restore
from tests.support import journals

PLATFORM = Options(limits=replace(DEFAULT_LIMITS, platform_namespaces=("edge",)))
EVERYBODY = Options(limits=replace(DEFAULT_LIMITS, platform_namespaces=("*",)))
_WRITTEN = datetime(2026, 1, 1, tzinfo=UTC)
EVIL, EDGE = object_path("Service", "evil", "svc"), object_path("Service", "edge", "svc")


def document(kind: str, name: str, fields: str, namespace: str = "") -> str:
    """One document, flat as in an annotation."""
    own = f"namespace: {namespace}\n" if namespace else ""
    return f"---\napiVersion: getambassador.io/v3alpha1\nkind: {kind}\nname: {name}\n{own}{fields}\n"


def mapping(name: str, hostname: str = "*", namespace: str = "") -> str:
    """A Mapping."""
    return document(
        "Mapping",
        name,
        f"{{hostname: '{hostname}', prefix: /{name}/, service: {name}}}"[1:-1].replace(", ", "\n"),
        namespace,
    )


def source_file(path: str, text: str) -> SourceFile:
    """A file, or an annotation, whose documents are of its namespace."""
    namespace = namespace_of(path)
    at = None if namespace is None else ClusterObject(namespace, ObjectTouch("uid", "1", "kubectl", _WRITTEN), (), True)
    return SourceFile(path, digest_bytes(text.encode()), text.encode(), object=at)


def compiled(files: dict[str, str], before: Compiled = NOTHING, options: Options = PLATFORM) -> Compiled:
    """What comes of files and annotations."""
    source = SourceSnapshot(None, None, tuple(source_file(path, text) for path, text in sorted(files.items())))
    return compile_routes(source, load_source(source, options), options, before.resources)


def served(one: Compiled) -> list[str]:
    """The identities that are served."""
    return [str(resource.origin.id) for resource in one.resources]


@pytest.mark.parametrize(
    ("kind", "name", "fields"),
    [
        ("Listener", "l", "port: 9999\nprotocol: HTTP\nsecurityModel: XFP\nhostBinding: {namespace: {from: ALL}}"),
        ("AuthService", "a", "auth_service: auth"),
        ("RateLimitService", "r", "service: limits\nprotocol_version: v3"),
        ("TracingService", "t", "service: traces\ndriver: zipkin"),
        ("LogService", "g", "service: logs\ndriver: http\ndriver_config: {}\ngrpc: true"),
        ("Module", "ambassador", "config: {ip_deny: [{remote: 0.0.0.0/0}]}"),
        ("Host", "h", "hostname: '*'\nrequestPolicy: {insecure: {action: Reject}}"),
    ],
)
def test_what_concerns_everybody_stands_in_namespaces_of_the_platform(kind: str, name: str, fields: str) -> None:
    """From any other one it is refused, with a word on how to allow it, and everything else is as without it."""
    ours = {"m.yaml": mapping("m")}
    text = document(kind, name, fields, "evil")
    refused = compiled(ours | {EVIL: text})
    (problem,) = refused.problems
    assert (problem.code, problem.provenance.path) == (Code.NOT_ALLOWED, EVIL)
    assert "platform_namespaces" in problem.hint
    assert "Ownership" in problem.hint
    assert refused.table == compiled(ours).table
    assert refused.unguarded == ()
    for path, options in ((EDGE, PLATFORM), (EVIL, EVERYBODY)):
        allowed = compiled(ours | {path: text.replace("evil", "edge" if path == EDGE else "evil")}, NOTHING, options)
        assert any(one.startswith(kind) for one in served(allowed))
    origins = [one.origin for one in compiled({EVIL: text}, NOTHING, EVERYBODY).resources]
    assert len(load_origins(origins, limits=PLATFORM.limits).resources) == 1


def found(one: Compiled) -> set[Code]:
    """The codes of what there is to say."""
    return {problem.code for problem in one.problems}


def hosts_of(one: Compiled) -> dict[str, list[str]]:
    """The virtual hosts of the first port, each with its routes."""
    return {str(host.host): [route.name for route in host.routes] for host in one.table.listeners[0].virtual_hosts}


@pytest.mark.parametrize(
    "fields",
    ["hostname: evil.example", "hostname: evil.example\nmappingSelector: {matchLabels: {a: b}}"],
)
def test_the_first_host_in_an_annotation_takes_nothing_from_others(fields: str) -> None:
    """What is served for being named stays so, with its guard; the Host has its own name, at which others are, too."""
    ours = {"m.yaml": mapping("m"), "shop.yaml": mapping("shop", "shop.test")}
    host = {EVIL: document("Host", "h", fields) + mapping("own", "evil.example")}
    before = compiled(ours)
    after = compiled(ours | host, before)
    assert not any(problem.resource.startswith("Mapping default") for problem in after.problems)
    assert {"Mapping default/m", "Mapping default/shop"} <= set(served(after))
    assert hosts_of(before).items() <= hosts_of(after).items()
    assert hosts_of(after)["evil.example"] == ([] if "Selector" in fields else ["evil/own", "default/m"])
    (guarded,) = [one for one in after.table.listeners[0].virtual_hosts if one.guard is not None]
    assert str(guarded.host) == "evil.example"


@pytest.mark.parametrize(("path", "options"), [("hosts.yaml", PLATFORM), (EDGE, PLATFORM), (EVIL, EVERYBODY)])
def test_a_host_of_the_platform_says_which_hosts_there_are(path: str, options: Options) -> None:
    """As it ever did: one in a file, or in a namespace of the platform."""
    files = {"m.yaml": mapping("m", "shop.test"), path: document("Host", "h", "hostname: a.test")}
    one = compiled(files, NOTHING, options)
    assert Code.NO_HOST in found(one)
    assert list(hosts_of(one)) == ["a.test"]


def test_what_is_served_for_being_named_is_redirected_as_before() -> None:
    """The Module says so for all that no Host speaks of; a Host of a guest speaks of its own name only."""
    module = {"a.yaml": document("Module", "ambassador", "config: {x_forwarded_proto_redirect: true}")}
    host = document("Host", "h", "hostname: evil.example\nrequestPolicy: {insecure: {action: Route}}")
    one = compiled(module | {"m.yaml": mapping("m"), EVIL: host})
    assert {str(host.host): host.guard is not None for host in one.table.listeners[0].virtual_hosts} == {
        "*": True,
        "evil.example": False,
    }
    assert found(one) == set()


def test_an_owner_keeps_what_is_served_for_being_named() -> None:
    """A Host of the own name is no way around an Ownership: all named hosts are served beside it."""
    owners = (
        "apiVersion: reconciler.dev/v1alpha1\nkind: Ownership\nmetadata: {name: owners}\n"
        "spec: {rules: [{hosts: [shop.test], owners: {namespaces: [shop]}}]}\n"
    )
    text = document("Host", "h", "hostname: evil.example") + mapping("m", "shop.test")
    assert "Mapping evil/m" not in served(compiled({"owners.yaml": owners, EVIL: text}))
    assert "Mapping evil/m" in served(compiled({EVIL: text}))


def test_labels_keep_nothing_apart_that_is_served_for_being_named() -> None:
    """A Host that selects a rival of a Mapping does not hide that both ask for the same requests."""
    host = document("Host", "h", "hostname: evil.example\nmappingSelector: {matchLabels: {a: b}}")
    rival = document("Mapping", "aaa", "hostname: '*'\nprefix: /m/\nservice: evil")
    one = compiled({"m.yaml": mapping("m"), EVIL: host + rival}, compiled({"m.yaml": mapping("m")}))
    assert Code.CONFLICT in found(one)
    assert "Mapping default/m" in served(one)
    assert "Mapping evil/aaa" not in served(one)


BROKEN_GUARDS = {
    "broken": document("TLSContext", "t", "hosts: [evil.example]\nsecret: s\nca_secret: ca\ncert_required: maybe"),
    "unreadable": "kind: TLSContext\ncert_required: true\n: [",
    "lacking": document("TLSContext", "t", "hosts: [evil.example]\nca_secret: ca\ncert_required: true"),
    "host": document("Host", "h", "hostname: [evil.example]"),
    "dark host": document("Host", "h", "hostname: evil.example\ntlsContext: {name: missing}"),
    "auth": document("AuthService", "a", "auth_service: [1]"),
    "ownership": "apiVersion: reconciler.dev/v1alpha1\nkind: Ownership\nmetadata: {name: o}\nspec: {rules: 1}\n",
}


@pytest.mark.parametrize("broken", BROKEN_GUARDS)
@pytest.mark.parametrize("platform", ["", "platform: {paths: [platform]}"])
def test_a_broken_guard_of_a_guest_holds_nobody_up(broken: str, platform: str) -> None:
    """Whatever kind it was to be, and also where an Ownership says who may speak for all."""
    owners = f"apiVersion: reconciler.dev/v1alpha1\nkind: Ownership\nmetadata: {{name: owners}}\nspec: {{{platform}}}\n"
    files = {"platform/owners.yaml": owners, "m.yaml": mapping("m")}
    one = compiled(files | {EVIL: BROKEN_GUARDS[broken]})
    assert one.unguarded == ()
    assert one.problems != ()
    assert "Mapping default/m" in served(one)
    if broken != "ownership":
        assert compiled(files | {"file.yaml": BROKEN_GUARDS[broken]}).unguarded != ()


def test_a_guard_of_a_guest_that_is_served_stays_served() -> None:
    """Broken by and by, it is still there, and nobody is held up."""
    good = document("TLSContext", "t", "hosts: [evil.example]\nsecret: s\nca_secret: ca\ncert_required: true")
    before = compiled({EVIL: good + mapping("own", "evil.example")})
    for broken in (good.replace("true", "maybe"), BROKEN_GUARDS["unreadable"]):
        after = compiled({EVIL: broken}, before)
        assert "TLSContext evil/t" in served(after)
        assert after.unguarded == ()


@pytest.mark.parametrize("text", [mapping("m", "a.test", "team").replace("prefix", "prefx"), "{not: closed"])
def test_a_broken_annotation_keeps_nothing_of_another_namespace(text: str) -> None:
    """What its owner deletes is gone, though somebody else names it; one in the own namespace stays."""
    own = object_path("Service", "team", "svc")
    for path in ("m.yaml", own):
        before = compiled({path: mapping("m", "a.test", "team"), "n.yaml": mapping("n")})
        assert "Mapping team/m" in served(before)
        after = compiled({EVIL: text, "n.yaml": mapping("n")}, before)
        assert served(after) == ["Mapping default/n"]
        assert "Mapping team/m" in served(compiled({path: text, "n.yaml": mapping("n")}, before))


def test_a_team_of_several_namespaces_keeps_what_it_breaks() -> None:
    """Where the platform says that they are one team's."""
    owners = (
        "apiVersion: reconciler.dev/v1alpha1\nkind: Ownership\nmetadata: {name: owners}\n"
        "spec: {teams: [{name: shop, namespaces: [team, evil]}]}\n"
    )
    files = {"owners.yaml": owners}
    before = compiled(files | {"m.yaml": mapping("m", "a.test", "team").replace("svc", "x")})
    before = compiled(files | {EVIL: mapping("m", "a.test", "team")}, before)
    assert "Mapping team/m" in served(before)
    broken = mapping("m", "a.test", "team").replace("prefix", "prefx")
    assert "Mapping team/m" in served(compiled(files | {EVIL: broken}, before))


def test_an_ownership_that_is_deleted_is_gone() -> None:
    """Though an annotation names it."""
    owners = "apiVersion: reconciler.dev/v1alpha1\nkind: Ownership\nmetadata: {name: owners}\nspec: {deny: [unowned]}\n"
    owners = owners.replace("{deny: [unowned]}", "{rules: [{hosts: [a.test], owners: {namespaces: [evil]}}]}")
    files = {"m.yaml": mapping("m", "a.test")}
    before = compiled(files | {"owners.yaml": owners})
    assert served(before) == ["Ownership default/owners"]
    annotation = owners.replace("name: owners", "name: owners, namespace: default")
    after = compiled(files | {EVIL: annotation}, before)
    assert served(after) == ["Mapping default/m"]


def attempt(files: dict[str, str], state: State) -> Attempted[Compiled]:
    """A change, as a reconcile tries it."""
    source = SourceSnapshot(None, None, tuple(source_file(path, text) for path, text in sorted(files.items())))
    return compiled_change(source, read(source, PLATFORM, state, None), PLATFORM, state, state.applied.resources)


def test_a_guard_of_a_guest_that_envoy_rejects_is_left_out() -> None:
    """And the rest is applied, without anybody waiting for it; a new one of the platform is none to leave out."""
    state = State(applied=compiled({"m.yaml": mapping("m")}))
    host = document("Host", "h", "hostname: evil.example\ntlsContext: {name: t}")
    context = document("TLSContext", "t", "secret: s\nca_secret: ca\ncert_required: true\necdh_curves: [P-224]")
    files = {"m.yaml": mapping("m"), "new.yaml": mapping("new")}

    def complain(one: Compiled) -> str:
        return "no such curve" if "P-224" in str(one.table) else ""

    accepted = accept(attempt(files | {EVIL: context + host}, state), complain)
    assert accepted.compiled is not None
    assert {str(name) for name in accepted.held} <= {"Host evil/h", "TLSContext evil/t"}
    assert served(accepted.compiled)[-2:] == ["Mapping default/m", "Mapping default/new"]
    assert accepted.compiled.unguarded == ()
    assert accept(attempt(files | {EDGE: context + host}, state), complain).compiled is None


def test_a_guard_of_a_guest_is_missed_where_it_is_served(tmp_path: Path) -> None:
    """What the journal kept of it can't be read any more: what it guards is not served without it."""
    context = document("TLSContext", "t", "secret: s\nca_secret: ca\nhosts: [a.test]\ncert_required: true")
    origins = [one.origin for one in compiled({EVIL: context + mapping("own", "a.test")}).resources]
    (kept,) = (one for one in origins if one.id.kind is Kind.TLS_CONTEXT)
    broken = [replace(kept, document=kept.document.replace(b"true", b"1")) if one is kept else one for one in origins]
    for name, documents, missed in (("good", origins, False), ("broken", broken, True)):
        journal = journals.journal(tmp_path / f"{name}.db")
        journals.apply(journal, 1, documents)
        assert restore(journal, PLATFORM).unguarded is missed
        journal.close()


def test_beside_hosts_of_guests_a_change_costs_what_it_changes() -> None:
    """Mappings come, change and go at hosts that are named and at those of Hosts: at every step as compiled anew."""
    host = {EVIL: document("Host", "h", "hostname: evil.example\nmappingSelector: {matchLabels: {a: b}}")}
    other = {EDGE: document("Host", "w", "hostname: '*.other.test'")}
    more = [{}, {"n.yaml": mapping("n", "shop.test")}, {"n.yaml": mapping("n", "x.other.test")}, {}]
    more += [
        {"n.yaml": mapping("n", "evil.example")},
        {"n.yaml": mapping("n")},
        {},
        {"n.yaml": mapping("n", "shop.test")},
    ]
    more += [{"n.yaml": mapping("n")}, {}]
    always = {"m.yaml": mapping("m"), "shop.yaml": mapping("shop", "shop.test")}
    nobody = Options()
    files, before, short = None, NOTHING, 0
    memory: Memory | None = None
    for texts in [always | host | other | one for one in more]:
        found = tuple(source_file(path, text) for path, text in sorted(texts.items()))
        source = SourceSnapshot(Revision("main", digest_bytes(repr(texts).encode())), None, found)
        files = load_files(source, files)
        cold = compile_routes(source, files.whole(), nobody, before.resources)
        quick = recompile(memory, source, files, nobody, before.resources) if memory else None
        if quick:
            short += 1
            assert (quick.table, quick.snapshot, quick.problems) == (cold.table, cold.snapshot, cold.problems)
        else:
            memory = Memory.of(source, files, cold, nobody, before.resources)
        before = quick or cold
    assert short > 2
