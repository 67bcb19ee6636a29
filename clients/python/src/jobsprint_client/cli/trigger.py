"""`jobsprint trigger`: publish a sample of an event."""

from typing import Any

import click

from jobsprint_client._call import Call, with_id
from jobsprint_client.cli.failures import Failure
from jobsprint_client.cli.lists import pages
from jobsprint_client.cli.output import note, print_json, say
from jobsprint_client.cli.samples import sample
from jobsprint_client.cli.session import Session, pass_session
from jobsprint_client.cli.values import JsonObject
from jobsprint_client.client import Client
from jobsprint_client.errors import Forbidden


@click.command()
@click.argument("event")
@click.option("--data", type=JsonObject(), help="This data in place of a sample: JSON, @file, or - for standard input.")
@click.option("--id", "event_id", help="Your own id of the event. One is made for each run.")
@click.option("--dry-run", is_flag=True, help="Print the sample, and publish nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the API's JSON.")
@pass_session
def trigger(
    session: Session, event: str, data: dict[str, Any] | None, event_id: str | None, dry_run: bool, as_json: bool
) -> None:
    """Publish a sample of an event.

    The sample is made from the schema of its event type: the schema's own example, where it has one.
    """
    client = session.client()
    found = data if data is not None else _sample(client, event)
    body = {"event": event, "data": found, **({"id": event_id} if event_id else {})}
    if dry_run:
        print_json(body)
        return
    try:
        answer = client.answer(Call("POST", "/events", object, body=with_id(body)))
    except (ValueError, RecursionError) as error:
        raise click.UsageError(f"This cannot be sent: {error}.") from None
    if as_json:
        print_json(answer)
    else:
        _tell(event, answer["data"])


def _tell(event: str, taken: dict[str, Any]) -> None:
    count = taken["deliveries"]
    say(f"Published {event} as {taken['id']}, for {count} webhook{'' if count == 1 else 's'}.")
    for each in taken.get("warnings", ()):
        note(f"It breaks its schema: {each.get('field')}: {each.get('message')}")
    if count:
        note(f"Follow it: jobsprint events get {taken['id']}")
        note(f"           jobsprint tail deliveries --event {event}")
    else:
        note(f"Why no webhook takes it: jobsprint events preview --event {event} --data '{{}}'")


def _sample(client: Client, event: str) -> dict[str, Any]:
    """The data of a sample; empty where nobody has described the event."""
    try:
        described = _schema(client, event)
    except Forbidden as error:
        raise Failure(
            f"{error.message.rstrip('.')}: the event's schema cannot be read", "give the data with --data"
        ) from None
    if described is None:
        note(f"No event type {event} with a schema is described, so its data is empty. --data gives other data.")
        return {}
    made = sample(described)
    if not isinstance(made, dict):
        raise Failure(f"The schema of {event} gives no object", "give the data with --data")
    return made


def _schema(client: Client, event: str) -> dict[str, Any] | None:
    call: Call[Any] = Call("GET", "/event-types", object, query={"limit": 100})
    types = (each for answer in pages(client, call) for each in answer.get("data", []))
    return next((each.get("schema") for each in types if each["name"] == event), None)
