"""The comparison for a warm request: the same DynamoDB calls and nothing else."""

import os

import boto3

client = boto3.client("dynamodb", endpoint_url=os.environ["AWS_ENDPOINT_URL"])
METHODS = {operation: method for method, operation in client.meta.method_to_api_mapping.items()}


def handler(event, context):
    """Makes the calls of the event, one after the other."""
    for operation, parameters in event["calls"]:
        getattr(client, METHODS[operation])(**parameters)
    return {"statusCode": 200}
