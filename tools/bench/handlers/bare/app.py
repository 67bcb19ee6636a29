"""The baseline: stock boto3 and one GetItem of a webhook."""

import os

import boto3

client = boto3.client("dynamodb")


def handler(event, context):
    key = {"pk": {"S": "plain#demo"}, "sk": {"S": event["pathParameters"]["webhookId"]}}
    client.get_item(TableName=os.environ["TENANTS_TABLE"], Key=key, ConsistentRead=True)
    return {"statusCode": 200}
