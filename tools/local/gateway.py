"""What the emulator's API Gateway lacks, filled in after every deploy.

- Gateway responses and the responses of mock integrations (the preflights) inside the API's body are not imported: they
  are put one by one.
- The API's id changes with its routes: a custom domain on the emulator's own address keeps the
  base URL `http://127.0.0.1:<port>/v1`.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from tools.local.options import STACK
from tools.local.stack import client

_DOMAIN = "127.0.0.1"
_STAGE = "v1"
_RESPONSES = "x-amazon-apigateway-gateway-responses"


def fill_gaps(endpoint: str) -> None:
    """Bring the deployed API to what the template says, then deploy its stage again."""
    cloudformation, gateway = client("cloudformation", endpoint), client("apigateway", endpoint)
    api = cloudformation.describe_stack_resource(StackName=STACK, LogicalResourceId="Api")
    api_id = api["StackResourceDetail"]["PhysicalResourceId"]
    body = _body(cloudformation)
    _put_gateway_responses(gateway, api_id, body)
    _put_preflights(gateway, api_id, body)
    gateway.create_deployment(restApiId=api_id, stageName=_STAGE)
    _map_address(gateway, api_id)


def _body(cloudformation: Any) -> dict[str, Any]:
    """The OpenAPI body that SAM made of the template's API, with the stack's parameters filled in."""
    template = cloudformation.get_template(StackName=STACK, TemplateStage="Processed")["TemplateBody"]
    parsed = json.loads(template) if isinstance(template, str) else template
    [stack] = cloudformation.describe_stacks(StackName=STACK)["Stacks"]
    parameters = {given["ParameterKey"]: given["ParameterValue"] for given in stack["Parameters"]}
    body: dict[str, Any] = _filled_in(parsed["Resources"]["Api"]["Properties"]["Body"], parameters)
    return body


def _filled_in(value: Any, parameters: Mapping[str, str]) -> Any:
    """The value with each parameter in an `Fn::Sub` replaced by its value."""
    if not isinstance(value, dict):
        return value
    text = value.get("Fn::Sub")
    if isinstance(text, str):
        return re.sub(r"\$\{(\w+)\}", lambda found: parameters.get(found[1], found[0]), text)
    return {name: _filled_in(inner, parameters) for name, inner in value.items()}


def _put_gateway_responses(gateway: Any, api_id: str, body: Mapping[str, Any]) -> None:
    for kind, response in body[_RESPONSES].items():
        settings = {name: value for name, value in response.items() if value}
        gateway.put_gateway_response(restApiId=api_id, responseType=kind, **settings)


def _put_preflights(gateway: Any, api_id: str, body: Mapping[str, Any]) -> None:
    for page in gateway.get_paginator("get_resources").paginate(restApiId=api_id):
        for resource in page["items"]:
            options = body["paths"].get(resource["path"], {}).get("options")
            if options:
                [response] = options["x-amazon-apigateway-integration"]["responses"].values()
                gateway.put_integration_response(
                    restApiId=api_id, resourceId=resource["id"], httpMethod="OPTIONS", **response
                )


def _map_address(gateway: Any, api_id: str) -> None:
    domains = {domain["domainName"] for domain in gateway.get_domain_names()["items"]}
    if _DOMAIN not in domains:
        gateway.create_domain_name(domainName=_DOMAIN)
    for mapping in gateway.get_base_path_mappings(domainName=_DOMAIN)["items"]:
        gateway.delete_base_path_mapping(domainName=_DOMAIN, basePath=mapping["basePath"])
    gateway.create_base_path_mapping(domainName=_DOMAIN, basePath=_STAGE, restApiId=api_id, stage=_STAGE)
