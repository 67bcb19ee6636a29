"""POST /integrations/{integrationId}/connect: connect, reconnect or resume."""

from functools import reduce
from operator import or_
from typing import Annotated, Any

from aws_lambda_powertools.event_handler.openapi.params import Body, Path

from jobsprint.api.app import Endpoint
from jobsprint.api.idempotency import once
from jobsprint.api.schemas.common import Data, shown, success
from jobsprint.api.schemas.integrations import ConnectView
from jobsprint.connectors.fields import Reconnect
from jobsprint.core.models import DescribedAs, OneOf
from jobsprint.integrations import service

app = Endpoint(
    scope="integrations:write",
    webhook_scope="webhooks:write",
    portal="connect",
    webhook_portal="webhooks",
    once=once,
    audited="integration.connect",
)


def models() -> Any:
    """The models of the body: the application's connector chooses one of them, the last one is for a reconnect."""
    from jobsprint.connectors.connect_models import CONNECT_MODELS  # only the OpenAPI document needs all of them

    new = dict.fromkeys(model for ways in CONNECT_MODELS.values() for model in ways)
    return Annotated[reduce(or_, new), OneOf()] | Reconnect


@app.post(
    "/integrations/<integrationId>/connect",
    summary="Connect integration",
    tags=["Integrations"],
    responses={200: shown(), 201: shown()},
)
def connect_integration(
    integrationId: Annotated[
        str,
        Path(
            description="An application of the catalogue such as `custom_webhook`, or an integration: `int_…`, `wh_…`"
        ),
    ],
    body: Annotated[
        dict[str, Any],
        DescribedAs(models),
        Body(description="Configuration varies by integration type"),
    ],
) -> tuple[Data[ConnectView], int]:
    """Connects an application of the catalogue (201), or an integration that is not connected again (200)."""
    connected = service.connect(app.caller.tenant, integrationId, body, api_url=app.api_url)
    view = ConnectView.of(connected.integration, connected.message, connected.auth_url)
    return success(view), 201 if connected.created else 200


handler = app.resolve
