"""Templates to HTML. The only user of Jinja; whatever a template shows is escaped, and shown as what it is."""

import json
from pathlib import Path

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from reconciler import __version__
from reconciler.model.digest import Json
from reconciler.model.text import plural, printable
from reconciler.web.asking import ViewerOf
from reconciler.web.pages.views import badges

HERE = Path(__file__).parent
_LONGEST_RAW = 200_000


def _shown(value: object) -> object:
    """Control characters, bidirectional overrides and the like become visible: nobody's text reorders a page."""
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _raw(value: Json) -> Markup:
    """JSON as it is, line by line; of a very long one the beginning."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    cut = text[:_LONGEST_RAW]
    lines = "\n".join(printable(line) for line in cut.splitlines())
    return Markup("{}{}").format(escape(lines), "\n…" if len(text) > len(cut) else "")


def _lines(text: str) -> Markup:
    """A text of several lines."""
    return escape("\n".join(printable(line) for line in text.splitlines()))


def _short(sha: str) -> str:
    """The first digits of a commit or digest, for people."""
    kind, colon, digits = sha.rpartition(":")
    return f"{kind}{colon}{digits[:12]}" if colon else sha[:7]


def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(raw=_raw, lines=_lines, short=_short)
    made.globals.update(plural=plural, happening_word=badges.happening_word, version=__version__)
    return made


_ENVIRONMENT = _environment()


def page(request: Request, viewer: ViewerOf, template: str, status: int = 200, **values: object) -> HTMLResponse:
    """A page.

    Args:
        request: what was asked for.
        viewer: by whom.
        template: its name, without ``.html``.
        status: of the answer.
        values: what the template shows.
    """
    base = request.scope.get("root_path", "").rstrip("/")
    text = _ENVIRONMENT.get_template(f"{template}.html").render(
        base=base, here=request.url.path.removeprefix(base), query=str(request.url.query), viewer=viewer, **values
    )
    return HTMLResponse(text, status)
