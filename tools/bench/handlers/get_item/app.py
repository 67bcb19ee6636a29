"""The baseline: what the smallest function that reads one item costs."""

import os

import boto3

client = boto3.client("dynamodb", endpoint_url=os.environ["AWS_ENDPOINT_URL"])


def handler(event, context):
    """One GetItem."""
    client.get_item(TableName=os.environ["TENANTS_TABLE"], Key={"pk": {"S": "bench"}, "sk": {"S": "bench"}})
    return {"statusCode": 200}
