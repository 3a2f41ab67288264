"""Which of the ConfigMaps with rotating names stay: the newest, and those that may still be mounted. Pure.

What Pods mount nobody can ask for less than the right to read all Pods. So what was current stays for an hour after it
is replaced: a rollout that is paused, or that waits for its turn, still finds what it names, however many commits come.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from reconciler.apply.configmap.content import Keys
from reconciler.apply.configmap.objects import Held

CURRENT, HISTORY, REPLACED = ("data", "current"), ("data", "history"), ("data", "replaced")
STAYS = timedelta(hours=1)
_MOST = 50  # of those that are beyond the number to keep: each may have 1 MiB, and etcd has a few GiB for everything


@dataclass(frozen=True, slots=True)
class History:
    """What a pointer says.

    Attributes:
        names: the current one, and those before it, newest first.
        replaced: since when each of those before is not current any more.
    """

    names: tuple[str, ...] = ()
    replaced: Mapping[str, datetime] = field(default_factory=dict)

    @classmethod
    def of(cls, keys: Keys) -> "History":
        """Of the keys of a pointer; what somebody else made of them counts as missing."""
        names = _lines(keys, HISTORY)
        pairs = (line.partition(" ") for line in _lines(keys, REPLACED))
        moments = {name: _moment(text) for name, _, text in pairs}
        return cls(tuple(names), {name: at for name, at in moments.items() if at is not None})

    def keys(self) -> Keys:
        """The keys of the pointer that says this."""
        told = [f"{name} {at.isoformat(timespec='seconds')}" for name, at in self.replaced.items()]
        return {
            CURRENT: self.names[0].encode(),
            HISTORY: "\n".join(self.names).encode(),
            REPLACED: "\n".join(told).encode(),
        }

    def after(self, name: str, there: Sequence[Held], keep: int, now: datetime, stays: timedelta = STAYS) -> "History":
        """Once ``name`` is current.

        Args:
            name: of the current one.
            there: all that are, the newest first.
            keep: how many of those before stay, however long ago that was.
            now: aware.
            stays: how long each of those before stays at least.
        """
        created = {held.name: _moment(held.created) for held in there}
        before = [one for one in dict.fromkeys([*self.names, *created]) if one in created and one != name]
        replaced = {one: min(self._since(one, created[one]) or now, now) for one in before}
        kept = before[:keep]
        young = [one for one in before[keep:] if now - replaced[one] < stays]
        staying = (*kept, *young[:_MOST])
        return History((name, *staying), {one: replaced[one] for one in staying})

    def _since(self, name: str, created: datetime | None) -> datetime | None:
        """Since when it is not current; None where that is from now on, or where nobody knows."""
        if name == next(iter(self.names), ""):
            return None
        # One that no pointer ever named was made, and then something failed.
        return created if self.names and name not in self.names else self.replaced.get(name)

    def left_out(self, there: Iterable[Held]) -> list[Held]:
        """Those that do not stay."""
        return [held for held in there if held.name not in self.names]


def _lines(keys: Keys, place: tuple[str, str]) -> list[str]:
    return keys.get(place, b"").decode(errors="replace").split("\n")


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo else None
