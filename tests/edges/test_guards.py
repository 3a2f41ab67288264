"""A document that guards every request: while it is broken, nothing is served without it."""

from pathlib import Path

import pytest

from reconciler.model.decision import Decision
from reconciler.model.problem import Code
from reconciler.model.services import AuthServiceResource
from tests.edges.test_pipeline_xds import LARGE_PATTERN, SMALL_PATTERN, envoy_of, port_of
from tests.support.auth_servers import auth_http
from tests.support.controllers import mapping, on_repository, reconcile, served
from tests.support.http import get
from tests.support.repositories import Repository
from tests.support.upstreams import Upstream

HEAD = "apiVersion: getambassador.io/v3alpha1\nkind: {}\nmetadata: {{name: {}}}\nspec: "
AUTH = HEAD.format("AuthService", "auth")
GOOD = AUTH + "{auth_service: auth, timeout_ms: 1}\n"
CHANGED = AUTH + "{auth_service: auth, timeout_ms: 2, path_prefix: /forbidden}\n"
BAD = AUTH + "{auth_service: auth, proto: x}\n"


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """A Mapping, and nothing that guards it yet."""
    made = Repository.create(tmp_path / "repository")
    made.commit({"a.yaml": mapping("a", "/a/")}, "Start")
    return made


@pytest.mark.parametrize(
    "broken",
    [
        BAD,
        AUTH + "{auth_service: auth, proto: grpc, protocol_version: v2}\n",
        AUTH + "{auth_service: auth, tls: no-such-context}\n",
        AUTH + "{auth_service: [auth}\n",
        HEAD.format("AuthServise", "auth") + "{auth_service: auth}\n",
        HEAD.format("RateLimitService", "limits") + "{}\n",
        HEAD.format("Module", "ambassador") + "{config: {ip_deny: [{remote: nowhere}]}}\n",
        b"kind: AuthService \xff",
        HEAD.format("Module", "ambassador") + "{config: {lua_scripts: x()}}\n",
        HEAD.format("Module", "tls") + "{config: {server: {secret: a, cert_required: true, sni: 1}}}\n",
        HEAD.format("TLSContext", "a-context") + "{cert_required: true, ca_secret: a, alpn_protocols: 1}\n",
        HEAD.format("TLSContext", "a-context") + "{hosts: [a.test], secret: a, cert_required: true}\n",
        HEAD.format("TLSContext", "a-context") + "{cert_required: true, ca_secret: [a}\n",
    ],
)
def test_a_broken_guard_refuses_everything_until_it_is_mended(tmp_path: Path, broken: str | bytes) -> None:
    """Nothing is served at first; once it is right, everything is."""
    repository = Repository.create(tmp_path / "repository")
    repository.commit({"a.yaml": mapping("a", "/a/"), "guard.yaml": broken})
    with on_repository(repository.path, tmp_path / "state", f"files:{tmp_path / 'out'}") as loop:
        outcome = reconcile(loop, Decision.REFUSED)
        assert outcome.plan is not None
        assert [refusal.reason for refusal in outcome.plan.refusals] == ["Unguarded"]
        assert served(loop) == {}
        repository.commit({"guard.yaml": GOOD})
        reconcile(loop, Decision.APPLIED)
        assert served(loop) == {"default/a": "/a/"}


def test_a_served_guard_stays_at_its_last_good_version(repository: Repository, tmp_path: Path) -> None:
    """Breaking it later is one error like others, also after a restart; removing it is a change like others."""
    target = f"files:{tmp_path / 'out'}"
    with on_repository(repository.path, tmp_path / "state", target) as loop:
        reconcile(loop, Decision.APPLIED)
        repository.commit({"guard.yaml": GOOD})
        reconcile(loop, Decision.APPLIED)
    with on_repository(repository.path, tmp_path / "state", target) as loop:
        repository.commit({"guard.yaml": BAD, "a.yaml": mapping("a", "/new/")})
        reconcile(loop, Decision.PARTIAL)
        assert served(loop) == {"default/a": "/new/"}
        assert timeout(loop.state.applied.resources) == 1
        repository.commit({"guard.yaml": None})
        outcome = reconcile(loop, Decision.APPLIED)
        assert outcome.plan is not None
        assert [change.sentence for change in outcome.plan.edge] == ["REQUESTS ARE NO LONGER AUTHENTICATED"]
        assert timeout(loop.state.applied.resources) is None


def timeout(resources: object) -> int | None:
    """That of the AuthService which is served."""
    assert isinstance(resources, tuple)
    found = [resource.settings.timeout_ms for resource in resources if isinstance(resource, AuthServiceResource)]
    return found[0] if found else None


def test_an_unguarded_plan_can_be_allowed_by_its_digest(repository: Repository, tmp_path: Path) -> None:
    """Somebody may want exactly that; the next plan is refused again."""
    target, state = f"files:{tmp_path / 'out'}", tmp_path / "state"
    repository.commit({"guard.yaml": BAD})
    with on_repository(repository.path, state, target) as loop:
        plan = reconcile(loop, Decision.REFUSED).plan
        assert plan is not None
    with on_repository(repository.path, state, target, allow_plan=plan.digest) as loop:
        reconcile(loop, Decision.PARTIAL)
        assert served(loop) == {"default/a": "/a/"}
        repository.commit({"a.yaml": mapping("a", "/b/")})
        reconcile(loop, Decision.REFUSED)
        assert served(loop) == {"default/a": "/a/"}


def test_a_second_broken_guard_takes_nobody_down(repository: Repository, tmp_path: Path) -> None:
    """While one of its kind is served, requests are guarded."""
    repository.commit({"guard.yaml": GOOD})
    with on_repository(repository.path, tmp_path / "state", f"files:{tmp_path / 'out'}") as loop:
        reconcile(loop, Decision.APPLIED)
        repository.commit({"second.yaml": BAD.replace("name: auth", "name: other"), "a.yaml": mapping("a", "/new/")})
        outcome = reconcile(loop, Decision.PARTIAL)
        assert [p.resource for p in outcome.problems] == ["AuthService default/other"]
        assert served(loop) == {"default/a": "/new/"}


def test_a_guard_that_envoy_rejects_refuses_everything(repository: Repository, tmp_path: Path) -> None:
    """A new one that only Envoy finds wrong is never left out to serve the rest; a changed one stays as it was."""
    with on_repository(repository.path, tmp_path / "state", f"files:{tmp_path / 'out'}") as loop:
        reconcile(loop, Decision.APPLIED)

        # This stands for what a newer Envoy refuses beyond what we know of.
        def complain(snapshot: object) -> str:
            return "Envoy says no" if "ext_authz" in str(snapshot) else ""

        accepts, forbids = loop.edges.complain, complain
        object.__setattr__(loop.edges, "complain", forbids)
        repository.commit({"guard.yaml": GOOD, "a.yaml": mapping("a", "/new/")})
        assert reconcile(loop, Decision.REFUSED).reason == "EnvoyRejected"
        assert served(loop) == {"default/a": "/a/"}
        object.__setattr__(loop.edges, "complain", accepts)
        repository.commit({"README.md": "again"})
        reconcile(loop, Decision.APPLIED)
        object.__setattr__(loop.edges, "complain", lambda snapshot: "no" if "/forbidden" in str(snapshot) else "")
        repository.commit({"guard.yaml": CHANGED, "a.yaml": mapping("a", "/newer/")})
        outcome = reconcile(loop, Decision.PARTIAL)
        assert [(p.code, p.resource) for p in outcome.problems] == [(Code.ENVOY_REJECTED, "AuthService default/auth")]
        assert served(loop) == {"default/a": "/newer/"}
        assert timeout(loop.state.applied.resources) == 1


def test_a_live_rejection_never_serves_without_the_new_guard(tmp_path: Path) -> None:
    """A bad Mapping beside a new AuthService is found while every request is asked about."""
    repository = Repository.create(tmp_path / "repository")
    repository.commit({"a.yaml": mapping("a", SMALL_PATTERN, prefix_regex="true")})
    with auth_http() as auth, Upstream("up") as upstream:
        addresses = (f"auth.default={auth.address}", f"*={upstream.address}")
        with (
            on_repository(repository.path, tmp_path / "state", "xds", service_address=addresses) as loop,
            envoy_of(loop, tmp_path, largest_pattern=40) as envoy,
        ):
            reconcile(loop, Decision.APPLIED)
            assert get(port_of(envoy), "/x7/").status == 200
            changes: dict[str, str | bytes | None] = {f"m{i}.yaml": mapping(f"m{i}", f"/m{i}/") for i in range(4)}
            changes |= {"a.yaml": mapping("a", LARGE_PATTERN, prefix_regex="true")}
            repository.commit(changes | {"guard.yaml": AUTH + "{auth_service: auth}\n"})
            outcome = reconcile(loop, Decision.PARTIAL)
            assert [(p.code, p.resource) for p in outcome.problems] == [(Code.ENVOY_REJECTED, "Mapping default/a")]
            assert get(port_of(envoy), "/m3/deny").status == 401
            assert get(port_of(envoy), "/m3/").status == 200


@pytest.mark.parametrize("target", ["files", "xds"])
def test_a_guard_that_is_lost_on_the_way_through_a_restart_serves_nothing(
    repository: Repository, tmp_path: Path, target: str
) -> None:
    """Settings that no longer allow what a guard asks for leave Envoys what they have, whatever has drifted."""
    at = f"files:{tmp_path / 'out'}" if target == "files" else "xds"
    state = tmp_path / "state"
    repository.commit({"guard.yaml": AUTH + '{auth_service: auth, add_auth_headers: {x-a: "%ENVIRONMENT(TOKEN)%"}}\n'})
    with on_repository(repository.path, state, at, variables=("TOKEN",)) as loop:
        loop.once()
        assert loop.state.applied.table.edge.auth is not None
    before = _files(tmp_path / "out")
    with on_repository(repository.path, state, at) as loop:
        plan = reconcile(loop, Decision.REFUSED).plan
        assert plan is not None
        assert [refusal.reason for refusal in plan.refusals] == ["Unguarded"]
        assert loop.once().decision is Decision.UNCHANGED
        assert _files(tmp_path / "out") == before
        if target == "xds":
            assert loop.edges.targets[0].observe() is None  # it serves nothing
    with on_repository(repository.path, state, at, variables=("TOKEN",)) as loop:
        loop.once()
        assert loop.state.applied.table.edge.auth is not None
        assert _files(tmp_path / "out") == before


def test_a_folder_for_the_platform_loses_no_guard(repository: Repository, tmp_path: Path) -> None:
    """An AuthService that stands elsewhere stays as it is, and is reported."""
    at, state = f"files:{tmp_path / 'out'}", tmp_path / "state"
    repository.commit({"guard.yaml": GOOD})
    with on_repository(repository.path, state, at) as loop:
        reconcile(loop, Decision.APPLIED)
    with on_repository(repository.path, state, at, platform_path=("platform",)) as loop:
        repository.commit({"a.yaml": mapping("a", "/new/")})
        outcome = reconcile(loop, Decision.PARTIAL)
        assert [problem.code for problem in outcome.problems] == [Code.NOT_ALLOWED]
        assert timeout(loop.state.applied.resources) == 1
        repository.commit({"guard.yaml": None, "platform/guard.yaml": GOOD})
        assert reconcile(loop, Decision.UNCHANGED).problems == ()


def _files(folder: Path) -> dict[str, bytes]:
    """What stands in the files of a target."""
    return {path.name: path.read_bytes() for path in folder.iterdir()} if folder.exists() else {}
