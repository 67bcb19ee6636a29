"""What each function imports before its first request: a cold start pays for every module.

Each handler is imported alone, in a process of its own, and must stay free of the packages it does not need.
"""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.template import functions, import_path

# What the Lambda layers do not have and botocore would import where a developer does.
ABSENT = ("OpenSSL", "awscrt")
EVERY = set(functions())

# Nobody: imported where they are used, or not at all.
NOBODY: set[str] = set()
# Connectors, and with them libcurl, are imported when an integration calls for one.
SENDS = {"dispatch_webhooks", "refresh_catalog", "test_webhook"}
# What opens or seals secrets, and what shares a module with it.
SEALS = {
    "check_health",
    "connect_integration",
    "create_webhook",
    "delete_integration",
    "disconnect_integration",
    "dispatch_webhooks",
    "execute_action",
    "finish_oauth",
    "get_execution",
    "refresh_catalog",
    "rotate_secret",
    "run_executions",
    "run_health_tests",
    "test_integration",
    "test_webhook",
    "update_integration",
    "update_webhook",
}
WITHOUT_CLIENTS = {
    "answer_preflight",
    "get_client_metadata",
    "get_docs",
    "get_health",
    "get_openapi",
}
WITHOUT_ROUTES = {
    "answer_preflight",
    "authorize",
    "check_health",
    "dispatch_webhooks",
    "get_docs",
    "get_openapi",
    "manage_tokens",
    "receive_events",
    "recover_deliveries",
    "refresh_catalog",
    "run_executions",
    "run_health_tests",
    "sweep_deliveries",
}
WITHOUT_POWERTOOLS = {"get_docs", "get_openapi"}

# Which functions may import a package. Behind each, about what it costs in ms (Python 3.11, two cores, not Lambda).
MAY_HAVE = {
    "boto3": NOBODY,  # 30 over botocore
    "requests": NOBODY,  # 75
    "aws_xray_sdk": NOBODY,  # 250
    "jsonschema_rs": NOBODY,  # 15 MB to load
    "pycurl": SENDS,  # 8
    "cryptography": SEALS,  # 13
    "pydantic": NOBODY,  # 40
    "botocore.session": EVERY - WITHOUT_CLIENTS,  # 100
    "aws_lambda_powertools": EVERY - WITHOUT_POWERTOOLS,  # 30
    "aws_lambda_powertools.event_handler": EVERY - WITHOUT_ROUTES,  # 10
    "aws_lambda_powertools.event_handler.openapi.params": NOBODY,  # 20
}

_SCRIPT = """
import importlib, json, sys
sys.modules.update(dict.fromkeys({absent!r}))
sys.path[:0] = {path!r}
importlib.import_module("functions.{folder}.app")
print(json.dumps(sorted(name for name, module in sys.modules.items() if module)))
"""


def modules_of(folder: str) -> set[str]:
    """The modules in memory once the handler is imported."""
    script = _SCRIPT.format(absent=ABSENT, path=import_path(), folder=folder)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))


@pytest.fixture(scope="module")
def loaded() -> dict[str, set[str]]:
    with ThreadPoolExecutor(os.cpu_count()) as workers:
        return dict(zip(functions(), workers.map(modules_of, functions()), strict=True))


@pytest.mark.parametrize("package", MAY_HAVE)
def test_only_those_import_it_that_need_it(package: str, loaded: dict[str, set[str]]) -> None:
    having = {folder for folder, modules in loaded.items() if package in modules}
    assert not having - MAY_HAVE[package]


def test_connectors_are_imported_on_use(loaded: dict[str, set[str]]) -> None:
    from jobsprint.connectors.registry import CONNECTORS

    connectors = {path.partition(":")[0] for path in CONNECTORS.values()}
    assert not {folder: modules & connectors for folder, modules in loaded.items() if modules & connectors}


def test_health_answers_from_little(loaded: dict[str, set[str]]) -> None:
    ours = {name for name in loaded["get_health"] if name.startswith("jobsprint.")}
    assert not {name for name in ours if name.startswith(("jobsprint.store", "jobsprint.integrations"))}
    assert "jobsprint.security.vault" not in ours
