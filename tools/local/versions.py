"""Removing old versions of deployed functions: AWS bills each version that SnapStart keeps."""

from collections.abc import Iterator
from typing import Any

_KEPT = 3


def prune(cloudformation: Any, functions: Any, stack: str) -> int:
    """Delete the versions of the stack's functions but the last three and those that an alias names; how many.

    `cloudformation` and `functions` are boto3 clients of CloudFormation and Lambda, which raise ClientError.
    """
    old = [(name, version) for name in _names(cloudformation, stack) for version in _old_versions(functions, name)]
    for name, version in old:
        functions.delete_function(FunctionName=name, Qualifier=version)
    return len(old)


def _names(cloudformation: Any, stack: str) -> Iterator[str]:
    for page in cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack):
        for resource in page["StackResourceSummaries"]:
            if resource["ResourceType"] == "AWS::Lambda::Function":
                yield resource["PhysicalResourceId"]


def _old_versions(functions: Any, name: str) -> list[str]:
    pages = functions.get_paginator("list_versions_by_function").paginate(FunctionName=name)
    versions = [one["Version"] for page in pages for one in page["Versions"] if one["Version"] != "$LATEST"]
    versions.sort(key=int)
    if len(versions) <= _KEPT:
        return []
    named: set[str] = set()
    for page in functions.get_paginator("list_aliases").paginate(FunctionName=name):
        for alias in page["Aliases"]:
            weights = alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})
            named |= {alias["FunctionVersion"], *weights}
    return [version for version in versions[:-_KEPT] if version not in named]
