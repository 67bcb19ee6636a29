"""The resolver that every endpoint shares: caller, raw body, kept answers, and errors as HTTP answers.

An endpoint is a module with one `Endpoint`, one route function and `handler = app.resolve`. A route function declares
its input by Powertools' `Path`, `Query` and `Body`, and its output by a model; it makes one call and returns. It raises
`core.errors` and builds no error answer itself.
"""

import json
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.middlewares import NextMiddleware
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from aws_lambda_powertools.shared.types import AnyCallableT
from aws_lambda_powertools.utilities.typing import LambdaContext

from jobsprint.api.auth import caller_of, names_webhook
from jobsprint.api.cors import cors_headers
from jobsprint.api.query import query_parameters, unknown_query
from jobsprint.api.request_body import JSON, body_text
from jobsprint.api.request_headers import base_url, checked_key, header
from jobsprint.api.schemas.common import Error, Problem
from jobsprint.api.tracing import trace_fields
from jobsprint.core import canonical_json
from jobsprint.core.errors import (
    BadRequest,
    Detail,
    InvalidFields,
    JobsprintError,
    NotFound,
    Unauthenticated,
    wrong_fields,
)
from jobsprint.core.models import invalid_fields, withholding
from jobsprint.core.observability import logger
from jobsprint.domain.callers import Caller
from jobsprint.domain.portal import ANY_SESSION, WITHHELD

# A browser that guessed a type could run what a tenant stored. API Gateway's own answers have it too (template.yaml).
_NO_SNIFFING = {"X-Content-Type-Options": "nosniff"}
Answer = dict[str, Any]
BodyCheck = Callable[[Mapping[str, object]], Iterable[Detail]]
Once = Callable[[str, str, str, str, Callable[[], Answer]], Answer]


class Endpoint(APIGatewayRestResolver):
    """A resolver for one operation, with Powertools' validation of requests and answers.

    `scope` is what its token needs; None makes the operation public. `webhook_scope` is what it needs instead where the
    path's `integrationId` names a webhook. `once` (`api.idempotency.once`) keeps the answer to a request with an
    Idempotency-Key; a POST that changes nothing, or keeps its outcome itself, goes without. `reads` says whether a
    read-only token may call it: one that changes nothing, as GET does where it is left out.
    `portal` is the capability that a session of the portal, or a token that one made, needs to call it: ANY_SESSION
    where any will do; without one, none may. `webhook_portal` is what it needs instead for a webhook's id.
    `audited` is the kind under which its calls stand in the audit trail (`api.auditing`), such as `webhook.create`.
    `also_check` finds wrong fields in a body that its model refuses already: what needs more than the model, such as
    a name server, joins the same list. (For a body that its model takes, the operation itself checks that.)
    """

    def __init__(
        self,
        scope: str | None,
        *,
        webhook_scope: str | None = None,
        portal: str | None = None,
        webhook_portal: str | None = None,
        once: Once | None = None,
        audited: str | None = None,
        reads: bool | None = None,
        also_check: BodyCheck | None = None,
    ) -> None:
        super().__init__(enable_validation=True, response_validation_error_http_code=500)
        self.scope = scope
        self.webhook_scope = webhook_scope
        self.portal = portal
        self.webhook_portal = webhook_portal
        self.once = once
        self.audited = audited
        self.reads = reads
        self._also_check = also_check
        self._caller: Caller | None = None
        self._operation: Callable[..., Any] | None = None
        self.answer_headers: dict[str, str] = {}
        """What a route function adds to the headers of its answer, also to that of an error it raises."""
        self.exception_handler(Exception)(self._answer_error)
        self.not_found(self._answer_error)
        # Behind the validation of requests: what is refused there needs no entry.
        self.use([self._refuse_unknown_query, *([self._record] if audited else [])])

    @property
    def caller(self) -> Caller:
        """Who calls. Raises Unauthenticated on a public operation: there is nobody to ask."""
        if self._caller is None:
            raise Unauthenticated("This operation knows no caller")
        return self._caller

    @property
    def api_url(self) -> str:
        """The base URL of this API as the caller used it, without a slash at its end."""
        return base_url(self.current_event.raw_event)

    @property
    def idempotency_key(self) -> str | None:
        """The request's Idempotency-Key. Raises InvalidFields for one that cannot be used."""
        return checked_key(self.request_header("idempotency-key"))

    @property
    def request_id(self) -> str | None:
        """The id that API Gateway gave the request, as our answers and log lines have it."""
        return self.current_event.request_context.request_id

    def request_header(self, name: str) -> str | None:
        """A header of the request; `name` in lower case."""
        return header(self.current_event.raw_event, name)

    def route(self, *rule: Any, **options: Any) -> Callable[[AnyCallableT], AnyCallableT]:
        """Register the endpoint's operation, as Powertools does; the function says which query parameters it takes."""
        register = super().route(*rule, **options)

        def registered(function: AnyCallableT) -> AnyCallableT:
            self._operation = function
            return register(function)

        return registered

    def resolve(self, event: Mapping[str, Any], context: LambdaContext) -> Answer:
        """The answer to an API Gateway event, whatever happens."""
        request_id = (event.get("requestContext") or {}).get("requestId") or context.aws_request_id
        logger.append_keys(requestId=request_id)
        started = time.monotonic()
        self.answer_headers.clear()
        try:
            self._admit(event)
            with withholding(self._withheld()):
                answer = self._resolve_once(_with_json_body(event), context)
        except Exception as error:  # noqa: BLE001 - the last wall: an answer without internals
            answer = error_answer(error, request_id)
        _log(event, answer, self._caller, started)
        self._caller = None
        logger.remove_keys(["requestId"])
        answer["headers"] = {**answer.get("headers", {}), **self.answer_headers, **cors_headers(), **_NO_SNIFFING}
        return answer

    def _admit(self, event: Mapping[str, Any]) -> None:
        """Who calls, within the tenant's request limit, with what the operation needs and the limits of the token."""
        if self.scope is None:
            return
        # Imported here: they bring boto3, which public operations never need.
        from jobsprint.api import limits, request_limit

        self._caller = caller_of(event)
        is_get = event.get("httpMethod") == "GET"
        self.answer_headers.update(request_limit.take(self._caller.tenant, is_read=is_get))
        of_webhook = names_webhook(event)
        limits.check_capability(self._caller, (self.webhook_portal if of_webhook else None) or self.portal)
        if not (self._caller.is_session and self.portal == ANY_SESSION):
            self._caller.require((self.webhook_scope if of_webhook else None) or self.scope)
        limits.check(self._caller, event, scope=self.scope, reads=is_get if self.reads is None else self.reads)

    def _withheld(self) -> frozenset[str]:
        """What this caller's answers do not show."""
        return frozenset(part for part in WITHHELD if self._caller and not self._caller.allows(part))

    def _resolve_once(self, event: dict[str, Any], context: LambdaContext) -> Answer:
        def work() -> Answer:
            return _single_headers(super(Endpoint, self).resolve(event, context))

        key = checked_key(header(event, "idempotency-key")) if event.get("httpMethod") == "POST" else None
        if key is None or self._caller is None or self.once is None:
            return work()
        route = f"POST {event.get('path')}"
        if self._caller.capabilities is not None:
            # What it may see is not what others may: it gets no answer that another token was given.
            route += f" {self._caller.token_id}"
        return self.once(self._caller.tenant, key, route, event["body"] or "", work)

    def _answer_error(self, error: Exception) -> Response[str]:
        request_id = self.current_event.request_context.request_id or ""
        answer = error_answer(self._refused(error) if isinstance(error, RequestValidationError) else error, request_id)
        return Response(
            status_code=answer["statusCode"],
            content_type="application/json",
            body=answer["body"],
            headers={name: value for name, value in answer["headers"].items() if name != "Content-Type"},
        )

    def _refuse_unknown_query(self, app: Any, next_middleware: NextMiddleware) -> Response[Any]:
        if unknown := self._unknown_query():
            raise wrong_fields(unknown)
        return next_middleware(app)

    def _record(self, app: Any, next_middleware: NextMiddleware) -> Response[Any]:
        # Imported here: it brings boto3, which endpoints that record nothing may never need.
        from jobsprint.api import auditing

        return auditing.record(self, lambda: next_middleware(app))

    def _refused(self, error: RequestValidationError) -> InvalidFields:
        """What Powertools found wrong with a request, with what it does not look at: unknown query parameters, and what
        the operation's own check of the body finds."""
        body = self.current_event.json_body
        also = self._also_check(body) if self._also_check and isinstance(body, dict) else ()
        return invalid_fields([_once(flaw) for flaw in error.errors()], also=[*self._unknown_query(), *also])

    def _unknown_query(self) -> list[Detail]:
        """The query parameters that the operation does not take. Public pages and callbacks ignore them."""
        sent = self.current_event.query_string_parameters
        if not sent or self.scope is None or self._operation is None:
            return []
        return unknown_query(sent, query_parameters(self._operation))


def _once(flaw: Mapping[str, Any]) -> Mapping[str, Any]:
    """The same, or for a query value that was given several times that it may be given once."""
    repeated = flaw["loc"][0] == "query" and isinstance(flaw["input"], list)
    return {**flaw, "type": "value_error", "msg": "send it once"} if repeated else flaw


def _log(event: Mapping[str, Any], answer: Answer, caller: Caller | None, started: float) -> None:
    """One line per request: which operation, for whom, what came of it and how long it took; a warning if it failed."""
    status = answer["statusCode"]
    failed = status >= 400
    write = logger.warning if failed else logger.info
    write(
        "answered",
        extra={
            "operation": f"{event.get('httpMethod')} {event.get('resource')}",
            "status": status,
            "tenant": caller.tenant if caller else None,
            "durationMs": round((time.monotonic() - started) * 1000),
            **({"code": _error_code(answer), "path": event.get("path")} if failed else {}),
            **trace_fields(header(event, "traceparent")),
        },
    )


def _error_code(answer: Answer) -> str | None:
    """The code in the envelope of a failure; None for a page."""
    if answer["headers"].get("Content-Type") != "application/json":
        return None
    code: str = json.loads(answer["body"])["error"]["code"]
    return code


def error_answer(error: Exception, request_id: str) -> Answer:
    """The contract's failure envelope for any exception; what we did not foresee becomes a 500 without internals."""
    known = _known(error)
    if known.status == 500:
        logger.error("unexpected_failure", exc_info=error)
    return {
        "statusCode": known.status,
        "headers": {"Content-Type": "application/json", **known.headers},
        "body": json.dumps(Error(error=Problem.of(known), request_id=request_id).model_dump()),
        "isBase64Encoded": False,
    }


def _known(error: Exception) -> JobsprintError:
    match error:
        case JobsprintError():
            return error
        case NotFoundError():
            return NotFound("There is no such operation")
        case _:
            return JobsprintError("Something went wrong on our side; the requestId finds it in our logs")


def _body_field(path: str) -> str:
    return f"body{path}" if not path or path.startswith("[") else f"body.{path}"


def _with_json_body(event: Mapping[str, Any]) -> dict[str, Any]:
    """The event with its body as JSON text, if it has one, and with JSON's content type.

    Raises what `body_text` raises, BadRequest for what is no JSON, and InvalidFields for what is no object or cannot be
    held by JavaScript.
    """
    headers = {name: value for name, value in (event.get("headers") or {}).items() if name.lower() != "content-type"}
    readable = {**event, "isBase64Encoded": False, "headers": {**headers, "Content-Type": JSON}}
    if text := body_text(event):
        _check_object(text)
        readable["body"] = text
    return readable


def _check_object(text: str) -> None:
    try:
        value = canonical_json.parse(text)
    except canonical_json.UnreadableJson as error:
        raise BadRequest(f"The body is not JSON: {error}", code="invalid_json") from error
    except canonical_json.UnrepresentableJson as error:
        raise wrong_fields(Detail(_body_field(flaw.path), flaw.reason) for flaw in error.flaws) from error
    if not isinstance(value, dict):
        raise InvalidFields.one("body", "send a JSON object")


def _single_headers(answer: Answer) -> Answer:
    """Folds Powertools' multi-value headers into plain ones: no answer of ours repeats a header."""
    headers = {name: ", ".join(values) for name, values in answer.pop("multiValueHeaders", {}).items()}
    return {**answer, "headers": headers | answer.get("headers", {})}
