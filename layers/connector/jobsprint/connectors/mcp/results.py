"""What the result of a tool call says: a result to hand on, or a failure, also where it calls itself a success."""

from jobsprint.connectors.answers import failure, says_failure, sentence_of
from jobsprint.core.canonical_json import JsonObject, JsonValue
from jobsprint.core.errors import UpstreamFailed
from jobsprint.core.upstream_json import UnreadableJson, parse

_HTTP_OK = 200  # a tool that failed says so within an answer that is none
_REFERENCE_FIELDS = ("uri", "name", "title", "description", "mimeType", "size")
_OF_AN_ERROR = frozenset(
    "error errors errorMessage errorCode message code status statusCode type detail details hint requestId".split()
)
"""Fields of an object that is nothing but an error. One with any other field is a record, whose `error` is data."""


def result_of(result: JsonObject) -> JsonObject:
    """The JSON of a `tools/call` result, with `success` in it.

    `structuredContent` alone decides where there is one. Else it is the JSON of the text: of one block as it is, of
    several as a list under `value`; other text is under `text`. Images, audio and resources are under `attachments` as
    references without their bytes. Raises UpstreamFailed: `input_required` where the tool wants to ask a person,
    `account_required` where its server lacks an account, else where the tool says it failed.
    """
    if result.get("resultType") == "input_required":
        raise UpstreamFailed(
            "The tool asks for more before it goes on, and nobody is there to answer", code="input_required"
        )
    blocks = _blocks(result)
    texts = [text for block in blocks if block.get("type") == "text" and isinstance(text := block.get("text"), str)]
    structured = result.get("structuredContent")
    if says_failure({"isError": result.get("isError")}):
        said = [structured, *map(_parsed, texts), "\n".join(texts)]
        raise tool_failure(next((value for value in said if sentence_of(value)), structured))
    attachments: list[JsonValue] = [_reference(block) for block in blocks if block.get("type") != "text"]
    answer = _structured(structured) if structured is not None else _from_texts(texts)
    if attachments and "attachments" not in answer:
        answer["attachments"] = attachments
    return answer if "success" in answer else {"success": True, **answer}


def payload_of(result: JsonObject) -> JsonValue:
    """The JSON that a successful result carries, whatever its kind. Raises UpstreamFailed as `result_of`."""
    answer = result_of(result)
    return answer["value"] if answer.keys() == {"success", "value"} else answer


def tool_failure(value: JsonValue) -> UpstreamFailed:
    """The error of a tool that said `value`."""
    return failure("The tool says it failed", _HTTP_OK, value)


def _raise_if_failed(value: JsonValue) -> None:
    """Raise UpstreamFailed for an object that calls itself a failure, or is nothing but an error."""
    if not isinstance(value, dict):
        return
    if value.get("accountRequired") is True:
        raise failure("The server wants an account to be connected first", _HTTP_OK, value, code="account_required")
    if says_failure(value) or (value.get("error") and value.keys() <= _OF_AN_ERROR):
        raise tool_failure(value)


def _structured(value: JsonValue) -> JsonObject:
    _raise_if_failed(value)
    return dict(value) if isinstance(value, dict) else {"value": value}


def _from_texts(texts: list[str]) -> JsonObject:
    parsed = [(text, _parsed(text)) for text in texts]
    values: list[JsonValue] = [value for _, value in parsed if value is not None]
    words = "\n".join(text for text, value in parsed if value is None)
    if not values:
        return {"text": words} if texts else {}
    more: JsonObject = {"text": words} if len(values) < len(texts) else {}
    if len(values) > 1:
        return {"value": values, **more}
    [value] = values
    if len(texts) == 1:
        _raise_if_failed(value)
    if isinstance(value, dict) and not more.keys() & value.keys():
        return {**more, **value}
    return {"value": value, **more}


def _blocks(result: JsonObject) -> list[JsonObject]:
    content = result.get("content")
    return [block for block in content if isinstance(block, dict)] if isinstance(content, list) else []


def _parsed(text: str) -> JsonValue:
    """The object or list whose JSON a text is; a text that happens to be a number or a word stays text."""
    if not text.lstrip("\ufeff \t\r\n").startswith(("{", "[")):
        return None
    try:
        return parse(text.lstrip())
    except UnreadableJson:
        return None


def _reference(block: JsonObject) -> JsonObject:
    """What a block is, where it is found and how large it is; never its bytes."""
    inner = block.get("resource")
    source = inner if isinstance(inner, dict) else block
    reference: JsonObject = {"type": block.get("type")}
    reference |= {name: source[name] for name in _REFERENCE_FIELDS if source.get(name) is not None}
    data = source.get("data") or source.get("blob")
    if isinstance(data, str):
        reference["bytes"] = len(data.rstrip("=")) * 3 // 4  # base64, RFC 4648 section 4
    if isinstance(source.get("text"), str):
        reference["text"] = source["text"]
    return reference
