"""The order in which rules are tried: the most specific first, as the Mapping language defines it."""

from collections.abc import Iterable, Sequence
from typing import TypeAlias

from reconciler.model.rank import Rank, Specificity
from reconciler.model.resource import ANY_HOST, HostMatch, MappingResource, MatchKind, NamedMatch, StringMatch

Condition: TypeAlias = tuple[str, str, bool]  # name, value, regex

_ANY_VALUE = "*"
_PRESENT = ".*"  # the language's own spelling of a header that only has to be there
_NARROW_FIRST = (MatchKind.EXACT, MatchKind.REGEX, MatchKind.PREFIX)


def in_match_order(groups: Iterable[Sequence[MappingResource]]) -> list[tuple[Rank, Sequence[MappingResource]]]:
    """Groups (Mappings of one match each) in the order in which they are tried, each with its rank.

    Descending by `specificity`. What the language leaves open is settled so that nothing depends on the input order:
    with everything else equal an exact path comes before a regex and that before a prefix (the other way round it
    could never match), case-sensitive before insensitive, then the smallest ``namespace/name`` of the group.
    """
    ranked = [(rank_of(group), group) for group in groups]
    # As ranks compare, but without a call of ours for every comparison.
    ranked.sort(key=lambda one: one[0].tie_break)
    ranked.sort(key=lambda one: one[0].specificity, reverse=True)  # stable in reverse, too
    return ranked


def rank_of(group: Sequence[MappingResource]) -> Rank:
    """The place of a group among all."""
    return Rank(specificity(group[0]), _tie_break(group))


def specificity(mapping: MappingResource) -> Specificity:
    """What Emissary sorts by, highest first (``IRHTTPMapping._route_weight``).

    Precedence; length of the path pattern, be it prefix, exact or regex; total length of the header conditions, the
    host counting as ``:authority`` and the method as ``:method``; total length of the query conditions; the path;
    the method, ``GET`` when there is none; then the conditions themselves. A condition is as long as its name and its
    value, a regex one longer.
    """
    headers = _header_conditions(mapping)
    query = _conditions(mapping.query)
    return (
        mapping.precedence,
        len(mapping.path.value),
        _length(headers),
        _length(query),
        mapping.path.value,
        mapping.method.value if mapping.method else "GET",
        *(f"{name}-{value}" for name, value, _ in (*headers, *query)),
    )


def _tie_break(group: Sequence[MappingResource]) -> tuple[int, bool, str]:
    path = group[0].path
    return _NARROW_FIRST.index(path.kind), not path.case_sensitive, min(m.origin.id.qualified for m in group)


def _header_conditions(mapping: MappingResource) -> list[Condition]:
    conditions = _conditions(mapping.headers)
    if mapping.host is not None:
        conditions.append((":authority", *_host(mapping.host)))
    if mapping.method is not None:
        conditions.append((":method", *_value(mapping.method)))
    return conditions


def _conditions(named: Iterable[NamedMatch]) -> list[Condition]:
    """Exact ones by name, then regexes by name: the order of the two fields of a Mapping."""
    conditions = [(condition.name, *_value(condition.match)) for condition in named]
    return sorted(conditions, key=lambda condition: (condition[2], condition[0]))


def _value(match: StringMatch) -> tuple[str, bool]:
    if match.kind is MatchKind.PRESENT:
        return _PRESENT, True
    return match.value or _ANY_VALUE, match.kind is MatchKind.REGEX


def _host(host: HostMatch) -> tuple[str, bool]:
    if host.kind is MatchKind.REGEX:
        return host.value, True
    return _ANY_VALUE if host == ANY_HOST else str(host), False


def _length(conditions: Iterable[Condition]) -> int:
    return sum(len(name) + len(value) + regex for name, value, regex in conditions)
