"""The deployed stack as other programs see it: its outputs, its API and the environment file."""

import os
import re
import shlex
import time
from collections.abc import Mapping
from typing import Any

import boto3
import requests
from botocore.config import Config

from tools.local.console import Failure
from tools.local.options import REGION, STACK, Home

_ANSWER_SECONDS = 60
# The emulator takes this key pair as the account's root.
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


def local_environment(endpoint: str) -> dict[str, str]:
    """The caller's environment with every AWS call turned to the emulator and nowhere else."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return (
        kept
        | CREDENTIALS
        | {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }
    )


def client(service: str, endpoint: str, config: Config | None = None) -> Any:
    """A boto3 client for the emulator."""
    key, secret = CREDENTIALS.values()
    session: Any = boto3.Session(aws_access_key_id=key, aws_secret_access_key=secret, region_name=REGION)
    return session.client(service, endpoint_url=endpoint, config=config)


def deployed_client(service: Any, region: str, config: Config | None = None) -> Any:
    """A boto3 client for AWS with the caller's own credentials, whatever AWS_ENDPOINT_URL the shell holds."""
    aws = Config(ignore_configured_endpoint_urls=True)  # type: ignore[call-arg] # the stubs lack it
    return boto3.client(service, region_name=region, config=aws.merge(config) if config else aws)


def outputs(cloudformation: Any, stack: str = STACK) -> dict[str, str]:
    """The stack's outputs by name."""
    described = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", [])}


def base_url(endpoint: str) -> str:
    """Where the API answers; `gateway.fill_gaps` maps it."""
    return f"{endpoint}/v1"


def wait_for_api(url: str) -> None:
    """Wait until the health check passes."""
    deadline = time.monotonic() + _ANSWER_SECONDS
    while True:
        try:
            answer = requests.get(f"{url}/health", timeout=30)
            if answer.ok:
                return
            seen = f"{answer.status_code} {answer.text[:200]}"
        except requests.RequestException as error:
            seen = type(error).__name__
        if time.monotonic() > deadline:
            raise Failure(f"The stack is deployed but {url}/health does not answer well: {seen}")
        time.sleep(0.5)


def read_env(home: Home) -> dict[str, str]:
    """What `.local/env` holds."""
    if not home.env.exists():
        return {}
    lines = (line.partition("=") for line in home.env.read_text().splitlines() if "=" in line)
    return {name: "".join(shlex.split(value)) for name, _, value in lines}


def write_env(home: Home, endpoint: str, token: str, named: Mapping[str, str]) -> None:
    """Write `.local/env`: where the stack is, how to call it, and the names of its parts."""
    url = base_url(endpoint)
    # The command line knows the second name, shell scripts the first.
    values = {"JOBSPRINT_URL": url, "JOBSPRINT_BASE_URL": url, "JOBSPRINT_TOKEN": token, "AWS_ENDPOINT_URL": endpoint}
    values |= CREDENTIALS | {"AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION}
    # The API's address in AWS means nothing here; queues were named with the port of the first deploy.
    values |= {
        f"JOBSPRINT_{_upper_snake(key)}": re.sub(r"^http://127\.0\.0\.1:\d+(?=/)", endpoint, value)
        for key, value in named.items()
        if key != "ApiUrl"
    }
    home.env.touch(mode=0o600)
    home.env.write_text("".join(f"{name}={shlex.quote(value)}\n" for name, value in values.items()))


def _upper_snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).upper()
