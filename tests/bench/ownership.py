"""What the rules of Ownerships cost a merge, with and without them by turns: ``python -m tests.bench.ownership``."""

from statistics import median
from time import process_time

from reconciler.merge import merge
from reconciler.model.ownership import CLAIMING_KINDS, Owners, OwnershipResource, OwnershipRule
from reconciler.model.resource import MappingResource, Resource
from tests.support.mappings import host_match, mapping
from tests.support.owned_tables import ownership_of

_MAPPINGS, _RULES, _TURNS = 10_000, 200, 9


def _rule(hostname: str, prefix: str, number: int) -> OwnershipRule:
    owners = Owners(paths=(f"teams/t{number}",))
    return OwnershipRule((host_match(hostname),), (prefix,), (), CLAIMING_KINDS, owners, line=1)


def hosts() -> tuple[list[MappingResource], tuple[OwnershipRule, ...]]:
    """Each team has a host."""
    mappings = [
        mapping(
            f"m{number}",
            f"/p{number}/",
            host=f"h{number % _RULES}.example.com",
            path=f"teams/t{number % _RULES}/{number}.yaml",
        )
        for number in range(_MAPPINGS)
    ]
    return mappings, tuple(_rule(f"h{number}.example.com", "/", number) for number in range(_RULES))


def prefixes() -> tuple[list[MappingResource], tuple[OwnershipRule, ...]]:
    """Each team has a prefix of all hosts."""
    mappings = [
        mapping(f"m{number}", f"/t{number % _RULES}/p{number}/", path=f"teams/t{number % _RULES}/{number}.yaml")
        for number in range(_MAPPINGS)
    ]
    return mappings, tuple(_rule("*", f"/t{number}/", number) for number in range(_RULES))


def _seconds(resources: list[Resource]) -> float:
    began = process_time()
    merged = merge(resources, [], last_good=resources)
    spent = process_time() - began
    assert not merged.problems
    return spent


def measure() -> None:
    """Prints CPU seconds and their ratio, for either sort of rules."""
    for name, (mappings, rules) in {"hosts": hosts(), "prefixes": prefixes()}.items():
        owners = OwnershipResource(ownership_of("*", "/", "platform").origin, rules=rules)
        turns = [(_seconds([*mappings]), _seconds([*mappings, owners])) for _ in range(_TURNS)]
        without, having, ratio = (median(one) for one in zip(*((a, b, b / a) for a, b in turns), strict=True))
        print(f"{name}: {without:.3f} s without rules, {having:.3f} s with {_RULES}, ratio {ratio:.2f}")


if __name__ == "__main__":
    measure()
