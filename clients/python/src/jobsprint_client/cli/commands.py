"""The commands of operations: one for each, made from `operations.json`."""

import re
import sys
from collections.abc import Mapping
from functools import partial
from typing import Any

import click

from jobsprint_client._call import Call, new_key, segment, with_id, with_ids
from jobsprint_client.cli import lists
from jobsprint_client.cli.operations import Operation, Option, Resource
from jobsprint_client.cli.output import print_details, print_json
from jobsprint_client.cli.session import Session
from jobsprint_client.cli.values import Items, Json, JsonObject, Pair, Secret, moment
from jobsprint_client.errors import ApprovalRequired

_TYPES: Mapping[str, click.ParamType] = {
    "string": click.STRING,
    "secret": Secret(),
    "time": click.types.FuncParamType(moment),
    "integer": click.INT,
    "number": click.FLOAT,
    "integers": Items(click.INT),
    "pairs": Pair(),
    "json": Json(),
}
_MANY = ("strings", "integers", "pairs")


class ResourceGroup(click.Group):
    """The commands of a resource: its operations, and what is added by hand."""

    def __init__(self, resource: Resource) -> None:
        super().__init__(resource.name, help=resource.description, short_help=resource.description.partition(".")[0])
        self._operations = {operation.name: operation for operation in resource.operations}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands, in the order of the API's document."""
        return [*self._operations, *(name for name in super().list_commands(ctx) if name not in self._operations)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """A command; one that was added by hand is in the place of its operation."""
        added = super().get_command(ctx, cmd_name)
        return added or (command(self._operations[cmd_name]) if cmd_name in self._operations else None)

    def operation(self, name: str) -> Operation:
        """The operation of a command."""
        return self._operations[name]


def command(operation: Operation) -> click.Command:
    """The command that calls an operation and prints its answer."""
    return click.Command(
        operation.name,
        params=parameters(operation),
        callback=partial(_run, operation),
        help=f"{operation.summary}.\n\n{operation.description}".strip(),
        short_help=operation.summary,
    )


def _run(operation: Operation, **values: Any) -> None:
    session = click.get_current_context().ensure_object(Session)
    call = call_of(operation, values)
    if operation.asks and not values["yes"]:
        _ask(operation, values)
    if operation.paged:
        lists.show(session.client(public=operation.public), call, operation.columns, **_paging(values))
        return
    try:
        answer = session.client(public=operation.public).answer(call)
    except ApprovalRequired as error:
        if values["json"]:
            print_json(error.body)
        raise
    if values["json"]:
        print_json(answer)
    else:
        print_details(answer.get("data"))


def _paging(values: Mapping[str, Any]) -> dict[str, Any]:
    return {"every": values["all"], "cursor": values["cursor"], "as_json": values["json"]}


def _ask(operation: Operation, values: Mapping[str, Any]) -> None:
    """Ask before something is removed. Ends the command where the answer is no, or nobody can be asked."""
    if not sys.stdin.isatty():
        raise click.UsageError("Nobody can be asked here: add --yes.")
    names = " ".join(str(values[key_of("path", option)]) for option in operation.arguments)
    click.confirm(f"{operation.summary} {names}?", abort=True, err=True)


# --- what a command takes --------------------------------------------------------------------------------------------


def parameters(operation: Operation) -> list[click.Parameter]:
    """The arguments and options of an operation's command."""
    found: list[click.Parameter] = [
        click.Argument([key_of("path", option)], metavar=_metavar(option)) for option in operation.arguments
    ]
    found += [option_for("body", option, required=False) for option in operation.body or ()]
    found += [option_for("query", option, required=option.required) for option in operation.query]
    found += [option_for("header", option, required=option.required) for option in operation.headers]
    if operation.body is not None:
        text = "The whole body, or the fields without an option: JSON, @file, or - for standard input."
        found.append(click.Option(["--json-body"], type=JsonObject(), help=text))
    if operation.clearable:
        text = "Send a field as null, which removes its value. Can be repeated."
        found.append(click.Option(["--clear"], type=click.Choice(operation.clearable), multiple=True, help=text))
    if operation.retry == "key":
        text = "Makes a repeat of this command safe, for 24 hours. One is made for each run."
        found.append(click.Option(["--idempotency-key"], help=text))
    if operation.paged:
        found.append(click.Option(["--cursor"], help="Begin with the page that this cursor names."))
        found.append(click.Option(["--all"], is_flag=True, help="Read every page; with --json an item a line."))
    if operation.asks:
        found.append(click.Option(["--yes", "-y"], is_flag=True, help="Do not ask."))
    found.append(click.Option(["--json"], is_flag=True, help="Print the API's JSON."))
    return found


def option_for(place: str, option: Option, *, required: bool) -> click.Option:
    """The option for a field or a parameter; its value is under `key_of` of the same."""
    many = option.kind in _MANY
    flags = f"{option.flag}/--no-{option.flag[2:]}" if option.kind == "boolean" else option.flag
    return click.Option(
        [flags, key_of(place, option)],
        type=None if option.kind == "boolean" else _type(option),
        default=None,
        multiple=many,
        required=required,
        help=_help(option),
        metavar=_shown_type(option),
    )


def _type(option: Option) -> click.ParamType:
    item = click.Choice(option.choices) if option.choices else click.STRING
    if option.kind == "choice":
        return item
    return Items(item) if option.kind == "strings" else _TYPES[option.kind]


def _shown_type(option: Option) -> str | None:
    """What the help shows for the value; None for what Click shows by itself."""
    one = f"[{'|'.join(option.choices)}]" if option.choices else {"integers": "INTEGER"}.get(option.kind, "TEXT")
    return {"pairs": "NAME=VALUE", "time": "TIME", "strings": f"{one},…", "integers": f"{one},…"}.get(option.kind)


def _help(option: Option) -> str:
    text = option.description.rstrip(".")
    hints = {
        "json": "JSON, @file, or - for standard input",
        "secret": "@file and - (standard input) keep it out of the shell's history",
        "pairs": "can be repeated; or a JSON object",
        "time": "or how long ago, such as 2h",
    }
    hint = hints.get(option.kind, "can be repeated" if option.kind in _MANY else "")
    sentence = f"{text} ({hint})." if text and hint else f"{text or hint}."
    return f"{sentence} [required]" if option.required else sentence


def _metavar(option: Option) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", option.name).upper()


def key_of(place: str, option: Option) -> str:
    """What Click calls an option's value; a field and a query parameter may have one name in the API."""
    return re.sub(r"\W", "_", f"{place}_{option.name}").lower()


# --- what a command sends --------------------------------------------------------------------------------------------


def call_of(operation: Operation, values: Mapping[str, Any]) -> Call[Any]:
    """The request for what was typed. Raises UsageError for what cannot be sent."""
    headers = {option.name: values[key_of("header", option)] for option in operation.headers}
    if operation.background:
        headers["Prefer"] = "respond-async"
    key = values.get("idempotency_key")
    try:
        call: Call[Any] = Call(
            operation.verb,
            _path(operation, values),
            object,
            query={option.name: values[key_of("query", option)] for option in operation.query},
            body=_body(operation, values),
            headers=headers,
            key=new_key(key) if operation.retry == "key" else None,
        )
        call.target()
        call.content()
    except (ValueError, RecursionError) as error:
        raise click.UsageError(f"This cannot be sent: {error}.") from None
    for value in (*headers.values(), key):
        if value and not re.fullmatch(r"[\x20-\x7e]+", value):
            raise click.UsageError(f"{value!r} cannot be sent in a header.")
    return call


def _path(operation: Operation, values: Mapping[str, Any]) -> str:
    path = operation.path
    for option in operation.arguments:
        path = path.replace(f"{{{option.name}}}", segment(values[key_of("path", option)]))
    return path


def _body(operation: Operation, values: Mapping[str, Any]) -> dict[str, Any] | None:
    if operation.body is None:
        return None
    body = dict(values["json_body"] or {})
    for option in operation.body:
        found = values[key_of("body", option)]
        if option.kind == "pairs":
            found = {name: value for pairs in found for name, value in pairs.items()} if found else None
        elif option.kind in _MANY:
            found = [value for part in found for value in part] if found else None
        if found is not None:
            body[option.name] = found
    body.update(dict.fromkeys(values.get("clear") or ()))
    missing = [option.flag for option in operation.body if option.required and option.name not in body]
    if missing:
        raise click.UsageError(f"Missing option {', '.join(missing)} (or a --json-body with it).")
    return _with_event_ids(operation, body)


def _with_event_ids(operation: Operation, body: dict[str, Any]) -> dict[str, Any]:
    """The body with ids of events, which make a repeat safe. What is no list of events, the service refuses."""
    if operation.retry == "event":
        return with_id(body)
    events = body.get("events")
    if operation.retry == "batch" and isinstance(events, list) and all(isinstance(each, dict) for each in events):
        return with_ids({**body, "events": events})
    return body
