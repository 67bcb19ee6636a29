"""The list that is built in."""

import re

from jobsprint.catalog.builtin import builtin
from tests.support.template import ROOT

APPS = builtin().apps.values()


def test_there_are_at_least_400_applications() -> None:
    assert len({app.name for app in APPS}) >= 400


def test_every_application_is_complete() -> None:
    for app in APPS:
        assert re.fullmatch(r"(zapier|n8n)_[a-z0-9_]+|custom_webhook|mcp_server", app.id), app
        assert app.type in app.id or app.id == "mcp_server"
        assert 1 <= len(app.name) <= 100
        assert 5 <= len(app.description) <= 100
        assert 1 <= app.popularity <= 97
        assert all(re.fullmatch(r"[a-z]+(_[a-z0-9]+)*", capability) for capability in app.capabilities), app
        assert app.category


def test_no_two_zapier_applications_have_one_id_or_one_description() -> None:
    lines = [
        line
        for line in (ROOT / "layers/connector/jobsprint/catalog/applications.txt").read_text().splitlines()
        if line and not line.startswith("# ")
    ]
    assert len(lines) == sum(app.type == "zapier" for app in APPS)


def test_the_ids_that_the_contract_names_are_there() -> None:
    named = {
        "zapier_gmail", "zapier_outlook", "zapier_slack", "n8n_gmail", "n8n_slack",
        "custom_webhook", "mcp_server", "n8n_workflows",
    }  # fmt: skip
    assert named <= set(builtin().apps)


def test_what_n8n_has_stands_there_twice() -> None:
    slack, own = builtin().apps["zapier_slack"], builtin().apps["n8n_slack"]

    assert (own.name, own.category, own.capabilities) == (slack.name, slack.category, slack.capabilities)
    assert own.popularity < slack.popularity


def test_pictures_are_references() -> None:
    assert not [path for path in (ROOT / "layers").rglob("*") if path.suffix in {".png", ".svg", ".jpg", ".ico"}]


def test_what_ships_is_small() -> None:
    import io
    import zipfile

    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in (ROOT / "layers/connector/jobsprint/catalog").iterdir():
            if path.is_file():
                archive.write(path, path.name)
    assert packed.tell() < 50_000
