"""Erasing a tenant: all of it goes, nothing of anybody else's does. And putting restored rows back."""

import json
from typing import Any

import pytest

from jobsprint.core import aws as clients
from jobsprint.core.ids import new_id
from jobsprint.repositories import api_tokens
from tests.support.call import call
from tests.support.deliveries import dispatch, publish, record, subscribe, watching_sqs
from tests.support.mcp_events import ask, describe, new_secret, params, willing
from tests.support.mcp_messages import token
from tests.support.polling import poll, polling_endpoint
from tests.support.receiver import Reply, receiving
from tests.support.rows import connected, rows
from tests.support.sender import sending
from tests.support.template import resources
from tools.local.console import Failure
from tools.local.erase import Account, erase
from tools.local.restore import copy_rows


@pytest.fixture
def account(aws: dict[str, Any]) -> Account:
    return Account(clients.dynamodb(), clients.s3(), clients.kms(), aws)


def fill(tenant: str, url: str) -> None:
    """Something of every kind: webhooks, deliveries, events, integration, logs, an idempotent call, a token, a key."""
    with watching_sqs() as outbox:
        subscribe(url, "*", tenant=tenant)
        polling = polling_endpoint("*", tenant=tenant)["id"]
        for number in range(30):  # more than one batch of deletes
            publish(data={"of": tenant}, tenant=tenant, id=f"order-{number}")
        dispatch(*(record(message.body) for message in outbox.take()))
        assert len(poll(polling, tenant=tenant)) == 30
    describe(tenant=tenant)
    answer = ask("subscribe", token(tenant, "mcp:events"), **params(url, new_secret()))
    assert "result" in answer.body, answer
    actions = [{"name": "go", "description": "Go", "parameters": {"type": "object"}}]
    integration = connected(url, tenant, actions=actions, secret="a-secret-of-theirs")
    path = f"/integrations/{integration}/actions/go"
    assert call("POST", path, tenant=tenant, body={"parameters": {}}, headers={"Idempotency-Key": "k"}).status == 200
    api_tokens.add(api_tokens.TokenRow(new_id("tok", 1), tenant, "digest", ("*",), 1))


def test_all_of_a_tenant_goes_and_nothing_of_another(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving() as endpoint, sending(monkeypatch):
        endpoint.answer = lambda request: willing(request) if "challenge" in request.json else Reply()
        fill("acme2", endpoint.url)  # a name that begins like the other
        others = rows()
        fill("acme", endpoint.url)
    before = rows()
    assert len(before) > len(others) + 60
    assert sum("#slugs" in row for row in others) == 1
    assert sum("#slugs" in row for row in before) == 2

    counted = erase(account, "acme", really=False)
    assert rows() == before
    assert "Nothing was changed" in counted

    assert "Erased" in erase(account, "acme", really=True)
    assert rows() == others
    limits = {json.loads(row.partition(" ")[2])["tenant"]["S"] for row in rows("LimitsTable")}
    assert limits == {"acme2", "acme2#polls", "#polls"}
    assert not [row for row in rows() if json.dumps("acme") in row or "acme#" in row]
    assert "EventsTable: 0 rows" in erase(account, "acme", really=True)


@pytest.mark.parametrize("name", ["", "acme#", "#"])
def test_what_is_no_tenant_is_refused(account: Account, name: str) -> None:
    with pytest.raises(Failure):
        erase(account, name, really=True)


def test_restored_rows_go_back_and_newer_ones_stay(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving() as endpoint, sending(monkeypatch):
        endpoint.answer = lambda request: willing(request) if "challenge" in request.json else Reply()
        fill("acme", endpoint.url)
        fill("other", endpoint.url)
    properties = resources("AWS::DynamoDB::Table")["TenantsTable"]
    wanted = ("BillingMode", "AttributeDefinitions", "KeySchema", "LocalSecondaryIndexes", "GlobalSecondaryIndexes")
    account.dynamodb.create_table(TableName="restored", **{name: properties[name] for name in wanted})
    copy_rows(account, "TenantsTable", "restored")
    before = rows("TenantsTable")

    erase(account, "acme", really=True)
    others = rows("TenantsTable")
    said = copy_rows(account, "restored", "TenantsTable", tenant="acme")
    assert said.startswith(f"{len(before) - len(others)} of {len(before) - len(others)} rows copied")
    assert rows("TenantsTable") == before
    assert copy_rows(account, "restored", "TenantsTable").startswith(f"0 of {len(before)} rows")

    key = json.loads(before[0].partition(" ")[2])
    newer = {**key, "newer": {"S": "yes"}}
    account.dynamodb.put_item(TableName="TenantsTable", Item=newer)
    copy_rows(account, "restored", "TenantsTable")
    assert rows("TenantsTable") != before
    copy_rows(account, "restored", "TenantsTable", overwrite=True)
    assert rows("TenantsTable") == before
    with pytest.raises(Failure, match="keys"):
        copy_rows(account, "TokensTable", "TenantsTable")
    with pytest.raises(Failure, match="not there"):
        copy_rows(account, "nowhere", "TenantsTable")
