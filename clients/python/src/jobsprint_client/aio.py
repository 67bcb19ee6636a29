"""The client for asyncio; needs the extra `async`: `pip install 'jobsprint_client[async]'`."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from types import TracebackType
from typing import Any, TypeVar

import httpx

from jobsprint_client._call import TIMEOUT_SECONDS, Call, Retries, read
from jobsprint_client._model import decode
from jobsprint_client.async_resources import AsyncResources
from jobsprint_client.errors import ApiError, ConnectionFailed
from jobsprint_client.pages import AsyncPages, Page

T = TypeVar("T")


class AsyncClient(AsyncResources):
    """A client of the Jobsprint Integrations API for asyncio. Its methods are those of `Client`, and are awaited.

    async with AsyncClient("jsp_…", "https://api.example.com/v1") as client:
        await client.events.publish(event="workflow.executed", data={"workflowId": "wf_1"})
        async for webhook in client.webhooks.list():
            print(webhook.url)
    """

    def __init__(
        self,
        token: str,
        base_url: str,
        *,
        timeout: float = TIMEOUT_SECONDS,
        retries: Retries = Retries(),  # noqa: B008 - immutable
        http: httpx.AsyncClient | None = None,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        """Make a client; nothing is sent yet.

        Args:
            token: An API token, `jsp_…`.
            base_url: Where the API is; ends in `/v1`.
            timeout: Seconds that one attempt may take to connect, and to answer.
            retries: How often and how patiently to repeat a request that failed.
            http: What sends, for proxies and certificates of your own.
            sleep: What waits between attempts.
        """
        self._base_url = base_url.rstrip("/")
        self._timeout = timeout
        self._retries = retries
        self._http = http or httpx.AsyncClient()
        self._sleep = sleep
        self._authorize = _bearer(token)
        super().__init__(self)

    async def __aenter__(self) -> "AsyncClient":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """End the connections."""
        await self._http.aclose()

    async def send(self, call: Call[T]) -> T:
        """What the service answers to a call. Raises ApiError, or ConnectionFailed where no answer came."""
        return call.data(await self.answer(call))

    def pages(self, call: Call[T]) -> AsyncPages[T]:
        """The list that a call gives. Iterating raises what `send` does."""

        async def page(cursor: str | None) -> Page[T]:
            answer = await self.answer(replace(call, query={**call.query, "cursor": cursor}))
            return Page([decode(call.kind, item) for item in answer["data"]], answer["pagination"].get("nextCursor"))

        return AsyncPages(page)

    async def answer(self, call: Call[Any]) -> dict[str, Any]:
        """The whole JSON that the service answers: `data`, and `pagination` of a list. Raises what `send` does."""
        attempt = 0
        while True:
            try:
                return await self._attempt(call)
            except (ApiError, ConnectionFailed) as error:
                wait = self._retries.wait(attempt, error if isinstance(error, ApiError) else None)
                if wait is None:
                    raise
            await self._sleep(wait)
            attempt += 1

    async def _attempt(self, call: Call[Any]) -> dict[str, Any]:
        try:
            response = await self._http.request(
                call.verb,
                self._base_url + call.target(),
                content=call.content(),
                headers=call.all_headers(),
                auth=self._authorize,
                timeout=self._timeout,
                follow_redirects=False,
            )
        except httpx.TransportError as error:
            raise ConnectionFailed(f"{call.verb} {call.path} got no answer: {error}") from error
        return read(response.status_code, response.headers, response.content)


def _bearer(token: str) -> Callable[[httpx.Request], httpx.Request]:
    """Sets the token; as httpx's `auth`, so that an entry of ~/.netrc does not replace it."""

    def authorize(request: httpx.Request) -> httpx.Request:
        request.headers["Authorization"] = f"Bearer {token}"
        return request

    return authorize
