"""What n8n's answers mean: pure, from an HTTP outcome to an error or a problem with its next step.

n8n's own words are recognised, as 2.41 says them (measured), and replaced: its answers carry stack traces and hints
with paths of its server, which never pass through.
"""

import json
from dataclasses import dataclass
from typing import Any

from jobsprint.connectors import answers, responses
from jobsprint.connectors.signed_post import MAX_RESULT_BYTES
from jobsprint.core.errors import InvalidFields, JobsprintError, UpstreamFailed, UpstreamTimeout
from jobsprint.core.redaction import Masker
from jobsprint.core.upstream_json import object_in, text_of
from jobsprint.outbound.client import Response, TransferFailure

NOTHING_RAN = frozenset(
    {
        "upstream_bad_json",
        "upstream_blocked_address",
        "upstream_connect",
        "upstream_dns",
        "upstream_rate_limited",
        "upstream_request_too_large",
        "upstream_tls",
        "webhook_address_rejected",
        "webhook_credential_rejected",
        "webhook_method_rejected",
        "workflow_inactive",
    }
)
"""Codes of errors after which there is no execution to look for."""

_LARGE_REQUEST = 64 * 1024
_SAID_CHARACTERS = 200


# --- calls of a webhook ----------------------------------------------------------------------------------------------


def webhook_error(outcome: Response | TransferFailure, sent_bytes: int, masker: Masker) -> JobsprintError | None:
    """The error of a call to a production webhook, or None for a 2xx that was read whole.

    `sent_bytes` is the size of the request's body; `masker` masks what n8n says.
    """
    if isinstance(outcome, TransferFailure):
        return responses.failed(outcome)
    if 200 <= outcome.status < 300:
        return _cut_off() if outcome.truncated else None
    if outcome.status == 429:
        return responses.refused(outcome, masker)
    if outcome.status in responses.LOST_BY_A_PROXY:
        return UpstreamTimeout(
            f"A proxy answered HTTP {outcome.status} for n8n: whether the workflow ran is unknown", unknown=True
        )
    said = masker.value(_said(outcome))
    return _known(outcome, said, sent_bytes) or _of_the_workflow(outcome, masker)


def is_unregistered(outcome: Response | TransferFailure) -> bool:
    """Whether n8n knows no such webhook: nothing ran, and its path or method may have changed."""
    return (
        isinstance(outcome, Response)
        and outcome.status == 404
        and " not registered" in _text(_said(outcome), "message")
    )


def streamed_error(answer: Response, masker: Masker) -> UpstreamFailed | None:
    """The error of an answer in n8n's streaming mode: JSON on each line, from `begin` to `end`; None for any other.

    `masker` masks what n8n says.
    """
    lines = answers.json_lines(text_of(answer.body, answer.headers.get("content-type", ""))) or []
    chunks = [line for line in lines if isinstance(line, dict)]
    if not chunks or len(chunks) < len(lines) or chunks[0].get("type") != "begin":
        return None
    failed = next((chunk for chunk in chunks if chunk.get("type") == "error"), None)
    if failed is not None:
        words = masker.text(_text(failed, "content")).strip().splitlines()
        said = f": {words[0][:_SAID_CHARACTERS]}" if words else ""
        return UpstreamFailed(f"The workflow failed in n8n while it streamed its answer{said}", code="workflow_failed")
    return UpstreamFailed(
        "The workflow ran and answered in n8n's streaming mode, which is no result: "
        "choose another mode in Respond of its Webhook trigger",
        code="upstream_unreadable",
    )


def _cut_off() -> UpstreamFailed:
    return UpstreamFailed(
        f"The workflow ran, but its answer is longer than {MAX_RESULT_BYTES // 1024} KB",
        code="upstream_answer_too_large",
    )


def _known(answer: Response, said: dict[str, Any] | None, sent_bytes: int) -> UpstreamFailed | None:
    """The error where n8n itself refused or failed; None where the workflow chose the answer."""
    message = _text(said, "message")
    if answer.status in (401, 403) and said is None:
        return _not_let_in(answer)
    if answer.status == 404 and "is not registered for" in message:
        return UpstreamFailed("The workflow's webhook takes another method", code="webhook_method_rejected")
    if answer.status == 404 and "is not registered" in message:
        return UpstreamFailed("The workflow is not active in n8n", code="workflow_inactive")
    if answer.status == 422 and message == "Failed to parse request body":
        return UpstreamFailed("n8n could not read the request as JSON", code="upstream_bad_json")
    if answer.status == 413:
        return _too_large(sent_bytes)
    return _broken(answer, message, sent_bytes) if answer.status >= 500 else None


def _not_let_in(answer: Response) -> UpstreamFailed:
    if b"IP" in answer.body[:_SAID_CHARACTERS]:
        return UpstreamFailed("The webhook takes calls from listed addresses only", code="webhook_address_rejected")
    return UpstreamFailed(
        f"The webhook refused its credential (HTTP {answer.status}): give it in webhookAuth",
        code="webhook_credential_rejected",
    )


def _broken(answer: Response, message: str, sent_bytes: int) -> UpstreamFailed | None:
    if message == "Error in workflow":
        return UpstreamFailed("The workflow failed in n8n", code="workflow_failed")
    if "Respond to Webhook node" in message:
        return UpstreamFailed(
            "The workflow's Webhook trigger and its Respond to Webhook nodes do not fit together",
            code="workflow_misconfigured",
        )
    if message == "There was a problem executing the workflow":
        # n8n says no more, and this is also how it refuses a body over its limit.
        if sent_bytes > _LARGE_REQUEST:
            return _too_large(sent_bytes)
        return UpstreamFailed("n8n could not start the workflow", code="workflow_not_started")
    if answer.status == 503:
        return UpstreamFailed("n8n is not available right now (HTTP 503)", code="upstream_unavailable")
    return None


def _too_large(sent_bytes: int) -> UpstreamFailed:
    return UpstreamFailed(
        f"n8n refused a request of {sent_bytes // 1024} KB: raise N8N_PAYLOAD_SIZE_MAX, or the limit of its proxy",
        code="upstream_request_too_large",
    )


def _of_the_workflow(answer: Response, masker: Masker) -> UpstreamFailed:
    """The error for a status that the workflow chose, or that came from who knows where."""
    if 300 <= answer.status < 400:
        return UpstreamFailed(
            f"The webhook {responses.redirects(answer, masker)}; redirects are not followed: "
            "let the workflow answer otherwise, or check the base URL",
            code="upstream_redirect",
        )
    said = answers.said(answer, masker)
    if isinstance(said, dict) and "stacktrace" in said:  # n8n's own, with paths of its server
        said = None
    message = f"The workflow answered HTTP {answer.status}"
    return answers.failure(message, answer.status, said, code="workflow_answered_error")


def _said(answer: Response) -> dict[str, Any] | None:
    """The JSON object of an answer; None for text."""
    return object_in(answer.body, answer.headers.get("content-type", ""))


def _text(said: dict[str, Any] | None, name: str) -> str:
    value = (said or {}).get(name)
    return value if isinstance(value, str) else ""


# --- calls of the public API -----------------------------------------------------------------------------------------


class Refused(Exception):
    """The public API could not be used. `reason` and `step` as for a test.

    `field` of a connect body is to blame, where one is; `known` is the error for what has one already.
    """

    def __init__(
        self, reason: str, message: str, step: str, *, field: str | None = None, known: JobsprintError | None = None
    ) -> None:
        super().__init__(message)
        self.reason, self.message, self.step, self.field, self.known = reason, message, step, field, known

    def error(self) -> JobsprintError:
        """What a connect answers. Only reads were sent, so nothing is ever unknown."""
        text = f"{self.message}. {self.step}"
        if self.known:
            return self.known
        if self.field:
            return InvalidFields.one(self.field, text, code=self.reason)
        if self.reason.startswith("timeout"):
            return UpstreamTimeout(text)
        return UpstreamFailed(text, code=f"upstream_{self.reason}")


class NotThere(Refused):
    """The public API has nothing at this path: a 404 without the page of a web server."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(refused.reason, refused.message, refused.step, field=refused.field)


_CHECK_URL = "Check the base URL, with the path prefix if n8n has one, and that its public API is enabled"
_UNREACHED = {
    "blocked_address": "Use an address that this service may call",
    "dns": "Check the host name of the base URL",
    "connect": "Start n8n, or check host and port of the base URL",
    "tls": "Check n8n's certificate and its chain",
}


def api_answer(outcome: Response | TransferFailure, masker: Masker, *, needs: str) -> dict[str, Any]:
    """The JSON object that the public API gave, masked. `needs` names the scope that the call takes. Raises Refused."""
    if isinstance(outcome, TransferFailure):
        step = _UNREACHED.get(outcome.kind, "Check that n8n is up and answers within seconds")
        raise Refused(outcome.kind, f"n8n could not be reached: {outcome.message}", step)
    if not 200 <= outcome.status < 300:
        raise _api_refusal(outcome, needs, masker)
    if outcome.truncated:
        raise Refused(
            "workflows_too_large",
            "The list of workflows is too large to read",
            "Tag the workflows to be run, and connect again with these tags",
        )
    said = masker.value(_said(outcome))
    if said is None:  # n8n's editor answers any path with its page
        raise _not_n8n("This address does not answer as n8n's public API")
    return said


def scopes_of(discovered: dict[str, Any]) -> frozenset[str]:
    """What the key may do, from the answer to `discover`. Raises Refused."""
    data = discovered.get("data")
    scopes = data.get("scopes") if isinstance(data, dict) else None
    if not isinstance(scopes, list):
        raise _not_n8n("This address answered without saying what the API key may do (`data.scopes`), unlike n8n")
    return frozenset(map(str, scopes))


def workflows_of(page: dict[str, Any]) -> list[dict[str, Any]]:
    """The workflows on a page of their list. Raises Refused."""
    listed = page.get("data")
    if not isinstance(listed, list):
        raise _not_n8n("This address answered without a list of workflows (`data`), unlike n8n")
    return [one for one in listed if isinstance(one, dict) and one.get("id")]


def _not_n8n(message: str) -> Refused:
    return Refused("not_n8n", message, _CHECK_URL, field="body.baseUrl")


def _api_refusal(answer: Response, needs: str, masker: Masker) -> Refused:
    status = answer.status
    if status == 401:
        step = "Make a new API key in n8n's settings and connect again with it"
        return Refused("credential_rejected", "n8n refused the API key", step, field="body.apiKey")
    if status == 403:
        step = f"Give the API key the scope {needs} in n8n's settings"
        return Refused("api_key_scope", f"The API key lacks the scope {needs}", step, field="body.apiKey")
    if status == 404:
        nothing = _not_n8n("There is no n8n public API at this address")
        return nothing if answer.body.lstrip().startswith(b"<") else NotThere(nothing)
    if status == 429:
        known = responses.refused(answer, masker)
        return Refused("rate_limited", "n8n or its proxy wants fewer calls", "Try again later", known=known)
    if 300 <= status < 400:
        step = "Use the address that it redirects to; redirects are not followed"
        return Refused("redirect", f"n8n {responses.redirects(answer, masker)}", step, field="body.baseUrl")
    message = answers.with_sentence(f"n8n answered HTTP {status}", answers.said(answer, masker))
    return Refused(f"http_{status // 100}xx", message, "Look into n8n's own log")


# --- executions ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Execution:
    """One execution in n8n; `trouble` says in one line where and why it failed, if it did."""

    id: str
    trouble: str = ""


def execution_of(call_id: str, listed: dict[str, Any]) -> Execution | None:
    """The execution that the call of that id started: the one whose data holds the id, which we sent in a header."""
    data = listed.get("data")
    for execution in data if isinstance(data, list) else ():
        if isinstance(execution, dict) and call_id in json.dumps(execution.get("data")):
            return Execution(str(execution.get("id", "")), trouble_of(execution))
    return None


def trouble_of(execution: dict[str, Any]) -> str:
    """Where and why an execution failed, from its data; empty where it did not. Never a stack."""
    data = execution.get("data")
    outcome = data.get("resultData") if isinstance(data, dict) else None
    error = outcome.get("error") if isinstance(outcome, dict) else None
    if not isinstance(outcome, dict) or not isinstance(error, dict):
        return ""
    last = outcome.get("lastNodeExecuted")
    where = f"at node {last[:100]!r}: " if isinstance(last, str) else ""
    lines = _text(error, "message").strip().splitlines()
    return where + (lines[0][:_SAID_CHARACTERS] if lines else "no message")
