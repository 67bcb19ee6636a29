"""The optional parts of the API: off by default, each behind one parameter, and what they show."""

import json
import re
from typing import Any

import pytest

from tests.architecture.test_stages import holds
from tests.support.expanded import expanded
from tests.support.template import functions, resources, template

PARTS = {
    "HasDomain": {
        "DomainName": "api.example.com",
        "CertificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/1",
    },
    "HasHostedZone": {"HostedZoneId": "Z1"},
    "HasAccessLogs": {"AccessLogs": "true"},
    "HasTracing": {"Tracing": "Active"},
    "HasWaf": {"WafRate": "2000"},
}


def of_part(condition: str) -> set[str]:
    """The types of the resources that a condition brings."""
    return {one["Type"] for one in template()["Resources"].values() if one.get("Condition") == condition}


def conditions(**given: str) -> set[str]:
    """The conditions that hold for the defaults and the parameters that are given."""
    parameters = {name: str(parameter["Default"]) for name, parameter in template()["Parameters"].items()} | given
    return {name for name, expression in template()["Conditions"].items() if holds(expression, parameters)}


def test_all_are_off_by_default() -> None:
    assert conditions() == {"InAws"}
    assert conditions(Stage="local") == set()


@pytest.mark.parametrize("part", PARTS)
def test_a_parameter_turns_a_part_on_and_no_other(part: str) -> None:
    assert conditions(**PARTS[part]) == {"InAws", part}


def test_what_belongs_to_each() -> None:
    assert {part: of_part(part) for part in PARTS} == {
        "HasDomain": {"AWS::ApiGateway::DomainName", "AWS::ApiGateway::BasePathMapping"},
        "HasHostedZone": {"AWS::Route53::RecordSet"},
        "HasAccessLogs": {"AWS::Logs::LogGroup"},
        "HasTracing": {"AWS::XRay::SamplingRule"},
        "HasWaf": {"AWS::WAFv2::WebACL", "AWS::WAFv2::WebACLAssociation"},
    }


def test_the_url_is_that_of_the_domain() -> None:
    [condition, own, gateways] = template()["Outputs"]["ApiUrl"]["Value"]["Fn::If"]
    assert (condition, own) == ("HasDomain", {"Fn::Sub": "https://${DomainName}/v1"})
    assert "execute-api" in gateways["Fn::Sub"]
    assert resources("AWS::ApiGateway::BasePathMapping")["ApiMapping"]["BasePath"] == "v1"


def test_a_line_of_the_access_log_is_json_without_anything_secret() -> None:
    [_, on, off] = resources("AWS::Serverless::Api")["Api"]["AccessLogSetting"]["Fn::If"]
    assert off == {"Fn::Ref": "AWS::NoValue"}
    assert "\n" not in on["Format"]
    line = json.loads(re.sub(r"\$context\.requestTimeEpoch", "1", on["Format"]))
    assert {"requestId", "route", "status", "tenant", "ms", "ip"} <= line.keys()
    # The path has ids, the query cursors and searches, headers tokens, and a user agent may hold a quote.
    assert not re.search(
        r"\$context\.(path|identity\.userAgent|authorizer\.(?!tenant))|querystring|header", on["Format"]
    )


def test_tracing_covers_the_stage_and_every_function() -> None:
    off, on = expanded(), expanded(Tracing="Active")
    assert len(off) == len(on)
    for folder in functions().values():
        assert "TracingConfig" not in off[folder["LogicalId"]]["Properties"]
        assert on[folder["LogicalId"]]["Properties"]["TracingConfig"] == {"Mode": {"Ref": "Tracing"}}
    assert on["Apiv1Stage"]["Properties"]["TracingEnabled"] == {"Fn::If": ["HasTracing", True, False]}


def test_a_share_of_the_requests_of_this_api_is_traced() -> None:
    rule = resources("AWS::XRay::SamplingRule")["TraceSampling"]["SamplingRule"]
    assert rule["FixedRate"] == {"Fn::Ref": "TraceRate"}
    assert rule["ServiceName"] == {"Fn::Sub": "${AWS::StackName}/v1"}
    assert rule["ServiceType"] == "AWS::ApiGateway::Stage"
    assert template()["Parameters"]["TraceRate"]["Default"] == 0.05


def test_waf_refuses_an_address_by_its_rate() -> None:
    [rule] = resources("AWS::WAFv2::WebACL")["WebAcl"]["Rules"]
    assert rule["Action"] == {"Block": {}}
    limit: dict[str, Any] = {"AggregateKeyType": "IP", "Limit": {"Fn::Ref": "WafRate"}, "EvaluationWindowSec": 300}
    assert rule["Statement"] == {"RateBasedStatement": limit}


def test_the_log_level_is_a_parameter_and_never_drops_metrics() -> None:
    settings = template()["Globals"]["Function"]
    assert settings["Environment"]["Variables"]["POWERTOOLS_LOG_LEVEL"] == {"Fn::Ref": "LogLevel"}
    # Lambda takes a line without a level, as those of metrics are, for INFO.
    assert settings["LoggingConfig"]["ApplicationLogLevel"] == {"Fn::If": ["LogsDebug", "DEBUG", "INFO"]}
    assert conditions(LogLevel="DEBUG") == {"InAws", "LogsDebug"}
    assert conditions(LogLevel="ERROR") == {"InAws"}


def test_the_version_is_a_parameter_of_the_function_that_shows_it() -> None:
    version = {"SERVICE_VERSION": {"Fn::Ref": "ServiceVersion"}}
    assert functions()["get_health"]["Environment"]["Variables"] == version
