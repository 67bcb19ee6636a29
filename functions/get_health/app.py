"""GET /health: whether the service answers."""

from typing import Annotated, Literal

from pydantic import Field

from jobsprint.api.app import Endpoint
from jobsprint.api.schemas.common import Data, success
from jobsprint.core.config import settings
from jobsprint.core.models import ResponseModel

app = Endpoint(scope=None)


class ServiceHealth(ResponseModel):
    """A sign of life."""

    status: Annotated[Literal["ok"], Field(description="The service answers")] = "ok"
    version: Annotated[str, Field(description="The version that is deployed")]


@app.get("/health", summary="Health of the service", tags=["Service"])
def get_health() -> Data[ServiceHealth]:
    """Answers without a token."""
    return success(ServiceHealth(version=settings().version))


handler = app.resolve
