"""`make portal`: the URL that it prints opens a session of that tenant with every capability."""

from typing import Any

import pytest

from jobsprint.domain.portal import CAPABILITIES
from tests.support.call import Context, authorized, call, handler
from tests.support.portal import exchange
from tests.support.receiver import Received, Reply, receiving
from tools.local.console import Failure
from tools.local.portal import open_portal

pytestmark = pytest.mark.usefixtures("aws")


class Clients:
    """The token function, without a stack."""

    def manage(self, **request: Any) -> Any:
        return handler("manage_tokens")(request, Context())


def test_the_url_opens_a_session_with_every_capability() -> None:
    def answer(request: Received) -> Reply:
        token = request.headers["authorization"].removeprefix("Bearer ")
        found = call("POST", request.path.removeprefix("/v1"), token=token, body=request.body.decode())
        return Reply(found.status, found.body)

    clients: Any = Clients()
    with receiving() as api:
        api.answer = answer
        url = open_portal(clients, f"{api.url}/v1", "globex")
    opened = exchange(url.partition("#code=")[2])
    assert tuple(opened["capabilities"]) == CAPABILITIES
    context = authorized(opened["token"])
    assert context is not None
    assert context["tenant"] == "globex"


def test_what_went_wrong_is_one_sentence() -> None:
    clients: Any = Clients()
    with receiving() as broken:
        broken.answer = lambda _: Reply(500, b"out of order")
        with pytest.raises(Failure, match="500 out of order"):
            open_portal(clients, broken.url, "globex")
    with pytest.raises(Failure, match="cannot be reached"):
        open_portal(clients, "http://127.0.0.1:9/v1", "globex")
