"""SSRF entry points: every operation that takes a URL of a tenant, and the corpus of forbidden URLs and addresses."""

import ipaddress
import json
from collections.abc import Callable
from typing import Any

from tests.support.call import Answer, call
from tests.support.template import ROOT

CORPUS: dict[str, list[dict[str, Any]]] = json.loads(
    (ROOT / "tests" / "unit" / "outbound" / "addresses.json").read_text("utf-8")
)
Submit = Callable[[str], Answer]


def _post(path: str, field: str, **body: Any) -> Submit:
    return lambda url: call("POST", path, body={**body, field: url})


ENTRY_POINTS: dict[str, tuple[str, Submit]] = {
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
"""By kind of URL: the field that an error about it names, and the call that submits one."""


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
    """Every address of the corpus that a name must not resolve to, with its class."""
    return [
        (str(ipaddress.ip_address(row["address"])), row["class"])
        for row in CORPUS["addresses"]
        if row["class"] not in {None, "malformed", "scoped"}
    ]


def refusal_of(answer: Answer, field: str) -> str:
    """The reason that an answer gives for refusing the URL in `field`; for any other answer, what it is instead."""
    if answer.status != 422 or answer.body.get("success") is not False:
        return f"HTTP {answer.status}"
    details = {detail["field"]: detail["message"] for detail in answer.error["details"]}
    return str(details.get(field, details))


def _is_text(url: str) -> bool:
    """Whether JSON can carry it and its length alone is no reason to refuse it."""
    return url.isprintable() and "://" in url
