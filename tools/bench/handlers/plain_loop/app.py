"""The comparison for deliveries: a plain loop that signs, posts and writes twice for each message."""

import hashlib
import hmac
import json
import os
import time

import boto3
import requests

client = boto3.client("dynamodb")


def handler(event, context):
    """Deliver a batch, one message after the other."""
    for record in event["Records"]:
        task = json.loads(record["body"])
        key = {"pk": {"S": "plain"}, "sk": {"S": task["id"]}}
        write(key, "pending")
        body = json.dumps({"event": task["event"], "timestamp": int(time.time()), "data": task["data"]})
        signature = hmac.new(b"secret", body.encode(), hashlib.sha256).hexdigest()
        headers = {"Content-Type": "application/json", "X-Signature": signature}
        answer = requests.post(os.environ["RECEIVER_URL"], data=body, headers=headers, timeout=15)
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
