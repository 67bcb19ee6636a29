"""What the import of a handler costs, in a fresh process: the part of a cold start that our code decides."""

import json
import os
import subprocess
import sys

from tests.support.template import ROOT, environment, functions, import_path

_MEASURE = """
import importlib, json, sys, time
before = time.process_time()
for name in sys.argv[1:]:
    importlib.import_module(name)
seconds = time.process_time() - before
aws = sys.modules.get("jobsprint.core.aws")
own = [one for one in vars(aws).values() if getattr(one, "__module__", "") == aws.__name__] if aws else []
clients = [one.__name__ for one in own if hasattr(one, "cache_info") and one.cache_info().currsize]
print(json.dumps({"seconds": seconds, "modules": sorted(sys.modules), "clients": clients}))
"""
# What every endpoint needs of other projects; our own code may take as long again.
_LIBRARIES = ("aws_lambda_powertools.event_handler", "boto3", "pydantic")


def imported(*names: str) -> tuple[float, set[str], list[str]]:
    """CPU seconds of importing these modules, every module that is loaded then, and the AWS clients created."""
    env = environment({}) | {"PYTHONPATH": os.pathsep.join(import_path()), "AWS_DEFAULT_REGION": "us-east-1"}
    done = subprocess.run([sys.executable, "-c", _MEASURE, *names], env=env, cwd=ROOT, capture_output=True, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    return found["seconds"], set(found["modules"]), found["clients"]


def test_no_client_is_created_before_it_is_used() -> None:
    _, modules, clients = imported(*(f"functions.{folder}.app" for folder in functions()))
    assert "jobsprint.core.aws" in modules
    assert clients == []


def test_the_health_check_loads_no_aws_sdk() -> None:
    assert not {"boto3", "jobsprint.core.aws"} & imported("functions.get_health.app")[1]


def test_connectors_are_imported_on_use() -> None:
    loaded = imported("functions.execute_action.app", "functions.test_integration.app")[1]
    used = {
        f"jobsprint.connectors.{name}" for name in ("custom", "webhook", "zapier", "mcp.connector", "n8n.connector")
    }
    assert not used & loaded


def test_our_own_code_takes_no_longer_than_the_libraries() -> None:
    def seconds(*names: str) -> float:
        return min(imported(*names)[0] for _ in range(3))

    assert seconds("functions.list_integrations.app") <= 2 * seconds(*_LIBRARIES)
