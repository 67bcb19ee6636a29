"""The workflow on GitHub: tests, dev, end-to-end tests in AWS, prod, each after the other, with a role and no keys."""

import re
from typing import Any

import pytest
import yaml
from cfnlint import api as cfnlint

from tests.support.template import ROOT

TEXT = (ROOT / ".github" / "workflows" / "deploy.yml").read_text("utf-8")
ROLE = (ROOT / ".github" / "deploy-role.yaml").read_text("utf-8")
JOBS: dict[str, Any] = yaml.safe_load(TEXT)["jobs"]


def commands(job: str) -> list[str]:
    return [step["run"] for step in JOBS[job]["steps"] if "run" in step]


def test_each_job_waits_for_the_one_before() -> None:
    assert {name: job.get("needs") for name, job in JOBS.items()} == {
        "test": None, "dev": "test", "end-to-end": "dev", "prod": "end-to-end"
    }  # fmt: skip
    assert JOBS["dev"]["if"] == "github.event_name == 'push'"


def test_what_each_job_runs_are_commands_of_make() -> None:
    assert {name: commands(name) for name in JOBS} == {
        "test": ["make test", "make test-docs", "make test-clients"],
        "dev": ["make deploy STAGE=dev CI=1"],
        "end-to-end": ["make smoke STAGE=dev"],
        "prod": ["make deploy STAGE=prod CI=1", "make smoke STAGE=prod"],
    }
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert {command.split()[1] for name in JOBS for command in commands(name)} <= targets


@pytest.mark.parametrize("job", ["dev", "end-to-end", "prod"])
def test_credentials_are_a_role_of_the_jobs_environment(job: str) -> None:
    assert JOBS[job]["permissions"] == {"contents": "read", "id-token": "write"}
    assert JOBS[job]["environment"] == ("prod" if job == "prod" else "dev")
    [credentials] = [step["with"] for step in JOBS[job]["steps"] if "configure-aws-credentials" in step.get("uses", "")]
    assert credentials == {"role-to-assume": "${{ vars.AWS_ROLE_ARN }}", "aws-region": "us-east-1"}


def test_nothing_reads_a_secret() -> None:
    assert "secrets." not in TEXT
    assert "AWS_ACCESS_KEY" not in TEXT
    assert "permissions" not in JOBS["test"]  # contents: read, as the whole workflow has


def test_the_role_is_for_one_environment_of_one_repository() -> None:
    matches = [match for match in cfnlint.lint_all(ROLE) if match.rule.severity != "informational"]
    assert [str(match) for match in matches] == []
    assert "sub: !Sub repo:${Repository}:environment:${Environment}" in ROLE
    assert "role/jobsprint-${Environment}-*" in ROLE
