"""How older spellings of a Mapping are said now."""

from collections.abc import Callable, Iterator

from reconciler.migrate.changes import Change, Insert, Remove, Rename, Rewriting, Set
from reconciler.migrate.subject import Subject
from reconciler.model.digest import Json
from reconciler.model.resource import Kind

_PRESENT = ".*"
_CORS_LISTS = ("origins", "methods", "headers", "exposed_headers")
_BUILT_IN_LABELS = ("source_cluster", "destination_cluster", "remote_address")
_UPGRADES = "use_websocket is allow_upgrade: [websocket] now"
_FIRST_GROUP = "v0_ratelimit_01"


def _hostname(subject: Subject) -> Iterator[Rewriting]:
    """``host`` is ``hostname``; and what no host was given for, all hosts reach only if that is said."""
    spec = subject.spec
    regex = spec.get("host_regex") is True
    unused = [Remove(subject.at("host_regex"))] if spec.get("host_regex") is False else []
    if "host" in spec and "hostname" not in spec and not regex:
        yield Rewriting((Rename(subject.at("host"), "hostname"), *unused), "host is hostname now")
    elif subject.old and "host" not in spec and "hostname" not in spec and spec:
        before = subject.at(next(iter(spec)))
        yield Rewriting((Insert(before, "hostname", "*"), *unused), 'all hosts are hostname: "*" now')
    elif unused:
        yield Rewriting(tuple(unused), "host_regex: false is the default")


def _presence(subject: Subject) -> Iterator[Rewriting]:
    """``true`` for a header or parameter that must be there is the pattern of anything now."""
    for exact, regex in (("headers", "regex_headers"), ("query_parameters", "regex_query_parameters")):
        changes = [*_present_patterns(subject, regex), *_present_values(subject, exact, regex)]
        if changes:
            yield Rewriting(tuple(changes), f'true for presence is ".*" of {regex} now')


def _present_patterns(subject: Subject, regex: str) -> Iterator[Change]:
    for name, value in _mapping(subject, regex).items():
        if value is True:
            yield Set(subject.at(regex, name), _PRESENT)


def _present_values(subject: Subject, exact: str, regex: str) -> Iterator[Change]:
    values, patterns = _mapping(subject, exact), _mapping(subject, regex)
    present = [name for name, value in values.items() if value is True]
    if not present:
        return
    wanted = [name for name in present if name not in patterns]  # a pattern asks for presence by itself
    if len(present) == len(values):
        if regex not in subject.spec:
            yield Rename(subject.at(exact), regex)
            yield from (Set(subject.at(exact, name), _PRESENT) for name in wanted)
            return
        yield Remove(subject.at(exact))
    else:
        yield from (Remove(subject.at(exact, name)) for name in present)
    if patterns:
        first = subject.at(regex, next(iter(patterns)))
        yield from (Insert(first, name, _PRESENT) for name in wanted)
    elif regex in subject.spec:
        yield Set(subject.at(regex), dict.fromkeys(wanted, _PRESENT))
    else:
        yield Insert(subject.at(exact), regex, dict.fromkeys(wanted, _PRESENT))


def _cors(subject: Subject) -> Iterator[Rewriting]:
    for name in _CORS_LISTS:
        value = _mapping(subject, "cors").get(name)
        if isinstance(value, str):
            parts: list[Json] = [part.strip() for part in value.split(",") if part.strip()]
            yield Rewriting((Set(subject.at("cors", name), parts),), f"cors.{name} is a list")


def _added_headers(subject: Subject) -> Iterator[Rewriting]:
    for field in ("add_request_headers", "add_response_headers"):
        bare = [name for name, value in _mapping(subject, field).items() if isinstance(value, str)]
        if bare:
            values = _mapping(subject, field)
            sets = tuple(Set(subject.at(field, name), {"value": values[name]}) for name in bare)
            yield Rewriting(sets, f"a header of {field} is an object")


def _use_websocket(subject: Subject) -> Iterator[Rewriting]:
    at, value = subject.at("use_websocket"), subject.spec.get("use_websocket")
    upgrades = subject.spec.get("allow_upgrade")
    if value is False or (value is True and isinstance(upgrades, list) and "websocket" in upgrades):
        yield Rewriting((Remove(at),), "use_websocket says nothing besides allow_upgrade")
    elif value is True and not upgrades:
        gone = (Remove(subject.at("allow_upgrade")),) if "allow_upgrade" in subject.spec else ()
        yield Rewriting((Set(at, ["websocket"]), Rename(at, "allow_upgrade"), *gone), _UPGRADES)
    elif value is True and isinstance(upgrades, list):
        changes = (Remove(at), Set(subject.at("allow_upgrade"), [*upgrades, "websocket"]))
        yield Rewriting(changes, _UPGRADES)


def _labels(subject: Subject) -> Iterator[Rewriting]:
    """Strings and single-key mappings among rate limit labels are objects now."""
    changes: list[Change] = []
    for domain, groups in _mapping(subject, "labels").items():
        for index, group in enumerate(groups if isinstance(groups, list) else []):
            for name, specifiers in group.items() if isinstance(group, dict) else ():
                for place, specifier in enumerate(specifiers if isinstance(specifiers, list) else []):
                    new = _specifier(specifier, old=subject.old)
                    if new != specifier:
                        changes.append(Set(subject.at("labels", domain, index, name, place), new))
    if changes:
        yield Rewriting(tuple(changes), "rate limit labels are objects")


def _specifier(value: Json, *, old: bool) -> Json:
    match value:
        case str() if value in _BUILT_IN_LABELS:
            return {value: {"key": value}}
        case str():
            return {"generic_key": {"value": value}}
        case {"generic_key": str(text)}:
            return {"generic_key": {"value": text}}
        case dict() if old and len(value) == 1:
            [(key, about)] = value.items()
            if isinstance(about, dict) and "header" in about:
                more = {k: v for k, v in about.items() if k != "header"}
                return {"request_headers": {"key": key, "header_name": about["header"], **more}}
    return value


def _rate_limits(subject: Subject) -> Iterator[Rewriting]:
    limits = subject.spec.get("rate_limits")
    if not subject.old or not isinstance(limits, list) or not limits or "labels" in subject.spec:
        return
    groups: list[Json] = []
    for number, limit in enumerate(limits):
        about = limit if isinstance(limit, dict) else {}
        specifiers: list[Json] = [{name: {"key": name}} for name in _BUILT_IN_LABELS]
        if descriptor := about.get("descriptor"):
            specifiers.append({"generic_key": {"value": descriptor}})
        headers = about.get("headers")
        for header in headers if isinstance(headers, list) else []:
            told: dict[str, Json] = {"key": header, "header_name": header, "omit_if_not_present": True}
            specifiers.append({"request_headers": told})
        groups.append({_FIRST_GROUP[:-2] + f"{number + 1:02}": specifiers})
    at = subject.at("rate_limits")
    yield Rewriting((Set(at, {subject.named.label_domain: groups}), Rename(at, "labels")), "rate_limits is labels now")


def _named_limits(subject: Subject) -> Iterator[Rewriting]:
    """What v0 names, a Mapping says itself."""
    at, spec = subject.at("circuit_breaker"), subject.spec
    breaker = subject.named.find(Kind.CIRCUIT_BREAKER, spec.get("circuit_breaker"))
    if breaker is not None and "circuit_breakers" not in spec:
        changes = (Set(at, [breaker]), Rename(at, "circuit_breakers"))
        yield Rewriting(changes, f"what CircuitBreaker {spec['circuit_breaker']} says is in circuit_breakers now")
    outliers = subject.named.find(Kind.OUTLIER_DETECTION, spec.get("outlier_detection"))
    if outliers is not None:
        note = f"what OutlierDetection {spec['outlier_detection']} says is in outlier_detection now"
        yield Rewriting((Set(subject.at("outlier_detection"), outliers),), note)


def _mapping(subject: Subject, name: str) -> dict[str, Json]:
    value = subject.spec.get(name)
    return value if isinstance(value, dict) else {}


MAPPING_RULES: tuple[Callable[[Subject], Iterator[Rewriting]], ...] = (
    _hostname,
    _presence,
    _cors,
    _added_headers,
    _use_websocket,
    _labels,
    _rate_limits,
    _named_limits,
)
