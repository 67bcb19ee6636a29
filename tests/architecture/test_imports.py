"""What the import of a handler loads, in a fresh process."""

from tests.support.imports import imported
from tests.support.template import functions


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
