"""GET /openapi.json and GET /docs."""

import base64
import hashlib
import json
import re

import pytest

from tests.support.call import call
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
        assert re.findall(r'(?:href|src)="([^"]*)"', outline) == ["data:,", "openapi.json"]
        style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)
        assert style
        assert not re.search(r"@import|url\((?!\"?data:)", style.group(1))

    def test_policy_lets_only_its_own_scripts_run(self) -> None:
        answer = call("GET", "/docs", tenant=None)
        policy = dict(part.strip().split(" ", 1) for part in answer.headers["Content-Security-Policy"].split(";"))
        scripts = re.findall(r"<script>(.*?)</script>", answer.body, re.DOTALL)
        digests = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
        assert policy["script-src"] == " ".join(f"'sha256-{digest}'" for digest in digests)
        assert policy["default-src"] == "'none'"
        assert policy["connect-src"] == "'self'"
