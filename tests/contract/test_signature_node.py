"""The snippet in docs/api-contract.md, Signatures: node verifies every body, and JavaScript keeps every byte."""

import json
import random
import shutil
import struct
import subprocess
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from jobsprint.core.canonical_json import JsonValue, UnrepresentableJson, dumps, parse
from jobsprint.security import signing

RECEIVER = Path(__file__).parent / "verify.js"
PAYLOADS = 2_000
NUMBER_TOKENS = 5_000
TIMESTAMP = "2025-01-06T12:00:00.000Z"

FLOATS = [
    *(0.0, -0.0, 100.0, 0.1, 1e20, 1e21, 1.5e21, 123456789012345680000.0, 1e-6, 1e-7, 1.2e-7, 9.999e-7, 5e-324),
    *(2.2250738585072014e-308, 1.7976931348623157e308, 1e15, 1e16, 1e17, 0.0001, 0.00001, 4.35, 1 / 3, 2**53 * 1.0),
    *(2.0**70, 1e22, 1e23, 9.5e-7, 999999999999999900000.0, 1234567890123456.7, 2.0**-1074 * 3, 8.41e21),
]
KEYS = [
    *("0", "1", "2", "10", "01", "-1", "1.0", "1e3", "4294967294", "4294967295", "4294967296", "9007199254740991"),
    *("__proto__", "constructor", "toJSON", "toString", "length", "signature", "event", "data", "", " ", "\u0660", "é"),
    *('"1":', "a\nb", "\u2028", "\U0001f600", "\x7f", "\x00", "hasOwnProperty", "valueOf"),
]
STRINGS = [
    *("", '"', "\\", "\\u0041", "\u2028\u2029", "\x7f\x80\x9f", "\ufeff", "\ufffe\uffff", "\U0001f600\U0010ffff"),
    *("".join(map(chr, range(0x20))), "</script>", "e\u0301", "\ud7ff\ue000", ',"1":', ":1.0,", ":1e5]", "12:00:00.0,"),
]


class Maker:
    """Values made to be printed differently by two JSON writers, the same ones for the same seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def value(self, depth: int = 0) -> JsonValue:
        kinds = [self.number, self.text, self.constant]
        if depth < 5:
            kinds += [lambda: self.members(depth + 1), lambda: self.items(depth + 1)]
        return self.random.choice(kinds)()

    def members(self, depth: int) -> dict[str, JsonValue]:
        return {self.key(): self.value(depth) for _ in range(self.random.randrange(7))}

    def items(self, depth: int) -> list[JsonValue]:
        return [self.value(depth) for _ in range(self.random.randrange(5))]

    def key(self) -> str:
        return self.random.choice([self.random.choice(KEYS), str(self.random.randrange(2**33)), self.text()])

    def constant(self) -> JsonValue:
        return self.random.choice([None, True, False])

    def text(self) -> str:
        if self.random.random() < 0.4:
            return self.random.choice(STRINGS)
        limits = [(0, 0x7F), (0x80, 0xD7FF), (0xE000, 0x10FFFF)]
        return "".join(chr(self.random.randint(*self.random.choice(limits))) for _ in range(self.random.randrange(12)))

    def number(self) -> int | float:
        kind = self.random.randrange(5)
        if kind == 0:
            return self.random.choice(FLOATS) * self.random.choice([1, -1])
        if kind == 1:
            return self.random.randint(-(2**53), 2**53)
        if kind == 2:
            return round(self.random.uniform(-1e6, 1e6), self.random.randrange(4))
        if kind == 3:
            return self.random.random() * 10.0 ** self.random.randrange(-12, 26)
        return self.any_double()

    def any_double(self) -> float:
        exponent_not_all_ones = self.random.randrange(2047)
        bits = self.random.getrandbits(1) << 63 | exponent_not_all_ones << 52 | self.random.getrandbits(52)
        number: float = struct.unpack("<d", struct.pack("<Q", bits))[0]
        return number

    def token(self) -> str:
        """A number as somebody might write it."""
        if self.random.random() < 0.3:
            return repr(self.any_double())
        digits = "".join(self.random.choice("0123456789") for _ in range(self.random.randrange(1, 22)))
        whole = digits.lstrip("0") or "0"
        fraction = (
            "." + str(self.random.randrange(10 ** self.random.randrange(1, 19))) if self.random.random() < 0.5 else ""
        )
        zeros = "0" * self.random.randrange(4) if fraction else ""
        exponent = (
            f"e{self.random.choice(['', '+', '-'])}{self.random.randrange(330)}" if self.random.random() < 0.4 else ""
        )
        return self.random.choice(["", "-"]) + whole + fraction + zeros + exponent


def received(deliveries: list[tuple[str, str]]) -> list[dict[str, Any]]:
    """What the receiver says to each (secret, body), from one run of node."""
    node = shutil.which("node")
    if node is None:
        pytest.fail("node is not on PATH; the published snippet is JavaScript, so this test needs it")
    lines = "".join(json.dumps({"secret": secret, "body": body}) + "\n" for secret, body in deliveries)
    done = subprocess.run([node, str(RECEIVER)], input=lines, capture_output=True, encoding="utf-8", timeout=60)
    assert done.returncode == 0, done.stderr
    answers = [json.loads(line) for line in done.stdout.split("\n") if line]
    assert len(answers) == len(deliveries)
    return answers


def signed(data_text: str, secret: str) -> tuple[str, str]:
    return secret, signing.signed_body("workflow.executed", TIMESTAMP, data_text, secret).decode()


def test_the_published_snippet_verifies_every_body() -> None:
    maker = Maker(seed=20250106)
    texts = [dumps(maker.value()) for _ in range(PAYLOADS)]
    texts += [dumps(dict.fromkeys(KEYS)), dumps(list(STRINGS)), dumps(list(FLOATS))]
    texts += [dumps({str(key * 7919 % 100_003): key for key in range(5_000)})]  # V8 keeps so many in another structure
    secrets = ["your_secret", "pässwörter €", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]
    answers = received([signed(text, secrets[place % len(secrets)]) for place, text in enumerate(texts)])
    for text, answer in zip(texts, answers, strict=True):
        assert answer["payload"] == signing.payload_text("workflow.executed", TIMESTAMP, text)
        assert answer["verified"] is True


def test_the_published_snippet_verifies_what_callers_sent_in_another_form() -> None:
    """White space, escapes and key order as the caller likes: what we make of it is what JavaScript keeps."""
    maker = Maker(seed=4)
    texts = [dumps(parse(json.dumps(maker.value(), indent=1))) for _ in range(500)]
    assert all(answer["verified"] for answer in received([signed(text, "your_secret") for text in texts]))


def test_the_published_snippet_refuses_a_changed_body() -> None:
    secret, body = signed('{"amount":100,"name":"Ada"}', "your_secret")
    changed = [
        body.replace("100", "101"),
        body.replace("Ada", "ada"),
        body.replace("workflow.executed", "workflow.failed"),
        body.replace(TIMESTAMP, TIMESTAMP.replace("2025", "2026")),
        body.replace('"amount":100,"name":"Ada"', '"name":"Ada","amount":100'),
        body[:-3] + ("0" if body[-3] != "0" else "1") + body[-2:],
    ]
    assert all(text != body for text in changed)
    answers = received([(secret, body), *((secret, text) for text in changed), ("another secret", body)])
    assert [answer["verified"] for answer in answers] == [True] + [False] * (len(changed) + 1)


def test_a_number_is_accepted_exactly_if_javascript_prints_the_same_decimal_value() -> None:
    maker = Maker(seed=7)
    tokens = [maker.token() for _ in range(NUMBER_TOKENS)] + ["-0", "0.0", "1e400", "1e-400", "9007199254740993"]
    accepted = 0
    for token, answer in zip(tokens, received([("", f'{{"data":{token}}}') for token in tokens]), strict=True):
        printed = answer["payload"].removeprefix('{"data":').removesuffix("}")
        try:
            ours = dumps(parse(token))
        except UnrepresentableJson:
            assert printed == "null" or Decimal(printed) != Decimal(token), token
        else:
            assert ours == printed
            assert Decimal(printed) == Decimal(token), token
            accepted += 1
    assert len(tokens) * 0.2 < accepted < len(tokens) * 0.9, "the tokens do not test both answers"
