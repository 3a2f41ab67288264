"""Makes text fit for a record: no secret that slipped into a URL, nothing that UTF-8 cannot hold. Pure."""

import re

from reconciler.model.digest import Json

_REDACTED = "[redacted]"
# user:password@ or token@ of a URL; RFC 3986 calls it userinfo.
_USERINFO = re.compile(r"(?<=://)[^/?#\s@]*(?:@[^/?#\s@]*)*@")
# Parameters that carry credentials, in a URL or quoted from one.
_PARAMETER = re.compile(
    r"(?i)\b((?:access_|private_|auth_|id_|job_)?token|password|passwd|pwd|secret|api_?key|signature|sig)=[^&\s\"']+"
)
# scp-like user:password@host:path
_SCP_PASSWORD = re.compile(r"^[^/@\s:]+:[^/@\s]*@")


def repository(address: str) -> str:
    """Where a repository is, without user, password, query and fragment."""
    if "://" in address:
        return re.split(r"[?#]", _USERINFO.sub("", clean_text(address)), maxsplit=1)[0]
    return _SCP_PASSWORD.sub("", clean_text(address))


def clean_text(text: str) -> str:
    r"""The text with credentials in URLs redacted and lone surrogates written as ``\udcNN``."""
    if not text.isascii():
        text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    if "://" in text:
        text = _USERINFO.sub(f"{_REDACTED}@", text)
    return _PARAMETER.sub(rf"\1={_REDACTED}", text) if "=" in text else text


def clean(value: Json) -> Json:
    """The same value with every string in it cleaned; keys are ours and stay."""
    match value:
        case str():
            return clean_text(value)
        case list():
            return [clean(item) for item in value]
        case dict():
            return {key: clean(item) for key, item in value.items()}
        case _:
            return value
