"""Every function has an event under events/ that its real handler takes; `sam local invoke -e` uses the same files."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from jobsprint.delivery import dispatcher
from tests.support.call import Context, handler
from tests.support.template import ROOT, functions, routes

EVENTS = ROOT / "events"
# Its state was never given out, its token neither; only a session of the portal has a page about itself.
REFUSED = {"finish_oauth": 400, "serve_mcp": 401, "exchange_portal_code": 401, "get_portal_session": 403}
HTTP = set(routes().values())


def event_of(folder: str) -> Any:
    return json.loads((EVENTS / f"{folder}.json").read_text(encoding="utf-8"))


@pytest.fixture
def alone() -> Iterator[None]:
    """The dispatcher's client is closed afterwards."""
    yield
    if dispatcher.delivery_client.cache_info().currsize:
        dispatcher.delivery_client().close()
        dispatcher.delivery_client.cache_clear()


def test_every_function_has_an_event() -> None:
    assert {path.name for path in EVENTS.iterdir()} == {f"{folder}.json" for folder in functions()}


@pytest.mark.parametrize("folder", sorted(HTTP))
def test_http_event_fits_its_route(folder: str) -> None:
    event = event_of(folder)
    assert routes()[(event["httpMethod"], event["resource"])] == folder
    assert event["path"] == event["resource"].format(**event["pathParameters"] or {})
    assert event["requestContext"]["path"] == f"/v1{event['path']}"


@pytest.mark.parametrize("folder", sorted(HTTP))
def test_handler_takes_its_http_event(folder: str, alone: None, aws: Any) -> None:
    answer = handler(folder)(event_of(folder), Context())
    if folder in REFUSED:
        assert answer["statusCode"] == REFUSED[folder]
    else:
        assert answer["statusCode"] < 500
        assert answer["statusCode"] not in (400, 401, 403, 422), answer["body"]


@pytest.mark.parametrize("folder", sorted(set(functions()) - HTTP))
def test_handler_takes_its_event(folder: str, alone: None, aws: Any) -> None:
    answer = handler(folder)(event_of(folder), Context())
    assert isinstance(answer, dict)
    assert not answer.get("batchItemFailures")
