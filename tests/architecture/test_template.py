"""template.yaml against the code: routes, folders, least privilege, and what keeps data safe."""

import ast
import json
import re
from typing import Any

import pytest

from jobsprint.api.idempotency import once
from tests.support.template import ROOT, functions, resources, routes, template
from tools.local import sam
from tools.openapi.document import endpoints

PUBLIC = {
    "/health",
    "/openapi.json",
    "/docs",
    "/guide",
    "/guide/{proxy+}",
    "/portal",
    "/portal/{proxy+}",
    "/integrations/oauth/callback/{issuerHash}",
    "/oauth/clients/{document}",
    # The code in its body is the credential.
    "/portal/sessions/exchange",
    # They check tokens themselves.
    "/mcp",
    "/mcp/{tenant}",
    "/.well-known/oauth-protected-resource/mcp",
    "/.well-known/oauth-protected-resource/mcp/{tenant}",
}
ACTIONS = {
    "dynamodb:GetItem",
    "dynamodb:BatchGetItem",
    "dynamodb:Query",
    "dynamodb:PutItem",
    "dynamodb:UpdateItem",
    "dynamodb:DeleteItem",
    "kms:GenerateDataKey",
    "kms:Decrypt",
    "kms:Sign",
    "sqs:SendMessage",
    "sqs:GetQueueAttributes",
    "s3:GetObject",
    "s3:PutObject",
    "s3:ListBucket",
}
# What expires by itself within the retention; all else is backed up always.
HISTORY = {"LogsTable", "EventsTable", "RequestsTable"}
# What is worth nothing a few seconds later.
PASSING = {"LimitsTable"}
# What a person or a publisher waits for.
FROM_SNAPSHOTS = {
    "authorize",
    "connect_integration",
    "create_webhook",
    "execute_action",
    "get_integration",
    "list_integrations",
    "publish_events",
    "search_available",
    "serve_mcp",
}
MAX_SNAPSHOTS = 12  # AWS bills about $2 a month for each
# The MCP endpoint answers messages, not routes.
WITHOUT_RESOLVER = {"serve_mcp"}
# A preview changes nothing; an action keeps its outcome itself; an acknowledgement is idempotent by its lease tokens;
# of a new token nothing is kept but its hash.
KEEPS_NO_ANSWER = {
    "preview_events",
    "execute_action",
    "acknowledge_messages",
    "create_token",
    "create_portal_session",
    "exchange_portal_code",
    "approve_action",
    "deny_action",
}
VERBS = {"get", "post", "put", "patch", "delete"}


def written_routes(folder: str) -> set[tuple[str, str]]:
    """The (METHOD, path) pairs in a handler's decorators, with the template's spelling of parameters."""
    tree = ast.parse((ROOT / "functions" / folder / "app.py").read_text(encoding="utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)]
    return {
        (call.func.attr.upper(), re.sub(r"<(\w+)>", r"{\1}", call.args[0].value).replace("/.+", "/{proxy+}"))
        for call in calls
        if isinstance(call.func, ast.Attribute)
        and isinstance(call.func.value, ast.Name)
        and call.func.value.id == "app"
        and call.func.attr in VERBS
        and isinstance(call.args[0], ast.Constant)
    }


def api_events() -> list[dict[str, Any]]:
    """Every HTTP event of the template: its properties and the folder it belongs to."""
    return [
        event["Properties"] | {"folder": folder}
        for folder, properties in functions().items()
        for event in properties.get("Events", {}).values()
        if event["Type"] == "Api"
    ]


def statements(folder: str) -> list[dict[str, Any]]:
    return [statement for policy in functions()[folder].get("Policies", []) for statement in policy["Statement"]]


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


# --- Functions --------------------------------------------------------------------------------------------------------


def test_every_folder_is_a_function() -> None:
    folders = {path.parent.name for path in (ROOT / "functions").glob("*/app.py")}
    assert folders == set(functions())


@pytest.mark.parametrize("folder", functions())
def test_function_is_named_like_its_folder(folder: str) -> None:
    assert functions()[folder]["LogicalId"] == "".join(map(str.capitalize, folder.split("_"))) + "Function"


@pytest.mark.parametrize("folder", functions())
def test_function_has_least_privilege(folder: str) -> None:
    for statement in statements(folder):
        assert statement["Effect"] == "Allow"
        assert set(listed(statement["Action"])) <= ACTIONS
        # Each head is an object of its own.
        named = json.dumps(statement).replace("${AuditBucket.Arn}/heads/*", "")
        assert "*" not in named, "name the resource and the action"


def test_what_keeps_answers_may_use_the_table_of_requests() -> None:
    allowed = {
        folder: {*listed(statement["Action"])}
        for folder in functions()
        for statement in statements(folder)
        if statement["Resource"] == {"Fn::GetAtt": "RequestsTable.Arn"}
    }
    whole = {f"dynamodb:{action}Item" for action in ("Get", "Put", "Update", "Delete")}
    keeping = {folder for folder, module in endpoints().items() if module.app.once is not None}
    assert len(keeping) > 5
    assert {folder: allowed.get(folder) for folder in keeping} == dict.fromkeys(keeping, whole)


def test_functions_share_runtime_and_logs() -> None:
    own = {"Handler", "Runtime", "Architectures", "LoggingConfig", "FunctionName", "Role"}
    assert not {folder: own & set(properties) for folder, properties in functions().items() if own & set(properties)}


# --- Routes -----------------------------------------------------------------------------------------------------------


def test_routes_are_those_of_the_handlers() -> None:
    by_folder: dict[str, set[tuple[str, str]]] = {}
    for route, folder in routes().items():
        if folder in WITHOUT_RESOLVER:
            continue
        by_folder.setdefault(folder, set()).add(route)
    assert {folder: written_routes(folder) for folder in by_folder} == by_folder
    assert not [folder for folder in functions() if folder not in by_folder and written_routes(folder)]


def test_only_the_contracts_paths_are_public() -> None:
    def is_public(event: dict[str, Any]) -> bool:
        return bool(event.get("Auth") == {"Authorizer": "NONE"})

    assert not [event["Path"] for event in api_events() if "Auth" in event and not is_public(event)]
    assert {event["Path"] for event in api_events() if is_public(event)} == PUBLIC


def test_an_endpoint_is_public_in_code_where_it_is_in_the_template() -> None:
    public = {folder for (_, path), folder in routes().items() if path in PUBLIC} - WITHOUT_RESOLVER
    assert {folder for folder, module in endpoints().items() if module.app.scope is None} == public


def test_every_post_keeps_its_answer_for_a_repeat() -> None:
    posts = {folder for (method, _), folder in routes().items() if method == "POST"}
    assert {
        folder for folder, module in endpoints().items() if module.app.once is once
    } == posts - KEEPS_NO_ANSWER - WITHOUT_RESOLVER


def test_api_denies_by_default() -> None:
    auth = resources("AWS::Serverless::Api")["Api"]["Auth"]
    assert auth["DefaultAuthorizer"] in auth["Authorizers"]


# --- SnapStart --------------------------------------------------------------------------------------------------------


def test_what_answers_requests_can_start_from_snapshots() -> None:
    found = {folder: properties["SnapStart"] for folder, properties in functions().items() if "SnapStart" in properties}
    assert found.keys() == FROM_SNAPSHOTS
    assert len(FROM_SNAPSHOTS) <= MAX_SNAPSHOTS
    assert all(
        value == {"ApplyOn": {"Fn::If": ["HasSnapStart", "PublishedVersions", "None"]}} for value in found.values()
    )
    assert template()["Parameters"]["SnapStart"]["Default"] == "false"


@pytest.mark.parametrize("folder", sorted(FROM_SNAPSHOTS))
def test_a_snapshot_is_of_a_version_that_any_change_publishes(folder: str) -> None:
    properties = functions()[folder]
    assert properties["AutoPublishAlias"]
    assert properties["AutoPublishAliasAllProperties"] is True
    assert all(layer["PublishLambdaVersion"] is True for layer in resources("AWS::Serverless::LayerVersion").values())


@pytest.mark.parametrize("folder", sorted(FROM_SNAPSHOTS))
def test_a_changed_parameter_publishes_a_version_too(folder: str) -> None:
    """SAM names a version by a hash that holds parameters unresolved (serverless-application-model, issue 3820)."""
    assert functions()[folder]["VersionDescription"] == {"Fn::Ref": "Settings"}
    variables = template()["Globals"]["Function"]["Environment"]["Variables"]
    assert variables["SETTINGS"] == {"Fn::Ref": "Settings"}


def test_settings_tell_of_every_change_of_a_parameter() -> None:
    given = [{}, {"MaxWebhooks": "100"}, {"MaxWebhooks": "101"}, {"CorsOrigin": "100"}]
    told = [sam.with_digest(parameters)["Settings"] for parameters in given]
    assert len(set(told)) == len(given)
    assert sam.with_digest({"A": "1", "B": "2"})["Settings"] == sam.with_digest({"B": "2", "A": "1"})["Settings"]


def test_the_authorizer_is_called_by_its_alias() -> None:
    [authorizer] = resources("AWS::Serverless::Api")["Api"]["Auth"]["Authorizers"].values()
    assert authorizer["FunctionArn"] == {"Fn::Ref": "AuthorizeFunction.Alias"}


# --- Schedules --------------------------------------------------------------------------------------------------------


def test_what_a_schedule_runs_is_not_run_again_by_itself() -> None:
    scheduled = {
        folder: [event["Properties"] for event in properties["Events"].values() if event["Type"] == "ScheduleV2"]
        for folder, properties in functions().items()
        if any(event["Type"] == "ScheduleV2" for event in properties.get("Events", {}).values())
    }
    assert scheduled.keys() == {"sweep_deliveries", "run_health_tests", "refresh_catalog", "seal_audit"}
    for folder, schedules in scheduled.items():
        assert functions()[folder]["EventInvokeConfig"] == {"MaximumRetryAttempts": 0}
        assert [schedule["RetryPolicy"] for schedule in schedules] == [{"MaximumRetryAttempts": 0}]


def test_methods_have_no_metrics_of_their_own() -> None:
    """Five metrics for each method and preflight would be $93 a month; the stage's own are free."""
    [settings] = resources("AWS::Serverless::Api")["Api"]["MethodSettings"]
    assert settings["MetricsEnabled"] is False


@pytest.mark.parametrize("folder", sorted(functions()))
def test_only_functions_that_make_cursors_have_their_key(folder: str) -> None:
    code = (ROOT / "functions" / folder / "app.py").read_text("utf-8")
    own = functions()[folder].get("Environment", {}).get("Variables", {})
    assert ("CURSOR_KEY" in own) == ("import pagination" in code or "pagination." in code)
    assert "CURSOR_KEY" not in template()["Globals"]["Function"]["Environment"]["Variables"]


def test_only_the_sealer_signs_and_writes_heads_and_nothing_deletes_them() -> None:
    using = {
        (folder, action)
        for folder in functions()
        for statement in statements(folder)
        for action in listed(statement["Action"])
        if "AuditKey" in json.dumps(statement["Resource"]) or "AuditBucket" in json.dumps(statement["Resource"])
    }
    assert using == {("seal_audit", "kms:Sign"), ("seal_audit", "s3:PutObject")}


# --- Data -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", resources("AWS::DynamoDB::Table"))
def test_table_is_safe(table: str) -> None:
    properties = resources("AWS::DynamoDB::Table")[table]
    assert properties["TimeToLiveSpecification"]["Enabled"] is True
    backup = properties["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"]
    assert backup == ({"Fn::Ref": "HistoryBackup"} if table in HISTORY else table not in PASSING)
    assert properties["SSESpecification"]["SSEEnabled"] is True
    assert properties["DeletionProtectionEnabled"] == {"Fn::Ref": "DeletionProtection"}
    assert template()["Parameters"]["DeletionProtection"]["Default"] == "true"


def test_what_cannot_be_made_again_is_retained_unless_its_first_deployment_fails() -> None:
    kept = {"AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::KMS::Key"}
    policies = {
        name: (resource.get("DeletionPolicy"), resource.get("UpdateReplacePolicy"))
        for name, resource in template()["Resources"].items()
        if resource["Type"] in kept
    }
    assert set(policies.values()) == {("RetainExceptOnCreate", "Retain")}, policies


def test_queues_have_dead_letters() -> None:
    queues = resources("AWS::SQS::Queue")
    targets = {
        properties["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"].removesuffix(".Arn")
        for properties in queues.values()
        if "RedrivePolicy" in properties
    }
    assert {name for name, properties in queues.items() if "RedrivePolicy" not in properties} == targets
    assert all(properties["SqsManagedSseEnabled"] is True for properties in queues.values())
    assert all(queues[name]["MessageRetentionPeriod"] == 14 * 86_400 for name in targets)


def test_messages_stay_hidden_while_they_are_worked() -> None:
    # AWS asks for six times the function's timeout.
    default = template()["Globals"]["Function"]["Timeout"]
    for properties in functions().values():
        for event in properties.get("Events", {}).values():
            if event["Type"] == "SQS":
                queue = event["Properties"]["Queue"]["Fn::GetAtt"].removesuffix(".Arn")
                hidden = resources("AWS::SQS::Queue")[queue]["VisibilityTimeout"]
                assert hidden >= 6 * properties.get("Timeout", default), queue
                assert event["Properties"]["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_keys_buckets_and_logs_are_safe() -> None:
    for key in resources("AWS::KMS::Key").values():
        # KMS rotates no asymmetric key.
        assert key.get("EnableKeyRotation", False) is (key.get("KeyUsage") != "SIGN_VERIFY")
        assert key["MultiRegion"] is True  # which cannot be changed once the key exists
    assert all("RetentionInDays" in group for group in resources("AWS::Logs::LogGroup").values())
    for bucket in resources("AWS::S3::Bucket").values():
        assert "BucketEncryption" in bucket
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}


def test_dead_letters_have_alarms() -> None:
    alarmed = {
        dimension["Value"]["Fn::GetAtt"].removesuffix(".QueueName")
        for alarm in resources("AWS::CloudWatch::Alarm").values()
        for dimension in alarm.get("Dimensions", [])
        if dimension["Name"] == "QueueName"
    }
    assert {name for name, queue in resources("AWS::SQS::Queue").items() if "RedrivePolicy" not in queue} <= alarmed
