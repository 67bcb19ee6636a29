"""What the result of a tool call says: a result to hand on, or a failure, also where it calls itself a success."""

import json

from jobsprint.connectors.responses import read_json
from jobsprint.core.canonical_json import JsonObject, JsonValue
from jobsprint.core.errors import UpstreamFailed
from jobsprint.core.redaction import redact_text

_MAX_REASON = 300
_REFERENCE_FIELDS = ("uri", "name", "title", "description", "mimeType", "size")


def result_of(result: JsonObject) -> JsonObject:
    """The JSON of a `tools/call` result, with `success` in it.

    `structuredContent` goes first, then JSON in the first text, then text under `text`. Images, audio and resources
    stand under `attachments` as references without their bytes. Raises UpstreamFailed: `input_required` where the tool
    wants to ask a person, `account_required` where its server lacks an account, else where the tool says it failed.
    """
    if result.get("resultType") == "input_required":
        raise UpstreamFailed(
            "The tool asks for more before it goes on, and nobody is there to answer", code="input_required"
        )
    blocks = _blocks(result)
    texts = [text for block in blocks if block.get("type") == "text" and isinstance(text := block.get("text"), str)]
    structured = result.get("structuredContent")
    said = _parsed(texts[0]) if texts else None
    if result.get("isError") is True:
        raise UpstreamFailed(_reason(structured) or _reason(said) or _told("\n".join(texts)))
    if isinstance(structured, dict) and structured.get("status") == "error":
        raise UpstreamFailed(_reason(structured) or _told(""))
    for value in (structured, said):
        _raise_hidden(value)
    attachments: list[JsonValue] = [_reference(block) for block in blocks if block.get("type") != "text"]
    answer = _answer(structured, said, texts)
    if attachments and "attachments" not in answer:
        answer["attachments"] = attachments
    return answer if "success" in answer else {"success": True, **answer}


def payload_of(result: JsonObject) -> JsonValue:
    """The JSON that a successful result carries, whatever its kind. Raises UpstreamFailed as `result_of`."""
    answer = result_of(result)
    return answer["value"] if answer.keys() == {"success", "value"} else answer


def _answer(structured: JsonValue, said: JsonValue, texts: list[str]) -> JsonObject:
    if isinstance(structured, dict):
        return dict(structured)
    if structured is not None:
        return {"value": structured}
    if isinstance(said, dict):
        more = "\n".join(texts[1:])
        return {"text": more, **said} if more else dict(said)
    if said is not None and len(texts) == 1:
        return {"value": said}
    return {"text": "\n".join(texts)} if texts else {}


def _blocks(result: JsonObject) -> list[JsonObject]:
    content = result.get("content")
    return [block for block in content if isinstance(block, dict)] if isinstance(content, list) else []


def _parsed(text: str) -> JsonValue:
    """The object or list whose JSON a text is; a text that happens to be a number or a word stays text."""
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        return read_json(text)
    except json.JSONDecodeError:
        return None


def _raise_hidden(value: JsonValue) -> None:
    if not isinstance(value, dict):
        return
    if value.get("accountRequired") is True:
        raise UpstreamFailed(
            _reason(value) or "The server wants an account to be connected first", code="account_required"
        )
    if value.get("isError") is True or value.get("success") is False or value.get("error"):
        raise UpstreamFailed(_reason(value) or _told(""))


def _reason(value: JsonValue) -> str | None:
    if not isinstance(value, dict):
        return None
    for name in ("error", "errorMessage", "message"):
        said = value.get(name)
        if isinstance(said, dict):
            said = said.get("message")
        if isinstance(said, str) and said:
            return _told(said)
    return None


def _told(text: str) -> str:
    text = redact_text(" ".join(text.split()))
    return f"The tool says it failed: {text[:_MAX_REASON]}" if text else "The tool says it failed"


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
