"""DELETE /event-types/{name}: delete an event type."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Path

from jobsprint.api.app import Endpoint
from jobsprint.api.schemas.common import Data, success
from jobsprint.api.schemas.events import EventTypeDeleted
from jobsprint.repositories.event_types import EventTypeStore

app = Endpoint(scope="webhooks:write", portal="webhooks")


@app.delete("/event-types/<name>", summary="Delete event type", tags=["Events"])
def delete_event_type(name: Annotated[str, Path(description="Event name")]) -> Data[EventTypeDeleted]:
    """Events of that name are published as before, and within a minute no longer checked."""
    EventTypeStore(app.caller.tenant).delete(name)
    return success(EventTypeDeleted(name=name))


handler = app.resolve
