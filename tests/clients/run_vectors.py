"""Runs clients/vectors.json through the Python client, and prints what came of each as JSON.

    python run_vectors.py vectors.json http://127.0.0.1:8000 [--async]

Needs the client alone, so that it runs wherever the client is installed. run_vectors.mjs is the same in Node.js.
"""

import asyncio
import json
import re
import sys
from pathlib import Path
from typing import Any

import jobsprint_client as jobsprint


def snake(name: str) -> str:
    """`listDeliveries` as Python spells it."""
    return re.sub(r"(?=[A-Z])", "_", name).lower()


def accepted(case: dict[str, Any]) -> bool:
    """Whether the client accepts a delivery."""
    depth = case.get("depth", 0)
    body = ('{"a":' * depth + (case["body"] or "1") + "}" * depth).encode()
    try:
        payload = jobsprint.verify_webhook(
            body, case["headers"], case["secret"], scheme=case["scheme"], now=case["now"]
        )
    except jobsprint.InvalidSignature:
        return False
    return bool(payload == json.loads(body))


def outcome(client: jobsprint.Client, case: dict[str, Any]) -> dict[str, Any]:
    """What a call gives or raises."""
    try:
        found = call_of(client, case)
        return {"items": [item.raw for item in found]} if isinstance(found, jobsprint.Pages) else data(found)
    except jobsprint.ApiError as error:
        return failure(error)


async def outcome_later(client: Any, case: dict[str, Any]) -> dict[str, Any]:
    """The same of the client for asyncio."""
    try:
        found = call_of(client, case)
        return {"items": [item.raw async for item in found]} if hasattr(found, "pages") else data(await found)
    except jobsprint.ApiError as error:
        return failure(error)


def call_of(client: Any, case: dict[str, Any]) -> Any:
    """Make a vector's call."""
    resource, _, method = case["call"].partition(".")
    call = getattr(getattr(client, resource), snake(method))
    return call(*case["path"], **{snake(name): value for name, value in case["input"].items()})


def data(found: Any) -> dict[str, Any]:
    """An answer as JSON."""
    return {"data": [each.raw for each in found] if isinstance(found, list) else found.raw}


def failure(error: jobsprint.ApiError) -> dict[str, Any]:
    """What an error says."""
    seen = {
        "status": error.status,
        "code": error.code,
        "message": error.message,
        "requestId": error.request_id,
        "nextStep": error.next_step,
        "logId": error.log_id,
        "upstream": error.upstream,
        "details": error.details or None,
        "retryAfter": error.retry_after,
    }
    if isinstance(error, jobsprint.ApprovalRequired):
        seen |= {"approvalId": error.approval_id, "expiresAt": f"{error.expires_at:%Y-%m-%dT%H:%M:%SZ}"}
    return {"error": {name: value for name, value in seen.items() if value is not None}}


def run(vectors: dict[str, Any], url: str) -> dict[str, Any]:
    """What came of every vector; call number n is made at `<url>/n`."""
    calls = []
    for number, case in enumerate(vectors["calls"]):
        waits: list[float] = []
        with jobsprint.Client("jsp_test", f"{url}/{number}", sleep=waits.append) as client:
            calls.append({**outcome(client, case), "waits": waits})
    return {"signatures": [accepted(case) for case in vectors["signatures"]], "calls": calls}


async def run_later(vectors: dict[str, Any], url: str) -> dict[str, Any]:
    """The same with the client for asyncio, which needs the extra `async`."""
    from jobsprint_client.aio import AsyncClient

    calls = []
    for number, case in enumerate(vectors["calls"]):
        waits: list[float] = []

        async def sleep(seconds: float, waits: list[float] = waits) -> None:
            waits.append(seconds)

        async with AsyncClient("jsp_test", f"{url}/{number}", sleep=sleep) as client:
            calls.append({**await outcome_later(client, case), "waits": waits})
    return {"signatures": [accepted(case) for case in vectors["signatures"]], "calls": calls}


if __name__ == "__main__":
    path, address, *more = sys.argv[1:]
    given = json.loads(Path(path).read_text("utf-8"))
    came = asyncio.run(run_later(given, address)) if more == ["--async"] else run(given, address)
    sys.stdout.write(json.dumps(came))
