"""Which of the header values that a tenant stored are secrets to look for in what an upstream says.

Every value is encrypted and none is shown. But a value such as `production` is also a word of its own: masked wherever
it occurs, it would damage results and protect nothing.
"""

import re
from collections.abc import Iterator

_SECRET_NAME = re.compile(
    r"""
    auth(?!or(?!i[sz])) | bearer | cookie | credential | hmac | jwt | key | passphrase | passw(?:or)?d | pwd | secret
    | session | signature | token
    | (?:^|[_\-])(?:otp|pin|sid|sig)(?:$|[_\-])
    """,
    re.VERBOSE | re.IGNORECASE,
)
_SHORTEST_WITHOUT_SUCH_A_NAME = 6
_DATE = re.compile(r"\d{4}-?\d{2}-?\d{2}(?:[T ]\d{2}:?\d{2}(?::?\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})?)?")
_SEPARATORS = re.compile(r"[\s,;:/|+=.*&()\"'_-]+")
_PLAIN_DIGITS = 8
_PLAIN_PART = re.compile(
    r"""
    \d+ | (?:v|r|q|b)\d{1,4}                     # numbers, versions, releases, quarters
    | \d{1,3}(?:st|nd|rd|th) | \d{1,6}(?:ms|s|m|h|d|kb|mb|gb|b|k|x|px)
    """,
    re.VERBOSE | re.IGNORECASE,
)
_PLAIN_WORDS = frozenset(
    """
    true false yes no on off null none nil undefined empty default auto automatic manual enable enabled disable disabled
    always never any all other unknown optional required prod production live stage staging preprod preview dev develop
    development local localhost test testing tests qa uat demo sandbox canary beta alpha stable latest nightly release
    main master internal external public private primary secondary active inactive standby blue green shadow trial free
    basic standard premium pro business enterprise us eu uk ap apac emea amer latam global region zone east west north
    south northeast northwest southeast southwest central europe america asia pacific africa australia frankfurt ireland
    london paris tokyo singapore sydney mumbai virginia oregon ohio california en de fr es it pt nl sv da fi nb pl cs sk
    hu ro bg el tr ru ja ko zh ar he hi th vi gb at ch ca au br mx english german french spanish italian dutch japanese
    chinese utc gmt cet berlin zurich vienna amsterdam madrid rome new york los angeles chicago toronto eur usd gbp chf
    jpy cad aud euro dollar application text html plain json xml csv yaml yml pdf form data multipart urlencoded www x
    image png jpeg jpg gif svg webp audio video mpeg mp4 octet stream vnd ld event problem charset utf ascii iso latin
    unicode boundary gzip deflate zstd identity compress chunked get post put patch delete head options http https tcp
    tls websocket grpc rest graphql soap rpc api web webhook webhooks mobile ios android linux windows macos browser
    desktop client server service gateway proxy cache backend frontend worker batch cron job queue topic store max age
    keep alive close upgrade low medium high normal urgent critical priority info debug warn warning error trace verbose
    silent notice monday tuesday wednesday thursday friday saturday sunday mon tue wed thu fri sat sun january february
    march april may june july august september october november december jan feb mar apr jun jul aug sep sept oct nov
    dec am pm today daily weekly monthly yearly hourly sync async synchronous asynchronous strict lax relaxed full
    partial minimal compact detailed return representation respond read write readonly admin user users guest owner
    member team tenant customer customers account accounts order orders invoice invoices payment payments product
    products item items message messages notification notifications report reports events workflow workflows action
    actions integration integrations marketing sales support finance billing engineering operations legal jobsprint
    zapier slack github gitlab google microsoft teams azure aws stripe shopify salesforce hubspot jira notion zendesk
    twilio discord gmail outlook trello asana airtable n8n make mcp mozilla chrome safari firefox edge curl python java
    node nodejs javascript typescript ruby php golang dotnet rust version system source target origin referer agent
    channel email phone sms push name value label title q
    """.split()
)


def is_secret_header(name: str, value: str) -> bool:
    """Whether the value of this header is to be masked where an upstream repeats it.

    It is if the header's name says so, else from six characters on, unless it is plain.
    """
    if _SECRET_NAME.search(name):
        return True
    return len(value) >= _SHORTEST_WITHOUT_SUCH_A_NAME and not is_plain(value)


def is_plain(value: str) -> bool:
    """Whether a value is a date, or consists of plain words, versions and numbers of up to eight digits together."""
    if _DATE.fullmatch(value):
        return True
    parts = [part for part in _SEPARATORS.split(value) if part]
    return sum(map(str.isdigit, value)) <= _PLAIN_DIGITS and all(
        part.lower() in _PLAIN_WORDS or _PLAIN_PART.fullmatch(part) for part in parts
    )


def header_secrets(name: str, value: str) -> Iterator[str]:
    """What to look for of a stored header: its value, and the secrets in it (credentials, the values of a cookie)."""
    if not is_secret_header(name, value):
        return
    yield value
    if name.lower() == "authorization":
        yield value.partition(" ")[2].strip()
    for pair in re.split(r"[;,\s]+", value):
        inner, equals, text = pair.partition("=")
        text = text.strip('"')
        if equals and text.strip("=") and is_secret_header(inner, text):
            yield text
