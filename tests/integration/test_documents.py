"""GET /openapi.json, GET /docs and GET /guide."""

import base64
import hashlib
import json
import re
from pathlib import Path

import pytest

from tests.support.call import Context, call, handler
from tests.support.call import event as request
from tests.support.template import ROOT

MAX_ANSWER_BYTES = 6 * 1024 * 1024  # Lambda's limit for a synchronous answer, as JSON


@pytest.mark.usefixtures("aws")
class TestOpenapi:
    def test_is_the_committed_file(self) -> None:
        answer = call("GET", "/openapi.json", tenant=None)
        assert answer.status == 200
        assert answer.headers["Content-Type"] == "application/json"
        assert answer.body == json.loads((ROOT / "docs" / "openapi.json").read_text(encoding="utf-8"))

    def test_other_origins_may_read_it(self) -> None:
        answer = call("GET", "/openapi.json", tenant=None, headers={"Origin": "https://app.example.com"})
        assert answer.headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.usefixtures("aws")
class TestDocs:
    def test_is_one_page_that_fits_an_answer(self) -> None:
        answer = call("GET", "/docs", tenant=None)
        assert answer.status == 200
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        assert len(json.dumps({"body": answer.body})) < MAX_ANSWER_BYTES

    def test_loads_nothing_from_elsewhere(self) -> None:
        page = call("GET", "/docs", tenant=None).body
        outline = re.sub(r"<(script|style)>.*?</\1>", "", page, flags=re.DOTALL)
        assert re.findall(r'(?:href|src)="([^"]*)"', outline) == ["data:,", "guide/index.html", "openapi.json"]
        style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)
        assert style
        assert not re.search(r"@import|url\((?!\"?data:)", style.group(1))

    def test_keeps_the_token_over_a_reload(self) -> None:
        assert "persistAuthorization: true" in call("GET", "/docs", tenant=None).body

    def test_policy_lets_only_its_own_scripts_run(self) -> None:
        answer = call("GET", "/docs", tenant=None)
        policy = dict(part.strip().split(" ", 1) for part in answer.headers["Content-Security-Policy"].split(";"))
        scripts = re.findall(r"<script>(.*?)</script>", answer.body, re.DOTALL)
        digests = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
        assert policy["script-src"] == " ".join(f"'sha256-{digest}'" for digest in digests)
        assert policy["default-src"] == "'none'"
        assert policy["connect-src"] == "'self'"


GUIDE = ROOT / "functions" / "get_docs" / "guide"
PAGES = sorted(path.relative_to(GUIDE).as_posix() for path in GUIDE.rglob("*.html"))


@pytest.mark.usefixtures("aws")
class TestGuide:
    def test_leads_to_its_first_page(self) -> None:
        answer = call("GET", "/guide", tenant=None)
        assert (answer.status, answer.headers["Location"]) == (302, "https://api.jobsprint.test/v1/guide/index.html")

    def test_leads_there_with_a_slash_as_well(self) -> None:
        folder, event = request("GET", "/guide", tenant=None)
        answer = handler(folder)({**event, "path": "/guide/"}, Context())
        assert (answer["statusCode"], answer["headers"]["Location"]) == (
            302,
            "https://api.jobsprint.test/v1/guide/index.html",
        )

    @pytest.mark.parametrize("path", sorted(path for path in GUIDE.rglob("*") if path.is_file()), ids=str)
    def test_serves_each_file_as_it_is(self, path: Path) -> None:
        answer = call("GET", f"/guide/{path.relative_to(GUIDE).as_posix()}", tenant=None)
        text = path.read_text("utf-8")
        assert answer.status == 200
        assert answer.body == (json.loads(text) if path.suffix == ".json" else text)
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert len(json.dumps({"body": text})) < MAX_ANSWER_BYTES

    @pytest.mark.parametrize(
        ("name", "content_type"),
        [
            ("index.html", "text/html; charset=utf-8"),
            ("guides/oauth.md", "text/markdown; charset=utf-8"),
            ("llms.txt", "text/plain; charset=utf-8"),
            ("search.json", "application/json"),
            ("images/flow.svg", "image/svg+xml"),
        ],
    )
    def test_says_what_a_file_is(self, name: str, content_type: str) -> None:
        assert call("GET", f"/guide/{name}", tenant=None).headers["Content-Type"] == content_type

    @pytest.mark.parametrize(
        "name", ["nothing.html", "../app.py", "guides/../index.html", "guides", "guides/", "/index.html", "a\0.html"]
    )
    def test_has_nothing_else(self, name: str) -> None:
        assert call("GET", f"/guide/{name}", tenant=None).error["code"] == "not_found"

    @pytest.mark.parametrize("name", PAGES)
    def test_policy_lets_only_its_own_scripts_run(self, name: str) -> None:
        answer = call("GET", f"/guide/{name}", tenant=None)
        policy = dict(part.strip().split(" ", 1) for part in answer.headers["Content-Security-Policy"].split(";"))
        scripts = re.findall(r"<script>(.*?)</script>", answer.body, re.DOTALL)
        assert scripts
        assert policy["script-src"] == " ".join(["'self'", *map(_digest, scripts)])
        assert policy["default-src"] == "'none'"
        assert not re.search(r"https?:|\*", answer.headers["Content-Security-Policy"])

    @pytest.mark.parametrize("name", PAGES)
    def test_a_page_loads_files_of_the_guide_alone(self, name: str) -> None:
        page = (GUIDE / name).read_text("utf-8")
        outline = re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)
        sources = re.findall(r'<(?:script|img|link|source|iframe)[^>]* (?:src|href)="([^"]*)"', outline)
        assert sources
        for source in sources:
            assert ((GUIDE / name).parent / source).is_file(), source
        assert not re.search(r'<[^>]+ (?:style|on\w+)="', outline)

    @pytest.mark.parametrize("name", PAGES)
    def test_a_page_is_markdown_under_its_address(self, name: str) -> None:
        answer = call("GET", f"/guide/{name.removesuffix('.html')}.md", tenant=None)
        assert answer.status == 200
        assert answer.body.startswith("# ")


def _digest(script: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
