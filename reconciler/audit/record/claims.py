"""What a commit's own words claim: tickets, pull requests, reviewers, and whether its author is a program. Pure.

Whoever writes a commit writes these, so none of it is evidence that anybody else did anything.
"""

import re
from collections.abc import Iterator

from reconciler.model.digest import Json
from reconciler.model.source import Commit, Person

ACCORDING_TO = "commit message"

_MOST = 20
_TICKET = re.compile(r"(?<![\w-])([A-Z][A-Z0-9]{1,9}-[1-9]\d{0,6})(?![\w-])|(?<![\w&/])(#[1-9]\d{0,8})(?!\w)")
# They look like tickets and are names of standards.
_NO_PROJECTS = frozenset({"UTF", "SHA", "ISO", "RFC", "CVE", "MD", "AES", "HTTP", "TLS", "RSA", "BASE", "IPV", "X"})

_MERGES = (
    re.compile(r"^Merge pull request #(\d{1,9}) "),  # GitHub, Gitea; Bitbucket adds "in PROJECT/repo"
    re.compile(r"^Merged in \S+ \(pull request #(\d{1,9})\)"),  # Bitbucket
    re.compile(r"\(#(\d{1,9})\)$"),  # GitHub, squashed or rebased
    re.compile(r"^Merged PR (\d{1,9}):"),  # Azure DevOps
)
_NUMBER_IN_URL = re.compile(r"/(?:pulls?|pull-requests|merge_requests|pullrequest)/(\d{1,9})(?:[/?#]|$)")
_URLS = frozenset({"pull-request", "pr-url", "pr", "merge-request", "mr", "reviewed-on"})
_PEOPLE = {"reviewed-by": "reviewed_by", "approved-by": "approved_by", "acked-by": "acked_by"}

# GitHub: `name[bot]`; GitLab: project_12_bot_0f1e@noreply.example.com, group_12_bot.
_BOT_NAME = re.compile(r"\[bot\]$", re.IGNORECASE)
_BOT_EMAIL = re.compile(r"\[bot\]@|^(?:project|group)_\d+_bot(?:_\w+)?@", re.IGNORECASE)


def is_bot(person: Person) -> bool:
    """Whether a name or address has the form that forges give to programs; a program may have any other."""
    return bool(_BOT_NAME.search(person.name) or _BOT_EMAIL.search(person.email))


def tickets(commit: Commit) -> list[Json]:
    """The ids of tickets in subject and trailers, as they are written there, in order; at most twenty."""
    found: dict[str, None] = {}
    for text in (commit.subject, *(value for _, value in commit.trailers)):
        for match in _TICKET.finditer(text):
            if match[0].partition("-")[0] not in _NO_PROJECTS:
                found[match[0]] = None
    return [*list(found)[:_MOST]]


def claims(commit: Commit) -> dict[str, Json]:
    """What the message claims of how the commit came in; nothing where it claims nothing.

    Returns:
        ``according_to`` and then what there is of ``pull_request`` (its number), ``url``, ``merge_request``
        (``group/project!12``), ``reviewed_by``, ``approved_by``, ``acked_by``.
    """
    found: dict[str, Json] = {}
    url = next(_urls(commit), "")
    number = next(_numbers(commit, url), "")
    said = {"pull_request": number, "url": url, "merge_request": commit.merge_request}
    found.update({name: value for name, value in said.items() if value})
    for trailer, name in _PEOPLE.items():
        people: list[Json] = [value for key, value in commit.trailers if key.lower() == trailer]
        if people:
            found[name] = people[:_MOST]
    return {"according_to": ACCORDING_TO, **found} if found else {}


def _numbers(commit: Commit, url: str) -> Iterator[str]:
    for form in _MERGES:
        if match := form.search(commit.subject):
            yield match[1]
    if commit.merge_request:
        yield commit.merge_request.rpartition("!")[2]
    if match := _NUMBER_IN_URL.search(url):
        yield match[1]


def _urls(commit: Commit) -> Iterator[str]:
    for key, value in commit.trailers:
        if key.lower() in _URLS and value.startswith(("https://", "http://")):
            yield value
