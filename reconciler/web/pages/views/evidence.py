"""Who and what stands behind a change, as its record tells it: what nobody knows is unknown, never guessed. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reconciler.model.digest import Json
from reconciler.model.entry import UNKNOWN, Entry
from reconciler.web.pages.views import facts
from reconciler.web.pages.views.facts import HIDDEN, Group


@dataclass(frozen=True, slots=True)
class Fact:
    """A name and what is known of it; ``known`` is False where nobody knows, which is told, never guessed."""

    name: str
    value: str
    known: bool = True
    code: bool = False


def hidden(name: str) -> tuple[Fact, ...]:
    """Something that there is, and that is not shown to whoever asks."""
    return (Fact(name, HIDDEN, known=False),)


def source(begin: Group, withheld: Sequence[str] = ()) -> tuple[Fact, ...]:
    """Where it comes from; ``withheld`` as an `Entry` has it."""
    told = facts.group(begin, "source")
    revisions = facts.group(begin, "revisions")
    named = {
        "repository": Fact("Repository", facts.told(told.get("repository")), bool(told.get("repository")), code=True),
        "ref": Fact("Branch or tag", facts.told(told.get("ref"))),
        "commit": Fact("Commit", facts.told(told.get("commit")), code=True),
        "tree": Fact("Tree", facts.told(told.get("tree")), code=True),
        "parents": Fact("Parents", ", ".join(facts.texts(told.get("parents"))) or "none", code=True),
        "previous_applied": Fact("Applied before", facts.told(told.get("previous_applied")), code=True),
        "fast_forward": Fact("Follows it", _follows(told.get("fast_forward"))),
    }
    found = [hidden(one.name)[0] if f"source.{name}" in withheld else one for name, one in named.items()]
    if revisions:
        found.append(Fact("Revision", facts.told(revisions.get("last_attempted")), code=True))
    found += [Fact(name, value) for name, value in _pairs(told.get("trailers"))]
    if told.get("cluster"):
        found.append(Fact("Objects of the cluster", f"{len(facts.groups(told.get('objects')))} changed"))
    return tuple(found) if told else ()


def _follows(value: Json) -> str:
    if not isinstance(value, bool):
        return "nothing to compare"
    return "yes" if value else "no: history was rewritten"


def _pairs(value: Json) -> list[tuple[str, str]]:
    pairs = value if isinstance(value, list) else []
    return [(facts.text(one[0]), facts.text(one[1])) for one in pairs if isinstance(one, list) and len(one) == 2]  # noqa: PLR2004


_PEOPLE = {
    "author": "Author",
    "committer": "Committer",
    "co_authors": "Co-authors",
    "pusher": "Pushed by",
    "pull_request": "Pull request",
    "approvers": "Approved by",
    "approved_by_another": "Approved by somebody else",
    "merger": "Merged by",
    "checks": "Checks of the forge",
}


def people(begin: Group, entry: Entry) -> tuple[Fact, ...]:
    """Who wrote, approved, merged and asked for it."""
    if "people" in entry.withheld:
        return hidden("Everybody behind it")
    told = facts.group(begin, "people")
    found = [_person(title, told.get(name)) for name, title in _PEOPLE.items() if name in told]
    found += [
        _person(name.replace("_", " ").capitalize(), value)
        for name, value in told.items()
        if name not in (*_PEOPLE, "claims")
    ]
    found += [
        Fact(
            f"Claimed {name.replace('_', ' ')}", f"{facts.words(value)} (says the commit's message; no forge was asked)"
        )
        for name, value in facts.group(told, "claims").items()
        if value and name != "according_to"
    ]
    found += [
        hidden(_PEOPLE.get(name, name.replace("_", " ").capitalize()))[0]
        for group, _, name in (one.partition(".") for one in entry.withheld)
        if group == "people" and name
    ]
    if entry.actor:
        found.append(Fact("Asked for by", entry.actor))
    return tuple(found)


def _person(title: str, value: Json) -> Fact:
    if value == UNKNOWN or value is None:
        return Fact(title, UNKNOWN if value == UNKNOWN else "none", known=value is None)
    if isinstance(value, dict) and "email" in value:
        return Fact(title, facts.person(value))
    if isinstance(value, list):
        named = [facts.person(one) if isinstance(one, dict) else facts.text(one) for one in value]
        return Fact(title, ", ".join(named) or "nobody")
    return Fact(title, facts.words(value))


def verification(value: Json) -> tuple[Fact, ...]:
    """Whether it is signed, by whom, and what that is worth."""
    if not isinstance(value, dict):
        return (Fact("Signature", UNKNOWN, known=False),)
    return tuple(
        Fact(
            name.replace("_", " ").capitalize(),
            facts.words(item),
            known=item != UNKNOWN,
            code=name in ("key", "fingerprint", "digest"),
        )
        for name, item in value.items()
        if item is not None
    )


def exceptions(begin: Group) -> tuple[Fact, ...]:
    """Which safeguards were overridden, by whom and why."""
    value = begin.get("exceptions")
    listed = value if isinstance(value, list) else [value] if value else []
    return tuple(fact for one in listed for fact in _exception(one))


def _exception(one: Json) -> Iterator[Fact]:
    """A row for each thing that is told of it, and for each safeguard."""
    if not isinstance(one, dict):
        yield Fact("Overridden", facts.words(one))
        return
    for name, value in one.items():
        if name == "refusals" and isinstance(value, list):
            yield from (Fact("Safeguard", _safeguard(each)) for each in value)
        elif name == "by" and isinstance(value, dict):
            yield Fact("By", _by(value))
        else:
            title = name.replace("_", " ").capitalize()
            yield Fact(title, facts.words(value), known=value != UNKNOWN, code=name == "plan")


def _safeguard(refusal: Json) -> str:
    if not isinstance(refusal, dict):
        return facts.words(refusal)
    return ": ".join(filter(None, (facts.text(refusal.get("reason")), facts.text(refusal.get("message")))))


def _by(actor: Group) -> str:
    through = facts.text(actor.get("through"))
    return f"{facts.told(actor.get('name'))}{f', through {through}' if through else ''}"


def drift(one: Group) -> str:
    """How what a target held came to differ."""
    by, at = facts.told(one.get("by")), facts.told(one.get("at"))
    return f"{facts.text(one.get('target'))}: {facts.text(one.get('what'))}; by {by}, at {at}"
