"""Finding known secrets in a text, in whatever spelling: escaped, in base64 or in hex."""

import base64
import binascii
import html
import re
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

_SHORTEST_SECRET = 4
_SHORTEST_CORE = 5  # characters of base64 that hold nothing but the secret
_ROUNDS = 3  # escaped twice, and once more by the JSON around it
_SCHEMES = frozenset({"apikey", "basic", "bearer", "token"})
_URL_SAFE = str.maketrans("+/", "-_")
_ESCAPED = re.compile(
    r"""
    %(?:[0-7][0-9a-f] | [89a-f][0-9a-f](?:%[89a-f][0-9a-f])*     # URL: the bytes of one beyond ASCII go together
        | u d[89ab][0-9a-f]{2} %u d[c-f][0-9a-f]{2} | u[0-9a-f]{4})
    | \\(?:u d[89ab][0-9a-f]{2} \\u d[c-f][0-9a-f]{2}             # JSON: a surrogate pair
        | u[0-9a-f]{4} | x[0-9a-f]{2} | ["'\\/bfnrt])
    | &(?:\#(?:[0-9]{1,7} | x[0-9a-f]{1,6});? | [a-z][a-z0-9]{1,31};)
    """,
    re.VERBOSE | re.IGNORECASE,
)
_CONTROLS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_BEGUN_ESCAPE = re.compile(
    r"\ufffd{0,4}(?:%[0-9a-f]?|\\(?:u[0-9a-f]{0,3}|x[0-9a-f]?)?|&\#?[a-z0-9]{0,31})?\Z", re.IGNORECASE
)


@dataclass(frozen=True)
class _Needle:
    """What to look for; `before` and `after` are characters beside it that hold a part of the secret too."""

    text: str
    before: int = 0
    after: int = 0


@dataclass(frozen=True)
class _View:
    """A text with its escapes decoded, and from where to where each of its characters stands in the original."""

    text: str
    starts: Sequence[int]
    ends: Sequence[int]


class SecretFinder:
    """Replaces known secrets in texts. Those of fewer than four characters are not looked for."""

    def __init__(self, secrets: Iterable[str], mask: str) -> None:
        self._mask = mask
        self._needles = tuple(dict.fromkeys(needle for secret in secrets for needle in _needles_of(secret)))

    def finds_in(self, text: str) -> bool:
        """Whether any secret is in `text`."""
        for _ in range(_ROUNDS + 1):
            if any(needle.text in text for needle in self._needles):
                return True
            if not _ESCAPED.search(text):
                return False
            text = _ESCAPED.sub(_plain, text)
        return False

    def masked(self, text: str, *, cut_off: bool = False) -> str:
        """`text` with every secret in it replaced; where it was `cut_off`, without an end that begins one."""
        if not self._needles or not (cut_off or self.finds_in(text)):
            return text
        spans = [(*span, self._mask) for view in _views(text) for span in self._spans(view)]
        if cut_off:
            spans.append((min(self._begun(view) for view in _views(text)), len(text), ""))
        pieces, at = [], 0
        for start, end, mask in sorted(spans):
            if start >= at:
                pieces += [text[at:start], mask]
            at = max(at, end)
        return "".join([*pieces, text[at:]])

    def _spans(self, view: _View) -> Iterator[tuple[int, int]]:
        for needle in self._needles:
            at = view.text.find(needle.text)
            while at >= 0:
                first = max(at - needle.before, 0)
                last = min(at + len(needle.text) + needle.after, len(view.text)) - 1
                yield view.starts[first], view.ends[last]
                at = view.text.find(needle.text, last + 1)

    def _begun(self, view: _View) -> int:
        """Where the start of a secret, or of an escape, begins in the original at the end of a view."""
        text = _BEGUN_ESCAPE.sub("", view.text)
        longest = max((_overlap(text, needle.text) for needle in self._needles), default=0)
        begin = len(text) - longest
        return view.starts[begin] if longest else view.ends[-1] if view.ends else 0


def _overlap(text: str, needle: str) -> int:
    """The length of the longest end of `text` that begins `needle` and is not all of it."""
    tail = text[-(len(needle) - 1) :]
    at = tail.find(needle[0])
    while at >= 0:
        if needle.startswith(tail[at:]):
            return len(tail) - at
        at = tail.find(needle[0], at + 1)
    return 0


def _views(text: str) -> Iterator[_View]:
    """The text as it is, and after each round of decoding."""
    view = _View(text, range(len(text)), range(1, len(text) + 1))
    for _ in range(_ROUNDS):
        yield view
        if not _ESCAPED.search(view.text):
            return
        view = _decoded(view)
    yield view


def _decoded(view: _View) -> _View:
    pieces: list[str] = []
    starts, ends = array("I"), array("I")  # a text may have a megabyte
    at = 0
    for found in _ESCAPED.finditer(view.text):
        plain, (start, end) = _plain(found), found.span()
        pieces += [view.text[at:start], plain]
        starts.extend([*view.starts[at:start], *[view.starts[start]] * len(plain)])
        ends.extend([*view.ends[at:start], *[view.ends[end - 1]] * len(plain)])
        at = end
    starts.extend(view.starts[at:])
    ends.extend(view.ends[at:])
    return _View("".join([*pieces, view.text[at:]]), starts, ends)


def _plain(found: "re.Match[str]") -> str:
    """The character that an escape stands for."""
    text = found[0]
    if text[0] == "&":
        return html.unescape(text)
    if text[0] == "%" and text[1] not in "uU":
        return unquote(text)
    if text[1] in "uU":
        units = bytes.fromhex(text[2:6] + text[8:])
        return units.decode("utf-16-be", errors="replace")
    if text[1] in "xX":
        return chr(int(text[2:], 16))
    return _CONTROLS.get(text[1], text[1])


def _needles_of(secret: str) -> Iterator[_Needle]:
    for text in _parts_of(secret):
        if len(text) < _SHORTEST_SECRET:
            continue
        yield _Needle(text)
        if " " in text:
            yield _Needle(text.replace(" ", "+"))  # as in a form
        data = text.encode(errors="replace")
        yield _Needle(data.hex())
        yield _Needle(data.hex().upper())
        for needle in _in_base64(data):
            yield needle
            yield _Needle(needle.text.translate(_URL_SAFE), needle.before, needle.after)


def _parts_of(secret: str) -> Iterator[str]:
    """A secret, without its scheme if it is the value of an `Authorization` header, and the password in a Basic one."""
    yield secret
    scheme, _, rest = secret.partition(" ")
    if scheme.lower() not in _SCHEMES:
        return
    yield rest.strip()
    if scheme.lower() == "basic":
        try:
            pair = base64.b64decode(rest, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            return
        yield pair
        yield pair.partition(":")[2]


def _in_base64(data: bytes) -> Iterator[_Needle]:
    """The characters that `data` alone decides wherever it stands in what is encoded, for each of three alignments."""
    for shift in range(3):
        first = -(-shift * 8 // 6)
        end, rest = divmod((shift + len(data)) * 8, 6)
        core = base64.b64encode(bytes(shift) + data)[first:end].decode()
        if len(core) >= _SHORTEST_CORE:
            yield _Needle(core, before=1 if shift else 0, after=1 if rest else 0)
