"""What the service shows of itself: its OpenAPI file, and a page to read and try it.

Both are plain answers without a resolver, so their functions start fast. `openapi.json` beside this module is a link to
docs/openapi.json; the layer's build puts the file in its place.
"""

import base64
import hashlib
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from jobsprint.api.cors import cors_headers

Answer = dict[str, Any]

_OPENAPI = Path(__file__).with_name("openapi.json")
# Swagger UI (Apache License 2.0), as Powertools ships it: the page needs no other host.
_SWAGGER_UI = "event_handler/openapi/swagger_ui"
_START = """
SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#operations",
  presets: [SwaggerUIBundle.presets.apis],
  layout: "BaseLayout",
  deepLinking: true,
  displayRequestDuration: true,
  filter: true,
  validatorUrl: null,
});
"""
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Jobsprint Integrations API</title>
<link rel="icon" href="data:,">
<style>{style}</style>
</head>
<body>
<div id="operations"></div>
<noscript>This page needs JavaScript. The same is in <a href="openapi.json">openapi.json</a>.</noscript>
<script>{bundle}</script>
<script>{start}</script>
</body>
</html>
"""


def openapi_answer() -> Answer:
    """The OpenAPI file; pages of other origins may read it."""
    return _answer(_openapi(), {"Content-Type": "application/json", "Cache-Control": "public, max-age=300"})


def page_answer() -> Answer:
    """The page: one HTML file with script and style inside, which calls the stage it was loaded from."""
    page, policy = _page()
    headers = {
        "Content-Type": "text/html; charset=utf-8",
        "Cache-Control": "public, max-age=3600",
        "Content-Security-Policy": policy,
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
    return _answer(page, headers)


def _answer(body: str, headers: dict[str, str]) -> Answer:
    return {"statusCode": 200, "headers": headers | cors_headers(), "body": body, "isBase64Encoded": False}


@cache
def _openapi() -> str:
    return _OPENAPI.read_text(encoding="utf-8")


@cache
def _page() -> tuple[str, str]:
    """The page and its Content-Security-Policy, which lets exactly these two scripts run."""
    bundle, style = _asset("swagger-ui-bundle.min.js"), _asset("swagger-ui.min.css")
    policy = (
        f"default-src 'none'; script-src {_hash(bundle)} {_hash(_START)}; style-src 'unsafe-inline'; img-src data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return _PAGE.format(style=style, bundle=bundle, start=_START), policy


def _asset(name: str) -> str:
    # Found, not imported: importing Powertools takes longer than everything else here.
    package = find_spec("aws_lambda_powertools")
    if package is None or package.origin is None:
        raise FileNotFoundError(f"{name}: Powertools is not installed")
    return (Path(package.origin).parent / _SWAGGER_UI / name).read_text(encoding="utf-8")


def _hash(script: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
