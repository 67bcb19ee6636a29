"""The guide: the files that `make docs` built beside the function which serves them."""

import base64
import hashlib
import re
from functools import cache
from pathlib import Path

from aws_lambda_powertools.event_handler import Response

from jobsprint.core.errors import NotFound

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".md": "text/markdown; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
}
_INLINE_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)
# Its scripts set styles and start the search as a worker. Nothing comes from another origin.
_POLICY = (
    "default-src 'none'; script-src 'self'{hashes}; worker-src 'self'; connect-src 'self'; style-src 'self' "
    "'unsafe-inline'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def guide_redirect(api_url: str) -> Response[str]:
    """The way to the first page, where relative links work; `api_url` is the API's base URL (no slash at its end)."""
    return Response(302, "text/plain", "", headers={"Location": f"{api_url}/guide/index.html"})


def guide_response(folder: Path, name: str) -> Response[str]:
    """The file of the guide in `folder` that a caller names, such as `guides/oauth.html`.

    Raises NotFound for any other name: only files that are there when the first one is asked for are served.
    """
    file = _files(folder).get(name)
    if file is None:
        raise NotFound("The guide has no such page")
    text = file.read_text(encoding="utf-8")
    headers = {
        "Cache-Control": "public, max-age=3600",
        "Content-Security-Policy": _policy(text) if file.suffix == ".html" else _POLICY.format(hashes=""),
        "Referrer-Policy": "no-referrer",
    }
    return Response(200, _TYPES[file.suffix], text, headers=headers)


@cache
def _files(folder: Path) -> dict[str, Path]:
    files = (path for path in folder.rglob("*") if path.suffix in _TYPES)
    return {path.relative_to(folder).as_posix(): path for path in files}


def _policy(page: str) -> str:
    """The Content-Security-Policy of a page: of scripts inside it exactly these may run."""
    digests = (hashlib.sha256(script.encode()).digest() for script in _INLINE_SCRIPT.findall(page))
    return _POLICY.format(hashes="".join(f" 'sha256-{base64.b64encode(digest).decode()}'" for digest in digests))
