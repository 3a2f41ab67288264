"""The program itself as a fact that what is kept depends on."""

from functools import cache
from pathlib import Path

import reconciler
from reconciler.model.digest import digest_bytes


@cache
def program(*parts: str) -> str:
    """Names this program, or some folders of it, down to the text: a version number alone would miss an edit."""
    root = Path(reconciler.__file__).parent
    files = sorted({path for part in parts for path in (root / part).rglob("*") if path.suffix in {".py", ".json"}})
    digests = (digest_bytes(path.read_bytes()).encode() for path in files)
    return f"{reconciler.__version__} {digest_bytes(b''.join(digests))}"
