"""The installed command line against the real handlers: log in, work with webhooks and events, and how runs end."""

import json
import shutil
import stat
import textwrap
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.conftest import forget_settings
from tests.support.built import PYTHON, isolated, run
from tests.support.command_line import CommandLine
from tests.support.deliveries import Outbox, deliveries, dispatch, publish, record, subscribe, work
from tests.support.front import TOKEN
from tests.support.receiver import Receiver, Reply, receiving

READER, APPROVER = "jsp_reader", "jsp_approver"


def deliver(outbox: Outbox) -> None:
    assert dispatch(*(record(message.body) for message in outbox.take())) == []


# --- the package -----------------------------------------------------------------------------------------------------


def test_the_wheel_has_the_program_and_its_extra_is_what_the_tests_run_with(wheel: Path, tmp_path: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert "jobsprint_client/cli/operations.json" in names
    [entry] = [name for name in names if name.endswith("entry_points.txt")]
    assert "jobsprint = jobsprint_client.cli:main" in zipfile.ZipFile(wheel).read(entry).decode()
    # Without an index this passes only if everything that the extra names is there, in a version that it allows.
    words = ["install", "--dry-run", "--no-index", "--quiet", f"{wheel}[cli]"]
    run(PYTHON, "-m", "pip", *words, cwd=tmp_path, env=isolated())


def test_without_the_extra_the_program_says_what_to_install(jobsprint: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "click.py").write_text("raise ModuleNotFoundError('No module named click', name='click')")
    done = jobsprint("--help", PYTHONPATH=f"{tmp_path / 'broken'}:{jobsprint.site}")
    assert (done.code, done.out) == (1, "")
    assert "pip install 'jobsprint_client[cli]'" in done.err
    assert "Traceback" not in done.err


def test_help_and_version_need_no_login(jobsprint: CommandLine) -> None:
    assert jobsprint("--version").out.startswith("jobsprint 0.")
    done = jobsprint("webhooks", "create", "--help")
    assert (done.code, done.err) == (0, "")
    for text in ("--retry-schedule", "Where to send events", "--json-body", "--idempotency-key", "webhooks:write"):
        assert text in done.out
    assert {"webhooks", "login", "tail", "doctor"} <= set(jobsprint("-h").out.split())


# --- login -----------------------------------------------------------------------------------------------------------


def test_a_token_is_tried_kept_in_a_file_of_ones_own_and_removed(jobsprint: CommandLine, api: Receiver) -> None:
    url = f"{api.url}/v1"
    none = jobsprint("webhooks", "list")
    assert none.code == 4
    assert none.err.startswith("You are not logged in\nNext: jobsprint login")

    refused = jobsprint("login", "--base-url", url, "--with-token", stdin="jsp_other\n")
    assert (refused.code, jobsprint.kept.exists()) == (4, False)

    done = jobsprint("login", "--base-url", f"{api.url}/", "--with-token", stdin=f"{TOKEN}\n")
    assert (done.code, done.out) == (0, "")
    assert json.loads(jobsprint.kept.read_text()) == {"baseUrl": url, "token": TOKEN}
    assert stat.S_IMODE(jobsprint.kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(jobsprint.kept.parent.stat().st_mode) == 0o700

    shown = jobsprint("status")
    assert (shown.code, shown.out.splitlines()[0]) == (0, url)
    assert jobsprint("webhooks", "list", "--json").json["data"] == []
    assert TOKEN not in done.err + shown.out + jobsprint("--debug", "webhooks", "list", "--json").err

    assert jobsprint("logout").code == 0
    assert not jobsprint.kept.exists()
    assert (jobsprint("status").code, jobsprint("logout").code) == (4, 1)


def test_the_environment_is_first_and_a_kept_token_goes_to_its_own_address_alone(
    jobsprint: CommandLine, api: Receiver
) -> None:
    url = f"{api.url}/v1"
    assert jobsprint("login", "--base-url", url, "--with-token", stdin=TOKEN).code == 0
    assert jobsprint("status", JOBSPRINT_TOKEN="jsp_other").code == 4
    assert jobsprint("status", JOBSPRINT_TOKEN=READER).code == 0
    with receiving() as other:
        done = jobsprint("webhooks", "list", JOBSPRINT_BASE_URL=f"{other.url}/v1")
        assert (done.code, other.received) == (4, [])
        assert "You are logged in to" in done.err
        jobsprint("webhooks", "list", JOBSPRINT_BASE_URL=f"{other.url}/v1", JOBSPRINT_TOKEN="jsp_given")
        assert other.received[0].headers["authorization"] == "Bearer jsp_given"
    done = jobsprint("login", "--base-url", url, "--with-token", stdin=TOKEN, JOBSPRINT_TOKEN=READER)
    assert (done.code, "unset JOBSPRINT_TOKEN" in done.err) == (1, True)


KEYRING = """
import json, pathlib
from keyring.backend import KeyringBackend

class Keyring(KeyringBackend):
    priority = 5
    path = pathlib.Path(__file__).with_name("secrets.json")
    def _all(self): return json.loads(self.path.read_text()) if self.path.exists() else {}
    def get_password(self, service, name): return self._all().get(f"{service} {name}")
    def set_password(self, service, name, value):
        self.path.write_text(json.dumps(self._all() | {f"{service} {name}": value}))
    def delete_password(self, service, name):
        found = self._all(); found.pop(f"{service} {name}"); self.path.write_text(json.dumps(found))
"""


def test_a_keyring_has_the_token_where_there_is_one(jobsprint: CommandLine, api: Receiver, tmp_path: Path) -> None:
    (tmp_path / "filed_keyring.py").write_text(KEYRING)
    secrets, url = tmp_path / "secrets.json", f"{api.url}/v1"
    jobsprint.env = {"PYTHON_KEYRING_BACKEND": "filed_keyring.Keyring", "PYTHONPATH": f"{tmp_path}:{jobsprint.site}"}
    done = jobsprint("login", "--base-url", url, "--with-token", stdin=TOKEN)
    assert "the keyring" in done.err
    assert json.loads(secrets.read_text()) == {f"jobsprint {url}": TOKEN}
    assert json.loads(jobsprint.kept.read_text()) == {"baseUrl": url}
    assert "the keyring" in jobsprint("status").out
    assert jobsprint("webhooks", "list", "--json").code == 0
    # The file in its place leaves nothing in the keyring.
    assert jobsprint("login", "--insecure-storage", "--base-url", url, "--with-token", stdin=TOKEN).code == 0
    assert json.loads(secrets.read_text()) == {}
    assert jobsprint("login", "--base-url", url, "--with-token", stdin=TOKEN).code == 0
    assert jobsprint("logout").code == 0
    assert (json.loads(secrets.read_text()), jobsprint.kept.exists()) == ({}, False)


def test_login_asks_on_a_terminal_and_does_not_show_the_token(jobsprint: CommandLine, api: Receiver) -> None:
    done = jobsprint.on_terminal("login", "--base-url", f"{api.url}/v1", typed=f"{TOKEN}\n", until="Token:")
    assert (done.code, TOKEN in done.out) == (0, False)
    assert TOKEN in jobsprint.kept.read_text()
    asked = jobsprint("login")
    assert (asked.code, "--with-token" in asked.err) == (2, True)  # the address is known


# --- operations ------------------------------------------------------------------------------------------------------


def test_a_webhook_from_its_creation_to_its_end(cli: CommandLine, endpoint: Receiver) -> None:
    url = endpoint.url + "/hooks"
    made = cli(
        "webhooks", "create", "--name", "Orders", "--url", url, "--events", "order.*,user.*", "--events", "a.b",
        "--headers", "X-Team=core", "--retry-schedule", "0,5,30", "--filter", '{"event": ["order.paid"]}', "--json",
    )  # fmt: skip
    assert (made.code, made.err) == (0, "")
    webhook = made.json["data"]
    assert webhook["events"] == ["order.*", "user.*", "a.b"]
    assert (webhook["retrySchedule"], webhook["filter"]) == ([0, 5, 30], {"event": ["order.paid"]})
    words = ["webhooks", "rotate-secret", webhook["id"], "--secret", "-", "--yes", "--json"]
    assert cli(*words, stdin="another_secret_key\n").json["data"]["secret"] == "another_secret_key"

    changed = cli(
        "webhooks", "update", webhook["id"], "--clear", "filter", "--no-active", "--rate-limit", "7", "--json"
    )
    assert changed.json["data"] | {"active": False, "rateLimit": 7} == changed.json["data"]
    assert "filter" not in changed.json["data"]

    shown = cli("webhooks", "get", webhook["id"])
    assert f"id: {webhook['id']}" in shown.out.splitlines()
    assert "active: no" in shown.out.splitlines()

    asked = cli("webhooks", "delete", webhook["id"])
    assert (asked.code, "--yes" in asked.err) == (2, True)
    refused = cli.on_terminal("webhooks", "delete", webhook["id"], typed="n\n", until="[y/N]")
    assert refused.code == 2
    assert webhook["id"] in cli("webhooks", "list").out
    assert cli.on_terminal("webhooks", "delete", webhook["id"], typed="y\n", until="[y/N]").code == 0
    gone = cli("webhooks", "get", webhook["id"])
    assert gone.code == 1
    assert "(webhook_not_found, HTTP 404)" in gone.err.splitlines()[0]
    assert "Traceback" not in gone.err


def test_lists_for_people_and_for_programs(cli: CommandLine, endpoint: Receiver, api: Receiver) -> None:
    made = [subscribe(endpoint.url, name=f"Hook [red]{number}")["id"] for number in range(5)]
    api.received.clear()
    page = cli("webhooks", "list", "--limit", "2", "--json").json
    assert (page["success"], len(page["data"]), page["pagination"]["hasMore"]) == (True, 2, True)
    following = cli("webhooks", "list", "--limit", "2", "--cursor", page["pagination"]["nextCursor"], "--json").json
    assert [each["id"] for each in page["data"] + following["data"]] == made[::-1][:4]

    lines = cli("webhooks", "list", "--limit", "2", "--all", "--json").lines
    assert [each["id"] for each in lines] == made[::-1]

    tabbed = cli("webhooks", "list", "--limit", "2")
    assert [line.split("\t")[0] for line in tabbed.out.splitlines()] == made[::-1][:2]
    assert "--all" in tabbed.err

    table = cli.on_terminal("webhooks", "list", "--all", COLUMNS="60", NO_COLOR="1")
    rows = [line for line in table.out.splitlines() if "wh_" in line]
    assert table.out.lstrip().find("ID") >= 0
    assert [row.split()[0] for row in rows] == made[::-1]
    assert all(len(row) <= 60 for row in rows)
    assert "Hook [red]4" in table.out


def test_bodies_come_as_options_as_json_from_files_and_from_standard_input(
    cli: CommandLine, outbox: Outbox, api: Receiver, tmp_path: Path
) -> None:
    (tmp_path / "data.json").write_text('{"orderId": "o_1"}')
    done = cli("events", "publish", "--event", "order.paid", "--data", f"@{tmp_path / 'data.json'}", "--json")
    assert done.json["data"]["id"].startswith("evt_")
    sent = api.received[-1].json
    assert sent == {"event": "order.paid", "data": {"orderId": "o_1"}, "id": sent["id"]}
    assert len(sent["id"]) >= 16  # a repeat publishes nothing twice

    whole = '{"event": "order.sent", "data": {"n": 1}, "id": "mine"}'
    assert cli("events", "publish", "--json-body", "-", "--event", "order.lost", "--json", stdin=whole).code == 0
    assert api.received[-1].json == {"event": "order.lost", "data": {"n": 1}, "id": "mine"}

    batch = '[{"event": "a.b", "data": {}}, {"event": "webhook.failing", "data": {}}]'
    found = cli("events", "publish-batch", "--events", batch, "--json").json["data"]
    assert [("id" in each, "error" in each) for each in found] == [(True, False), (False, True)]

    for words, said in (
        (["--event", "a.b"], "--data"),
        (["--event", "a.b", "--data", "{"], "not JSON"),
        (["--event", "a.b", "--data", "@/no/such/file"], "cannot be read"),
        (["--json-body", "[]"], "no JSON object"),
        (["--event", "a.b", "--data", "-", "--json-body", "-"], "only once"),
    ):
        wrong = cli("events", "publish", *words, stdin="{}")
        assert (wrong.code, said in wrong.err, "Traceback" in wrong.err) == (2, True, False), wrong.err


def test_a_post_has_an_idempotency_key_and_takes_ones_own(cli: CommandLine, api: Receiver, endpoint: Receiver) -> None:
    words = ["webhooks", "create", "--name", "A", "--url", endpoint.url, "--events", "*", "--json"]
    first = cli(*words, "--idempotency-key", "mine").json["data"]
    assert cli(*words, "--idempotency-key", "mine").json["data"]["id"] == first["id"]
    assert cli(*words).json["data"]["id"] != first["id"]
    keys = [request.headers["idempotency-key"] for request in api.received]
    assert keys[:2] == ["mine", "mine"]
    assert len(keys[2]) >= 16


def test_errors_are_said_as_the_api_says_them(cli: CommandLine, api: Receiver) -> None:
    wrong = cli("webhooks", "create", "--name", "", "--url", "ftp://a", "--events", "x y")
    assert (wrong.code, wrong.out) == (1, "")
    assert "(invalid_fields, HTTP 422)" in wrong.err
    assert {"body.url", "body.name"} <= {line.split(":")[0].strip() for line in wrong.err.splitlines()}
    assert "Request: " in wrong.err
    forbidden = cli("integrations", "list", JOBSPRINT_TOKEN=READER)
    assert (forbidden.code, "missing_scope" in forbidden.err) == (1, True)
    unknown = cli("webhooks", "list", JOBSPRINT_TOKEN="jsp_other")
    assert (unknown.code, "Next: jobsprint login" in unknown.err) == (4, True)
    usage = cli("webhooks", "list", "--limt", "3")
    assert (usage.code, "Did you mean" in usage.err or "No such option" in usage.err) == (2, True)
    for words in (["webhooks", "get", ".."], ["webhooks", "get", ""]):
        assert cli(*words).code == 2
    assert cli("webhooks", "nothing").code == 2

    api.answer = lambda _: Reply(
        409,
        {
            "success": False,
            "error": {"code": "webhook_paused", "message": "It is paused \x1b[2J", "nextStep": "Resume it"},
            "requestId": "req-9",
        },
    )
    done = cli("webhooks", "test", "wh_1")
    assert done.err.splitlines() == [
        "It is paused \\x1b[2J (webhook_paused, HTTP 409)",
        "Next: Resume it",
        "Request: req-9",
    ]
    api.answer = lambda _: Reply(200, b"<html>")
    page = cli("webhooks", "list")
    assert (page.code, "jobsprint doctor" in page.err, "Traceback" in page.err) == (1, True, False)
    debugged = cli("--debug", "webhooks", "list")
    assert "GET " in debugged.err
    assert "Traceback" in debugged.err


def test_a_call_that_a_person_has_to_approve_ends_with_a_code_of_its_own(
    cli: CommandLine, api: Receiver, endpoint: Receiver
) -> None:
    actions = '[{"name": "refund", "approval": "required"}]'
    words = ["--name", "Shop", "--url", endpoint.url, "--actions", actions, "--json"]
    shop = cli("integrations", "connect", "custom_webhook", *words).json["data"]["id"]
    refund = ["actions", "execute", shop, "refund", "--parameters", '{"n": 1}']

    said = cli(*refund)
    assert (said.code, said.out) == (8, "")
    asked = cli(*refund, "--json")
    assert (asked.code, asked.json["data"]["status"]) == (8, "pending_approval")
    data = asked.json["data"]
    assert asked.err.splitlines() == [
        f"Nothing was sent: a person has to approve this call until {data['expiresAt']} (pending_approval, HTTP 202)",
        f"Next: jobsprint approvals approve {data['approvalId']} (with another token)",
        f"Then: this command again, with --approval-id {data['approvalId']}",
    ]
    later = cli(*["actions", "execute-in-background", shop, "refund"], "--json")
    assert (later.code, later.json["data"]["status"]) == (8, "pending_approval")
    approved = [*refund, "--approval-id", data["approvalId"]]
    assert cli(*approved).code == 8
    assert endpoint.received == []

    own = cli("approvals", "approve", data["approvalId"])
    assert (own.code, "approval_by_requester" in own.err) == (1, True)
    assert cli("approvals", "approve", data["approvalId"], JOBSPRINT_TOKEN=APPROVER).code == 0
    done = cli(*approved, "--json")
    assert (done.code, done.err, done.json["data"]["action"]) == (0, "", "refund")
    assert len(endpoint.received) == 1
    other = said.err.splitlines()[1].split()[4]
    denied = ["approvals", "deny", other, "--reason", "Not this one"]
    assert cli(*denied, JOBSPRINT_TOKEN=APPROVER).code == 0
    refused = cli(*refund, "--approval-id", other)
    assert (refused.code, "Not this one" in refused.err) == (1, True)

    shown = Reply(202, {"success": True, "data": {**data, "approvalId": "apr_\x1b[2J"}}, {"x-amzn-RequestId": "req-9"})
    api.answer = lambda _: shown
    lines = cli(*refund).err.splitlines()
    assert (lines[1], lines[3]) == (
        "Next: jobsprint approvals approve apr_\\x1b[2J (with another token)",
        "Request: req-9",
    )


def test_nobody_there_is_said_in_a_sentence(jobsprint: CommandLine) -> None:
    env = {"JOBSPRINT_TOKEN": TOKEN, "JOBSPRINT_BASE_URL": "http://127.0.0.1:9/v1"}
    done = jobsprint("service", "get-health", **env)
    assert done.code == 1
    assert done.err.splitlines() == [
        "http://127.0.0.1:9/v1 did not answer: connection refused",
        "Next: jobsprint doctor",
    ]


def test_a_reader_that_goes_away_is_no_error(cli: CommandLine, endpoint: Receiver) -> None:
    for number in range(3):
        subscribe(endpoint.url, name=str(number))
    script = f"{' '.join(cli.program)} webhooks list --json --all --limit 1 | head -c 1"
    said = run("bash", "-c", script, cwd=cli.home, env=cli.environment())
    assert said == "{"


# --- recoveries ------------------------------------------------------------------------------------------------------


def test_a_recovery_is_followed_until_it_ends(
    cli: CommandLine, outbox: Outbox, endpoint: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RETRY_SCHEDULE", "0")
    forget_settings()
    webhook = subscribe(endpoint.url)["id"]
    endpoint.answer = lambda _: Reply(500)
    for _ in range(3):
        publish()
    deliver(outbox)
    since = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    running = cli.start("webhooks", "recover", webhook, "--since", since, "--watch", "--json")
    while not (steps := outbox.take("RecoveryQueue")):
        assert running.process.poll() is None
    while steps:
        assert work("recover_deliveries", *(record(step.body) for step in steps)) == []
        steps = outbox.take("RecoveryQueue")
    out, err = running.process.communicate(timeout=30)
    assert (running.process.returncode, err) == (0, b"")
    job = json.loads(out)["data"]
    assert (job["status"], job["matched"], job["sent"]) == ("done", 3, 3)
    again = cli("webhooks", "watch-recovery", webhook, job["id"])
    assert (again.code, "status: done" in again.out) == (0, True)
    assert len(deliveries(webhook)) == 3


# --- completion ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("jobsprint webh", {"webhooks"}),
        ("jobsprint webhooks rot", {"rotate-secret"}),
        ("jobsprint webhooks list-deliveries wh_1 --sta", {"--state"}),
        ("jobsprint webhooks list-deliveries wh_1 --state ex", {"exhausted"}),
    ],
)
def test_bash_completes_commands_options_and_values(jobsprint: CommandLine, typed: str, expected: set[str]) -> None:
    words = typed.split()
    script = f"""
        eval "$({" ".join(jobsprint.program)} completion bash)"
        COMP_WORDS=({" ".join(words)}) COMP_CWORD={len(words) - 1}
        complete -p jobsprint >/dev/null && _jobsprint_completion jobsprint
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    assert (
        set(run("bash", "-c", textwrap.dedent(script), cwd=jobsprint.home, env=jobsprint.environment()).split())
        == expected
    )


ZSH = 'autoload -U compinit; compinit -u; eval "$(jobsprint completion zsh)"; print -r -- ${_comps[jobsprint]}'
FISH = 'jobsprint completion fish | source; complete -C "jobsprint webhooks rot"'


@pytest.mark.parametrize(
    ("shell", "script", "expected"),
    [("zsh", ZSH, "_jobsprint_completion\n"), ("fish", FISH, "rotate-secret\tRotate secret\n")],
    ids=["zsh", "fish"],
)
def test_the_other_shells_have_a_script_that_works_where_they_are_installed(
    jobsprint: CommandLine, shell: str, script: str, expected: str
) -> None:
    done = jobsprint("completion", shell)
    assert (done.code, "_JOBSPRINT_COMPLETE" in done.out) == (0, True)
    if shutil.which(shell):
        # The console script's first line names the Python that it was installed for.
        assert run(shell, "-c", script, cwd=jobsprint.home, env=jobsprint.environment()) == expected
