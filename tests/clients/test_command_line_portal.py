"""`jobsprint portal`: a session of the portal, printed or opened in a browser."""

import json
import stat
import sys
from pathlib import Path

from tests.support.command_line import CommandLine
from tests.support.portal import ALL
from tests.support.receiver import Receiver


def asked_for(api: Receiver) -> list[str]:
    """The capabilities of the last session that was made."""
    [*_, made] = [request for request in api.received if request.path == "/v1/portal/sessions"]
    capabilities: list[str] = json.loads(made.body)["capabilities"]
    return capabilities


def test_it_prints_the_url_of_a_session_with_everything(cli: CommandLine, api: Receiver) -> None:
    done = cli("portal", "--print")
    assert done.code == 0, done.err
    [url] = done.out.split()
    assert "/v1/portal#code=jpc_" in url
    assert asked_for(api) == ALL


def test_it_opens_a_browser(cli: CommandLine, api: Receiver, tmp_path: Path) -> None:
    browser, opened = tmp_path / "browser", tmp_path / "opened"
    browser.write_text(f"#!{sys.executable}\nimport sys\nopen({str(opened)!r}, 'w').write(sys.argv[1])\n")
    browser.chmod(browser.stat().st_mode | stat.S_IXUSR)
    done = cli("portal", "--capabilities", "view", "--capabilities", "send", BROWSER=str(browser))
    assert done.code == 0, done.err
    assert opened.read_text() == done.out.strip()
    assert asked_for(api) == ["view", "send"]


def test_its_operations_are_commands_beside_it(cli: CommandLine) -> None:
    assert "create-session" in cli("portal", "--help").out
    made = cli("portal", "create-session", "--capabilities", "view", "--session-id", "u1", "--json")
    assert made.json["data"]["id"].startswith("ses_")
    assert cli("portal", "end-sessions", "--session-id", "u1", "--yes").code == 0


def test_a_token_without_the_scope_is_refused(cli: CommandLine) -> None:
    assert cli("portal", "--print", JOBSPRINT_TOKEN="jsp_reader").code == 1
