"""What the service shows of itself: its OpenAPI file, and a page to read and try it.

`openapi.json` beside this module is a link to docs/openapi.json; the layer's build puts the file in its place.
"""

import base64
import hashlib
from functools import cache
from pathlib import Path

from aws_lambda_powertools import event_handler
from aws_lambda_powertools.event_handler import Response

_OPENAPI = Path(__file__).with_name("openapi.json")
# Swagger UI (Apache License 2.0), as Powertools ships it: the page needs no other host.
_SWAGGER_UI = "openapi/swagger_ui"
# The token stays in the browser's storage until one logs out; this policy lets no other script read it.
# Answers to failed requests are folded: every operation has up to a dozen.
_START = """
const foldFailures = () => ({
  wrapComponents: {
    response: (Original, { React }) => (props) => {
      const answer = React.createElement(Original, props);
      if (props.code < "4") return answer;
      const title = `${props.code} ${(props.response.get("description") || "").replaceAll("`", "")}`;
      const row = React.createElement("table", null, React.createElement("tbody", null, answer));
      const folded = React.createElement("details", null, React.createElement("summary", null, title), row);
      return React.createElement("tr", null, React.createElement("td", { colSpan: 3 }, folded));
    },
  },
});
SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#operations",
  presets: [SwaggerUIBundle.presets.apis],
  plugins: [foldFailures],
  layout: "BaseLayout",
  deepLinking: true,
  displayRequestDuration: true,
  filter: true,
  persistAuthorization: true,
  defaultModelsExpandDepth: 0,
  validatorUrl: null,
});
"""
# No answer has links; on a phone a tag's text goes below its name instead of over it.
_STYLE = """
.guide { font: 14px sans-serif; margin: 0 auto; max-width: 1420px; padding: 20px 20px 0 }
.swagger-ui .response-col_links { display: none }
@media (max-width: 640px) {
  .swagger-ui .opblock-tag { flex-wrap: wrap }
  .swagger-ui .opblock-tag small { flex-basis: 100%; padding: 0 }
}
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
<p class="guide">Concepts, examples and errors are in the <a href="guide/index.html">guide</a>.</p>
<div id="operations"></div>
<noscript>This page needs JavaScript. The same is in <a href="openapi.json">openapi.json</a>.</noscript>
<script>{bundle}</script>
<script>{start}</script>
</body>
</html>
"""


def openapi_response() -> Response[str]:
    """The OpenAPI file."""
    return Response(200, "application/json", _openapi(), headers={"Cache-Control": "public, max-age=300"})


def page_response() -> Response[str]:
    """The page: one HTML file with script and style inside, which calls the stage it was loaded from."""
    page, policy = _page()
    headers = {
        "Cache-Control": "public, max-age=3600",
        "Content-Security-Policy": policy,
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(200, "text/html; charset=utf-8", page, headers=headers)


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
    return _PAGE.format(style=style + _STYLE, bundle=bundle, start=_START), policy


def _asset(name: str) -> str:
    return (Path(event_handler.__file__).parent / _SWAGGER_UI / name).read_text(encoding="utf-8")


def _hash(script: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
