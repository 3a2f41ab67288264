"""Two instances in one cluster, told apart by ``ambassador_id``, each on its own documents of the same objects."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from reconciler.loop import Loop
from reconciler.model.decision import Decision
from tests.support.controllers import mapping, on_repository, reconcile, served
from tests.support.kubernetes import ApiServer, Document
from tests.support.repositories import Repository
from tests.support.waiting import eventually

ANNOTATION = """\
---
apiVersion: getambassador.io/v3alpha1
kind: Mapping
name: for-all
hostname: "*"
prefix: /all/
service: web
ambassador_id: ["inside", "outside"]
---
apiVersion: ambassador/v1
kind: Mapping
name: for-one
prefix: /one/
service: web
ambassador_id: inside
---
apiVersion: ambassador/v1
kind: Mapping
name: for-nobody-here
prefix: /nobody/
service: web
"""


def service() -> Document:
    """One Service with documents for several instances."""
    metadata = {"name": "web", "annotations": {"getambassador.io/config": ANNOTATION}}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"clusterIP": "None"}}


@contextmanager
def instances(api: ApiServer, namespace: str, directory: Path, *names: str) -> Iterator[list[Loop]]:
    """One controller per ambassador id, all on the same repository and namespace."""
    repository = Repository.create(directory / "repository")
    repository.commit({"a.yaml": mapping("file", "/file/", ambassador_id="inside")})
    config = api.kubeconfig(directory / "kubeconfig", namespace=namespace)
    with ExitStack() as stack:
        yield [
            stack.enter_context(
                on_repository(
                    repository.path,
                    directory / name,
                    f"files:{directory / name / 'out'}",
                    ambassador_id=name,
                    annotations="true",
                    namespaces=(namespace,),
                    kubeconfig=config,
                )
            )
            for name in names
        ]


def test_each_instance_serves_its_own_documents(api: ApiServer, namespace: str, tmp_path: Path) -> None:
    """Of the same annotation and the same file; what is for nobody here is no problem of anybody."""
    api.admin.apply(service(), namespace=namespace)
    with instances(api, namespace, tmp_path, "inside", "outside") as (inside, outside):
        first = reconcile(inside, Decision.APPLIED)
        second = reconcile(outside, Decision.APPLIED)
        assert first.problems == second.problems == ()
        of_all = {f"{namespace}/for-all": "/all/"}
        assert served(inside) == of_all | {"default/file": "/file/", f"{namespace}/for-one": "/one/"}
        assert served(outside) == of_all


def test_a_document_may_change_hands(api: ApiServer, namespace: str, tmp_path: Path) -> None:
    """One edit takes a route from an instance and gives it to the other."""
    api.admin.apply(service(), namespace=namespace)
    with instances(api, namespace, tmp_path, "inside", "outside") as (inside, outside):
        reconcile(inside, Decision.APPLIED)
        reconcile(outside, Decision.APPLIED)
        handed = service()
        text = ANNOTATION.replace("ambassador_id: inside", "ambassador_id: outside")
        handed["metadata"]["annotations"]["getambassador.io/config"] = text
        api.admin.apply(handed, namespace=namespace)

        def arrived() -> bool:
            for loop in (inside, outside):
                loop.once()
            one = f"{namespace}/for-one"
            return one in served(outside) and one not in served(inside)

        eventually(arrived, what="the route to change hands")
