"""An n8n made by hand: its public API as far as a connect asks it, and the webhooks of its workflows."""

from typing import Any

from tests.support.receiver import Received, Receiver, Reply


class FakeN8n:
    """n8n's public API as far as a connect asks it, and webhooks that answer with the path they were called at."""

    def __init__(self, receiver: Receiver, listed: list[dict[str, Any]], **replies: Reply) -> None:
        """`replies`: what it says instead to `discover`, `workflows`, `executions` or `hook`."""
        self.url = receiver.url
        self._workflows, self._replies = listed, replies
        receiver.answer = self._answer

    def _answer(self, request: Received) -> Reply:
        path, _, query = request.path.partition("?")
        name = path.removeprefix("/api/v1/") if path.startswith("/api/v1/") else "hook"
        if name in self._replies:
            return self._replies[name]
        if path == "/api/v1/discover":
            return Reply(200, {"data": {"scopes": ["workflow:list", "workflow:read"]}})
        if path == "/api/v1/workflows":
            start = int(query.partition("cursor=")[2] or 0)
            cursor = str(start + 20) if start + 20 < len(self._workflows) else None
            return Reply(200, {"data": self._workflows[start : start + 20], "nextCursor": cursor})
        return Reply(200, {"called": path})


def workflow(name: str, path: str, **more: Any) -> dict[str, Any]:
    node = {
        "type": "n8n-nodes-base.webhook",
        "name": "Webhook",
        "parameters": {"httpMethod": "POST", "path": path, "responseMode": "lastNode"},
    }
    return {"id": name.replace(" ", ""), "name": name, "active": True, "activeVersion": {"nodes": [node]}, **more}
