"""The models of the bodies that connect an application, by its type, and what they ask of a caller."""

from functools import cache
from typing import get_args

from jobsprint.connectors.custom_models import CustomConnect
from jobsprint.connectors.fields import ConnectBody
from jobsprint.connectors.mcp.models import NoAuthConnect, OAuthConnect, TokenConnect
from jobsprint.connectors.n8n.models import N8nConnect
from jobsprint.domain.connect_options import ConnectField, ConnectOption
from jobsprint.domain.integrations import IntegrationType

CONNECT_MODELS: dict[IntegrationType, tuple[type[ConnectBody], ...]] = {
    "custom": (CustomConnect,),
    "mcp": (OAuthConnect, TokenConnect, NoAuthConnect),
    "n8n": (N8nConnect,),
    "zapier": (OAuthConnect, TokenConnect),
}
_SECRET = {"api_key", "headers", "mcp_token", "secret", "token", "webhook_auth"}


@cache
def connect_options(kind: IntegrationType) -> tuple[ConnectOption, ...]:
    """The ways to connect an application of that type; none for webhooks, which are created."""
    return tuple(_option(model, kind) for model in CONNECT_MODELS.get(kind, ()))


def _option(model: type[ConnectBody], kind: IntegrationType) -> ConnectOption:
    auth_type = model.model_fields.get("auth_type")
    return ConnectOption(
        auth_type=str(get_args(auth_type.annotation)[0]) if auth_type else None,
        schema_name=model.__name__,
        fields=tuple(
            ConnectField(
                name=field.alias or name,
                # Zapier's own server is the default there (`connectors.zapier`).
                required=field.is_required() and not (kind == "zapier" and name == "server_url"),
                secret=name in _SECRET,
                description=field.description,
            )
            for name, field in model.model_fields.items()
            if name != "auth_type"
        ),
    )
