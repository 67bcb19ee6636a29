"""What SAM makes of template.yaml: the CloudFormation template that is deployed."""

from functools import cache
from typing import Any

import boto3
from samcli.yamlhelper import yaml_parse
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

from tests.support.template import ROOT


@cache
def expanded(**parameters: str) -> dict[str, dict[str, Any]]:
    """The resources of the expanded template by logical id; a parameter that is not given has its default."""
    document = yaml_parse((ROOT / "template.yaml").read_text(encoding="utf-8"))
    for resource in document["Resources"].values():
        # The translator takes packages only from S3, where `sam deploy` has uploaded them by then.
        for name in {"CodeUri", "ContentUri"} & resource.get("Properties", {}).keys():
            resource["Properties"][name] = "s3://bucket/package"
    translator = Translator({}, Parser(), boto_session=boto3.Session(region_name="us-east-1"))
    values = {name: str(given["Default"]) for name, given in document["Parameters"].items()} | parameters
    resources: dict[str, dict[str, Any]] = translator.translate(document, values)["Resources"]
    return resources
