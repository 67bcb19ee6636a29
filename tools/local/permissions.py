"""What the emulator's IAM reads differently from AWS, mended after every deploy.

In AWS `SendMessageBatch` is allowed by `sqs:SendMessage`; the emulator asks for an action of its own. Every role gets
it for exactly the queues it may send to, so least privilege is still what is enforced.
"""

import json
from collections.abc import Sequence
from typing import Any

from tools.local.options import STACK
from tools.local.stack import client

_POLICY = "EmulatorActions"


def fill_gaps(endpoint: str) -> None:
    """Give every role of the stack the emulator's names for what AWS allows it."""
    cloudformation, iam = client("cloudformation", endpoint), client("iam", endpoint)
    for page in cloudformation.get_paginator("list_stack_resources").paginate(StackName=STACK):
        for resource in page["StackResourceSummaries"]:
            if resource["ResourceType"] == "AWS::IAM::Role":
                _mend(iam, resource["PhysicalResourceId"])


def _mend(iam: Any, role: str) -> None:
    given = [statement for name in _policies(iam, role) for statement in _statements(iam, role, name)]
    missing = _missing(given)
    if missing:
        document = json.dumps({"Version": "2012-10-17", "Statement": missing})
        iam.put_role_policy(RoleName=role, PolicyName=_POLICY, PolicyDocument=document)


def _missing(given: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    queues = [statement["Resource"] for statement in given if statement["Action"] == "sqs:SendMessage"]
    return [{"Effect": "Allow", "Action": "sqs:SendMessageBatch", "Resource": queues}] if queues else []


def _policies(iam: Any, role: str) -> list[str]:
    names: list[str] = iam.list_role_policies(RoleName=role)["PolicyNames"]
    return [name for name in names if name != _POLICY]


def _statements(iam: Any, role: str, policy: str) -> list[dict[str, Any]]:
    document = iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
    parsed = json.loads(document) if isinstance(document, str) else document
    statements: list[dict[str, Any]] = parsed["Statement"]
    return statements
