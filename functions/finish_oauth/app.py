"""GET /integrations/oauth/callback: where OAuth returns to."""

from jobsprint.api.endpoint import Endpoint
from jobsprint.domain.errors import NotAvailableYet

app = Endpoint(scope=None)


@app.get("/integrations/oauth/callback", include_in_schema=False)
def finish_oauth() -> None:
    """Raises NotAvailableYet."""
    raise NotAvailableYet("OAuth connections are not available yet")


handler = app.resolve
