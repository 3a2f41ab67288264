"""The URL of a repository, taken apart: which forms are accepted, and where its credentials go."""

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from reconciler.model.errors import Stalled
from reconciler.sources.git.settings import DEFAULT_USERNAME, BasicAuth, GitSettings

_HOST = r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]"
_USER = r"[A-Za-z0-9_.][A-Za-z0-9_.-]*"
_NETLOC = re.compile(rf"(?P<host>{_HOST})(?::(?P<port>\d{{1,5}}))?")
_SCP = re.compile(rf"(?:(?P<user>{_USER})@)?(?P<host>{_HOST}):(?P<path>(?![-:/]).+|/.+)")
_LAST_PORT = 65_535
_HINT = "write https://HOST/PATH, ssh://USER@HOST/PATH or USER@HOST:PATH"


class Transport(StrEnum):
    """How the repository is reached; the value is git's own name for the protocol."""

    HTTPS = "https"
    HTTP = "http"
    SSH = "ssh"
    LOCAL = "file"


@dataclass(frozen=True, slots=True)
class Remote:
    """A checked address.

    Attributes:
        url: what git is given: it never holds a password.
        described: what people are shown.
        origin: ``https://host[:port]``, the only place the credentials are meant for; empty otherwise.
        basic: credentials for http(s), from the settings or from the URL.
    """

    transport: Transport
    url: str
    described: str
    origin: str = ""
    basic: BasicAuth | None = None


def parse_remote(settings: GitSettings) -> Remote:
    """Check the URL of the settings against the forms that are allowed.

    Raises:
        Stalled: ``GitUrlRefused``; the message never repeats what could be a secret.
    """
    url = settings.url
    if not url or not url.isprintable() or not unquote(url).isprintable():
        raise _refused("the repository URL is empty or holds control characters")
    if url.startswith("-"):
        raise _refused("the repository URL starts with a dash, which git would read as an option")
    if "://" in url:
        return _from_url(settings, urlsplit(url))
    if found := _SCP.fullmatch(url):
        return _with_ssh(settings, Remote(Transport.SSH, url, f"{found['host']}:{found['path']}"))
    if "::" in url or ":" in url.split("/")[0]:
        raise _refused("the repository URL names a transport that is not allowed")
    return _local(settings, url)


def _from_url(settings: GitSettings, parts: SplitResult) -> Remote:
    if parts.query or parts.fragment:
        raise _refused("the repository URL has a query or a fragment")
    match parts.scheme.lower():
        case "https":
            return _http(settings, parts, Transport.HTTPS)
        case "http" if settings.allow_http:
            return _http(settings, parts, Transport.HTTP)
        case "http":
            raise _refused("the repository URL is http, which sends credentials and routes in clear text", "use https")
        case "ssh":
            return _ssh(settings, parts)
        case "file" if parts.netloc in {"", "localhost"}:
            return _local(settings, unquote(parts.path))
        case _:
            raise _refused("the repository URL names a transport that is not allowed")


def _http(settings: GitSettings, parts: SplitResult, transport: Transport) -> Remote:
    userinfo, _, netloc = parts.netloc.rpartition("@")
    _check_place(netloc, parts.path)
    basic = settings.basic
    if basic is None and userinfo:
        user, _, password = userinfo.partition(":")
        # A token is often written as the user name alone.
        basic = BasicAuth(unquote(password or user), unquote(user) if password else DEFAULT_USERNAME)
    if basic and not (basic.password.isprintable() and basic.username.isprintable()):
        raise Stalled("GitCredentialsInvalid", "user name or password holds control characters", "set them anew")
    origin = f"{transport}://{netloc}"
    return Remote(transport, origin + parts.path, origin + parts.path, origin, basic)


def _ssh(settings: GitSettings, parts: SplitResult) -> Remote:
    userinfo, _, netloc = parts.netloc.rpartition("@")
    user, _, password = userinfo.partition(":")
    if password:
        raise _refused("the repository URL holds a password, which ssh does not take", "use a deploy key")
    if user and not re.fullmatch(_USER, user):
        raise _refused("the user name in the repository URL is not one")
    _check_place(netloc, parts.path)
    at = f"{user}@" if user else ""
    remote = Remote(Transport.SSH, f"ssh://{at}{netloc}{parts.path}", f"ssh://{netloc}{parts.path}")
    return _with_ssh(settings, remote)


def _with_ssh(settings: GitSettings, remote: Remote) -> Remote:
    if settings.ssh is None:
        raise Stalled(
            "GitCredentialsInvalid",
            f"{remote.described}: ssh needs a deploy key and the host keys to trust",
            "set the key file and the known_hosts file",
        )
    for path in (settings.ssh.key_file, settings.ssh.known_hosts_file):
        if '"' in str(path) or not str(path).isprintable():
            raise Stalled("GitCredentialsInvalid", "the path of an ssh file holds quotes or control characters")
        if not path.is_file():
            raise Stalled("GitCredentialsInvalid", f"{path}: no such file", "check the ssh settings")
    return remote


def _local(settings: GitSettings, text: str) -> Remote:
    if not settings.allow_local:
        raise _refused("the repository is a local path, which is not allowed here", "allow local paths, or use a URL")
    path = str(Path(text).absolute())
    return Remote(Transport.LOCAL, path, path)


def _check_place(netloc: str, path: str) -> None:
    found = _NETLOC.fullmatch(netloc)
    if found is None or int(found["port"] or 1) > _LAST_PORT:
        raise _refused("the repository URL has no valid host and port")
    if path in {"", "/"} or "\\" in path or path.startswith("/-"):
        raise _refused("the repository URL has no valid path")


def _refused(message: str, hint: str = _HINT) -> Stalled:
    return Stalled("GitUrlRefused", message, hint)
