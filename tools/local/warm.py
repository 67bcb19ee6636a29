"""Starting the functions that a first event needs, so that nobody waits for a cold start."""

import json
from concurrent.futures import ThreadPoolExecutor

import requests

from tools.local import stack
from tools.local.options import LOCAL_PARAMETERS, STACK

_SECONDS = 60


def warm(endpoint: str, token: str) -> None:
    """Call them without effect: an empty event is refused, and an empty batch has nothing to deliver."""
    headers = {"Authorization": f"Bearer {token}"}
    requests.post(f"{stack.base_url(endpoint)}/events", json={}, headers=headers, timeout=_SECONDS)
    described = stack.client("cloudformation", endpoint).describe_stack_resource(
        StackName=STACK, LogicalResourceId="DispatchWebhooksFunction"
    )
    dispatcher = described["StackResourceDetail"]["PhysicalResourceId"]
    at_once = int(LOCAL_PARAMETERS["DispatchConcurrency"])
    functions, batch = stack.client("lambda", endpoint), json.dumps({"Records": []})
    with ThreadPoolExecutor() as threads:  # each that runs beside another is a process of its own
        list(threads.map(lambda _: functions.invoke(FunctionName=dispatcher, Payload=batch), range(at_once)))
