"""Texts to values: each parser takes what was typed and raises ValueError in plain words."""

import re
from ipaddress import ip_address, ip_network
from pathlib import Path

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_DAY = 86_400
# A name may have 253 characters; rotating ones get 13 more than is said here.
_SCHEMA = re.compile(r"(?:[a-z_]|\{replica\})(?:[a-z0-9_]|\{replica\})*")
_CONFIG_MAP = re.compile(r"configmap:[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?/[a-z0-9]([-.a-z0-9]{0,238}[a-z0-9])?")
_LABEL = re.compile(r"[A-Za-z0-9]([-_.A-Za-z0-9]{0,61}[A-Za-z0-9])?")
_NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_OBJECT_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_NAMED = re.compile(rf"{_NAMESPACE.pattern}[.]{_NAMESPACE.pattern}")
# Narrower than git's own rules: no `..`, no `@{`, nothing that begins or ends with a dot or a slash.
_REF = re.compile(r"refs(/[A-Za-z0-9_]([-A-Za-z0-9_]|[.](?=[-A-Za-z0-9_])){0,99}){1,10}(?<![.]lock)")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")


def duration(text: str) -> float:
    """``500ms``, ``30s``, ``1m30s`` or ``1h`` in seconds."""
    parts = _DURATION.findall(text)
    if not parts or "".join(n + u for n, u in parts) != text:
        raise ValueError(f"expected a duration such as 500ms, 30s, 5m or 1h30m, got {text!r}")
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


def retention(text: str) -> float:
    """How long to keep something, in seconds: days (``400d``) or a shorter duration; 0 for ever."""
    if text in ("0", "0s"):
        return 0.0
    days = re.fullmatch(r"(\d{1,5})d", text)
    try:
        seconds = int(days[1]) * _DAY if days else duration(text)
    except ValueError:
        raise ValueError(f"expected a time such as 400d or 36h, or 0 for ever, got {text!r}") from None
    return float(seconds)


def boolean(text: str) -> bool:
    """``true``/``false``, ``yes``/``no``, ``1``/``0``."""
    match text.lower():
        case "true" | "yes" | "1" | "on":
            return True
        case "false" | "no" | "0" | "off":
            return False
    raise ValueError(f"expected true or false, got {text!r}")


def share(text: str) -> float:
    """``0.3`` or ``30%`` as a fraction of one."""
    value = float(text[:-1]) / 100 if text.endswith("%") else float(text)
    if not 0 <= value <= 1:
        raise ValueError(f"expected a share between 0 and 1 (or 0% and 100%), got {text!r}")
    return value


def count(text: str) -> int:
    """A whole number from 0."""
    if not text.isdigit():
        raise ValueError(f"expected a whole number from 0, got {text!r}")
    return int(text)


def address(text: str) -> str:
    """``HOST:PORT`` with a port from 0 to 65535; an IPv6 host in brackets."""
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isdigit() or int(port) > 65535:  # noqa: PLR2004 - the last port
        raise ValueError(f"expected HOST:PORT, got {text!r}")
    return text


def optional_address(text: str) -> str:
    """``HOST:PORT``, or ``off`` for none."""
    return "" if text in ("", "off") else address(text)


def path(text: str) -> Path:
    """An absolute path; a relative one starts at the current directory, ``~`` is the home directory."""
    return Path(text).expanduser().absolute()


def absolute(text: str) -> str:
    """A path from the root, of another machine."""
    if not text.startswith("/"):
        raise ValueError(f"expected a path that begins with /, got {text!r}")
    return text


def optional_absolute(text: str) -> str:
    """The same, or nothing for the empty text."""
    return absolute(text) if text else ""


def optional_url(text: str) -> str:
    """``https://HOST[:PORT]`` or ``http://…``, or nothing for the empty text."""
    if text and not re.fullmatch(r"https?://[^/?#@\s]+/?[^?#@\s]*", text):
        raise ValueError(f"expected a URL such as https://10.0.0.1:6443, got {text!r}")
    return text


def platform_namespace(text: str) -> str:
    """The name of a namespace, or ``*``."""
    return text if text == "*" else namespace(text)


def folder(text: str) -> str:
    """A folder of the repository, from its root."""
    found = text.strip("/")
    if not found or ".." in found.split("/"):
        raise ValueError(f"expected a folder of the repository, as in routes/platform, got {text!r}")
    return found


def optional_path(text: str) -> Path | None:
    """A path, or nothing for the empty text."""
    return path(text) if text else None


def one_of(*choices: str) -> "OneOf":
    """A parser that takes one of the given words."""
    return OneOf(choices)


class OneOf:
    """One word of several."""

    def __init__(self, choices: tuple[str, ...]) -> None:
        self.choices = choices

    def __call__(self, text: str) -> str:
        """The word itself; ValueError for any other."""
        if text not in self.choices:
            raise ValueError(f"expected one of {', '.join(self.choices)}, got {text!r}")
        return text


def journal_schema(text: str) -> str:
    """A name that PostgreSQL takes as it is, in which ``{replica}`` may stand."""
    if not _SCHEMA.fullmatch(text) or text.startswith("pg_") or len(text) > 63:  # noqa: PLR2004 - as of PostgreSQL
        raise ValueError(f"expected small letters, digits, _ and {{replica}}, such as reconciler, got {text!r}")
    return text


def journal_name(text: str) -> str:
    """A name as signed notes allow it: printable, without spaces and ``+``."""
    if not text or len(text) > 253 or not text.isprintable() or re.search(r"[\s+]", text):  # noqa: PLR2004 - as of DNS
        raise ValueError(f"expected a name without spaces and +, such as routes.example.com/journal, got {text!r}")
    return text


def anchor(text: str) -> str:
    """``file:PATH`` (made absolute), ``git:REF`` or ``configmap:NAMESPACE/NAME``."""
    kind, _, rest = text.partition(":")
    if kind == "file" and rest:
        return f"file:{path(rest)}"
    if (kind == "git" and _REF.fullmatch(rest)) or _CONFIG_MAP.fullmatch(text):
        return text
    raise ValueError(f"expected file:PATH, git:refs/… or configmap:NAMESPACE/NAME, got {text!r}")


def target(text: str) -> str:
    """``xds``, ``files:DIR``, ``configmap:NAMESPACE/NAME`` or ``none``."""
    if text in ("xds", "none") or (text.startswith("files:") and len(text) > len("files:")):
        return text
    if _CONFIG_MAP.fullmatch(text):
        return text
    raise ValueError(f"expected xds, files:DIR, configmap:NAMESPACE/NAME or none, got {text!r}")


def repository_object(text: str) -> str:
    """``NAMESPACE/NAME``, or ``configmap:NAMESPACE/NAME``; empty for none."""
    wanted = text if text.startswith("configmap:") else f"configmap:{text}"
    if text and not _CONFIG_MAP.fullmatch(wanted):
        raise ValueError(f"expected NAMESPACE/NAME or configmap:NAMESPACE/NAME, got {text!r}")
    return text


def secret_name(text: str) -> str:
    """``NAMESPACE/NAME`` of a Secret."""
    where, slash, name = text.partition("/")
    if not slash or not _NAMESPACE.fullmatch(where) or not _OBJECT_NAME.fullmatch(name):
        raise ValueError(f"expected NAMESPACE/NAME, got {text!r}")
    return text


def service_name(text: str) -> str:
    """``NAME.NAMESPACE[:PORT]`` of a Service, or ``ADDRESS[:PORT]``; an IPv6 address in brackets."""
    host, _, port = text.rpartition(":") if re.search(r":[0-9]+$", text) else (text, "", "1")
    if not _NAMED.fullmatch(host) and not _is_ip(host):
        raise ValueError(f"expected NAME.NAMESPACE[:PORT], or an address in its place, got {text!r}")
    address(f"{host}:{port}")
    return text


def _is_ip(text: str) -> bool:
    try:
        ip = ip_address(text.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return (ip.version == 6) == text.startswith("[")  # noqa: PLR2004 - of IP


def network(text: str) -> str:
    """A network such as ``10.0.0.0/8``, or one address; not the whole world."""
    try:
        found = ip_network(text)
    except ValueError:
        raise ValueError(f"expected a network such as 10.0.0.0/8 or fd00::/8, got {text!r}") from None
    if found.prefixlen == 0:
        raise ValueError(f"{text} is every address there is; name those of the proxy")
    return str(found)


def header_name(text: str) -> str:
    """The name of an HTTP header (RFC 9110, section 5.6.2)."""
    if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}", text):
        raise ValueError(f"expected the name of a header, got {text!r}")
    return text


def host_name(text: str) -> str:
    """A host without a port, in lower case."""
    if not re.fullmatch(r"[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]+\]", text):
        raise ValueError(f"expected a host name without a port, got {text!r}")
    return text.lower()


def label(text: str) -> str:
    """A value that a label of Kubernetes may have."""
    if not _LABEL.fullmatch(text):
        raise ValueError(f"expected up to 63 letters, digits, -, _ and . as in a label, got {text!r}")
    return text


def namespace(text: str) -> str:
    """The name of a namespace."""
    if not _NAMESPACE.fullmatch(text):
        raise ValueError(f"expected the name of a namespace: up to 63 of a-z, 0-9 and -, got {text!r}")
    return text


def object_name(text: str) -> str:
    """The name of an object of Kubernetes."""
    if len(text) > 253 or not _OBJECT_NAME.fullmatch(text):  # noqa: PLR2004 - as for host names
        raise ValueError(f"expected a name of up to 253 of a-z, 0-9, - and ., got {text!r}")
    return text


def selector(text: str) -> str:
    """A label selector; the API server knows its syntax best, so that only what is none for certain is told here."""
    if not text.isprintable() or not text.isascii() or text.startswith("-"):
        raise ValueError(f"expected labels such as team=shop,tier!=test, got {text!r}")
    return text


def service_address(text: str) -> tuple[str, str]:
    """``SERVICE=HOST:PORT``; SERVICE is a name, a name with port, or ``*`` for all others."""
    service, equals, where = text.partition("=")
    if not equals or not service:
        raise ValueError(f"expected SERVICE=HOST:PORT, got {text!r}")
    return service, address(where)
