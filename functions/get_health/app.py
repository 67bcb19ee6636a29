"""GET /health: whether the service answers."""

from typing import Literal

from typing_extensions import TypedDict

from jobsprint.api.app import Endpoint
from jobsprint.api.schemas.common import Data, success
from jobsprint.core.config import settings

app = Endpoint(scope=None)


class ServiceHealth(TypedDict):
    """A sign of life."""

    status: Literal["ok"]
    version: str


@app.get("/health", summary="Health of the service", tags=["Service"])
def get_health() -> Data[ServiceHealth]:
    """Answers without a token."""
    return success(ServiceHealth(status="ok", version=settings().version))


handler = app.resolve
