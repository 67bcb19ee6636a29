"""Self-hosted n8n: its active workflows with a Webhook trigger are the actions.

n8n's public API cannot run a workflow, so an action calls the workflow's production webhook; the API key serves to find
the workflows, to test the connection and to find the execution that a call started.
"""

import base64
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from msgspec import field

from jobsprint.connectors.base import TEST_SECONDS, CallContext, Connection, TestResult
from jobsprint.connectors.custom import result_of
from jobsprint.connectors.fields import Url, check_target
from jobsprint.connectors.n8n import mcp_runner
from jobsprint.connectors.n8n.outcomes import (
    NOTHING_RAN,
    Execution,
    Refused,
    answers_unreadable_json,
    api_answer,
    execution_of,
    is_unregistered,
    scopes_of,
    webhook_error,
)
from jobsprint.connectors.n8n.workflows import CALL_HEADER, Hook, action_names, capability, live_hook, request_parts
from jobsprint.connectors.signed_post import MAX_RESULT_BYTES, client
from jobsprint.core.canonical_json import JsonObject
from jobsprint.core.errors import InvalidFields, JobsprintError, UpstreamFailed
from jobsprint.domain import integrations
from jobsprint.domain.capabilities import fitting, fitting_facts
from jobsprint.domain.inputs import Check, Input, Length, Pattern, Tagged
from jobsprint.domain.integrations import Capability, Integration
from jobsprint.domain.validation import validate
from jobsprint.outbound.client import Request, Response, TransferFailure
from jobsprint.security.credentials import Credentials

MAX_WORKFLOWS = 200
"""Workflows that become actions; tags choose them where there are more."""

_CONNECT_SECONDS = 20.0
_PAGE = 20
_MAX_PAGES = 50
_MAX_PAGE_BYTES = 4 * 1024 * 1024
_EXECUTION_SECONDS = 1.0
_EXECUTION_PAUSE = 0.1
_EXECUTIONS = 5
_MAX_EXECUTIONS_BYTES = 1024 * 1024
_EXECUTION_SCOPES = frozenset({"execution:list", "execution:read"})
_DEFAULT = "default"
_AUTH = "webhookAuth"

_Text = Annotated[str, Length(1, 4096), Pattern(r"^[\x20-\x7e]+$")]
_WorkflowId = Annotated[str, Pattern(r"^[A-Za-z0-9_-]{1,64}$")]


# --- what a connect says ---------------------------------------------------------------------------------------------


def _may_be_set(name: str) -> str:
    integrations.check_header(name, "")
    return name


class HeaderAuth(Input, frozen=True):
    """A header that the webhook asks for."""

    type: Literal["header"]
    name: Annotated[str, Check(_may_be_set)]
    value: _Text

    def header(self) -> tuple[str, str]:
        """Its name and value."""
        return self.name, self.value

    def secret(self) -> str:
        """What must not come back."""
        return self.value


class BasicAuth(Input, frozen=True):
    """A name and a password (RFC 7617)."""

    type: Literal["basic"]
    username: Annotated[str, Length(most=200), Pattern(r"^[^:]*$")]
    password: Annotated[str, Length(1, 1000)]

    def header(self) -> tuple[str, str]:
        """Its name and value."""
        return "Authorization", f"Basic {base64.b64encode(f'{self.username}:{self.password}'.encode()).decode()}"

    def secret(self) -> str:
        """What must not come back."""
        return self.password


class JwtAuth(Input, frozen=True):
    """A signed token, which n8n checks with the key it knows."""

    type: Literal["jwt"]
    token: _Text

    def header(self) -> tuple[str, str]:
        """Its name and value."""
        return "Authorization", f"Bearer {self.token}"

    def secret(self) -> str:
        """What must not come back."""
        return self.token


_WebhookAuth = Annotated[HeaderAuth | BasicAuth | JwtAuth, Tagged("type")]


def _bare(url: str) -> str:
    if "?" in url or "#" in url:
        raise ValueError("the address of n8n without query and fragment")
    return url.rstrip("/")


def _without_comma(tags: list[str]) -> list[str]:
    if any("," in tag for tag in tags):
        raise ValueError("n8n separates tags by commas: none may have one")
    return list(dict.fromkeys(tags))


class N8nConnect(Input, frozen=True):
    """The body that connects an n8n. `tags`: only workflows that have all of them; `webhookAuth`: by workflow id."""

    baseUrl: Annotated[Url, Check(_bare)]  # noqa: N815 - the contract's names
    apiKey: _Text  # noqa: N815
    mcpToken: _Text | None = None  # noqa: N815
    tags: Annotated[list[Annotated[str, Length(1, 100)]], Length(most=20), Check(_without_comma)] = field(
        default_factory=list
    )
    webhookAuth: Annotated[dict[_WorkflowId, _WebhookAuth], Length(most=100)] = field(  # noqa: N815
        default_factory=dict
    )


@dataclass(frozen=True)
class _Found:
    """What looking at n8n gave: the actions, the facts to keep, and a sentence about both."""

    capabilities: tuple[Capability, ...]
    facts: JsonObject
    message: str


class N8n:
    """The connector of self-hosted n8n."""

    def connect(self, integration: Integration, body: Mapping[str, object], *, current: Credentials) -> Connection:
        """Looks at n8n with the key and keeps what can be run; what the body leaves out stays as it is.

        Raises InvalidFields for what n8n says about key or address, and UpstreamFailed where it could not be asked.
        """
        given = validate(N8nConnect, _completed(integration, body, current))
        if given.baseUrl != current.url:
            check_target(given.baseUrl, "body.baseUrl")
            if current.url and "apiKey" not in body:
                # Kept keys go to no other address than they were given for.
                raise InvalidFields.one("body.apiKey", "another address needs its own API key")
        credentials, header_names = _credentials(integration, given, body, current)
        settled: JsonObject = {**integration.facts, "tags": [*given.tags], _AUTH: header_names}
        try:
            found = _look(credentials, settled, seconds=_CONNECT_SECONDS)
        except Refused as refused:
            raise refused.error() from refused
        return Connection(credentials, found.capabilities, f"Connected: {found.message}", facts=found.facts)

    def test(self, integration: Integration, credentials: Credentials) -> TestResult:
        """Asks n8n what the key may do and which workflows are live; runs none."""
        started = time.monotonic()
        try:
            found = _look(credentials, integration.facts, seconds=TEST_SECONDS)
        except Refused as refused:
            return TestResult(False, refused.message, _elapsed(started), refused.reason, refused.step)
        return TestResult(
            passed=True,
            message=f"Connection successful: {found.message}",
            response_ms=_elapsed(started),
            capabilities=found.capabilities,
            facts=found.facts,
        )

    def execute(
        self,
        integration: Integration,
        credentials: Credentials,
        *,
        call_id: str,
        action: str,
        parameters: JsonObject,
        context: CallContext,
    ) -> JsonObject:
        """Calls the workflow's production webhook; see `connectors.base.Connector`.

        With an MCP token, a workflow that is exposed to MCP runs through n8n's MCP server instead. The result has n8n's
        `executionId`; after a call of a webhook only where the key may read executions and n8n keeps them.
        """
        kept: Any = integration.facts
        hook = Hook.of_fact(kept["actions"][action])
        if hook.exposed and not hook.path_names and "mcpToken" in credentials.keys:
            return mcp_runner.run(
                credentials, kept.get("mcp"), hook, parameters, call_id=call_id, seconds=context.seconds
            )
        endpoint = f"{credentials.url}/{integrations.webhook_path(integration.configuration)}"
        caller = _Caller(credentials, endpoint, kept, hook, call_id, parameters, context)
        sent, outcome = caller.call()
        error = webhook_error(outcome, sent)
        execution = None if error and error.code in NOTHING_RAN else caller.execution()
        if error:
            raise _told(error, execution)
        assert isinstance(outcome, Response)  # noqa: S101 - a TransferFailure is an error
        if answers_unreadable_json(outcome):
            raise _told(UpstreamFailed("The answer is no JSON", code="upstream_answer_unreadable"), execution)
        try:
            result = result_of(outcome.body)
        except UpstreamFailed as failed:
            raise _told(failed, execution) from failed
        return {"executionId": execution.id, **result} if execution else result


def _completed(integration: Integration, body: Mapping[str, object], current: Credentials) -> dict[str, object]:
    """The body with what is kept where it says nothing; null takes an option away."""
    kept: dict[str, object] = {}
    if current.url:
        kept = {"baseUrl": current.url, "apiKey": current.keys["apiKey"], "tags": integration.facts.get("tags", [])}
    removed = {name for name in ("mcpToken", "tags", _AUTH) if name in body and body[name] is None}
    return {name: value for name, value in {**kept, **body}.items() if name not in removed}


def _credentials(
    integration: Integration, given: N8nConnect, body: Mapping[str, object], current: Credentials
) -> tuple[Credentials, dict[str, Any]]:
    """the credentials to encrypt, and the header's name of each webhook credential, which is none."""
    keys = {"apiKey": given.apiKey}
    same = given.baseUrl == current.url
    if given.mcpToken:
        keys["mcpToken"] = given.mcpToken
    elif same and "mcpToken" not in body and "mcpToken" in current.keys:
        keys["mcpToken"] = current.keys["mcpToken"]
    if same and _AUTH not in body:
        names: Any = integration.facts.get(_AUTH, {})
        keys |= {name: value for name, value in current.keys.items() if name.startswith(f"{_AUTH}.")}
        return Credentials(given.baseUrl, keys=keys), dict(names)
    header_names: dict[str, Any] = {}
    for workflow_id, auth in given.webhookAuth.items():
        header_names[workflow_id], keys[f"{_AUTH}.{workflow_id}"] = auth.header()
        keys[f"{_AUTH}.{workflow_id}.secret"] = auth.secret()
    return Credentials(given.baseUrl, keys=keys), header_names


# --- looking at n8n --------------------------------------------------------------------------------------------------


def _look(credentials: Credentials, facts: JsonObject, *, seconds: float) -> _Found:
    """What the key may do and which workflows can be run now. Raises Refused."""
    deadline = time.monotonic() + seconds
    scopes = scopes_of(_read(credentials, "discover", {}, deadline, needs="workflow:list"))
    workflows, more = _live_workflows(credentials, facts, deadline)
    spoken = {name: fact for name, fact in facts.items() if name != "mcp"}
    if "mcpToken" in credentials.keys:
        spoken["mcp"] = mcp_runner.check(credentials, seconds=max(deadline - time.monotonic(), 1.0))
    return _found(credentials, spoken, workflows, more=more, reads=scopes >= _EXECUTION_SCOPES)


def _live_workflows(
    credentials: Credentials, facts: JsonObject, deadline: float
) -> tuple[list[tuple[dict[str, Any], Hook]], bool]:
    """The workflows that can be run, each with its hook, and whether there are more than are read."""
    tags: Any = facts.get("tags", [])
    query = {"active": "true", "excludePinnedData": "true", "limit": str(_PAGE)}
    if tags:
        query["tags"] = ",".join(tags)
    found: list[tuple[dict[str, Any], Hook]] = []
    for _ in range(_MAX_PAGES):
        page = _read(credentials, "workflows", query, deadline, needs="workflow:list")
        listed = [one for one in page.get("data", []) if isinstance(one, dict) and one.get("id")]
        found += [(one, hook) for one in listed if (hook := live_hook(one))]
        cursor = page.get("nextCursor")
        if not cursor or len(found) > MAX_WORKFLOWS:
            return found[:MAX_WORKFLOWS], len(found) > MAX_WORKFLOWS
        query["cursor"] = str(cursor)
    return found, True


def _found(
    credentials: Credentials,
    facts: JsonObject,
    workflows: list[tuple[dict[str, Any], Hook]],
    *,
    more: bool,
    reads: bool,
) -> _Found:
    kept: Any = facts.get("actions", {})
    names = action_names(
        (workflow for workflow, _ in workflows), {fact["workflowId"]: name for name, fact in kept.items()}
    )
    hooks = {names[hook.workflow_id]: (workflow, hook) for workflow, hook in workflows}
    kept = fitting(tuple(capability(name, *hooks[name]) for name in sorted(hooks)))
    actions = fitting_facts({one.name: hooks[one.name][1].fact() for one in kept})
    locked = [
        name
        for name in actions
        if hooks[name][1].authentication != "none" and not _auth_header(credentials, facts, hooks[name][1])
    ]
    return _Found(
        capabilities=kept[: len(actions)],
        facts={**facts, "readsExecutions": reads, "actions": actions},
        message=_sentence(len(actions), locked, more=more or len(actions) < len(hooks)),
    )


def _sentence(count: int, locked: list[str], *, more: bool) -> str:
    text = f"{count} workflow{'' if count == 1 else 's'} can be run"
    if more:
        text += " (there are more: choose by tags)"
    if locked:
        text += f"; webhookAuth is missing for {', '.join(locked[:5])}{' and others' if len(locked) > 5 else ''}"
    return text


def _read(
    credentials: Credentials,
    path: str,
    query: Mapping[str, str],
    deadline: float,
    *,
    needs: str,
    max_body: int = _MAX_PAGE_BYTES,
) -> dict[str, Any]:
    """What a GET of the public API gives until `deadline` (monotonic). Raises Refused."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise Refused("timeout_body", "n8n did not answer in time", "Check that n8n is up and answers within seconds")
    url = f"{credentials.url}/api/v1/{path}" + (f"?{urlencode(query)}" if query else "")
    headers = {"X-N8N-API-KEY": credentials.keys["apiKey"], "Accept": "application/json"}
    return api_answer(client().send(Request("GET", url, headers), timeout=left, max_body=max_body), needs=needs)


# --- running a workflow ----------------------------------------------------------------------------------------------


def _auth_header(credentials: Credentials, facts: Mapping[str, Any], hook: Hook) -> dict[str, str]:
    """The header of the webhook's own credential; the default one only where n8n asks for one."""
    names = facts.get(_AUTH, {})
    for owner in (hook.workflow_id, *([_DEFAULT] if hook.authentication != "none" else [])):
        if owner in names:
            return {names[owner]: credentials.keys[f"{_AUTH}.{owner}"]}
    return {}


class _Caller:
    """One call of one workflow."""

    def __init__(
        self,
        credentials: Credentials,
        endpoint: str,
        facts: Mapping[str, Any],
        hook: Hook,
        call_id: str,
        parameters: JsonObject,
        context: CallContext,
    ) -> None:
        self._credentials, self._endpoint, self._facts, self._hook = credentials, endpoint, facts, hook
        self._call_id, self._parameters = call_id, parameters
        self._traced = {"traceparent": context.traceparent} if context.traceparent else {}
        self._deadline = time.monotonic() + context.seconds

    def call(self) -> tuple[int, Response | TransferFailure]:
        """The size of the body sent, and the outcome.

        Where n8n does not know the webhook, nothing ran: it is looked up anew, and called once more if it has moved.
        """
        sent, outcome = self._send(self._hook)
        if not is_unregistered(outcome):
            return sent, outcome
        moved = self._live()
        if moved is None or (moved.method, moved.path) == (self._hook.method, self._hook.path):
            return sent, outcome
        missing = [name for name in moved.path_names if name not in self._parameters]
        return (sent, outcome) if missing else self._send(moved)

    def _send(self, hook: Hook) -> tuple[int, Response | TransferFailure]:
        url, body = request_parts(self._endpoint, hook, self._parameters)
        headers = {"Accept": "application/json", CALL_HEADER: self._call_id, **self._traced}
        if body is not None:
            headers["Content-Type"] = "application/json"
        headers |= _auth_header(self._credentials, self._facts, hook)
        # A workflow may do anything behind a GET too: `once` keeps libcurl from repeating it.
        request = Request(hook.method, url, headers, body, once=True)
        left = max(self._deadline - time.monotonic(), 0.001)
        return len(body or b""), client().send(request, timeout=left, max_body=MAX_RESULT_BYTES)

    def _live(self) -> Hook | None:
        path = f"workflows/{self._hook.workflow_id}"
        try:
            return live_hook(_read(self._credentials, path, {}, self._deadline, needs="workflow:read"))
        except Refused:
            return None

    def execution(self) -> Execution | None:
        """The execution in n8n that the call started; None where it cannot be told. Takes at most a second.

        n8n keeps the call's headers with the execution, from its start, so it is recognised for certain. One that is
        about to end is for a moment in neither of its two lists.
        """
        if not self._facts.get("readsExecutions"):
            return None
        deadline = time.monotonic() + _EXECUTION_SECONDS
        query = {"workflowId": self._hook.workflow_id, "includeData": "true", "limit": str(_EXECUTIONS)}
        try:
            while True:
                for more in ({}, {"status": "running"}):
                    found = execution_of(self._call_id, self._executions({**query, **more}, deadline))
                    if found:
                        return found
                if time.monotonic() + _EXECUTION_PAUSE > deadline:
                    return None
                time.sleep(_EXECUTION_PAUSE)
        except Refused:
            return None

    def _executions(self, query: Mapping[str, str], deadline: float) -> dict[str, Any]:
        return _read(
            self._credentials,
            "executions",
            query,
            deadline,
            needs="execution:list",
            max_body=_MAX_EXECUTIONS_BYTES,
        )


def _told(error: JobsprintError, execution: Execution | None) -> JobsprintError:
    """The error with what is known of the execution in its message."""
    if execution:
        trouble = f" {execution.trouble}" if execution.trouble else ""
        error.message += f"{trouble} (n8n execution {execution.id})"
    return error


def _elapsed(started: float) -> int:
    return round((time.monotonic() - started) * 1000)
