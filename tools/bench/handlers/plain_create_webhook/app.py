"""The comparison for functions/create_webhook: Powertools, pydantic and stock boto3, as their guides show them."""

import base64
import ipaddress
import os
import secrets
import socket
from datetime import UTC, datetime
from typing import Annotated
from uuid import uuid4

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.exceptions import BadRequestError, ForbiddenError, ServiceError
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import BaseModel, ConfigDict, Field, HttpUrl

logger = Logger(service="plain")
app = APIGatewayRestResolver(enable_validation=True)
dynamodb = boto3.client("dynamodb")
kms = boto3.client("kms")
TABLE = os.environ["TENANTS_TABLE"]


class WebhookCreate(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=200)]
    url: HttpUrl
    events: Annotated[list[Annotated[str, Field(pattern=r"^(\*|[\w.]+(\.\*)?)$")]], Field(min_length=1, max_length=100)]
    headers: dict[str, str] = {}
    secret: str = Field(default_factory=lambda: f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}")


class Webhook(BaseModel):
    id: str
    name: str
    url: str
    events: list[str]
    secret: str
    active: bool
    createdAt: str


class Created(BaseModel):
    success: bool = True
    data: Webhook


@app.post("/integrations/webhooks")
def create_webhook(body: WebhookCreate) -> Response[Created]:
    """Check the address, encrypt the secret with the tenant's data key, and store the webhook."""
    caller = app.current_event.request_context.authorizer.raw_event
    if caller["scopes"] != "*" and "webhooks:write" not in caller["scopes"].split():
        raise ForbiddenError("webhooks:write is needed")
    tenant = caller["tenant"]
    condition, values = "pk = :pk", {":pk": {"S": f"plain#{tenant}"}}
    found = dynamodb.query(TableName=TABLE, KeyConditionExpression=condition, ExpressionAttributeValues=values)
    if found["Count"] >= 100:
        raise ServiceError(409, "too many webhooks")
    check_address(body.url)
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    own = {"id": f"wh_{uuid4().hex}", "url": str(body.url), "active": True, "createdAt": now}
    webhook = Webhook(**body.model_dump(include={"name", "events", "secret"}), **own)
    nonce = os.urandom(12)
    encrypted = AESGCM(data_key(tenant)).encrypt(nonce, webhook.secret.encode(), f"{tenant}/{webhook.id}".encode())
    document = webhook.model_dump_json(exclude={"secret"})
    item = {
        "pk": values[":pk"],
        "sk": {"S": webhook.id},
        "secret": {"B": nonce + encrypted},
        "document": {"S": document},
    }
    dynamodb.put_item(TableName=TABLE, Item=item, ConditionExpression="attribute_not_exists(pk)")
    logger.info("webhook created", extra={"tenant": tenant, "webhookId": webhook.id})
    return Response(status_code=201, content_type="application/json", body=Created(data=webhook))


def check_address(url: HttpUrl) -> None:
    """Refuse addresses that are not on the public internet, unless this deployment allows them."""
    if os.environ["ALLOW_PRIVATE_TARGETS"] != "true":
        for *_, address in socket.getaddrinfo(url.host, url.port):
            if not ipaddress.ip_address(address[0]).is_global:
                raise BadRequestError("url is not public")


def data_key(tenant: str) -> bytes:
    """The tenant's data key, made with its first secret."""
    key, context = {"pk": {"S": f"plain#{tenant}#key"}, "sk": {"S": "1"}}, {"tenant": tenant}
    if item := dynamodb.get_item(TableName=TABLE, Key=key).get("Item"):
        return kms.decrypt(CiphertextBlob=item["wrapped"]["B"], EncryptionContext=context)["Plaintext"]
    made = kms.generate_data_key(KeyId=os.environ["DATA_KEY_ID"], KeySpec="AES_256", EncryptionContext=context)
    dynamodb.put_item(TableName=TABLE, Item={**key, "wrapped": {"B": made["CiphertextBlob"]}})
    return made["Plaintext"]


@logger.inject_lambda_context
def handler(event, context):
    return app.resolve(event, context)
