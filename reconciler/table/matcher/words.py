"""Answers in words, on one line each."""

from reconciler.model.services import Auth
from reconciler.model.text import printable
from reconciler.table.matcher.answer import Answer, Answered, BadRequest, Forwarded, HungUp, NotFound, Redirected
from reconciler.table.matcher.explain import Candidate


def in_words(answer: Answer) -> str:
    """What a client gets, or where its request goes."""
    match answer:
        case Forwarded():
            return printable(f"→ {answer.cluster.address} with path {answer.path} and host {answer.host}")
        case Redirected():
            return printable(f"→ {answer.status} {answer.location}")
        case Answered():
            return printable(f"{answer.status}: {answer.reason}")
        case NotFound():
            return printable(f"404: {answer.reason}")
        case BadRequest():
            return printable(f"400: {answer.reason}")
        case HungUp():
            return printable(f"closed: {answer.reason}")


def asked_first(candidate: Candidate, auth: Auth) -> str:
    """Whether the auth service is asked before this answer, and if not why."""
    if not candidate.route.policy.bypass_auth:
        return printable(f"asked (AuthService {auth.service.name})")
    return "not asked (bypass_auth)" if isinstance(candidate.answer, Forwarded) else "not asked (Envoy answers)"
