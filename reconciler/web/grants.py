"""The access file: who may see what, as its owner writes it, read again when it changes."""

import os
import re
import stat
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import yaml

from reconciler.model.errors import Stalled
from reconciler.web.access import ALL_NAMESPACES, Grants, Scope, Token

_LARGEST = 256 * 1024  # ten times what a thousand people need; reading YAML is slow
_MOST = 10_000
_SHA256 = re.compile(r"[0-9a-f]{64}")
_NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_HINT = "docs/guides/pages.md tells what it holds"
_Stamp = tuple[int, int, int, int, int]


def _unheard(_trouble: str) -> None:
    """Nobody is told."""


class AccessFile:
    """What a file grants now. May be asked from any thread; read once for each change, whoever asks meanwhile waits.

    It fails closed: a file that can't be read, or that others may write, lets nobody in, so that a token that was
    taken back never comes back by accident. It comes back by itself once the file is mended.

    Args:
        path: the file.
        told: why it can't be used, whenever that changes; empty once it can.
    """

    def __init__(self, path: Path, told: Callable[[str], None] = _unheard) -> None:
        self._path = path
        self._told = told
        self._lock = threading.Lock()
        self._read: tuple[_Stamp, Grants | Stalled] | None = None
        self._trouble = ""

    def grants(self) -> Grants:
        """What the file says.

        Raises:
            Stalled: it can't be used.
        """
        with self._lock:
            found = self._now()
            trouble = str(found) if isinstance(found, Stalled) else ""
            if trouble != self._trouble:
                self._trouble = trouble
                self._told(trouble)
        if isinstance(found, Stalled):
            raise Stalled(found.reason, found.message, found.hint)
        return found

    def trouble(self) -> str:
        """Why nobody is let in; empty where the file can be used."""
        try:
            self.grants()
        except Stalled as error:
            return str(error)
        return ""

    def _now(self) -> Grants | Stalled:
        try:
            found = self._path.stat()
            stamp = (found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino, found.st_mode)
            # What is wrong with a file is remembered, too: whoever asks, and has no token, must not cost a reading.
            if self._read is None or self._read[0] != stamp:
                self._read = stamp, self._parsed()
        except OSError as error:
            return _unusable(self._path, error.strerror or str(error))
        return self._read[1]

    def _parsed(self) -> Grants | Stalled:
        try:
            return parsed(self._content(), self._path)
        except Stalled as error:
            return error

    def _content(self) -> bytes:
        # A pipe that nobody writes to must not hold up whoever asks.
        with open(os.open(self._path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:  # noqa: PTH123 - a descriptor
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise _unusable(self._path, "it is no regular file")
            if found.st_mode & (stat.S_IWGRP | stat.S_IRWXO):
                raise _unusable(self._path, "others may read it or write to it", "chmod 600, or 440 in a Pod")
            content = file.read(_LARGEST + 1)
        if len(content) > _LARGEST:
            raise _unusable(self._path, f"it is larger than {_LARGEST // 1024} kB")
        return content


def parsed(content: bytes, path: Path) -> Grants:
    """What the text of an access file says.

    Raises:
        Stalled: it says something else than who may see what; never quotes it.
    """
    try:
        found = yaml.safe_load(content)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise _unusable(path, "it is no YAML") from error
    if not isinstance(found, dict) or not set(found) <= {"tokens", "users", "groups"}:
        raise _unusable(path, "expected tokens, users and groups, and nothing else")
    tokens = found.get("tokens") or []
    if not isinstance(tokens, list) or len(tokens) > _MOST:
        raise _unusable(path, "tokens: expected a list")
    read = tuple(_token(item, f"tokens[{index}]", path) for index, item in enumerate(tokens))
    return Grants(read, _named(found.get("users"), "users", path), _named(found.get("groups"), "groups", path))


def _token(item: object, place: str, path: Path) -> Token:
    if not isinstance(item, dict) or set(item) != {"sha256", "name", "namespaces"}:
        raise _unusable(path, f"{place}: expected sha256, name and namespaces")
    digest, name = item["sha256"], item["name"]
    if not isinstance(digest, str) or not _SHA256.fullmatch(digest):
        raise _unusable(path, f"{place}: sha256: expected 64 digits 0-9, a-f: `printf %s TOKEN | sha256sum`")
    if not isinstance(name, str) or not name.strip():
        raise _unusable(path, f"{place}: name: expected a text")
    return Token(digest, name.strip(), _scope(item["namespaces"], place, path))


def _named(found: object, place: str, path: Path) -> Mapping[str, Scope]:
    if found is None:
        return {}
    if not isinstance(found, dict) or len(found) > _MOST or not all(isinstance(name, str) for name in found):
        raise _unusable(path, f"{place}: expected names, each with a list of namespaces")
    return {name: _scope(value, f"{place}.{name}", path) for name, value in found.items()}


def _scope(value: object, place: str, path: Path) -> Scope:
    listed: list[object] = value if isinstance(value, list) else [value]
    names = [
        name for name in listed if isinstance(name, str) and (name == ALL_NAMESPACES or _NAMESPACE.fullmatch(name))
    ]
    if len(names) != len(listed):
        raise _unusable(path, f"{place}: expected names of namespaces, or *")
    return Scope.of(names)


def _unusable(path: Path, what: str, hint: str = _HINT) -> Stalled:
    return Stalled("AccessFileUnusable", f"{path}: {what}", hint)
