"""`jobsprint webhooks recover --watch` and `watch-recovery`: a recovery with its progress."""

import sys
from functools import partial
from time import sleep
from typing import Any

import click

from jobsprint_client._call import Call, segment
from jobsprint_client.cli.commands import ResourceGroup, call_of, command
from jobsprint_client.cli.failures import FAILED
from jobsprint_client.cli.operations import Operation
from jobsprint_client.cli.output import note, print_details, print_json, progress
from jobsprint_client.cli.session import Session, pass_session

_FIRST_WAIT, _LONGEST_WAIT = 0.5, 5.0


def add_to(program: click.Group) -> None:
    """Add both to the commands of webhooks."""
    webhooks = program.commands["webhooks"]
    if not isinstance(webhooks, ResourceGroup):
        raise TypeError("the commands of webhooks are those of a resource")
    operation = webhooks.operation("recover")
    recover = command(operation)
    recover.callback = partial(_recover, operation)
    recover.params.insert(-1, click.Option(["--watch"], is_flag=True, help="Follow it until it ends."))
    webhooks.add_command(recover)
    webhooks.add_command(watch_recovery)


@click.command("watch-recovery")
@click.argument("webhook_id")
@click.argument("job_id")
@click.option("--json", "as_json", is_flag=True, help="Print the API's JSON when it has ended.")
@pass_session
def watch_recovery(session: Session, webhook_id: str, job_id: str, as_json: bool) -> None:
    """Follow a recovery until it ends. Exits with 1 unless it is done."""
    _follow(session, webhook_id, job_id, as_json=as_json)


def _recover(operation: Operation, watch: bool, **values: Any) -> None:
    session = click.get_current_context().ensure_object(Session)
    answer = session.client().answer(call_of(operation, values))
    webhook_id, job_id = values["path_webhookid"], answer["data"]["id"]
    if watch:
        _follow(session, webhook_id, job_id, as_json=values["json"])
        return
    if values["json"]:
        print_json(answer)
    else:
        print_details(answer["data"])
    if sys.stderr.isatty():
        note(f"Follow it: jobsprint webhooks watch-recovery {webhook_id} {job_id}")


def _follow(session: Session, webhook_id: str, job_id: str, *, as_json: bool) -> None:
    """Poll a recovery, show how far it is, and print it when it has ended."""
    try:
        call: Call[Any] = Call("GET", f"/integrations/webhooks/{segment(webhook_id)}/recover/{segment(job_id)}", object)
    except ValueError as error:
        raise click.UsageError(f"{error}.") from None
    try:
        answer = _ended(session, call)
    except KeyboardInterrupt:
        note(f"The recovery goes on. End it: jobsprint webhooks cancel-recovery {webhook_id} {job_id}")
        raise
    if as_json:
        print_json(answer)
    else:
        print_details(answer["data"])
    if answer["data"]["status"] != "done":
        click.get_current_context().exit(FAILED)


def _ended(session: Session, call: Call[Any]) -> dict[str, Any]:
    client, wait = session.client(), _FIRST_WAIT
    with progress("Recovering", total=100) as update:
        while True:
            answer = client.answer(call)
            job = answer["data"]
            update(job["progress"], f"Recovering: {job['sent']} sent of {job['matched']} found so far")
            if job["status"] != "running":
                return answer
            sleep(wait)
            wait = min(wait * 1.5, _LONGEST_WAIT)
