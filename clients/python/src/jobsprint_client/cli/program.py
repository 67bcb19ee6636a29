"""The program: its commands, and how a run of it ends."""

import os
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Any

import click
import requests

from jobsprint_client._call import __version__
from jobsprint_client.cli import completion, doctor, listen, login, mcp, portal, recoveries, tail, trigger, verify
from jobsprint_client.cli.commands import ResourceGroup
from jobsprint_client.cli.failures import CANCELLED, FAILED, INTERRUPTED, Failure, said
from jobsprint_client.cli.operations import resources
from jobsprint_client.cli.output import note
from jobsprint_client.cli.session import Session
from jobsprint_client.errors import JobsprintError

_NOT_CUT = 1000
_EPILOG = (
    "Exit codes: 0 done, 1 failed, 2 usage or cancelled, 4 not logged in or token not valid, 8 waits for an approval, "
    "130 interrupted."
)


class Program(click.Group):
    """The root command. Its help lists resources and tools apart."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the two lists."""
        commands = [command for name in self.commands if (command := self.get_command(ctx, name))]
        for title, wanted in (("Resources", True), ("Tools", False)):
            found = [command for command in commands if isinstance(command, ResourceGroup) is wanted]
            with formatter.section(title):
                lines = [(command.name or "", command.get_short_help_str(_NOT_CUT).rstrip(".")) for command in found]
                formatter.write_dl(lines)


@click.group(cls=Program, epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="jobsprint %(version)s")
@click.option("--debug", is_flag=True, envvar="JOBSPRINT_DEBUG", help="Show requests, and more of unexpected errors.")
@click.pass_context
def program(ctx: click.Context, debug: bool) -> None:
    """Work with the Jobsprint Integrations API: webhooks, events, integrations and actions.

    Begin with `jobsprint login`. Every operation of the API is `jobsprint RESOURCE VERB`.
    """
    ctx.ensure_object(Session).debug = debug


for _resource in resources():
    program.add_command(ResourceGroup(_resource))
recoveries.add_to(program)
portal.add_to(program)
# The tools: a module each.
for _tool in (
    login.login,
    login.logout,
    login.status,
    tail.tail,
    listen.listen,
    trigger.trigger,
    verify.verify,
    doctor.doctor,
    mcp.mcp,
    completion.completion,
):
    program.add_command(_tool)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run a command line, and give its exit code."""
    session = Session()
    try:
        return _ended(lambda: program.main(arguments, prog_name="jobsprint", standalone_mode=False, obj=session))
    except BrokenPipeError:
        # Nobody reads any more. What is still in the buffers goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED  # as Click ends it where it notices by itself
    except KeyboardInterrupt:
        return INTERRUPTED
    except (JobsprintError, Failure, requests.RequestException) as error:
        lines, code = said(error, session.base_url)
        for line in lines:
            note(line)
        return _debugged(error, session, code)
    except Exception as error:  # noqa: BLE001 - the last resort
        note(f"Unexpected error: {type(error).__name__}: {error}")
        if not session.debug:
            note("Next: run it again as jobsprint --debug …, which shows where it happened")
        return _debugged(error, session, FAILED)


def _ended(main: Callable[[], Any]) -> int:
    """What Click makes of a run as an exit code."""
    try:
        found = main()
        sys.stdout.flush()
        return found if isinstance(found, int) else 0
    except Failure:
        raise
    except click.ClickException as error:
        error.show()
        return CANCELLED
    except click.Abort as error:
        return INTERRUPTED if isinstance(error.__cause__, KeyboardInterrupt) else CANCELLED


def _debugged(error: Exception, session: Session, code: int) -> int:
    if session.debug:
        note("".join(traceback.format_exception(error)))
    return code
