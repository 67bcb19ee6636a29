"""The protocol's own conformance suite: every check that applies passes, and the others are named with the reason."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.mcp_clients.conftest import Served, program, run

# Scenarios about what this server does not have, and says so by leaving the capability out.
NO_RESOURCES = "the server has no resources"
NO_PROMPTS = "the server has no prompts"
NO_INPUT = "no tool of this server asks its client for input"
NO_TASK = (
    "only calls of connected actions that take longer than three seconds become tasks; the suite's own tools do not"
)
NEEDS_NONE = "no tool needs a capability of its client; tasks/get does (test_mcp_tools.py)"
SCENARIOS = {
    "completion-complete": "the server has nothing to complete",
    "logging-set-level": "the server sends no log messages",
    "tools-call-image": "results are JSON: an image of an upstream is in its result",
    "tools-call-audio": "results are JSON",
    "tools-call-embedded-resource": "results are JSON",
    "tools-call-mixed-content": "results are JSON",
    "tools-call-with-logging": "answers are JSON, not streams",
    "tools-call-with-progress": "answers are JSON, not streams",
    "tools-call-sampling": NO_INPUT,
    "tools-call-elicitation": NO_INPUT,
    "elicitation-sep1034-defaults": NO_INPUT,
    "elicitation-sep1330-enums": NO_INPUT,
    "resources-list": NO_RESOURCES,
    "resources-read-text": NO_RESOURCES,
    "resources-read-binary": NO_RESOURCES,
    "resources-templates-read": NO_RESOURCES,
    "resources-subscribe": NO_RESOURCES,
    "resources-unsubscribe": NO_RESOURCES,
    "prompts-list": NO_PROMPTS,
    "prompts-get-simple": NO_PROMPTS,
    "prompts-get-with-args": NO_PROMPTS,
    "prompts-get-embedded-resource": NO_PROMPTS,
    "prompts-get-with-image": NO_PROMPTS,
    "input-required-result-basic-elicitation": NO_INPUT,
    "input-required-result-basic-sampling": NO_INPUT,
    "input-required-result-basic-list-roots": NO_INPUT,
    "input-required-result-request-state": NO_INPUT,
    "input-required-result-multiple-input-requests": NO_INPUT,
    "input-required-result-multi-round": NO_INPUT,
    "input-required-result-non-tool-request": NO_INPUT,
    "input-required-result-result-type": NO_INPUT,
    "input-required-result-tampered-state": NO_INPUT,
    "input-required-result-capability-check": NO_INPUT,
    "tasks-lifecycle": NO_TASK,
    "tasks-capability-negotiation": NO_TASK,
    "tasks-wire-fields": NO_TASK,
    "tasks-request-state-removal": NO_TASK,
    "tasks-mrtr-input": NO_INPUT,
    "tasks-request-headers": NO_TASK,
    "tasks-dispatch-and-envelope": NO_TASK,
    "tasks-required-task-error": NO_TASK,
    "tasks-mrtr-composition": NO_INPUT,
    "http-custom-header-server-validation": "no tool has x-mcp-header: those stay between this server and upstreams",
}
# Single checks, of scenarios that apply otherwise.
CHECKS = {
    "sep-2549-prompts-list-caching-hints": NO_PROMPTS,
    "sep-2549-resources-list-caching-hints": NO_RESOURCES,
    "sep-2549-resources-templates-list-caching-hints": NO_RESOURCES,
    "sep-2575-server-rejects-undeclared-capability": NEEDS_NONE,
    "sep-2575-missing-capability-http-400": NEEDS_NONE,
}

# How the suite calls the folder of a scenario: `server-<scenario>-<time>`, the first only where it runs for servers.
_STAMPED = re.compile(r"^server-(?!stateless|initialize|sse|session)|-\d{4}-\d\d-\d\dT.*$")


def checks(output: Path) -> dict[str, list[dict[str, Any]]]:
    """Every check that the suite wrote down, by scenario."""
    found: dict[str, list[dict[str, Any]]] = {}
    for file in output.rglob("checks.json"):
        scenario = _STAMPED.sub("", file.parent.name)
        found[scenario] = json.loads(file.read_text("utf-8"))
    return found


@pytest.mark.parametrize(
    ("package", "wanted"),
    [
        ("@modelcontextprotocol/conformance", ("--requirements", "2026-07-28")),
        ("@modelcontextprotocol/conformance", ("--requirements", "2025-11-25")),
        ("conformance-of-earlier-revisions", ("--suite", "all")),
    ],
    ids=["2026-07-28", "2025-11-25", "0.1.16"],
)
def test_every_check_that_applies_passes(served: Served, package: str, wanted: tuple[str, ...], tmp_path: Path) -> None:
    ran = run(program(package), "server", "--url", served.front, "--output-dir", str(tmp_path), *wanted)
    found = checks(tmp_path)
    assert len(found) > 25, ran.stdout + ran.stderr
    failed = {
        (scenario, check["id"]): check.get("errorMessage")
        for scenario, listed in found.items()
        for check in listed
        if check["status"] == "FAILURE" and scenario not in SCENARIOS and check["id"] not in CHECKS
    }
    assert failed == {}
