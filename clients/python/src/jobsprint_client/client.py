"""The client: it sends calls, repeats those that may succeed later, and reads answers."""

import time
from collections.abc import Callable
from dataclasses import replace
from types import TracebackType
from typing import Any, TypeVar

import requests

from jobsprint_client._call import TIMEOUT_SECONDS, Call, Retries, read
from jobsprint_client._model import decode
from jobsprint_client.errors import ApiError, ConnectionFailed
from jobsprint_client.pages import Page, Pages
from jobsprint_client.resources import Resources

T = TypeVar("T")


class Client(Resources):
    """A client of the Jobsprint Integrations API.

        client = Client("jsp_…", "https://api.example.com/v1")
        client.events.publish(event="workflow.executed", data={"workflowId": "wf_1"})

    Connections are kept and used again; `close`, or a `with` block, ends them. Threads may share a client.
    """

    def __init__(
        self,
        token: str,
        base_url: str,
        *,
        timeout: float = TIMEOUT_SECONDS,
        retries: Retries = Retries(),  # noqa: B008 - immutable
        session: requests.Session | None = None,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        """Make a client; nothing is sent yet.

        Args:
            token: An API token, `jsp_…`.
            base_url: Where the API is; ends in `/v1`.
            timeout: Seconds that one attempt may take to connect, and to answer.
            retries: How often and how patiently to repeat a request that failed.
            session: What sends, for proxies and certificates of your own.
            sleep: What waits between attempts.
        """
        self._base_url = base_url.rstrip("/")
        self._timeout = timeout
        self._retries = retries
        self._session = session or requests.Session()
        self._sleep = sleep
        self._authorization = _Bearer(token)
        super().__init__(self)

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the connections."""
        self._session.close()

    def send(self, call: Call[T]) -> T:
        """What the service answers to a call. Raises ApiError, or ConnectionFailed where no answer came."""
        return call.data(self.answer(call))

    def pages(self, call: Call[T]) -> Pages[T]:
        """The list that a call gives. Iterating raises what `send` does."""

        def page(cursor: str | None) -> Page[T]:
            answer = self.answer(replace(call, query={**call.query, "cursor": cursor}))
            items = [decode(call.kind, item) for item in answer["data"]]
            return Page(items, answer["pagination"].get("nextCursor"))

        return Pages(page)

    def answer(self, call: Call[Any]) -> dict[str, Any]:
        """The whole JSON that the service answers: `data`, and `pagination` of a list. Raises what `send` does."""
        attempt = 0
        while True:
            try:
                return self._attempt(call)
            except (ApiError, ConnectionFailed) as error:
                wait = self._retries.wait(attempt, error if isinstance(error, ApiError) else None)
                if wait is None:
                    raise
            self._sleep(wait)
            attempt += 1

    def _attempt(self, call: Call[Any]) -> dict[str, Any]:
        try:
            response = self._session.request(
                call.verb,
                self._base_url + call.target(),
                data=call.content(),
                headers=call.all_headers(),
                auth=self._authorization,
                timeout=self._timeout,
                allow_redirects=False,
            )
        except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError) as error:
            raise ConnectionFailed(f"{call.verb} {call.path} got no answer: {error}") from error
        return read(response.status_code, response.headers, response.content)


class _Bearer(requests.auth.AuthBase):
    """Set by this and not by a header, which an entry of ~/.netrc would replace."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request
