"""What the emulator's IAM reads differently from AWS, mended after every deploy.

In AWS `SendMessageBatch` is allowed by `sqs:SendMessage`; the emulator asks for an action of its own. Every role gets
it for exactly the queues it may send to, so least privilege is still what is enforced.
"""

import json
from typing import Any

from local.options import STACK
from local.stack import client

_POLICY = "EmulatorSendMessageBatch"


def fill_gaps(endpoint: str) -> None:
    """Let every role of the stack send in batches where it may send."""
    cloudformation, iam = client("cloudformation", endpoint), client("iam", endpoint)
    for page in cloudformation.get_paginator("list_stack_resources").paginate(StackName=STACK):
        for resource in page["StackResourceSummaries"]:
            if resource["ResourceType"] == "AWS::IAM::Role":
                _mend(iam, resource["PhysicalResourceId"])


def _mend(iam: Any, role: str) -> None:
    queues = [queue for name in _policies(iam, role) for queue in _sendable(iam, role, name)]
    if queues:
        statement = {"Effect": "Allow", "Action": "sqs:SendMessageBatch", "Resource": queues}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_role_policy(RoleName=role, PolicyName=_POLICY, PolicyDocument=document)


def _policies(iam: Any, role: str) -> list[str]:
    names: list[str] = iam.list_role_policies(RoleName=role)["PolicyNames"]
    return [name for name in names if name != _POLICY]


def _sendable(iam: Any, role: str, policy: str) -> list[str]:
    document = iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
    parsed = json.loads(document) if isinstance(document, str) else document
    return [statement["Resource"] for statement in parsed["Statement"] if statement["Action"] == "sqs:SendMessage"]
