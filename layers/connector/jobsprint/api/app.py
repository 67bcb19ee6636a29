"""The resolver that every endpoint shares: caller, raw body, kept answers, and errors as HTTP answers.

An endpoint is a module with one `Endpoint`, one route function and `handler = app.resolve`. A route function declares
its input by Powertools' `Path`, `Query` and `Body`, and its output by a model; it makes one call and returns. It raises
`core.errors` and builds no error answer itself.
"""

import base64
import binascii
import json
import re
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from aws_lambda_powertools.utilities.typing import LambdaContext

from jobsprint.api.auth import Caller, caller_of, names_webhook
from jobsprint.api.cors import cors_headers, header
from jobsprint.api.idempotency import checked_key, once
from jobsprint.api.schemas.common import Error, Problem
from jobsprint.core import canonical_json
from jobsprint.core.errors import (
    BadRequest,
    Detail,
    InvalidFields,
    JobsprintError,
    NotFound,
    PayloadTooLarge,
    Unauthenticated,
    wrong_fields,
)
from jobsprint.core.models import invalid_fields
from jobsprint.core.observability import logger

MAX_BODY_BYTES = 256 * 1024
_JSON = "application/json"
Answer = dict[str, Any]
BodyCheck = Callable[[Mapping[str, object]], Iterable[Detail]]


class Endpoint(APIGatewayRestResolver):
    """A resolver for one operation, with Powertools' validation of requests and answers.

    `scope` is what its token needs; None makes the operation public. `webhook_scope` is what it needs instead where the
    path's `integrationId` names a webhook. `keeps_answers` says that a POST with an
    Idempotency-Key keeps its answer; not so where the operation does nothing, or keeps what it did itself.
    `also_check` finds wrong fields in a body that its model refuses already: what needs more than the model, such as
    a name server, joins the same list. (For a body that its model takes, the operation itself checks that.)
    """

    def __init__(
        self,
        scope: str | None,
        *,
        webhook_scope: str | None = None,
        keeps_answers: bool = True,
        also_check: BodyCheck | None = None,
    ) -> None:
        super().__init__(enable_validation=True, response_validation_error_http_code=500)
        self.scope = scope
        self.webhook_scope = webhook_scope
        self._keeps_answers = keeps_answers
        self._also_check = also_check
        self._caller: Caller | None = None
        self.answer_headers: dict[str, str] = {}
        """What a route function adds to the headers of its answer, also to that of an error it raises."""
        self.exception_handler(Exception)(self._answer_error)
        self.not_found(self._answer_error)

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

    def request_header(self, name: str) -> str | None:
        """A header of the request; `name` in lower case."""
        return header(self.current_event.raw_event, name)

    def resolve(self, event: Mapping[str, Any], context: LambdaContext) -> Answer:
        """The answer to an API Gateway event, whatever happens."""
        request_id = (event.get("requestContext") or {}).get("requestId") or context.aws_request_id
        logger.append_keys(requestId=request_id)
        started = time.monotonic()
        self.answer_headers.clear()
        try:
            self._admit(event)
            answer = self._resolve_once(_with_json_body(event), context)
        except Exception as error:  # noqa: BLE001 - the last wall: an answer without internals
            answer = error_answer(error, request_id)
        _log(event, answer["statusCode"], self._caller, started)
        self._caller = None
        logger.remove_keys(["requestId"])
        answer["headers"] = {**answer.get("headers", {}), **self.answer_headers, **cors_headers()}
        return answer

    def _admit(self, event: Mapping[str, Any]) -> None:
        """Who calls, within the tenant's request limit, with the scope of the operation."""
        if self.scope is None:
            return
        # Imported here: it brings boto3, which public operations never need.
        from jobsprint.api import request_limit

        self._caller = caller_of(event)
        self.answer_headers.update(request_limit.take(self._caller.tenant, is_read=event.get("httpMethod") == "GET"))
        self._caller.require(self.webhook_scope if self.webhook_scope and names_webhook(event) else self.scope)

    def _resolve_once(self, event: dict[str, Any], context: LambdaContext) -> Answer:
        def work() -> Answer:
            return _single_headers(super(Endpoint, self).resolve(event, context))

        key = checked_key(header(event, "idempotency-key")) if event.get("httpMethod") == "POST" else None
        if key is None or self._caller is None or not self._keeps_answers:
            return work()
        return once(self._caller.tenant, key, f"POST {event.get('path')}", event["body"] or "", work)

    def _answer_error(self, error: Exception) -> Response[str]:
        request_id = self.current_event.request_context.request_id or ""
        answer = error_answer(self._refused(error) if isinstance(error, RequestValidationError) else error, request_id)
        return Response(
            status_code=answer["statusCode"],
            content_type="application/json",
            body=answer["body"],
            headers={name: value for name, value in answer["headers"].items() if name != "Content-Type"},
        )

    def _refused(self, error: RequestValidationError) -> InvalidFields:
        """What Powertools found wrong with a request, with what the operation's own check of the body finds."""
        body = self.current_event.json_body
        also = self._also_check(body) if self._also_check and isinstance(body, dict) else ()
        return invalid_fields([_once(flaw) for flaw in error.errors()], also=also)


def _once(flaw: Mapping[str, Any]) -> Mapping[str, Any]:
    """The same, or for a query value that was given several times that it may be given once."""
    repeated = flaw["loc"][0] == "query" and isinstance(flaw["input"], list)
    return {**flaw, "type": "value_error", "msg": "send it once"} if repeated else flaw


def _log(event: Mapping[str, Any], status: int, caller: Caller | None, started: float) -> None:
    """One line per request: which operation, for whom, what came of it and how long it took."""
    logger.info(
        "answered",
        extra={
            "operation": f"{event.get('httpMethod')} {event.get('resource')}",
            "status": status,
            "tenant": caller.tenant if caller else None,
            "durationMs": round((time.monotonic() - started) * 1000),
        },
    )


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

    Raises InvalidFields for another content type, PayloadTooLarge, BadRequest for what is no JSON, and InvalidFields
    for JSON that JavaScript cannot hold or that is no object.
    """
    headers = {name: value for name, value in (event.get("headers") or {}).items() if name.lower() != "content-type"}
    readable = {**event, "isBase64Encoded": False, "headers": {**headers, "Content-Type": _JSON}}
    if not event.get("body"):
        return readable
    content_type = header(event, "content-type") or _JSON
    if content_type.partition(";")[0].strip().lower() != _JSON:
        raise InvalidFields.one("header.Content-Type", f"send {_JSON}")
    return {**readable, "body": _json_text(event["body"], is_base64=bool(event.get("isBase64Encoded")))}


def _json_text(body: str, *, is_base64: bool) -> str:
    try:
        raw = base64.b64decode(body, validate=True) if is_base64 else body.encode()
        if len(raw) > MAX_BODY_BYTES:
            raise PayloadTooLarge(f"A request body may have up to {MAX_BODY_BYTES // 1024} KB")
        text = raw.decode()
        value = canonical_json.parse(text)
    except (UnicodeError, binascii.Error) as error:
        raise BadRequest("The body is not UTF-8 text", code="invalid_json") from error
    except canonical_json.UnreadableJson as error:
        raise BadRequest(f"The body is not JSON: {error}", code="invalid_json") from error
    except canonical_json.UnrepresentableJson as error:
        raise wrong_fields(Detail(_body_field(flaw.path), flaw.reason) for flaw in error.flaws) from error
    if not isinstance(value, dict):
        raise InvalidFields.one("body", "send a JSON object")
    return text


def _single_headers(answer: Answer) -> Answer:
    """Folds Powertools' multi-value headers into plain ones: no answer of ours repeats a header."""
    headers = {name: ", ".join(values) for name, values in answer.pop("multiValueHeaders", {}).items()}
    return {**answer, "headers": headers | answer.get("headers", {})}


# Version, trace id, parent id, flags. A later version may go on after a dash, and what follows is opaque (section 3.2).
_FORM = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-[\x21-\x7e]*)?")
_MAX_LENGTH = 256


def valid_traceparent(text: str | None) -> str | None:
    """`text` if it is a traceparent; None for none and for one that the specification tells to ignore."""
    found = _FORM.fullmatch(text) if text and len(text) <= _MAX_LENGTH else None
    if found is None:
        return None
    version, trace_id, parent_id, more = found.groups()
    if version == "ff" or not trace_id.strip("0") or not parent_id.strip("0") or (version == "00" and more):
        return None
    return text


def base_url(event: Mapping[str, Any]) -> str:
    """The base URL (`https://api.example.com/v1`) of the API that took this event, with stage or base path.

    API Gateway names its domain itself and speaks nothing but https. The local emulator names none; there, and only
    there, the Host header counts. Raises BadRequest without either.
    """
    context = event.get("requestContext") or {}
    depth = str(event["resource"]).strip("/").count("/") + 1
    base_path = "/".join(str(context.get("path") or event["path"]).rstrip("/").split("/")[:-depth])
    if domain := context.get("domainName"):
        return f"https://{domain}{base_path}"
    host = header(event, "host")
    if not host:
        raise BadRequest("The request names no host")
    return f"{header(event, 'x-forwarded-proto') or 'http'}://{host}{base_path}"


RESPOND_ASYNC = "respond-async"


def prefers_async(value: str | None) -> bool:
    """Whether the header asks for an answer before the work is done (section 4.1)."""
    preferences = (value or "").split(",")
    return any(preference.partition(";")[0].strip().lower() == RESPOND_ASYNC for preference in preferences)
