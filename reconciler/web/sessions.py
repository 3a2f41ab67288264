"""Sessions of browsers: who showed a token once need not type it for every request. Nothing is kept here.

A session is the token itself, in a cookie that only a holder of the access file can open. So any replica with the same
file knows it, a token that is taken out ends its sessions, and who can read the file alone still can't come in.
"""

import asyncio
import base64
import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from urllib.parse import parse_qs

from cryptography.fernet import Fernet, InvalidToken
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from reconciler.web.access import NO_GRANTS, Grants, Refused, digest_of, holder_of

LOGIN, LOGOUT = "/login", "/logout"
COOKIE = "reconciler-session"
_LASTS_S = 8 * 3600  # a working day
_LONGEST_COOKIE = 4 * 1024
_LARGEST_FORM = 16 * 1024
_LONGEST_NEXT = 8 * 1024
_PURPOSE = b"reconciler session 1"

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Log in · reconciler</title><link rel="stylesheet" href="/static/style.css"></head>
<body><main class="login"><h1>reconciler</h1>
<form method="post" action="/login"><label for="token">Access token</label>
<input id="token" name="token" type="password" autocomplete="current-password" required autofocus>
<input type="hidden" name="next" value="{next}">
<button type="submit">Log in</button></form>
<p role="alert">{said}</p></main></body></html>
"""


@dataclass(slots=True)
class Sessions:
    """Begins sessions, knows them again, and ends them.

    Attributes:
        grants: what the access file says now.
        clock: seconds since 1970: other replicas read them, too.
    """

    grants: Callable[[], Grants]
    clock: Callable[[], float] = time.time
    _known: tuple[Grants, dict[str, str]] = (NO_GRANTS, {})

    def holder(self, session: str, grants: Grants) -> str:
        """The hash of the token that a session was begun with; empty where it is none, or over.

        Args:
            session: the cookie.
            grants: what the access file says now.
        """
        place, _, sealed = session.partition(".")
        digest = self._tokens(grants).get(place) if len(session) <= _LONGEST_COOKIE else None
        if digest is None:
            return ""
        try:
            held = _seal(digest).decrypt_at_time(sealed + "=" * (-len(sealed) % 4), _LASTS_S, int(self.clock()))
        except (InvalidToken, ValueError):
            return ""
        return digest_of(held.decode(errors="replace"))

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The page to log in, what becomes of a token that was typed there, and the way out."""
        request = Request(scope, receive)
        if request.method == "POST":
            response = await self._sent(request)
        elif request.url.path == LOGIN and request.method in ("GET", "HEAD"):
            response = _page("", 200, request.query_params.get("next", ""))
        else:
            response = Response(status_code=405, headers={"allow": "POST"})
        await response(scope, receive, send)

    async def _sent(self, request: Request) -> Response:
        if not _from_here(request):
            return _page("This form was sent by another site.", 403)
        if request.url.path == LOGOUT:
            gone = RedirectResponse(LOGIN, 303)
            gone.delete_cookie(COOKIE, httponly=True, samesite="lax")
            return gone
        typed, after = await _typed(request)
        # Wrong ones are not counted: a proxy's address is that of many people, no form is needed to try tokens, and
        # of those made by chance there are too many to try.
        if isinstance(holder_of(typed, await asyncio.to_thread(self.grants)), Refused):
            return _page("No such token.", 401, after)
        response = RedirectResponse(local(after), 303)
        secure = "https" in (request.url.scheme, request.headers.get("x-forwarded-proto", ""))
        # Lax: who follows a link from a ticket stays logged in. Nothing here can be changed by following one.
        response.set_cookie(COOKIE, self._made(typed), _LASTS_S, httponly=True, samesite="lax", secure=secure)
        return response

    def _made(self, token: str) -> str:
        """A new session with a token that is good."""
        digest = digest_of(token)
        sealed = _seal(digest).encrypt_at_time(token.encode(), int(self.clock())).decode()
        return f"{_place(digest)}.{sealed.rstrip('=')}"

    def _tokens(self, grants: Grants) -> dict[str, str]:
        """The hashes of tokens by what cookies call them, made anew when the file has changed."""
        if self._known[0] is not grants:
            self._known = grants, {_place(token.sha256): token.sha256 for token in grants.tokens}
        return self._known[1]


def _place(digest: str) -> str:
    """What a cookie calls the token with this hash: tells which one to try, and nothing else."""
    return digest_of(f"place {digest}")[:16]


def _seal(digest: str) -> Fernet:
    """Signs, dates and encrypts. The key follows from the hash in the access file: all replicas have it."""
    return Fernet(base64.urlsafe_b64encode(hmac.digest(bytes.fromhex(digest), _PURPOSE, "sha256")))


def local(url: str) -> str:
    """A path of these pages, with its query; the first page where it could lead anywhere else."""
    plain = all("!" <= character <= "~" for character in url) and "\\" not in url and len(url) <= _LONGEST_NEXT
    path = url.partition("?")[0]
    return url if plain and url.startswith("/") and not url.startswith("//") and path not in (LOGIN, LOGOUT) else "/"


def _from_here(request: Request) -> bool:
    """Whether a form is one of ours. Browsers say where from; programs don't, and bring nobody's cookies either."""
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is not None:
        return site in ("same-origin", "none")
    return origin is None or origin.partition("://")[2].lower() == request.headers.get("host", "").lower()


async def _typed(request: Request) -> tuple[str, str]:
    """The token in a form and where to go then; empty where it is none, or too large to be one."""
    content = b""
    async for part in request.stream():
        content += part
        if len(content) > _LARGEST_FORM:
            return "", ""
    try:
        fields = parse_qs(content.decode(errors="replace"), max_num_fields=4)
    except ValueError:  # more fields than the form has
        return "", ""
    return fields.get("token", [""])[0].strip(), fields.get("next", [""])[0]


def _page(said: str, status: int, after: str = "") -> Response:
    return HTMLResponse(_PAGE.format(said=escape(said), next=escape(local(after))), status)
