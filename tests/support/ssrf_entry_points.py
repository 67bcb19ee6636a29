"""Every request by which a tenant hands us an address, and the corpus of those that it must not reach."""

import ipaddress
import json
from collections.abc import Callable
from typing import Any

from tests.support.call import Answer, call
from tests.support.template import ROOT

CORPUS: dict[str, list[dict[str, Any]]] = json.loads(
    (ROOT / "tests" / "unit" / "outbound" / "addresses.json").read_text("utf-8")
)
Door = Callable[[str], Answer]


def _post(path: str, field: str, **body: Any) -> Door:
    return lambda url: call("POST", path, body={**body, field: url})


DOORS: dict[str, tuple[str, Door]] = {
    "webhook": ("body.url", _post("/integrations/webhooks", "url", name="n", events=["*"])),
    "custom endpoint": ("body.url", _post("/integrations/custom_webhook/connect", "url", name="n")),
    "n8n": ("body.baseUrl", _post("/integrations/n8n_workflows/connect", "baseUrl", apiKey="key")),
    "MCP server": ("body.serverUrl", _post("/integrations/mcp_server/connect", "serverUrl", authType="none")),
    "MCP server with a token": (
        "body.serverUrl",
        _post("/integrations/mcp_server/connect", "serverUrl", authType="token", token="secret-token"),
    ),
    "OAuth server": (
        "body.serverUrl",
        _post(
            "/integrations/mcp_server/connect",
            "serverUrl",
            authType="oauth",
            redirectUrl="https://your-app.com/callback",
        ),
    ),
}
"""The operation of each kind of address, and the field that an error about it names."""


def forbidden_urls() -> list[tuple[str, str]]:
    """Every URL of the corpus that is refused by its text, with the start of the reason."""
    literal = [
        (f"https://[{row['address']}]/" if ":" in row["address"] else f"https://{row['address']}/", row["class"])
        for row in CORPUS["addresses"]
        if row["class"] not in {None, "malformed", "scoped"}
    ]
    written = [(row["url"], row["refused"]) for row in CORPUS["urls"] if "refused" in row and _is_text(row["url"])]
    return [(url, f"blocked_address: {name}") for url, name in literal] + written


def forbidden_answers() -> list[tuple[str, str]]:
    """Every address of the corpus that a name must not lead to, with its class."""
    return [
        (str(ipaddress.ip_address(row["address"])), row["class"])
        for row in CORPUS["addresses"]
        if row["class"] not in {None, "malformed", "scoped"}
    ]


def refusal_of(answer: Answer, field: str) -> str:
    """The reason that an answer gives for refusing the address in `field`; what else it is where it is none."""
    if answer.status != 422 or answer.body.get("success") is not False:
        return f"HTTP {answer.status}"
    details = {detail["field"]: detail["message"] for detail in answer.error["details"]}
    return str(details.get(field, details))


def _is_text(url: str) -> bool:
    """What JSON can carry and is not refused for being empty or too short before anyone looks at the address."""
    return url.isprintable() and "://" in url
