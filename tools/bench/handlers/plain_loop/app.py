"""The comparison: a plain loop that signs, posts and writes twice for each message."""

import hashlib
import hmac
import json
import os
import time

import boto3
import requests

client = boto3.client("dynamodb", endpoint_url=os.environ["AWS_ENDPOINT_URL"])
session = requests.Session()


def handler(event, context):
    """Delivers a batch, one message after the other."""
    for record in event["Records"]:
        ticket = json.loads(record["body"])
        key = {"pk": {"S": "bench#" + ticket["webhookId"]}, "sk": {"S": ticket["deliveryId"]}}
        write(key, "pending")
        body = json.dumps(
            {"event": ticket["event"], "timestamp": ticket["timestamp"], "data": json.loads(ticket["data"])}
        )
        signature = hmac.new(b"secret", body.encode(), hashlib.sha256).hexdigest()
        headers = {"Content-Type": "application/json", "X-Signature": signature}
        answer = session.post(os.environ["RECEIVER_URL"], data=body, headers=headers, timeout=15)
        write(key, str(answer.status_code))
    return {"batchItemFailures": []}


def write(key, state):
    client.update_item(
        TableName=os.environ["EVENTS_TABLE"],
        Key=key,
        UpdateExpression="SET #state = :state, sentAt = :at",
        ExpressionAttributeNames={"#state": "state"},
        ExpressionAttributeValues={":state": {"S": state}, ":at": {"N": str(int(time.time()))}},
    )
