"""Deployments that shift a tenth of the calls first: expanded with the parameter off and on."""

from typing import Any

import pytest

from tests.architecture.test_expanded_template import MAX_RESOURCES
from tests.architecture.test_template import FROM_SNAPSHOTS, MAX_SNAPSHOTS
from tests.support.expanded import expanded
from tests.support.template import functions


def of_kind(kind: str, **parameters: str) -> dict[str, dict[str, Any]]:
    return {name: resource for name, resource in expanded(**parameters).items() if resource["Type"] == kind}


def test_off_it_adds_nothing() -> None:
    assert not [name for name, resource in expanded().items() if "CodeDeploy" in resource["Type"] + name]
    assert not [name for name, alias in of_kind("AWS::Lambda::Alias").items() if "UpdatePolicy" in alias]


def test_on_it_covers_the_functions_with_an_alias_and_no_other() -> None:
    aliases = of_kind("AWS::Lambda::Alias", Canary="true")
    groups = of_kind("AWS::CodeDeploy::DeploymentGroup", Canary="true")
    assert len(aliases) == len(groups) == len(FROM_SNAPSHOTS) <= MAX_SNAPSHOTS
    assert {name.removesuffix("DeploymentGroup") for name in groups} == {
        functions()[folder]["LogicalId"] for folder in FROM_SNAPSHOTS
    }
    updates = [alias["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"] for alias in aliases.values()]
    assert {update["DeploymentGroupName"]["Ref"] for update in updates} == groups.keys()
    assert len(expanded(Canary="true")) < MAX_RESOURCES


@pytest.mark.parametrize("folder", sorted(FROM_SNAPSHOTS))
def test_it_goes_back_when_an_alarm_rings(folder: str) -> None:
    group = expanded(Canary="true")[f"{functions()[folder]['LogicalId']}DeploymentGroup"]["Properties"]
    assert group["DeploymentConfigName"] == {
        "Fn::Sub": ["CodeDeployDefault.Lambda${ConfigName}", {"ConfigName": "Canary10Percent5Minutes"}]
    }
    alarms = group["AlarmConfiguration"]["Alarms"]
    assert [alarm["Name"]["Ref"] for alarm in alarms] == ["ApiErrorAlarm", "AuthorizeErrorAlarm"]
    assert "DEPLOYMENT_STOP_ON_ALARM" in group["AutoRollbackConfiguration"]["Events"]
