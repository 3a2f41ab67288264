"""One canonical log line per reconcile, and few on what is new in it. Goes to standard error.

Text on a terminal, JSON otherwise.
"""

import logging
import sys
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import structlog

from reconciler.model.decision import Decision
from reconciler.model.effect import AckState
from reconciler.model.health import AnchorHealth
from reconciler.model.outcome import Outcome
from reconciler.model.plan import Op
from reconciler.model.problem import Code, Problem, Severity

_MOST_LINES = 20


def configure(form: str) -> None:
    """Set up logging.

    Args:
        form: ``text``, ``json``, or ``auto`` for text on a terminal and JSON otherwise.
    """
    on_terminal = sys.stderr.isatty()
    as_text = form == "text" or (form == "auto" and on_terminal)
    # Not as it does by itself: where `rich` is installed that shows local variables, and so keys and passwords.
    plain = structlog.dev.plain_traceback
    renderer: Any = (
        structlog.dev.ConsoleRenderer(colors=on_terminal, exception_formatter=plain)
        if as_text
        else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="%H:%M:%S" if as_text else "iso", utc=not as_text),
            structlog.processors.format_exc_info if not as_text else _keep,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    # The web server writes by Python's own means. What strangers can make it warn of is not worth a line.
    server = logging.getLogger("uvicorn.error")
    server.handlers, server.propagate = [_Server(logging.ERROR)], False
    # So does what takes long at the start.
    ours = logging.getLogger("reconciler")
    ours.handlers, ours.propagate = [_Slow(logging.WARNING)], False


class _Server(logging.Handler):
    """What the web server takes for an error, as a line like any other."""

    def emit(self, record: logging.LogRecord) -> None:
        """One of them."""
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, Exception):
            log_bug(error)
        else:
            structlog.get_logger().error("web", problem=record.getMessage())


class _Slow(logging.Handler):
    """How far something is that takes long."""

    def emit(self, record: logging.LogRecord) -> None:
        """One step of it."""
        structlog.get_logger().warning("progress", message=record.getMessage())


def _keep(_logger: object, _name: str, event: Any) -> Any:
    return event


@dataclass(slots=True)
class OutcomeLog:
    """Says how reconciles end, and of what they found what is new: the rest was said before.

    Attributes:
        said: digests of what the last outcome that tells of documents had to say.
    """

    said: frozenset[bytes] = frozenset()

    def write(self, outcome: Outcome) -> None:
        """The canonical line, and a few for new findings. Quiet outcomes are not worth one."""
        if outcome.quiet:
            return
        logger = structlog.get_logger()
        write = logger.info if outcome.fine else logger.warning
        write("reconcile", **{key: value for key, value in _facts(outcome).items() if value not in (None, "", 0)})
        if outcome.decision is Decision.FAILED:
            return  # nothing was looked at: what was wrong still is
        # What is wrong with a document is told where documents are looked at; a source that is dark, only here.
        worth = [p for p in outcome.problems if p.severity is Severity.ERROR or p.code is Code.SOURCE_DARK]
        keys = [_key(problem) for problem in worth]
        new = [problem for problem, key in zip(worth, keys, strict=True) if key not in self.said]
        self.said = frozenset(keys)
        for problem in new[:_MOST_LINES]:
            logger.warning("problem", code=problem.code, resource=problem.resource, message=str(problem))
        if len(new) > _MOST_LINES:
            logger.warning("problems", more=len(new) - _MOST_LINES, message="the journal has them")


def _key(problem: Problem) -> bytes:
    """Tells one finding from others; not where exactly it stands, which changes with each edit around it."""
    words = (problem.code, problem.resource, problem.provenance.path, problem.field, problem.message, problem.got)
    return blake2b("\0".join(words).encode(errors="replace"), digest_size=16).digest()


def _facts(outcome: Outcome) -> dict[str, object]:
    plan, commit, acks = outcome.plan, outcome.commit, outcome.acks
    return {
        "decision": str(outcome.decision),
        "reason": outcome.reason,
        "message": outcome.message,
        "trigger": str(outcome.trigger),
        "revision": str(outcome.attempted) if outcome.attempted else None,
        "applied_revision": str(outcome.applied) if outcome.applied != outcome.attempted else None,
        "author": str(commit.author) if commit else None,
        "subject": commit.subject if commit else None,
        "created": plan.count(Op.CREATE) if plan else None,
        "updated": plan.count(Op.UPDATE) if plan else None,
        "deleted": plan.count(Op.DELETE) if plan else None,
        "routes": plan.routes_after if plan else None,
        "acked": sum(ack.state is AckState.ACKED for ack in acks),
        "nacked": sum(ack.state is AckState.NACKED for ack in acks),
        "pending": sum(ack.state is AckState.PENDING for ack in acks),
        "errors": outcome.errors,
        "journal": outcome.sequence,
        "ms": round(outcome.seconds * 1000),
    }


def log_bug(error: Exception) -> None:
    """An exception that is our fault, with its traceback; the controller goes on."""
    structlog.get_logger().error("bug", exc_info=error)


def log_certificate(trouble: str) -> None:
    """The renewed certificate of the xDS server can't be used, so that the old one stays; or it can again."""
    logger = structlog.get_logger()
    if trouble:
        logger.warning("xds certificate", problem=trouble, kept="the one before")
    else:
        logger.info("xds certificate", renewed=True)


def log_discovered(about: str, trouble: str) -> None:
    """Something of the cluster can't be served as it is, or can again."""
    logger = structlog.get_logger()
    if trouble:
        logger.warning("discovery", about=about, problem=trouble)
    else:
        logger.info("discovery", about=about, well=True)


def log_refused(node: str, type_url: str) -> None:
    """An Envoy refuses endpoints or keys. Not in its own words: they may quote what must not be in a log."""
    logger = structlog.get_logger()
    logger.warning("refused by envoy", node=node, type=type_url.rpartition(".")[2], kept="what it had before")


def log_leading(*, leads: bool, why: str = "") -> None:
    """This replica begins or ends to write what all replicas share."""
    logger = structlog.get_logger()
    if leads:
        logger.info("leading")
    else:
        logger.warning("no longer leading", problem=why)


def log_lease(trouble: str) -> None:
    """What replicas tell each other through the API server can't be read or written, or can again."""
    logger = structlog.get_logger()
    if trouble:
        logger.warning("leader election", problem=trouble)
    else:
        logger.info("leader election", well=True)


def log_announcing(about: str, trouble: str) -> None:
    """Something can't be said in the cluster, or can again; nothing else waits for it."""
    logger = structlog.get_logger()
    if trouble:
        logger.warning("announcing", about=about, problem=trouble)
    else:
        logger.info("announcing", about=about, well=True)


def log_journal(trouble: str) -> None:
    """The journal can't be written, or can again."""
    logger = structlog.get_logger()
    if trouble:
        logger.error("journal", problem=trouble)
    else:
        logger.info("journal", well=True)


def log_anchor(state: AnchorHealth) -> None:
    """A place outside can't be used, or can again; or what stands there is not of this journal's past."""
    logger = structlog.get_logger()
    if state.differs:
        logger.error("anchor", place=state.place, alarm=state.differs)
    elif state.failure:
        logger.warning("anchor", place=state.place, problem=state.failure)
    else:
        logger.info("anchor", place=state.place, well=True)


def log_access_file(trouble: str) -> None:
    """The access file of the pages can't be used, so that nobody is let in; or it can again."""
    logger = structlog.get_logger()
    if trouble:
        logger.error("pages", problem=trouble, kept="nobody is let in")
    else:
        logger.info("pages", well=True)


def log_started(**facts: object) -> None:
    """What the controller works with, once."""
    structlog.get_logger().info("started", **facts)


def log_stopped() -> None:
    """The controller ends because it was told to; what is served stays."""
    structlog.get_logger().info("stopped")
