"""GET /portal: the page at every address of the portal, and its assets."""

import gzip
import re
from urllib.parse import urljoin

import pytest

from tests.support.call import Answer, Context, call, handler
from tests.support.call import event as request
from tests.support.template import ROOT

SITE = ROOT / "functions" / "serve_portal" / "site"
ASSETS = sorted(path.name for path in (SITE / "assets").iterdir())
FIRST_LOAD, PAGE = 45_000, 15_000

pytestmark = pytest.mark.usefixtures("aws")


def get(path: str, **headers: str) -> Answer:
    return call("GET", path, tenant=None, headers=headers)


def loaded(page: str) -> list[str]:
    return re.findall(r'(?:src|href)="([^"]+\.(?:js|css))"', page)


@pytest.mark.parametrize(
    "base", ["https://api.example.com", "https://api.example.com/v1", "https://example.com/a/b/v1"]
)
@pytest.mark.parametrize(
    "page", ["/portal", "/portal/webhooks", "/portal/webhooks/wh_1/deliveries", "/portal/no/such", "/portal/events/"]
)
def test_every_page_finds_its_assets_under_any_prefix(base: str, page: str) -> None:
    answer = get(page)
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    found = [urljoin(base + page, link) for link in loaded(answer.body)]
    assert len(found) == 2
    for url in found:
        assert url.startswith(f"{base}/portal/assets/")
        assert get(url.removeprefix(base)).status == 200


def test_the_first_page_finds_them_with_a_slash_too() -> None:
    folder, event = request("GET", "/portal", tenant=None)
    page = handler(folder)({**event, "path": "/portal/"}, Context())["body"]
    assert {urljoin("https://x.example/v1/portal/", link).rpartition("/")[0] for link in loaded(page)} == {
        "https://x.example/v1/portal/assets"
    }


def test_the_page_runs_nothing_inline_and_nobody_frames_it() -> None:
    answer = get("/portal")
    assert answer.headers["Content-Security-Policy"] == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    )
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\bon\w+=|\bstyle=", answer.body)


def test_listed_origins_may_frame_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from jobsprint.core.config import settings

    monkeypatch.setenv("PORTAL_ORIGINS", "https://app.example.com,https://admin.example.com")
    settings.cache_clear()
    policy = get("/portal").headers["Content-Security-Policy"]
    assert "frame-ancestors https://app.example.com https://admin.example.com;" in policy


@pytest.mark.parametrize("name", ASSETS)
def test_assets_never_change(name: str) -> None:
    answer = get(f"/portal/assets/{name}")
    assert re.search(r"-[\w-]{8}\.(js|css)$", name)
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.headers["Content-Type"].startswith("text/javascript" if name.endswith("js") else "text/css")
    assert answer.body == (SITE / "assets" / name).read_text("utf-8")


@pytest.mark.parametrize("path", ["/portal", f"/portal/assets/{ASSETS[0]}"])
def test_what_is_known_is_not_sent_again(path: str) -> None:
    tag = get(path).headers["ETag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}'):
        answer = get(path, **{"If-None-Match": known})
        assert (answer.status, answer.body, answer.headers["ETag"]) == (304, "", tag)
    assert get(path, **{"If-None-Match": '"other"'}).status == 200


@pytest.mark.parametrize("name", ["nothing.js", "../app.py", "..%2Fapp.py", "../index.html", ""])
def test_nothing_else_is_an_asset(name: str) -> None:
    assert get(f"/portal/assets/{name}x").error["code"] == "not_found"


def test_a_session_takes_few_bytes_to_begin() -> None:
    """JavaScript and CSS of the first load, and of each page beside it, by gzip at level 9."""
    sizes = {name: len(gzip.compress((SITE / "assets" / name).read_bytes(), 9)) for name in ASSETS}
    first = [link.rpartition("/")[2] for link in loaded((SITE / "index.html").read_text("utf-8"))]
    assert sum(sizes[name] for name in first) <= FIRST_LOAD
    for name in set(ASSETS) - set(first):
        text = (SITE / "assets" / name).read_text("utf-8")
        beside = {one for one in re.findall(r'from"\./([^"]+)"', text) if one not in first}
        assert sizes[name] + sum(sizes[one] for one in beside) <= PAGE, name


def test_nothing_is_loaded_from_elsewhere() -> None:
    names = {"http://www.w3.org/2000/svg", "http://www.w3.org/1998/Math/MathML", "http://www.w3.org/1999/xhtml"}
    for name in ASSETS:
        text = (SITE / "assets" / name).read_text("utf-8")
        assert not re.search(r"@import|url\((?![\"']?data:)|sourceMappingURL", text), name
        urls = set(re.findall(r"https?://[\w.-]+[\w./-]*", text)) - names
        assert {url for url in urls if "example.com" not in url} == set(), name
