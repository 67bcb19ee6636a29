"""The tools of an MCP server, as its `tools/list` gives them page by page."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from jobsprint.connectors.mcp.headers import mirrored
from jobsprint.connectors.mcp.schemas import checkable
from jobsprint.core.canonical_json import JsonObject, JsonValue
from jobsprint.core.errors import UpstreamFailed
from jobsprint.core.json_schema import check_schema
from jobsprint.core.redaction import Masker
from jobsprint.core.schema_patterns import Budget
from jobsprint.domain.integrations import MAX_NAME, Capability, Effect

MAX_TOOLS = 1000
"""Tools of one server that are kept; real ones have up to a few hundred."""

_MAX_DESCRIPTION = 2000
_MAX_OUTPUT_SCHEMA = 16 * 1024  # as JSON
_NAME = re.compile(r"[A-Za-z0-9_.\-]{1,128}")


@dataclass(frozen=True)
class Tool:
    """A tool that a server offers; `schema` is that of its arguments, an object.

    `unchecked` names the places of the server's own schema that are left out of it. The other fields are those of
    `Capability`, as far as the server says them.
    """

    name: str
    description: str | None
    schema: JsonObject
    unchecked: tuple[str, ...] = ()
    title: str | None = None
    output_schema: JsonObject | None = None
    effect: Effect | None = None
    idempotent: bool = False
    closed_world: bool = False

    def capability(self, name: str, schema: JsonObject) -> Capability:
        """The tool as an action of that name with those parameters."""
        return Capability(
            name,
            self.description,
            schema,
            title=self.title,
            output_schema=self.output_schema,
            effect=self.effect,
            idempotent=self.idempotent,
            closed_world=self.closed_world,
        )


@dataclass
class Listing:
    """The tools found. `complete` is False where a cap cut the list; `dropped` counts those that cannot be used.

    `task_only` names those that run as tasks alone (2025-11-25, tasks), which this client does not support.
    `fresh_ms` is how long the server says the list is good for, None where it says nothing. `patterns` is what those of
    all their schemas may take, and `output_patterns` those of their results' schemas. `masker` masks names in schemas
    that become part of a sentence.
    """

    tools: list[Tool] = field(default_factory=list)
    complete: bool = True
    dropped: int = 0
    task_only: list[str] = field(default_factory=list)
    fresh_ms: int | None = None
    patterns: Budget = field(default_factory=Budget.of_listing)
    output_patterns: Budget = field(default_factory=Budget.of_listing)
    masker: Masker = field(default_factory=lambda: Masker(()))

    def add(self, page: JsonObject, keep: Callable[[str], bool], *, modern: bool) -> None:
        """Add a page's usable tools whose names `keep` accepts. Raises UpstreamFailed unless it is a page of tools."""
        entries = page.get("tools")
        if not isinstance(entries, list):
            raise UpstreamFailed("The server's list of tools cannot be read", code="upstream_protocol")
        ttl = page.get("ttlMs")
        if isinstance(ttl, int) and ttl >= 0:
            self.fresh_ms = ttl if self.fresh_ms is None else min(ttl, self.fresh_ms)
        known = {tool.name for tool in self.tools}
        for entry in entries:
            name = entry.get("name") if isinstance(entry, dict) else None
            if isinstance(name, str) and not keep(name):
                continue
            tool = _tool(entry, self.patterns, modern=modern)
            if tool is None or tool.name in known:
                self.dropped += 1
            elif _runs_as_task_only(entry):
                self.task_only.append(tool.name)
            elif len(self.tools) >= MAX_TOOLS:
                self.complete = False
                return
            else:
                known.add(tool.name)
                unchecked = tuple(map(self.masker.text, tool.unchecked))
                output = self._output_schema(entry)
                self.tools.append(replace(tool, unchecked=unchecked, output_schema=output))

    def _output_schema(self, entry: JsonValue) -> JsonObject | None:
        """The schema of a tool's results, if it can be used whole: no call needs it, so nothing is repaired in it.

        One with a secret in it is left out: the names in an answer are not masked.
        """
        schema = _object(entry).get("outputSchema")
        text = json.dumps(schema)
        if not isinstance(schema, dict) or len(text) > _MAX_OUTPUT_SCHEMA or self.masker.text(text) != text:
            return None
        try:
            check_schema(schema, self.output_patterns)
        except ValueError:
            return None
        return schema


def _tool(entry: JsonValue, patterns: Budget, *, modern: bool) -> Tool | None:
    """The tool, or None for one that cannot be called: a name with other letters than MCP's, or arguments that are no
    object, or that are to go into headers which cannot be.
    """
    if not isinstance(entry, dict):
        return None
    name, schema = entry.get("name"), entry.get("inputSchema")
    if not isinstance(name, str) or not _NAME.fullmatch(name) or not isinstance(schema, dict):
        return None
    if not _takes_an_object(schema):
        return None
    if modern:
        try:
            mirrored(schema)
        except ValueError:
            return None
    schema, unchecked = checkable({**schema, "type": "object"}, patterns)
    said = entry.get("description") or entry.get("title")
    hints = _object(entry.get("annotations"))
    return Tool(
        name,
        said[:_MAX_DESCRIPTION] if isinstance(said, str) else None,
        schema,
        unchecked,
        title=next(filter(None, map(title_of, (entry.get("title"), hints.get("title")))), None),
        effect=_effect(hints),
        idempotent=hints.get("idempotentHint") is True,
        closed_world=hints.get("openWorldHint") is False,
    )


def title_of(said: JsonValue) -> str | None:
    """A title as it is kept; None for what says nothing."""
    return said.strip()[:MAX_NAME] or None if isinstance(said, str) else None


def _effect(hints: JsonObject) -> Effect | None:
    """What a tool's annotations say of its effect; None where they say nothing, and then it may be anything."""
    if hints.get("readOnlyHint") is True:
        return "read"
    match hints.get("destructiveHint"):
        case True:
            return "destructive"
        case False:
            return "write"
    return None


def _object(value: JsonValue) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _takes_an_object(schema: JsonObject) -> bool:
    kind = schema.get("type", "object")
    return kind is None or kind == "object" or (isinstance(kind, list) and "object" in kind)


def _runs_as_task_only(entry: JsonValue) -> bool:
    execution = entry.get("execution") if isinstance(entry, dict) else None
    return isinstance(execution, dict) and execution.get("taskSupport") == "required"
