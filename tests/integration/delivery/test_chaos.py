"""A sample of `tests/slow/test_chaos.py`: a crash in each part of the path, at the calls that matter most."""

from pathlib import Path
from typing import Any

from tests.support.chaos import Again, stage

BOUNDARIES = (
    "publish_events sqs.SendMessageBatch after 1",
    "receive_events dynamodb.PutItem after 1",
    "dispatch_webhooks http before 1",
    "dispatch_webhooks http after 2",
    "dispatch_webhooks dynamodb.PutItem after 1",
    "dispatch_webhooks sqs.SendMessage before 1",
    "sweep_deliveries sqs.SendMessageBatch after 1",
    "sweep_deliveries dynamodb.UpdateItem after 2",
)
AGAIN = (
    "resend_delivery dynamodb.UpdateItem after 1",
    "recover_deliveries sqs.SendMessageBatch after 1",
    "recover_deliveries dynamodb.UpdateItem after 1",
    "dispatch_webhooks sqs.SendMessage before 2",  # a deferral that is written, and no message
    "sweep_deliveries sqs.SendMessageBatch after 1",
)


def test_a_crash_loses_nothing_and_sends_nothing_twice(aws: dict[str, Any], tmp_path: Path) -> None:
    with stage(tmp_path) as world:
        for label in BOUNDARIES:
            outcome = world.play({label})
            assert outcome.world.died == [label]
            assert (outcome.wrong, outcome.lost, outcome.delivered) == ([], 0, outcome.published)


def test_after_a_crash_resent_and_deferred_deliveries_arrive_once(aws: dict[str, Any], tmp_path: Path) -> None:
    with stage(tmp_path, Again) as world:
        for label in AGAIN:
            outcome = world.play({label})
            assert outcome.world.died == [label]
            assert (outcome.wrong, outcome.lost, outcome.delivered) == ([], 0, outcome.published)
