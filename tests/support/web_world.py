"""A small real journal, and what a controller would show beside it, for tests of pages and API."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import cast

from starlette.testclient import TestClient

from reconciler.audit import Journal
from reconciler.cli.pages import matched_by
from reconciler.compile import NOTHING, Compiled, Options, compile_routes, plan_change
from reconciler.model.audit import Documents
from reconciler.model.decision import Condition, ConditionType, Decision
from reconciler.model.effect import Ack, AckState, Drift, Evidence
from reconciler.model.health import Health, SourceHealth
from reconciler.model.leadership import Leadership
from reconciler.model.origin import Origin
from reconciler.model.question import Answers
from reconciler.model.source import Commit, Person, Revision, SourceFile, SourceSnapshot
from reconciler.plan import BlastRadius, worded
from reconciler.resources import load
from reconciler.web.access import NO_GRANTS, Access, Grants, Rules
from reconciler.web.application import application
from reconciler.web.events import Events
from reconciler.web.view import Board, Envoy, Live, TargetView
from tests.support import journals
from tests.support.journals import NOON, Clock

OPTIONS = Options(blast_radius=BlastRadius(max_delete_share=1.0))
OPEN = Rules(open=True, local=True)
_ROUTES = "type.googleapis.com/envoy.config.route.v3.RouteConfiguration"


def mapping(namespace: str, name: str, *, host: str = "", prefix: str = "", service: str = "", more: str = "") -> str:
    """A Mapping document; what is not said follows from its name."""
    return (
        "apiVersion: getambassador.io/v3alpha1\nkind: Mapping\n"
        f"metadata: {{name: {name}, namespace: {namespace}}}\n"
        f"spec: {{hostname: {host or f'{namespace}.example.com'}, prefix: {prefix or f'/{name}/'}, "
        f"service: {service or f'{name}.{namespace}'}{more}}}\n"
    )


@dataclass
class WebWorld:
    """Revisions that were applied, and the board that shows them.

    Attributes:
        owner: turns up in everything about the controller itself.
        owners: who writes which file, where that is not the author of the commit.
    """

    journal: Journal
    owner: str = "platform"
    compiled: Compiled = NOTHING
    revision: Revision | None = None
    number: int = 0
    owners: Mapping[str, Person] = field(default_factory=dict)
    written: dict[str, tuple[str, Commit]] = field(default_factory=dict)
    accesses: list[Access] = field(default_factory=list)
    bugs: list[Exception] = field(default_factory=list)

    @classmethod
    def at(cls, path: Path) -> "WebWorld":
        """With an empty journal."""
        return cls(Journal.open(path, Clock()))

    def apply(self, files: Mapping[str, str], author: Person, subject: str, *, words: str = "") -> int:
        """One commit that leaves these files; returns the number of its entry.

        Args:
            files: all of them, by path.
            author: of the commit.
            subject: of the commit.
            words: turn up wherever somebody writes freely: messages, names of Envoys, what they say.
        """
        self.number += 1
        made = journals.commit(self.number, author=author, subject=subject)
        found = tuple(
            SourceFile(path, "", text.encode(), self._touched(path, text, made)) for path, text in sorted(files.items())
        )
        source = SourceSnapshot(Revision("main", made.sha), made, found)
        compiled = compile_routes(source, load(source.files), OPTIONS, self.compiled.resources)
        plan = plan_change(self.compiled, compiled, OPTIONS, fast_forward=True)
        attempt = journals.attempt(
            self.number,
            commit=made,
            commits_in_range=(made,),
            revision=source.revision,
            previous=self.revision,
            plan=plan,
            drift=(Drift("xds", f"changed {words}", f"by {words}"),) if words else (),
        )
        sequence = self.journal.intend(attempt)
        conclusion = journals.conclusion(
            attempt,
            decision=Decision.PARTIAL if compiled.quarantined else Decision.APPLIED,
            reason="InvalidMapping" if compiled.quarantined else "",
            message=f"quarantined {words}" if compiled.quarantined else "",
            problems=compiled.problems,
            quarantined=compiled.quarantined,
            acks=(_ack(words),),
            rejections=(_ack(words),) if words else (),
        )
        self.journal.conclude(sequence, conclusion, Documents.of(_origins(compiled)), compiled.snapshot.digest)
        self.compiled, self.revision = compiled, source.revision
        return sequence

    def _touched(self, path: str, text: str, made: Commit) -> tuple[Commit, ...]:
        """The commit that last changed a file, for each of its documents."""
        if path not in self.written or self.written[path][0] != text:
            author = self.owners.get(path, made.author)
            self.written[path] = (
                text,
                made if author == made.author else replace(made, sha=made.sha[::-1], author=author),
            )
        return (self.written[path][1],) * (text.count("\n---\n") + 1)

    def live(self) -> Live:
        """The controller now."""
        return Live(
            moment=NOON + timedelta(hours=1),
            started_at=NOON,
            instance="",
            repository=f"https://git.example.com/{self.owner}/routes.git",
            table=self.compiled.table,
            served=self.revision,
            attempted=self.revision,
            problems=self.compiled.problems,
            quarantined=self.compiled.quarantined,
            conditions=(Condition(ConditionType.READY, True, "Applied", f"all of {self.owner}"),),
            looked_at=NOON,
            message=f"all of {self.owner}",
            health=Health((SourceHealth("git", 1.5, f"{self.owner} is away", False, 3),)),
            election=Leadership(True, f"{self.owner}-0", f"{self.owner}-0", ""),
            targets=(TargetView("xds", False), TargetView(f"files:/{self.owner}", False)),
            envoys=(Envoy(f"{self.owner}-1", self.owner, "envoy/1.40", "delta", NOON, (_ack(self.owner),), 3, 2, 1),),
        )

    @property
    def board(self) -> Board:
        """What pages and API show."""
        return Board(self.answers, self.live, lambda asked: matched_by(self.compiled.table, asked), worded)

    @property
    def answers(self) -> Answers:
        """The journal, to ask."""
        return cast("Answers", self.journal)

    def client(
        self, rules: Rules = OPEN, grants: Callable[[], Grants] = lambda: NO_GRANTS, base: str = "http://localhost"
    ) -> TestClient:
        """A client of the whole application, in this process; what fails inside is its answer, as for any client."""
        app = application(self.board, Events(self.answers), rules, grants, self.accesses.append, self.bugs.append)
        return TestClient(app, base_url=base, follow_redirects=False, raise_server_exceptions=False)


def _origins(compiled: Compiled) -> list[Origin]:
    return [resource.origin for resource in compiled.resources]


def _ack(node: str) -> Ack:
    plain = Ack("xds", "envoy-1", _ROUTES, "v1", AckState.ACKED, Evidence.STREAM)
    return replace(plain, node=f"{node}-envoy", detail=f"{node} said so") if node else plain
