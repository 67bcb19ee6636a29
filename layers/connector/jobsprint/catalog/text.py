"""How text is compared: folding, words, and what one typing error can make of a word. Pure."""

import re
import unicodedata
from collections.abc import Iterator

_WORD = re.compile(r"[^\W_]+")
_VOWEL = re.compile(r"[aeiouy]")
_SHORTEST_STEM = 3
_PLURALS = (("sses", "ss"), ("ies", "y"), ("ied", "y"), ("us", "us"), ("ss", "ss"), ("is", "is"), ("s", ""))
_ENDINGS = ("ing", "ed", "ion")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def words(text: str) -> list[str]:
    """The words of a text in lower case and without accents, as `["google", "sheets"]`."""
    if text.isascii():
        return _WORD.findall(text.lower())
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    return _WORD.findall("".join(char for char in decomposed if not unicodedata.combining(char)))


def parts(name: str) -> list[str]:
    """The words of a name that is written as one, as `["create", "pull", "request"]` of createPullRequest."""
    return words(_HUMP.sub(" ", name))


def stem(word: str) -> str:
    """What an English word has in common with its other forms, as `creat` of creates, created, creating, creation."""
    if len(word) < _SHORTEST_STEM or not word.isascii():
        return word
    word = next((word[: -len(end)] + other for end, other in _PLURALS if word.endswith(end)), word)
    for end in _ENDINGS:
        kept = word.removesuffix(end)
        if kept != word and len(kept) >= _SHORTEST_STEM and _VOWEL.search(kept):
            word = kept[:-1] if kept[-1] == kept[-2] and kept[-1] not in "els" else kept
            break
    return word.removesuffix("e") if len(word) > _SHORTEST_STEM else word


def joined(text: str) -> str:
    """The words of a text as one, so that `HubSpot` and `hub spot` are the same."""
    return "".join(words(text))


def slug(text: str) -> str:
    """The words of a text as a part of an id, as `google_sheets`."""
    return "_".join(words(text))


def initials(name: str) -> str:
    """What a name of several words or humps is called for short, as `yt` for YouTube; empty for a single word."""
    first = [word[0] for word in parts(name)]
    return "".join(first) if len(first) > 1 else ""


def with_one_left_out(word: str) -> Iterator[str]:
    """The word, and the word without each one of its letters.

    Two words that are one edit apart (a letter more, less or other, or two neighbours swapped) share one of these.
    """
    yield word
    for at in range(len(word)):
        yield word[:at] + word[at + 1 :]


def within_one_edit(one: str, other: str) -> bool:
    """Whether a single inserted, deleted or replaced letter, or one swap of neighbours, makes both the same."""
    if one == other:
        return True
    shorter, longer = sorted((one, other), key=len)
    at = next((i for i, (a, b) in enumerate(zip(shorter, longer, strict=False)) if a != b), len(shorter))
    if len(longer) - len(shorter) == 1:
        return shorter[at:] == longer[at + 1 :]
    if len(longer) != len(shorter):
        return False
    swapped = shorter[at : at + 2][::-1] == longer[at : at + 2]
    return shorter[at + 1 :] == longer[at + 1 :] or (swapped and shorter[at + 2 :] == longer[at + 2 :])
