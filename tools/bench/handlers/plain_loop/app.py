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
    for record in event["Records"]:
        task = json.loads(record["body"])
        key = {"pk": {"S": "plain"}, "sk": {"S": task["id"]}}
        write(key, "pending")
        body = json.dumps({"event": task["event"], "timestamp": int(time.time()), "data": task["data"]})
        signature = hmac.new(b"secret", body.encode(), hashlib.sha256).hexdigest()
        answer = requests.post(os.environ["RECEIVER_URL"], data=body, headers={"X-Signature": signature}, timeout=15)
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
