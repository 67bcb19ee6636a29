"""`jobsprint portal`: open the portal in a browser, as a session of one's own."""

import webbrowser

import click

from jobsprint_client._call import Call
from jobsprint_client.cli.commands import ResourceGroup
from jobsprint_client.cli.output import note
from jobsprint_client.cli.session import Session

_CAPABILITIES = ("view", "payloads", "secrets", "webhooks", "send", "connect", "act", "approve", "agents")


def add_to(program: click.Group) -> None:
    """Let the commands of the portal open it where none of them is named."""
    portal = program.commands["portal"]
    if not isinstance(portal, ResourceGroup):
        raise TypeError("the commands of the portal are those of a resource")
    portal.invoke_without_command = True
    portal.no_args_is_help = False
    portal.callback = _open
    portal.params += [
        click.Option(
            ["--capabilities"],
            type=click.Choice(_CAPABILITIES),
            multiple=True,
            help="What the session may do; everything, unless some are named. Can be repeated.",
        ),
        click.Option(["--print", "printed"], is_flag=True, help="Print the URL, and open no browser."),
    ]


def _open(capabilities: tuple[str, ...], printed: bool) -> None:
    context = click.get_current_context()
    if context.invoked_subcommand is not None:
        return
    session = context.ensure_object(Session)
    body = {"capabilities": list(capabilities or _CAPABILITIES)}
    answer = session.client().answer(Call("POST", "/portal/sessions", object, body=body))
    url = str(answer["data"]["url"])
    click.echo(url)
    if not printed:
        webbrowser.open(url)
        note("It works once, and for two minutes.")
