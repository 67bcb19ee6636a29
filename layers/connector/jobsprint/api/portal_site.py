"""The portal: one HTML page for every address below `/portal`, and its assets, which `make portal-build` made."""

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent

from jobsprint.core.config import settings
from jobsprint.core.errors import NotFound

_ASSETS = "assets/"
_TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8"}
# No inline script or style, and no other host: whatever a stored text holds, it can neither run nor send anything.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "frame-ancestors {ancestors}; base-uri 'none'; form-action 'none'"
)


def portal_response(folder: Path, event: APIGatewayProxyEvent) -> Response[str]:
    """What a request for something below `/portal` gets: an asset of the bundle in `folder`, or the page.

    Every other name is a page, as the address says what the page shows. Raises NotFound for an asset that is not there.
    """
    name = event.path_parameters.get("proxy", "")
    headers = event.headers
    if name.startswith(_ASSETS):
        return _asset(folder, name, headers)
    said = {
        "Cache-Control": "no-cache",  # it names the assets of this version
        "Content-Security-Policy": _POLICY.format(ancestors=" ".join(settings().portal_origins) or "'none'"),
        "Referrer-Policy": "no-referrer",
    }
    return _unless_known(
        _page(folder, _way_up(name.rstrip("/"), slash=event.path.endswith("/"))),
        "text/html; charset=utf-8",
        said,
        headers,
    )


def _asset(folder: Path, name: str, headers: Mapping[str, str]) -> Response[str]:
    text = _assets(folder).get(name)
    if text is None:
        raise NotFound("The portal has no such file")
    said = {"Cache-Control": "public, max-age=31536000, immutable"}  # its name has a hash of its content
    return _unless_known(text, _TYPES[Path(name).suffix], said, headers)


def _unless_known(text: str, kind: str, said: dict[str, str], headers: Mapping[str, str]) -> Response[str]:
    """The text, or 304 where the caller has it (RFC 9110, 13.1.2)."""
    tag = f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'
    known = {part.strip().removeprefix("W/") for part in headers.get("if-none-match", "").split(",")}
    said = {**said, "ETag": tag}
    if tag in known or "*" in known:
        return Response(304, kind, "", headers=said)
    return Response(200, kind, text, headers=said)


def _way_up(name: str, *, slash: bool) -> str:
    """What leads from a page to `/portal/`, so that one bundle works under every path prefix.

    Links count from the last slash of the address: that of `/portal` is before `portal`, that of `/portal/` behind it.
    """
    below = (f"/{name}" if name else "") + ("/" if slash else "")
    return "../" * (below.count("/") - 1) if below else "portal/"


@cache
def _assets(folder: Path) -> dict[str, str]:
    return {f"{_ASSETS}{path.name}": path.read_text(encoding="utf-8") for path in (folder / _ASSETS).iterdir()}


@cache
def _page(folder: Path, way: str) -> str:
    return (folder / "index.html").read_text(encoding="utf-8").replace('"./', f'"{way}')
