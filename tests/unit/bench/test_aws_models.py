"""The data that the layer's build leaves of botocore's: the clients of the services in use must not tell it apart."""

import json
import re
import sys
from io import BytesIO
from typing import Any

import botocore.session
import pytest
from botocore import xform_name
from botocore.awsrequest import AWSResponse
from botocore.loaders import Loader

from jobsprint.repositories import statements
from tests.support.sources import sources
from tests.support.template import ROOT

sys.path.insert(0, str(ROOT / "layers" / "dependencies"))
import aws_models

SHAPES = ("input_shape", "output_shape")


@pytest.fixture(scope="module")
def trimmed(tmp_path_factory: pytest.TempPathFactory) -> botocore.session.Session:
    folder = tmp_path_factory.mktemp("layer") / "aws_models"
    aws_models.main(folder)
    session = botocore.session.get_session()
    loader = Loader(extra_search_paths=[str(folder)], include_default_search_paths=False)
    session.register_component("data_loader", loader)
    return session


def _members(shape: Any, depth: int = 3) -> Any:
    """Names, types and places of a shape, as far down as a request has its fields."""
    if shape is None or depth == 0:
        return None
    inner = {name: _members(member, depth - 1) for name, member in getattr(shape, "members", {}).items()}
    return shape.type_name, shape.serialization, sorted(getattr(shape, "required_members", ())), inner


@pytest.mark.parametrize("service", aws_models.SERVICES)
def test_a_client_is_the_same(service: str, trimmed: botocore.session.Session) -> None:
    whole = botocore.session.get_session().create_client(service, region_name="eu-central-1")
    ours = trimmed.create_client(service, region_name="eu-central-1")
    assert ours.meta.endpoint_url == whole.meta.endpoint_url
    assert set(ours.meta.method_to_api_mapping.values()) == set(aws_models.OPERATIONS[service])
    assert ours.meta.method_to_api_mapping.items() <= whole.meta.method_to_api_mapping.items()
    for operation in ours.meta.service_model.operation_names:
        own, theirs = (client.meta.service_model.operation_model(operation) for client in (ours, whole))
        assert own.http == theirs.http
        for shape in SHAPES:
            assert _members(getattr(own, shape)) == _members(getattr(theirs, shape)), operation
        assert [error.name for error in own.error_shapes] == [error.name for error in theirs.error_shapes]


def test_every_call_of_the_functions_is_among_them() -> None:
    # Calls are only ever written out: `aws.sqs().send_message(…)`. An operation that lacks would be an AttributeError.
    call = re.compile(r"\baws\.(\w+)\(\)\.(\w+)")
    texts = [path.read_text() for path in sources()]
    assert not any(re.search(r"= *aws\.\w+\(\)(?!\.)", text) for text in texts)
    made = {found for text in texts for found in call.findall(text)}
    offered = {
        (service, xform_name(operation)) for service, all_of in aws_models.OPERATIONS.items() for operation in all_of
    }
    assert made == offered - {("s3", "head_bucket")}


@pytest.mark.parametrize("region", ["us-east-1", "cn-north-1"])
@pytest.mark.parametrize("service", aws_models.SERVICES)
def test_it_finds_the_same_endpoint(service: str, region: str, trimmed: botocore.session.Session) -> None:
    whole = botocore.session.get_session().create_client(service, region_name=region)
    assert trimmed.create_client(service, region_name=region).meta.endpoint_url == whole.meta.endpoint_url


class _Answering:
    """Answers each call of a client with one body, and notes what it sent, time and signature left out."""

    def __init__(self, client: Any, body: bytes) -> None:
        self.sent: list[Any] = []
        self._body = body
        client.meta.events.register("before-send", self._answer)

    def _answer(self, request: Any, **_: Any) -> AWSResponse:
        self.sent.append((request.method, request.url, json.loads(request.body), request.headers["X-Amz-Target"]))
        raw = BytesIO(self._body)
        raw.stream = lambda: [self._body]  # type: ignore[attr-defined]
        return AWSResponse(request.url, 200, {}, raw)


def test_statements_are_sent_and_answered_as_by_the_whole_model(trimmed: botocore.session.Session) -> None:
    key = {"pk": "acme#wh", "sk": "dlv_\u00fc\U0001f600"}
    values: dict[str, Any] = {"attempt": 1, "state": "pending", "attempts": ["{}", '"'], "at": 1_700_000_000_000}
    made = [
        statements.insert("Events", key, values),
        statements.update("Events", key, values, remove=("claim",), where={"claim": "m#1"}),
    ]
    given = [{"Statement": one.text, "Parameters": one.parameters} for one in made]
    answer = {"Responses": [{"TableName": "Events"}, {"Error": {"Code": "DuplicateItem", "Message": "no"}}]}
    found = []
    for session in (trimmed, botocore.session.get_session()):
        client = session.create_client("dynamodb", region_name="eu-central-1")
        answering = _Answering(client, json.dumps(answer).encode())
        found.append((answering.sent, client.batch_execute_statement(Statements=given)["Responses"]))
    assert found[0] == found[1]
    assert len(found[0][0][0][2]["Statements"]) == 2


@pytest.mark.parametrize("region", ["us-east-1", "us-gov-west-1", "cn-north-1", "eu-south-2"])
@pytest.mark.parametrize("service", aws_models.BY_REGION)
def test_a_service_by_region_is_called_where_its_rules_say(
    service: str, region: str, trimmed: botocore.session.Session
) -> None:
    found = []
    for session in (trimmed, botocore.session.get_session()):
        client = session.create_client(service, region_name=region)
        answering = _Answering(client, b"{}")
        client.get_item(TableName="Events", Key={"pk": {"S": "a"}, "sk": {"S": "b"}})
        found.append(answering.sent)
    assert found[0] == found[1]
