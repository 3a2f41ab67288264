"""The groups of a record about the commit: source, people, verification. Pure.

A fact nobody asked a forge for is the string ``unknown``, never a guess. What the commit says of itself is a claim.
"""

from collections.abc import Iterator, Sequence

from reconciler.audit.record.claims import claims, is_bot, tickets
from reconciler.audit.record.clean import repository
from reconciler.audit.record.groups import UNKNOWN, Facts, object_facts, stamp
from reconciler.model.audit import Attempt
from reconciler.model.digest import Json
from reconciler.model.entry import Answer
from reconciler.model.plan import Plan
from reconciler.model.review import Approval, Review
from reconciler.model.source import Commit, Person, Signature

_MOST_TRAILERS = 10  # of one commit among many
_MOST_PATHS = 20_000  # of all commits of a record


def source(attempt: Attempt) -> Json:
    """Where the change comes from, and everything since what was last applied."""
    commit = attempt.commit
    return {
        "repository": repository(attempt.repository),
        "ref": (attempt.revision.pointer or None) if attempt.revision else None,
        "commit": commit.sha if commit else None,
        "tree": commit.tree if commit else None,
        "parents": list(commit.parents) if commit else [],
        "subject": commit.subject if commit else None,
        "trailers": _trailers(commit) if commit else [],
        "tickets": tickets(commit) if commit else [],
        "committed_at": stamp(commit.committed_at) if commit else None,
        "oldest_known": commit.oldest_known if commit else False,
        "previous_applied": (attempt.previous.sha or None) if attempt.previous else None,
        "fast_forward": attempt.fast_forward,
        "fetched_at": stamp(attempt.fetched_at) if attempt.fetched_at else UNKNOWN,
        "commits": list(_of_range(attempt)),
        **({"commits_omitted": attempt.commits_omitted} if attempt.commits_omitted else {}),
        **_objects(attempt),
    }


def _of_range(attempt: Attempt) -> Iterator[Json]:
    """The commits, each with those of the paths it changed at which something stands that this change is about."""
    told, left = _places(attempt.plan), _MOST_PATHS
    for commit in attempt.commits_in_range:
        facts = _one_of_range(commit)
        paths: list[Json] | None = None if commit.paths is None else [path for path in commit.paths if path in told]
        left -= len(paths or ())
        yield facts if paths is None or left < 0 else {**facts, "paths": paths}


def _places(plan: Plan) -> frozenset[str]:
    routes = (place for each in plan.changes for place in (each.before, each.after))
    others = (place for each in plan.documents for place in (each.before, each.after))
    policies = (policy.provenance for each in plan.changes for policy in each.policies)
    return frozenset(place.path for place in (*routes, *others, *policies) if place is not None)


def _one_of_range(commit: Commit) -> Facts:
    return {
        "commit": commit.sha,
        "parents": list(commit.parents),
        "author": _person(commit.author, commit),
        "subject": commit.subject,
        "trailers": _trailers(commit)[:_MOST_TRAILERS],
        "tickets": tickets(commit),
        "committed_at": stamp(commit.committed_at),
        "signature": str(commit.signature),
    }


def _trailers(commit: Commit) -> list[Json]:
    return [[name, value] for name, value in commit.trailers]


def _objects(attempt: Attempt) -> Facts:
    """What differs in the cluster from what was last applied; nothing where no cluster is read."""
    if attempt.revision is None or not attempt.revision.cluster:
        return {}
    objects: list[Json] = [
        {"object": change.path, "change": str(change.op), "version": object_facts(change.touch)}
        for change in attempt.objects
    ]
    return {"cluster": attempt.revision.cluster, "objects": objects}


def people(commit: Commit | None, review: Review | None = None) -> Json:
    """Who stands behind it, as far as the commit says, and the forge where it was asked."""
    facts: Facts = {
        "author": _person(commit.author, commit) if commit else UNKNOWN,
        "committer": _committer(commit) if commit else UNKNOWN,
        **_of_review(commit, review),
    }
    claimed = claims(commit) if commit else {}
    return {**facts, "claims": claimed} if claimed else facts


def _of_review(commit: Commit | None, review: Review | None) -> Facts:
    if review is None:
        asked = ("pusher", "pull_request", "approvers", "merger", "checks", "approved_by_another")
        return dict.fromkeys(asked, UNKNOWN)
    pull_request: Json = {
        "number": review.number,
        "url": repository(review.url),
        "title": review.title,
        "author": review.author,
    }
    return {
        "pusher": review.pusher or UNKNOWN,
        "pull_request": pull_request if review.number else None,
        "approvers": [_approval(each) for each in review.approvals],
        "merger": {"name": review.merger, "time": stamp(review.merged_at) if review.merged_at else UNKNOWN}
        if review.merger
        else UNKNOWN,
        "checks": [{"name": each.name, "result": each.result} for each in review.checks],
        "approved_by_another": str(_by_another(commit, review)),
    }


def _approval(approval: Approval) -> Json:
    return {
        "name": approval.by,
        "email": approval.email,
        "time": stamp(approval.at) if approval.at else UNKNOWN,
        "commit": approval.commit or UNKNOWN,
    }


def _by_another(commit: Commit | None, review: Review) -> Answer:
    """Whether anybody approved it who neither wrote it nor opened the pull request, by any of their names."""
    authors = _names((review.author, *((commit.author.name, commit.author.email) if commit else ())))
    others = [each for each in review.approvals if not _names((each.by, each.email)) & authors]
    return Answer.YES if others else Answer.NO


def _names(said: Sequence[str]) -> set[str]:
    return {each.casefold() for each in said if each}


def verification(commit: Commit | None) -> Json:
    """What is known of the commit's signature. That there is one says nothing yet: everybody can sign."""
    if commit is None or commit.signature is Signature.UNKNOWN:
        return UNKNOWN
    signed = commit.signature is not Signature.NONE
    return {
        "method": str(commit.signature),
        "key": UNKNOWN if signed else None,
        "identity": UNKNOWN if signed else None,
        "result": "unchecked" if signed else "unsigned",
        "policy": None,
        "trust_store": None,
    }


def _person(person: Person, commit: Commit) -> Json:
    return {"name": person.name, "email": person.email, "time": stamp(commit.authored_at), "bot": is_bot(person)}


def _committer(commit: Commit) -> Json:
    person = commit.committer
    return {"name": person.name, "email": person.email, "time": stamp(commit.committed_at), "bot": is_bot(person)}
