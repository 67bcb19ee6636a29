"""Where browsers may be sent back to."""

from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobsprint.domain.oauth import issuer_hash, joined_scope, plain_issuer, redirect_back, redirect_origin


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://your-app.com/callback", "https://your-app.com"),
        ("https://Your-App.com", "https://your-app.com"),
        ("https://your-app.com:443/", "https://your-app.com"),
        ("https://your-app.com:8443/a?b=c", "https://your-app.com:8443"),
        ("https://your-app.com?b=c", "https://your-app.com"),
        ("http://localhost:3000/done", "http://localhost:3000"),
        ("http://127.0.0.1/done", "http://127.0.0.1"),
        ("http://[::1]:80/done", "http://[::1]"),
        ("https://xn--bcher-kva.example/", "https://xn--bcher-kva.example"),
    ],
)
def test_origins(url: str, origin: str) -> None:
    assert redirect_origin(url) == origin


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://",
        "https:///path",
        "http://your-app.com/",
        "http://127.0.0.2/",
        "http://localhost.evil.example/",
        "http://localhost@evil.example/",
        "https://user:password@your-app.com/",
        "https://your-app.com\\@evil.example/",
        "https://evil.example\\.your-app.com/",
        "https://your-app.com/#fragment",
        "https://your-app.com/a b",
        "https://your-app.com/\r\nSet-Cookie: a=b",
        "https://your-app.com/\n",
        "https://bücher.example/",
        "https://ⓨour-app.com/",
        "https://your-app.com:/",
        "https://your-app.com:port/",
        "javascript:alert(1)",
        "data:text/html,x",
        "//your-app.com/",
        "/callback",
        " https://your-app.com/",
        "https://-.com-/",
    ],
)
def test_what_is_no_place_to_return_to(url: str) -> None:
    with pytest.raises(ValueError, match="https"):
        redirect_origin(url)


@given(st.text(max_size=60))
def test_what_is_accepted_leads_where_the_standard_library_says(text: str) -> None:
    for url in (f"https://{text}", f"http://localhost{text}"):
        try:
            origin = redirect_origin(url)
        except ValueError:
            continue
        parts = urlsplit(url)
        assert parts.hostname == urlsplit(origin).hostname
        assert parts.username is None
        assert parts.scheme == "https" or parts.hostname == "localhost"


def test_the_answer_joins_the_query() -> None:
    back = redirect_back("https://a.example/x?keep=1&status=old&flag", {"status": "error", "error": "a&b"})

    assert back == "https://a.example/x?keep=1&flag&status=error&error=a%26b"
    assert dict(parse_qsl(urlsplit(back).query))["error"] == "a&b"


@pytest.mark.parametrize(
    "issuer",
    [
        "https://h/a/",
        "https://h//",
        "https://H",
        "https://h:443",
        "https://h?",
        "https://h/?",
        "https://h/#",
        " https://h/",
        "https://h/ ",
        "h/",
        "/",
        "",
        "https:///",
    ],
)
def test_an_issuer_is_itself_to_the_letter(issuer: str) -> None:
    assert plain_issuer(issuer) == issuer
    assert issuer_hash(issuer) != issuer_hash("https://h")


@pytest.mark.parametrize("issuer", ["https://h", "http://127.0.0.1:9000", "https://as.example.com:8443"])
def test_a_slash_after_the_host_is_nothing(issuer: str) -> None:
    assert plain_issuer(f"{issuer}/") == plain_issuer(issuer) == issuer
    assert issuer_hash(f"{issuer}/") == issuer_hash(issuer)


@given(st.lists(st.text(alphabet='abc:/\\" é', max_size=120), max_size=80))
def test_a_scope_is_bounded_and_its_names_are_whole(scopes: list[str]) -> None:
    joined = joined_scope(*scopes)

    names = [name for scope in scopes for name in scope.split()]
    assert len(joined) <= 2000
    assert len(joined.split()) <= 50
    assert {*joined.split()} <= {*names}
    assert joined == joined_scope(joined)
