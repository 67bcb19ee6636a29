"""The applications that are built in, and what an application is.

They stand in `applications.txt`, one per line below the line of their category:

    # Email: mail, inbox                                                  category: what people call it too
    *Gmail | 95 | read_email send_email | google mail | Read and …        name, popularity, capabilities, aliases, …

An application with a star has a node in n8n, so it is in the catalogue twice: `zapier_gmail` and `n8n_gmail`.
Names and categories are facts; descriptions are our own; aliases are searched and never shown.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jobsprint.catalog.text import slug
from jobsprint.core.config import settings
from jobsprint.domain.integrations import IntegrationType

_FILE = Path(__file__).with_name("applications.txt")


@dataclass(frozen=True)
class App:
    """An application in the catalogue. `popularity` goes from 0 to 100; `aliases` are other names for searching."""

    id: str
    type: IntegrationType
    name: str
    description: str
    category: str
    popularity: int
    capabilities: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    own_icon: str = ""

    @property
    def icon(self) -> str:
        """A reference; icons are never shipped."""
        if self.own_icon:
            return self.own_icon
        name = self.id.partition("_")[2].replace("_", "-")
        return f"{settings().icon_base_url}/{name}.png"


_OURS = (
    App("custom_webhook", "custom", "Custom Webhook", "Call an HTTP endpoint of your own with signed requests",
        "Developer Tools", 90, (), ("webhook", "http endpoint", "rest api")),
    App("mcp_server", "mcp", "MCP Server", "Use the tools of any Model Context Protocol server",
        "AI", 70, (), ("mcp", "model context protocol")),
    App("n8n_workflows", "n8n", "n8n", "Run the workflows of your self-hosted n8n",
        "Automation", 75, (), ("n8n workflows",)),
)  # fmt: skip


@dataclass(frozen=True)
class Builtin:
    """What is built in: applications by id, and for each category what people call it too."""

    apps: dict[str, App]
    synonyms: dict[str, tuple[str, ...]]


@cache
def builtin() -> Builtin:
    """The list, read once per container (about 5 ms)."""
    apps, synonyms, category = list(_OURS), {}, ""
    for line in _FILE.read_text(encoding="utf-8").splitlines():
        if line.startswith("# "):
            category, _, others = line[2:].partition(":")
            synonyms[category] = _listed(others)
        elif line:
            apps += _apps(line, category)
    return Builtin({app.id: app for app in apps}, synonyms)


def _apps(line: str, category: str) -> list[App]:
    name, popularity, capabilities, aliases, description = (field.strip() for field in line.split("|"))
    app = App(
        f"zapier_{slug(name)}",
        "zapier",
        name.removeprefix("*"),
        description,
        category,
        int(popularity),
        tuple(capabilities.split()),
        _listed(aliases),
    )
    return [app, _in_n8n(app)] if name.startswith("*") else [app]


def _in_n8n(app: App) -> App:
    # Fewer people run n8n than use Zapier.
    return App(
        f"n8n_{slug(app.name)}",
        "n8n",
        app.name,
        f"Run workflows with {app.name} on your own n8n",
        app.category,
        app.popularity * 5 // 8,
        app.capabilities,
        app.aliases,
    )


def _listed(text: str) -> tuple[str, ...]:
    return tuple(item.strip() for item in text.split(",") if item.strip())
