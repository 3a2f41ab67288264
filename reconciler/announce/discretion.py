"""What people who may read one namespace are told of others: that there is something, and never what. Pure.

Whoever may read an object reads its Events and its status. Another namespace, and the repository, may be closed to
them: names and places there are for the journal and the log, which are the operators'.
"""

import re
from dataclasses import replace

from reconciler.announce.notice import Subject
from reconciler.model.problem import Code, Problem
from reconciler.model.provenance import Provenance, namespace_of

_NAMED = r"(?:[A-Za-z]+ \S+ \({place}\)|{place})"  # as problems name others: with or without their identity


def told_to(subject: Subject, problem: Problem) -> Problem:
    """A finding as those are told who may read an object.

    Args:
        subject: the object.
        problem: the finding; that of an Ownership is a rule for everybody, and is quoted as it is.
    """
    hidden = [place for place in problem.related if not _open_to(subject, place)]
    if not hidden or problem.code is Code.NOT_OWNER:
        return problem
    message = problem.message
    for place in hidden:
        named = re.compile(_NAMED.format(place=re.escape(str(place))))
        message, found = named.subn(f"one {elsewhere(place)}", message)
        if not found:  # it names the other in a way that is not known here
            return replace(problem, message=f"can't be as it is beside one {elsewhere(place)}")
    return replace(problem, message=message)


def named_to(subject: Subject, problem: Problem) -> str:
    """The document that a finding is about, as those are told who may read another object."""
    if _open_to(subject, problem.provenance):
        own = Subject.of(problem.provenance)
        return f"{problem.resource} of {own.place if own else problem.provenance}"
    return f"{problem.resource.partition(' ')[0]} {elsewhere(problem.provenance)}"


def elsewhere(place: Provenance) -> str:
    """Where something is, for those who may not be told."""
    return "in the repository" if namespace_of(place.path) is None else "in another namespace"


def _open_to(subject: Subject, place: Provenance) -> bool:
    return namespace_of(place.path) == subject.namespace
