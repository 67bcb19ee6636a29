"""The applications that can be connected, as far as they are built in."""

from dataclasses import dataclass

from jobsprint.config import settings
from jobsprint.domain.models import IntegrationType


@dataclass(frozen=True, slots=True)
class App:
    """An application in the catalogue. `popularity` goes from 0 to 100."""

    id: str
    type: IntegrationType
    name: str
    description: str
    category: str
    popularity: int
    capabilities: tuple[str, ...]

    @property
    def icon(self) -> str:
        """A reference; icons are never shipped."""
        slug = self.id.partition("_")[2].replace("_", "-")
        return f"{settings().icon_base_url}/{slug}.png"


def _zapier(slug: str, name: str, description: str, category: str, popularity: int, *capabilities: str) -> App:
    return App(f"zapier_{slug}", "zapier", name, description, category, popularity, capabilities)


_EMAIL = "Email"
APPS: tuple[App, ...] = (
    App("custom_webhook", "custom", "Custom Webhook", "Call an HTTP endpoint of your own with signed requests",
        "Developer Tools", 90, ()),
    App("mcp_server", "mcp", "MCP Server", "Use the tools of any Model Context Protocol server", "AI", 70, ()),
    _zapier("gmail", "Gmail", "Read and send emails via Gmail", _EMAIL, 95,
            "read_email", "send_email", "search_emails", "organize_emails"),
    _zapier("outlook", "Outlook", "Microsoft Outlook email integration", _EMAIL, 78,
            "read_email", "send_email", "manage_calendar"),
    _zapier("slack", "Slack", "Send messages to Slack channels", "Communication", 97,
            "send_message", "create_channel", "add_user"),
    _zapier("microsoft_teams", "Microsoft Teams", "Post messages and manage teams", "Communication", 84,
            "send_message", "create_channel"),
    _zapier("discord", "Discord", "Send messages to Discord servers", "Communication", 80, "send_message"),
    _zapier("twilio", "Twilio", "Send text messages and make calls", "Communication", 60, "send_sms", "make_call"),
    _zapier("google_sheets", "Google Sheets", "Read and write rows of spreadsheets", "Spreadsheets", 96,
            "add_row", "update_row", "find_row"),
    _zapier("airtable", "Airtable", "Create and update records in bases", "Databases", 76,
            "create_record", "update_record", "find_record"),
    _zapier("notion", "Notion", "Create pages and update databases", "Documents", 85, "create_page", "update_page"),
    _zapier("google_drive", "Google Drive", "Store, find and share files", "File Storage", 88,
            "upload_file", "find_file", "share_file"),
    _zapier("dropbox", "Dropbox", "Store and share files", "File Storage", 65, "upload_file", "find_file"),
    _zapier("google_calendar", "Google Calendar", "Create and find calendar events", "Calendar", 90,
            "create_event", "find_event"),
    _zapier("calendly", "Calendly", "Know when meetings are booked", "Calendar", 72, "find_event"),
    _zapier("hubspot", "HubSpot", "Manage contacts, companies and deals", "CRM", 86,
            "create_contact", "update_contact", "create_deal"),
    _zapier("salesforce", "Salesforce", "Create and update CRM records", "CRM", 87,
            "create_record", "update_record", "find_record"),
    _zapier("pipedrive", "Pipedrive", "Manage leads and deals", "CRM", 62, "create_deal", "update_deal"),
    _zapier("github", "GitHub", "Work with issues and pull requests", "Developer Tools", 83,
            "create_issue", "create_comment"),
    _zapier("gitlab", "GitLab", "Work with issues and merge requests", "Developer Tools", 58, "create_issue"),
    _zapier("jira", "Jira", "Create and move issues", "Project Management", 82, "create_issue", "update_issue"),
    _zapier("trello", "Trello", "Create and move cards", "Project Management", 81, "create_card", "move_card"),
    _zapier("asana", "Asana", "Create tasks and projects", "Project Management", 79, "create_task", "update_task"),
    _zapier("linear", "Linear", "Create and update issues", "Project Management", 68, "create_issue"),
    _zapier("stripe", "Stripe", "Work with customers, payments and invoices", "Payments", 84,
            "create_customer", "create_invoice"),
    _zapier("shopify", "Shopify", "Work with orders and products", "Commerce", 80, "create_product", "find_order"),
    _zapier("zendesk", "Zendesk", "Create and answer support tickets", "Support", 71, "create_ticket", "update_ticket"),
    _zapier("intercom", "Intercom", "Talk with customers", "Support", 66, "send_message", "create_contact"),
    _zapier("mailchimp", "Mailchimp", "Manage audiences and campaigns for email marketing", "Marketing", 77,
            "add_subscriber", "create_campaign"),
    _zapier("typeform", "Typeform", "Collect answers with forms", "Forms", 70, "find_response"),
    App("n8n_gmail", "n8n", "Gmail", "Read and send emails through your own n8n", _EMAIL, 60,
        ("read_email", "send_email", "search_emails")),
    App("n8n_slack", "n8n", "Slack", "Run your own n8n workflows for Slack", "Communication", 58, ("send_message",)),
    App("n8n_workflows", "n8n", "n8n", "Run the workflows of your self-hosted n8n", "Automation", 75, ()),
)  # fmt: skip

_BY_ID = {app.id: app for app in APPS}


def find_app(app_id: str) -> App | None:
    """The application of that catalogue id."""
    return _BY_ID.get(app_id)


def search(query: str | None, category: str | None, kind: str | None) -> list[App]:
    """Every application that fits, by relevance and then popularity. `category` and `kind` must match whole."""
    found = [
        (relevance, app)
        for app in APPS
        if (category is None or app.category.lower() == category.lower())
        and (kind is None or app.type == kind)
        and (relevance := _relevance(app, query))
    ]
    return [app for _, app in sorted(found, key=lambda pair: (-pair[0], -pair[1].popularity, pair[1].id))]


def _relevance(app: App, query: str | None) -> int:
    """How well an application fits: 3 by name, 2 by category, 1 by description or capability, 0 not at all."""
    words = (query or "").lower().split()
    if not words:
        return 1
    fields = (app.name, app.category, f"{app.description} {' '.join(app.capabilities)}")
    texts = [field.lower() for field in fields]
    for rank, text in zip((3, 2, 1), texts, strict=True):
        if all(word in text for word in words):
            return rank
    return int(all(any(word in text for text in texts) for word in words))
