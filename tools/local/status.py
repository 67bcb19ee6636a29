"""How the local stack is, for a person."""

from typing import Any

from tools.local import deployment, stack
from tools.local.emulator import running_address
from tools.local.options import LOCAL_PARAMETERS, STACK, Home, chosen_parameters

_COUNTS = {
    "waiting": "ApproximateNumberOfMessages",
    "under way": "ApproximateNumberOfMessagesNotVisible",
    "later": "ApproximateNumberOfMessagesDelayed",
}


def status(home: Home) -> str:
    """Its addresses, whether it is what the sources say, and what waits in its queues.

    Raises Failure where none runs.
    """
    endpoint = running_address(home)
    url = stack.base_url(endpoint)
    current = deployment.recorded(endpoint) == deployment.digest(home, LOCAL_PARAMETERS | chosen_parameters())
    lines = [
        f"  Base URL  {url}",
        f"  Docs      {url}/docs",
        f"  Guide     {url}/guide",
        f"  Token     {stack.read_env(home).get('JOBSPRINT_TOKEN', '')}",
        f"  Deployed  {'as the sources are' if current else 'before the last changes: make up deploys them'}",
        "",
        "  Queue".ljust(34) + "".join(name.rjust(11) for name in _COUNTS),
        *[_line(name, counts) for name, counts in _queues(stack.client("sqs", endpoint))],
    ]
    return "\n".join(lines)


def _line(name: str, counts: list[int]) -> str:
    return f"  {name}".ljust(34) + "".join(f"{count:,}".rjust(11) for count in counts)


def _queues(sqs: Any) -> list[tuple[str, list[int]]]:
    """Each queue's logical name and its messages, by state."""
    found = []
    for url in sqs.list_queues(QueueNamePrefix=f"{STACK}-").get("QueueUrls", []):
        attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(_COUNTS.values()))["Attributes"]
        found.append((url.rsplit("/", 1)[-1].split("-")[1], [int(attributes[name]) for name in _COUNTS.values()]))
    return sorted(found)
