"""`python -m tools.local up | down | run | status | logs | open | clean | build | deploy | undeploy | dashboard | smoke
| catalog | portal | token | tokens | revoke-token | erase-tenant | verify-audit |
copy-rows`; see `make` and docs/runbook.md.
"""

import argparse
import json
import os
import re
import shutil
import signal
import sys
import webbrowser
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from tools.local import (
    catalog,
    containers,
    deploy,
    deployment,
    emulator,
    erase,
    gateway,
    install,
    layers,
    logs,
    permissions,
    portal,
    queues,
    restore,
    sam,
    smoke,
    stack,
    status,
    tokens,
    undeploy,
    verify_audit,
    warm,
)
from tools.local.console import Failure, step
from tools.local.options import LOCAL_PARAMETERS, PROJECT, Home, chosen_parameters, chosen_port, last_port

_TENANT = "demo"


def up(home: Home) -> str:
    """Start the emulator where it is not running, deploy what has changed, and return a token that works."""
    port = chosen_port(home)
    endpoint = emulator.address(port)
    started = not emulator.running(home)
    if started:
        emulator.start(home, port)
    elif port != last_port(home):
        raise Failure(f"The stack already runs on port {last_port(home)}: run make down first.")
    try:
        parameters = LOCAL_PARAMETERS | chosen_parameters()
        digest = deployment.digest(home, parameters)
        if deployment.recorded(endpoint) == digest:
            return _ready(home, endpoint)
        return _deploy(home, endpoint, parameters, digest)
    except BaseException:
        if started:
            emulator.stop(home)
        raise


def _deploy(home: Home, endpoint: str, parameters: dict[str, str], digest: str) -> str:
    env, target = stack.local_environment(endpoint), sam.local_target()
    sam.build(target, env, home.logs / "build.log")
    deployment.forget(endpoint)
    with queues.paused(endpoint):
        sam.deploy(target, parameters, env, home.logs / "deploy.log")
        with step("Filling in what the emulator lacks"):
            for lacking in (gateway, permissions):
                lacking.fill_gaps(endpoint)
            layers.mount(home, endpoint, target.folder / "build", digest)
            stack.wait_for_api(stack.base_url(endpoint))
        if not os.environ.get("ZAPIER_CLIENT_ID"):  # else it takes minutes, which `make catalog` or the schedule may
            with step("Loading the catalogue"):
                catalog.load(tokens.Clients.local(home))
        token = _ready(home, endpoint)
        with step("Starting the functions of the first requests"):
            warm.warm(endpoint, token)
    deployment.record(endpoint, digest)
    return token


def _ready(home: Home, endpoint: str) -> str:
    """Wait until the stack answers, tell other programs about it, and return a token that works."""
    url = stack.base_url(endpoint)
    token = stack.read_env(home).get("JOBSPRINT_TOKEN", "")
    if not token or not stack.accepts(url, token):
        with step(f"Creating the tenant {_TENANT} and its token"):
            token = tokens.issue(tokens.Clients.local(home), _TENANT, ["*"], None)
    stack.write_env(home, endpoint, token, stack.outputs(stack.client("cloudformation", endpoint)))
    containers.connect(home, endpoint)
    return token


def run(home: Home) -> None:
    """Bring the stack up, say how to call it, and follow the logs until interrupted."""
    token = up(home)
    try:
        _introduce(home, token)
        print("\n  Following the functions' logs; Ctrl-C stops everything.\n", flush=True)
        logs.follow(emulator.address(last_port(home)), stack.read_env(home)["JOBSPRINT_FUNCTION_LOGS"])
    finally:
        emulator.stop(home)


def _introduce(home: Home, token: str) -> None:
    url = stack.base_url(emulator.address(last_port(home)))
    print(f"\n  Base URL  {url}\n  Token     {token}   (tenant {_TENANT})\n")
    print(f'  curl -H "Authorization: Bearer {token}" {url}/integrations/available')


def follow_logs(home: Home, shown: logs.Shown) -> None:
    """Print the functions' log lines of the last minutes and from now on, until interrupted."""
    logs.follow(emulator.running_address(home), stack.read_env(home)["JOBSPRINT_FUNCTION_LOGS"], shown, logs.HISTORY_MS)


def open_docs(home: Home) -> None:
    """Show the API's documentation in a browser."""
    url = f"{stack.base_url(emulator.running_address(home))}/docs"
    print(f"  {url}")
    webbrowser.open(url)


def open_portal(home: Home, tenant: str) -> None:
    """Print the URL of a session of the portal, for the stack's own tenant unless another is named."""
    url = stack.base_url(emulator.running_address(home))
    print(portal.open_portal(tokens.Clients.local(home), url, tenant or _TENANT))


def build(home: Home) -> None:
    """Build what `sam local invoke` runs, and the environment file that it needs."""
    sam.build(sam.container_target(), os.environ, home.logs / "build.log")
    containers.write_placeholder(home)


def down(home: Home) -> None:
    """Stop everything; the state stays."""
    if not emulator.stop(home):
        print("  Nothing was running.")


def clean(home: Home) -> None:
    """Stop everything and drop state, builds and what was written for other programs; what is installed stays."""
    emulator.stop(home)
    shutil.rmtree(PROJECT / ".aws-sam", ignore_errors=True)
    installed = {PROJECT / environment.folder for environment in (install.UV, *install.ENVIRONMENTS.values())}
    for entry in home.folder.iterdir():
        if entry in installed:
            continue
        if entry.is_dir():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def days(text: str) -> int | None:
    """`30d` or `30` as a number of days; empty or `never` for no end."""
    if text in {"", "never"}:
        return None
    if not re.fullmatch(r"[1-9]\d{0,4}d?", text):
        raise Failure(f"EXPIRES={text} is not a number of days such as 30d.")
    return int(text.removesuffix("d"))


def _clients(arguments: argparse.Namespace) -> tokens.Clients:
    return tokens.Clients.deployed(arguments.stage) if arguments.stage else tokens.Clients.local(arguments.home)


def _listed(text: str) -> list[str]:
    """What stands between commas."""
    return [part.strip() for part in text.split(",") if part.strip()]


def _administer(arguments: argparse.Namespace) -> None:
    clients = _clients(arguments)
    if arguments.command == "token":
        token = tokens.issue(
            clients,
            arguments.tenant,
            _listed(arguments.scopes),
            days(arguments.expires),
            actions=_listed(arguments.actions),
            read_only=arguments.read_only,
        )
        print(token)
    elif arguments.command == "tokens":
        print(json.dumps(clients.manage(action="list", tenant=arguments.tenant), indent=2))
    else:
        print(json.dumps(clients.manage(action="revoke", id=arguments.id), indent=2))


def _smoke(arguments: argparse.Namespace) -> int:
    clients = _clients(arguments)
    url = clients.api_url() if arguments.stage else stack.base_url(emulator.address(last_port(arguments.home)))
    return smoke.run(clients, url)


def _account(arguments: argparse.Namespace) -> erase.Account:
    return erase.deployed_account(arguments.stage) if arguments.stage else erase.local_account(arguments.home)


def _erased(arguments: argparse.Namespace) -> str:
    return erase.erase(_account(arguments), arguments.tenant, really=arguments.yes)


def _copied(arguments: argparse.Namespace) -> str:
    return restore.copy_rows(
        _account(arguments),
        arguments.source,
        arguments.target,
        tenant=arguments.tenant,
        overwrite=arguments.overwrite,
    )


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.local")
    parser.add_argument("--home", type=lambda text: Home(Path(text).resolve()), default=Home(PROJECT / ".local"))
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("up", "down", "run", "status", "open", "clean", "build"):
        commands.add_parser(name)
    for name in ("deploy", "undeploy", "dashboard"):
        command = commands.add_parser(name)
        command.add_argument("--stage", required=True)
        command.add_argument("--ci", action="store_true", help="ask nothing")
        if name == "deploy":
            command.add_argument("--params", default="", help="Key=value ... for the template")
        if name == "undeploy":
            command.add_argument("--yes", action="store_true", help="remove, and not only say what stays")
    following = commands.add_parser("logs")
    following.add_argument("--function", default="", help="only of functions whose name has this in it")
    following.add_argument("--level", default="DEBUG", help="only from this level on")
    for name in ("catalog", "smoke"):
        commands.add_parser(name).add_argument("--stage", default="")
    commands.add_parser("portal").add_argument("--tenant", default="")
    for name in ("token", "tokens", "revoke-token"):
        command = commands.add_parser(name)
        command.add_argument("--stage", default="")
        command.add_argument("--id" if name == "revoke-token" else "--tenant", required=True)
        if name == "token":
            command.add_argument("--scopes", default="*")
            command.add_argument("--expires", default="")
            command.add_argument("--actions", default="", help="patterns of <slug>.<action> that it is limited to")
            command.add_argument("--read-only", action="store_true", help="it can change nothing")
    erasing = commands.add_parser("erase-tenant")
    erasing.add_argument("--stage", default="")
    erasing.add_argument("--tenant", required=True)
    erasing.add_argument("--yes", action="store_true", help="delete, and not only count")
    verifying = commands.add_parser("verify-audit")
    verifying.add_argument("--stage", default="")
    verifying.add_argument("--tenant", required=True)
    copying = commands.add_parser("copy-rows")
    copying.add_argument("--stage", default="")
    copying.add_argument("--from", dest="source", required=True, help="the restored table")
    copying.add_argument("--to", dest="target", required=True, help="the stack's table")
    copying.add_argument("--tenant", default="", help="only this tenant's rows")
    copying.add_argument("--overwrite", action="store_true", help="also rows that the stack's table has")
    return parser.parse_args()


def _interrupt(number: int, _frame: FrameType | None) -> None:
    """Leave as after Ctrl-C; when the terminal is gone nothing may be printed any more."""
    if number == signal.SIGHUP:
        sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115 - it stays open until the process ends
    raise KeyboardInterrupt


def _up(home: Home) -> None:
    up(home)
    _introduce(home, stack.read_env(home)["JOBSPRINT_TOKEN"])


def _actions(arguments: argparse.Namespace) -> dict[str, Callable[[], object]]:
    """What each command does; a number that it gives is the exit status."""
    home = arguments.home
    return {
        "up": lambda: _up(home),
        "down": lambda: down(home),
        "clean": lambda: clean(home),
        "status": lambda: print(status.status(home)),
        "logs": lambda: follow_logs(home, logs.Shown(arguments.function, arguments.level)),
        "open": lambda: open_docs(home),
        "portal": lambda: open_portal(home, arguments.tenant),
        "run": lambda: run(home),
        "build": lambda: build(home),
        "deploy": lambda: deploy.deploy_to_aws(arguments.stage, arguments.params, asks=not arguments.ci),
        "undeploy": lambda: undeploy.undeploy(arguments.stage, really=arguments.yes, asks=not arguments.ci),
        "dashboard": lambda: deploy.deploy_dashboard(arguments.stage, asks=not arguments.ci),
        "smoke": lambda: _smoke(arguments),
        "catalog": lambda: print(catalog.load(_clients(arguments))),
        "erase-tenant": lambda: print(_erased(arguments)),
        "verify-audit": lambda: verify_audit.verify_audit(_account(arguments), arguments.tenant),
        "copy-rows": lambda: print(_copied(arguments)),
    }


def main() -> int:
    """Run one command; what goes wrong is one sentence and a status other than 0."""
    arguments = _parse()
    os.chdir(PROJECT)
    direct = ",".join(filter(None, [os.environ.get("NO_PROXY") or os.environ.get("no_proxy"), "127.0.0.1,localhost"]))
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = direct
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        outcome = _actions(arguments).get(arguments.command, lambda: _administer(arguments))()
        return outcome if isinstance(outcome, int) else 0
    except Failure as failure:
        print(failure, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
