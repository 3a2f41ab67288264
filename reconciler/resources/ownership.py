"""Ownership: who may claim which hosts, prefixes and ports."""

import posixpath
from dataclasses import replace

from reconciler.model.match import ANY_HOST, HostMatch, MatchKind
from reconciler.model.origin import Kind, Origin
from reconciler.model.ownership import CLAIMING_KINDS, WHOLE, Owners, OwnershipResource, OwnershipRule, Team
from reconciler.model.paths import impossible
from reconciler.model.problem import Code, Severity
from reconciler.resources.edge.hosts import InvalidHost, parse_host
from reconciler.resources.envelope import Envelope
from reconciler.resources.fields import Fields
from reconciler.resources.finding import Path, Place, line_of, shown

_HOSTS = "a host name, *.example.com or *"
_PATH = "a folder or file of the repository, such as teams/shop"
_SPACES = ("hosts", "prefixes", "ports")
_NAMED = ("teams", "namespaces", "paths")


def read_ownership(_envelope: Envelope, origin: Origin, fields: Fields) -> OwnershipResource:
    """The Ownership of a document; in which lines its rules stand `located` adds."""
    if not any(fields.given(name) for name in ("teams", "rules", "platform", "default")):
        expected = "rules, teams, platform or default"
        message = "it says nothing of who owns what"
        fields.report(Code.MISSING_FIELD, message, severity=Severity.WARNING, expected=expected)
    return OwnershipResource(
        origin=origin,
        teams=tuple(_read_team(team) for team in fields.each("teams")),
        rules=tuple(_read_rule(rule) for rule in fields.each("rules")),
        platform=_read_owners(fields, "platform") if fields.given("platform") else None,
        deny=fields.text("default") == "deny",
        enforce=fields.flag("enforce", default=True),
    )


def located(resource: OwnershipResource, root: Path, place: Place, lines: dict[Path, int]) -> OwnershipResource:
    """The same with the lines of its rules.

    Args:
        resource: it.
        root: path of its fields in the document.
        place: of the document.
        lines: of the paths of its text, in that text; empty where there is none.
    """

    def line(number: int) -> int:
        found = line_of((*place.root, *root, "rules", number), lines)
        return found + place.offset if found else place.line

    rules = tuple(replace(rule, line=line(number)) for number, rule in enumerate(resource.rules))
    return replace(resource, rules=rules)


def _read_team(fields: Fields) -> Team:
    return Team(fields.text("name") or "", _read_names(fields, "namespaces"), _read_paths(fields))


def _read_rule(fields: Fields) -> OwnershipRule:
    _check_space(fields)
    ports = fields.values.get("ports")
    hosts, prefixes = _read_hosts(fields), _read_prefixes(fields)
    numbers = {port for port in ports if isinstance(port, int)} if isinstance(ports, list) else set()
    return OwnershipRule(
        hosts=() if numbers else hosts or (ANY_HOST,),
        prefixes=() if numbers else prefixes or (WHOLE,),
        ports=tuple(sorted(numbers)),
        kinds=_read_kinds(fields),
        owners=_read_owners(fields, "owners"),
    )


def _check_space(fields: Fields) -> None:
    """Leaving something out never means everything: a rule names hosts, prefixes or ports."""
    if not any(fields.given(name) for name in _SPACES):
        fields.report(Code.MISSING_FIELD, "it does not say what is owned", "hosts", expected="hosts, prefixes or ports")
    for name in ("hosts", "prefixes", "kinds"):
        if fields.given("ports") and fields.given(name):
            message = f"ports and {name} exclude each other: a port is what a TCPMapping asks for, whatever the host"
            fields.report(Code.FIELDS_CONTRADICT, message, name, hint="write two rules")


def _read_kinds(fields: Fields) -> tuple[Kind, ...]:
    given = fields.values.get("kinds")
    names = {name for name in given if isinstance(name, str)} if isinstance(given, list) else set()
    return tuple(kind for kind in CLAIMING_KINDS if not names or kind in names)


def _read_hosts(fields: Fields) -> tuple[HostMatch, ...]:
    found: set[HostMatch] = set()
    for at, text in enumerate(_texts(fields, "hosts")):
        try:
            host = parse_host(text, globs=True)
        except InvalidHost as why:
            fields.report(Code.INVALID_VALUE, str(why), "hosts", at, expected=_HOSTS, got=shown(text))
            continue
        if host.kind is MatchKind.PREFIX:
            message = "the end of a host name says whose it is, not its beginning"
            fields.report(Code.INVALID_VALUE, message, "hosts", at, expected=_HOSTS, got=shown(text))
        found.add(host)
    return tuple(sorted(found))


def _read_prefixes(fields: Fields) -> tuple[str, ...]:
    texts = _texts(fields, "prefixes")
    for at, text in enumerate(texts):
        why = "" if text.startswith("/") else "it must begin with /"
        why = why or ("a path holds no ? or #" if {"?", "#"} & set(text) else impossible(text, whole=False))
        if why:
            message = f"no path begins with it: {why}"
            fields.report(Code.INVALID_VALUE, message, "prefixes", at, got=shown(text))
    return tuple(sorted(set(texts)))


def _read_owners(fields: Fields, name: str) -> Owners:
    inside = fields.inside(name)
    everyone = inside.flag("everyone")
    given = [one for one in _NAMED if inside.given(one)]
    if everyone and given:
        message = f"everyone: true makes {given[0]} mean nothing"
        inside.report(Code.FIELDS_CONTRADICT, message, "everyone", hint="remove one of the two")
    elif not everyone and not given and fields.given(name):
        inside.report(Code.MISSING_FIELD, "it names nobody", expected="teams, namespaces, paths or everyone: true")
    return Owners(_read_names(inside, "teams"), _read_names(inside, "namespaces"), _read_paths(inside), everyone)


def _read_names(fields: Fields, name: str) -> tuple[str, ...]:
    return tuple(sorted(set(_texts(fields, name))))


def _read_paths(fields: Fields) -> tuple[str, ...]:
    found: set[str] = set()
    for at, text in enumerate(_texts(fields, "paths")):
        path = posixpath.normpath(text)
        if path.startswith(("/", "..")) or ":" in path or "*" in path:
            message = "not a path of the repository"
            fields.report(Code.INVALID_VALUE, message, "paths", at, expected=_PATH, got=shown(text))
        found.add(path)
    return tuple(sorted(found))


def _texts(fields: Fields, name: str) -> list[str]:
    given = fields.values.get(name)
    return [text for text in given if isinstance(text, str)] if isinstance(given, list) else []
