"""A bound on what is told of one file, whatever it holds."""

from collections.abc import Sequence
from dataclasses import replace
from operator import itemgetter

from reconciler.model.problem import Problem, rank


def worst(problems: Sequence[Problem], most: int) -> Sequence[Problem]:
    """The worst findings of a file, in their order, and one more that says how many are left out.

    The one more is the worst of those left out, so that an error is never behind a warning.

    Args:
        problems: all of them.
        most: how many at most.
    """
    if len(problems) <= most:
        return problems
    ranked = sorted(enumerate(problems), key=lambda one: rank(one[1]))
    kept = [problem for _, problem in sorted(ranked[:most], key=itemgetter(0))]
    next_one = ranked[most][1]
    more = f"{next_one.message}; and {len(problems) - most - 1} more: of one file only {most + 1} findings are reported"
    return [*kept, replace(next_one, message=more)]
