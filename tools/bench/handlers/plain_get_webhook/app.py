"""The comparison for functions/get_webhook: Powertools, pydantic and stock boto3, as their guides show them."""

import os
from typing import Annotated

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayRestResolver
from aws_lambda_powertools.event_handler.exceptions import ForbiddenError, NotFoundError
from aws_lambda_powertools.event_handler.openapi.params import Path
from pydantic import BaseModel

logger = Logger(service="plain")
app = APIGatewayRestResolver(enable_validation=True)
dynamodb = boto3.client("dynamodb")


class Webhook(BaseModel):
    id: str
    name: str
    url: str
    events: list[str]
    active: bool
    createdAt: str


class Found(BaseModel):
    success: bool = True
    data: Webhook


@app.get("/integrations/webhooks/<webhookId>")
def get_webhook(webhookId: Annotated[str, Path(pattern="^wh_")]) -> Found:
    caller = app.current_event.request_context.authorizer.raw_event
    if caller["scopes"] != "*" and "webhooks:read" not in caller["scopes"].split():
        raise ForbiddenError("webhooks:read is needed")
    key = {"pk": {"S": f"plain#{caller['tenant']}"}, "sk": {"S": webhookId}}
    item = dynamodb.get_item(TableName=os.environ["TENANTS_TABLE"], Key=key, ConsistentRead=True).get("Item")
    if item is None:
        raise NotFoundError
    logger.info("webhook read", extra={"tenant": caller["tenant"], "webhookId": webhookId})
    return Found(data=Webhook.model_validate_json(item["document"]["S"]))


@logger.inject_lambda_context
def handler(event, context):
    return app.resolve(event, context)
