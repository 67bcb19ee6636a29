"""The sealer as the schedule calls it, and `make verify-audit` on what it made."""

import json
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import pytest
from botocore.exceptions import ClientError

from jobsprint.audit import sealer, trail
from jobsprint.audit.sealer import NotSealed, head_key, seal
from jobsprint.core import aws as clients
from jobsprint.core.clock import now_ms
from jobsprint.core.ids import new_id
from jobsprint.domain.audit import Intent, Outcome
from jobsprint.domain.audit_chain import Head
from jobsprint.domain.callers import Caller
from jobsprint.repositories.audit import AuditStore
from jobsprint.repositories.audit_chain import MAX_LINKS, SHARDS, ChainStore, shard_of
from tests.support.call import Context, call, handler
from tests.support.rows import rows
from tests.support.template import functions, resources
from tools.local import verify_audit
from tools.local.audit_verification import Report, verify
from tools.local.console import Failure
from tools.local.erase import Account, erase

DAY_MS = 86_400_000
Item = dict[str, Any]


@pytest.fixture
def account(aws: dict[str, Any]) -> Account:
    return Account(clients.dynamodb(), clients.s3(), clients.kms(), aws)


def record(tenant: str = "acme", number: int = 1, *, ended: bool = True) -> list[str]:
    """Writes so many entries; their ids."""
    ids = []
    for _ in range(number):
        intent = trail.begin(Caller(tenant, frozenset(), "tok_1"), "webhook.create", arguments={"n": 1})
        if ended:
            trail.end(intent, "succeeded")
        ids.append(intent.id)
    return ids


def items() -> list[Item]:
    """What is sealed, in its order, of all tenants."""
    found = [json.loads(row.partition(" ")[2]) for row in rows("AuditTable")]
    return sorted((item for item in found if "hash" in item), key=lambda item: (item["pk"]["S"][:6], sequence(item)))


def sequence(item: Item) -> int:
    return int(item["sequence"]["N"])


def heads(tenant: str = "acme") -> list[Head]:
    objects = clients.s3().list_objects_v2(Bucket="audit", Prefix=f"heads/{tenant}/").get("Contents", [])
    bodies = [clients.s3().get_object(Bucket="audit", Key=one["Key"])["Body"].read() for one in objects]
    return [Head.read(json.loads(body)["head"]) for body in bodies]


def verified(account: Account, tenant: str = "acme") -> Report:
    return verify(verify_audit.read(account, tenant), now_ms())


def faults(account: Account) -> tuple[str, ...]:
    return verified(account).faults


# --- sealing ----------------------------------------------------------------------------------------------------------


def test_what_is_recorded_is_sealed_signed_and_kept(account: Account) -> None:
    record(number=3)
    assert handler("seal_audit")({}, Context()) == {"sealed": 6}
    assert handler("seal_audit")({}, Context()) == {"sealed": 0}
    sealed = items()
    assert [sequence(item) for item in sealed] == [1, 2, 3, 4, 5, 6]
    assert all(one["previous"] == before["hash"] for before, one in pairwise(sealed))
    [head] = heads()
    assert (head.sequence, head.count, head.hash) == (6, 6, sealed[-1]["hash"]["S"])
    assert head.kept_until == head.sealed_at + 400 * DAY_MS
    assert {int(item["expiresAt"]["N"]) for item in sealed} == {-(-head.kept_until // 1000)}
    assert clients.dynamodb().scan(TableName="AuditTable", IndexName="byPending")["Items"] == []
    report = verified(account)
    assert (report.faults, report.verified, report.unsealed) == ((), 6, 0)
    assert verify_audit.verify_audit(account, "acme") == 0


def test_the_api_shows_the_place_in_the_chain(account: Account) -> None:
    record()
    seal()
    [entry] = call("GET", "/audit").data
    assert entry["sequence"] == 1


def test_an_outcome_that_comes_after_its_intent_was_sealed_is_sealed_too(account: Account) -> None:
    intent = trail.begin(Caller("acme", frozenset(), "tok_1"), "action.call")
    assert seal().records == 1
    trail.end(intent, "unknown")
    assert seal().records == 1
    assert [head.sequence for head in heads()] == [1, 2]
    assert faults(account) == ()


def test_what_is_written_late_is_sealed_late_and_nothing_is_left_out(account: Account) -> None:
    """A clock that is behind, and a write that took an hour: the order of the chain is that of sealing."""
    record()
    seal()
    for ago in (3_600_000, 40 * DAY_MS, -30_000):
        at = now_ms() - ago
        intent = Intent("acme", new_id("aud", at), at, "webhook.create", "tok_1")
        AuditStore("acme").add_intent(intent)
        AuditStore("acme").add_outcome(Outcome("acme", intent.id, at, "succeeded"))
    assert seal().records == 6
    report = verified(account)
    assert (report.faults, report.verified) == ((), 8)


def test_a_repeated_write_does_not_undo_a_seal(account: Account) -> None:
    intent = trail.begin(Caller("acme", frozenset(), "tok_1"), "action.call")
    seal()
    before = rows("AuditTable")
    AuditStore("acme").add_intent(intent)
    assert rows("AuditTable") == before


def test_nothing_pending_costs_one_read_per_shard(account: Account) -> None:
    counted = calls()
    seal()
    assert counted == {"Query": SHARDS}


def test_a_full_turn_is_one_transaction_and_one_signature(account: Account) -> None:
    record(number=MAX_LINKS, ended=False)
    counted = calls()
    seal()
    assert (counted["TransactWriteItems"], counted["Sign"], counted["PutObject"]) == (1, 1, 1)


def calls() -> Counter[str]:
    """Counts the calls to AWS from now on."""
    counted: Counter[str] = Counter()

    def count(event_name: str, **_: Any) -> None:
        counted[event_name.rpartition(".")[2]] += 1

    for client in (clients.dynamodb(), clients.s3(), clients.kms()):
        client.meta.events.register("before-call", count)
    return counted


# --- several tenants --------------------------------------------------------------------------------------------------


def same_shard(tenant: str, number: int) -> list[str]:
    """Names of tenants, alike and in one shard."""
    names = (f"{tenant}{ending}{count}" for count in range(1000) for ending in ("", "-", "_", "0"))
    return [name for name in names if shard_of(name) == shard_of(tenant)][:number]


def test_each_tenant_has_a_chain_of_its_own(account: Account) -> None:
    tenants = ["acme", *same_shard("acme", 4), "globex"]
    for tenant in tenants:
        record(tenant, 2)
    assert seal().records == 4 * len(tenants)
    for tenant in tenants:
        assert [head.sequence for head in heads(tenant)] == [4]
        assert verified(account, tenant).faults == ()


def test_a_tenant_with_much_to_seal_holds_up_no_other(account: Account) -> None:
    record("acme", 2 * MAX_LINKS, ended=False)
    [other] = same_shard("acme", 1)
    record(other)
    order: list[str] = []
    clients.s3().meta.events.register(
        "provide-client-params.s3.PutObject", lambda params, **_: order.append(params["Key"])
    )
    seal()
    assert order == [
        head_key("acme", MAX_LINKS),
        head_key(other, 2),
        head_key("acme", 2 * MAX_LINKS),
    ]
    assert faults(account) == ()


def test_a_run_ends_in_time_and_the_next_goes_on(account: Account) -> None:
    record("acme", MAX_LINKS + 1, ended=False)
    clock = iter([0, 0, *[sealer.RUN_MS // 2] * 1, *[sealer.RUN_MS] * 100])
    first = seal(lambda: next(clock) + 1_800_000_000_000).records
    assert first + seal().records == MAX_LINKS + 1
    assert first == MAX_LINKS
    assert sealer.RUN_MS < functions()["seal_audit"]["Timeout"] * 1000 < 60_000
    schedule = functions()["seal_audit"]["Events"]["Schedule"]["Properties"]["ScheduleExpression"]
    assert schedule == "rate(1 minute)"


def failing(client: Any, operation: str, fails: Callable[[Item], bool]) -> None:
    def refuse(params: Item, **_: Any) -> None:
        if fails(params):
            raise ClientError({"Error": {"Code": "InternalServerError", "Message": "no"}}, operation)

    name = client.meta.service_model.service_name
    client.meta.events.register(f"provide-client-params.{name}.{operation}", refuse)


def test_a_tenant_that_fails_holds_up_no_other_and_the_run_fails(
    account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    [other] = same_shard("acme", 1)
    for tenant in ("acme", other):
        record(tenant)
    broken = True
    failing(clients.s3(), "PutObject", lambda params: broken and params["Key"].startswith("heads/acme/"))
    with pytest.raises(NotSealed):
        seal()
    assert [head.sequence for head in heads(other)] == [2]
    assert '"AuditRecordsSealed":2' in capsys.readouterr().out
    report = verified(account)
    assert (report.faults, report.verified, report.unsigned) == ((), 0, 2)
    broken = False
    assert seal().records == 0
    assert [head.sequence for head in heads()] == [2]
    assert faults(account) == ()


def test_a_head_is_signed_before_the_next_is_made(account: Account) -> None:
    record()
    broken = True
    failing(clients.kms(), "Sign", lambda _: broken)
    with pytest.raises(NotSealed):
        seal()
    record()
    with pytest.raises(NotSealed):
        seal()
    broken = False
    seal()
    assert [(head.sequence, head.count) for head in heads()] == [(2, 2), (4, 2)]
    assert faults(account) == ()


def test_a_head_that_was_kept_and_not_noted_is_kept_again_and_says_the_same(account: Account) -> None:
    record()
    broken = True
    failing(clients.dynamodb(), "UpdateItem", lambda params: broken and "REMOVE" in params["UpdateExpression"])
    with pytest.raises(NotSealed):
        seal()
    broken = False
    record()
    seal()
    versions = clients.s3().list_object_versions(Bucket="audit", Prefix="heads/acme/")["Versions"]
    assert len(versions) == 3
    assert [head.sequence for head in heads()] == [2, 4]
    assert faults(account) == ()


def test_of_two_runs_at_the_same_time_one_seals(account: Account) -> None:
    record(number=4)
    with ThreadPoolExecutor(4) as runs:
        assert sum(run.records for run in runs.map(lambda _: seal(), range(4))) == 8
    assert [sequence(item) for item in items()] == list(range(1, 9))
    assert faults(account) == ()


def test_a_run_that_was_overtaken_seals_nothing(account: Account) -> None:
    record()
    chain = ChainStore("acme")
    head, _ = chain.head()
    records, _ = chain.pending()
    seal()
    links, new = sealer.extend("acme", head, [one.record for one in records], now=1, kept_until=1)
    assert chain.seal(head, records, links, new) is False
    assert faults(account) == ()


def test_a_throttled_transaction_is_a_failure(account: Account) -> None:
    record()
    reasons = [{"Code": "ThrottlingError"}, {"Code": "None"}]

    def throttle(**_: Any) -> None:
        said: Any = {"Error": {"Code": "TransactionCanceledException"}, "CancellationReasons": reasons}
        raise ClientError(said, "TransactWriteItems")

    clients.dynamodb().meta.events.register("provide-client-params.dynamodb.TransactWriteItems", throttle)
    with pytest.raises(NotSealed):
        seal()


def test_how_late_records_are_sealed_is_a_metric_with_an_alarm(
    account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    record()
    seal(lambda: now_ms() + 700_000)
    [line] = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "AuditSealedAfterMs" in line]
    [late] = line["AuditSealedAfterMs"]
    alarm = resources("AWS::CloudWatch::Alarm")["SealAuditLateAlarm"]
    assert (alarm["MetricName"], late > alarm["Threshold"]) == ("AuditSealedAfterMs", True)


# --- what `make verify-audit` says ------------------------------------------------------------------------------------


def test_a_change_of_the_table_is_named(account: Account, capsys: pytest.CaptureFixture[str]) -> None:
    record(number=3)
    seal()
    before = items()
    changed = {**before[2], "record": {"S": before[2]["record"]["S"].replace("webhook", "weblook")}}
    clients.dynamodb().put_item(TableName="AuditTable", Item=changed)
    assert verify_audit.verify_audit(account, "acme") == 1
    said = capsys.readouterr().out
    assert f"entry 3 ({before[2]['sk']['S']}) was changed" in said
    clients.dynamodb().put_item(TableName="AuditTable", Item=before[2])
    assert faults(account) == ()
    for item in before[-2:]:
        clients.dynamodb().delete_item(TableName="AuditTable", Key={"pk": item["pk"], "sk": item["sk"]})
    assert "entries 5 to 6 are missing between the signed heads 0 and 6: the chain was truncated" in faults(account)


def test_a_head_that_was_set_back_is_named(account: Account) -> None:
    record()
    seal()
    key = {"pk": {"S": "acme#head"}, "sk": {"S": "head"}}
    old = clients.dynamodb().get_item(TableName="AuditTable", Key=key)["Item"]
    record()
    seal()
    for item in items()[2:]:
        clients.dynamodb().delete_item(TableName="AuditTable", Key={"pk": item["pk"], "sk": item["sk"]})
    clients.dynamodb().put_item(TableName="AuditTable", Item=old)
    assert faults(account)
    record(number=2)
    seal()
    assert any("sealed twice" in fault for fault in faults(account))


def test_heads_that_were_forged_deleted_or_hidden_are_named(account: Account) -> None:
    record()
    seal()
    record()
    seal()
    key = head_key("acme", 4)
    clients.s3().delete_object(Bucket="audit", Key=key)
    assert faults(account) == (), "the version is still there"
    said = json.loads(clients.s3().get_object(Bucket="audit", Key=head_key("acme", 2))["Body"].read())
    forged = {**said, "head": said["head"].replace('"count":2', '"count":1')}
    clients.s3().put_object(Bucket="audit", Key=head_key("acme", 2), Body=json.dumps(forged))
    [fault] = faults(account)
    assert head_key("acme", 2) in fault
    for version in clients.s3().list_object_versions(Bucket="audit", Prefix=key)["Versions"]:
        clients.s3().delete_object(Bucket="audit", Key=key, VersionId=version["VersionId"])
    assert "the signed heads from 3 to 4 are missing" in faults(account)


def test_a_tenant_that_did_nothing_for_years_has_no_fault(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify_audit, "_HEADS_AT_ONCE", 1)
    for days in (900, 800, 1):
        at = now_ms() - days * DAY_MS
        intent = Intent("acme", new_id("aud", at), at, "webhook.create", "tok_1")
        AuditStore("acme").add_intent(intent)
        seal(lambda moment=at: moment)
    for item in items()[:2]:  # as DynamoDB does it
        clients.dynamodb().delete_item(TableName="AuditTable", Key={"pk": item["pk"], "sk": item["sk"]})
    report = verified(account)
    assert (report.faults, report.verified) == ((), 1)
    assert len(verify_audit.read(account, "acme").heads) == 2, "the oldest says nothing more"


def test_what_is_open_is_named_and_no_fault(account: Account, capsys: pytest.CaptureFixture[str]) -> None:
    at = now_ms() - 3_600_000
    intent = Intent("acme", new_id("aud", at), at, "webhook.create", "tok_1")
    AuditStore("acme").add_intent(intent)
    seal()
    record()
    assert verify_audit.verify_audit(account, "acme") == 0
    said = capsys.readouterr().out
    assert "1 records are covered" in said
    assert "2 are not sealed yet" in said
    assert f"1 entry has no outcome:\n    {intent.id}\n" in said
    assert said.endswith("No fault found\n")


def test_erasing_a_tenant_takes_its_trail_along_and_no_other(account: Account) -> None:
    [other] = same_shard("acme", 1)
    for tenant in ("acme", other):
        record(tenant, 30)
        seal()
    assert "AuditTable: 61 rows" in (counted := erase(account, "acme", really=False))
    assert "AuditBucket: 1 signed heads" in counted
    erase(account, "acme", really=True)
    assert heads() == []
    assert not [row for row in rows("AuditTable") if '"acme#' in row]
    assert verified(account, other).faults == verified(account).faults == ()
    record()
    seal()
    assert [head.sequence for head in heads()] == [2]
    assert faults(account) == ()


@pytest.mark.parametrize("name", ["", "acme#", "../acme"])
def test_what_is_no_tenant_is_refused(account: Account, name: str) -> None:
    with pytest.raises(Failure):
        verify_audit.verify_audit(account, name)
