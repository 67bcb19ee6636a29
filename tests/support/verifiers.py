"""The verifiers in docs/examples/verify, each run by its language on deliveries as the service signs them."""

import json
import shutil
import subprocess
import time
from dataclasses import dataclass, replace
from pathlib import Path

from jobsprint.core.canonical_json import dumps
from jobsprint.security import signing
from tests.support.template import ROOT

FOLDER = ROOT / "docs" / "examples" / "verify"
DATA = dumps({"1": 100.0, "größe": ["\u2028", "\U0001f600", None], "small": 1e-7})
MADE_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="
PLAIN_SECRET = "pässwörter €"

# Each reads a JSON list of {body, headers, secret} on stdin and prints a JSON list of what `verify` says.
_PYTHON = """
import json, sys
from verify import verify
print(json.dumps([verify(d["body"].encode(), d["headers"], d["secret"]) for d in json.load(sys.stdin)]))
"""
_NODE = """
import { readFileSync } from 'node:fs';
import { verify } from './verify.mjs';
const deliveries = JSON.parse(readFileSync(0));
console.log(JSON.stringify(deliveries.map((d) => verify(Buffer.from(d.body), d.headers, d.secret))));
"""
_GO = """
package main

import ("encoding/json"; "net/http"; "os"; "example.com/verify/webhook")

func main() {
	var deliveries []struct{ Body, Secret string; Headers map[string]string }
	if err := json.NewDecoder(os.Stdin).Decode(&deliveries); err != nil { panic(err) }
	said := []bool{}
	for _, delivery := range deliveries {
		header := http.Header{}
		for name, value := range delivery.Headers { header.Set(name, value) }
		said = append(said, webhook.Verify([]byte(delivery.Body), header, delivery.Secret))
	}
	json.NewEncoder(os.Stdout).Encode(said)
}
"""
_PHP = """<?php
require 'verify.php';
$said = [];
foreach (json_decode(stream_get_contents(STDIN), true) as $d) $said[] = verify($d['body'], $d['headers'], $d['secret']);
echo json_encode($said);
"""
_RUBY = """
require "json"
require_relative "verify"
puts JSON.generate(JSON.parse($stdin.read).map { |d| verify(d["body"], d["headers"], d["secret"]) })
"""


@dataclass(frozen=True)
class Language:
    """How a verifier is run: the program, the file of the harness and its text, and the verifier's copy beside it."""

    program: str
    harness: str
    text: str
    copy: str


LANGUAGES = {
    "py": Language("python3", "harness.py", _PYTHON, "verify.py"),
    "mjs": Language("node", "harness.mjs", _NODE, "verify.mjs"),
    "go": Language("go", "main.go", _GO, "webhook/verify.go"),
    "php": Language("php", "harness.php", _PHP, "verify.php"),
    "rb": Language("ruby", "harness.rb", _RUBY, "verify.rb"),
}


@dataclass(frozen=True)
class Delivery:
    """A request as a receiver gets it, and the secret that it has."""

    body: str
    headers: dict[str, str]
    secret: str


def signed(*secrets: str, age_seconds: int = 0) -> Delivery:
    """A delivery signed with these secrets, newest first, for a receiver that has the first one."""
    body = signing.signed_body("workflow.executed", "2025-01-06T12:00:00Z", DATA, secrets[0])
    sent_at = int(time.time()) - age_seconds
    headers = signing.headers(message_id="evt_01jgx", body=body, unix_time=sent_at, secrets=secrets)
    return Delivery(body.decode(), {name.lower(): value for name, value in headers.items()}, secrets[0])


def cases() -> list[tuple[Delivery, bool]]:
    """Deliveries, and whether a receiver has to accept them."""
    good = signed(MADE_SECRET)
    rotated = signed(MADE_SECRET, PLAIN_SECRET)

    def without(name: str) -> Delivery:
        return replace(good, headers={key: value for key, value in good.headers.items() if key != name})

    def changed(name: str, value: str) -> Delivery:
        return replace(good, headers={**good.headers, name: value})

    return [
        (good, True),
        (signed(PLAIN_SECRET), True),
        (rotated, True),
        (replace(rotated, secret=PLAIN_SECRET), True),
        (signed(MADE_SECRET, age_seconds=200), True),
        (signed(MADE_SECRET, age_seconds=-200), True),
        (signed(MADE_SECRET, age_seconds=400), False),
        (signed(MADE_SECRET, age_seconds=-400), False),
        (replace(good, body=good.body.replace("100", "101")), False),
        (replace(good, body=good.body + " "), False),
        (replace(good, secret=PLAIN_SECRET), False),
        (changed("webhook-id", "evt_other"), False),
        (changed("webhook-timestamp", str(int(good.headers["webhook-timestamp"]) + 1)), False),
        (changed("webhook-timestamp", "soon"), False),
        (changed("webhook-timestamp", "1" * 5000), False),  # more digits than Python's int takes
        (changed("webhook-timestamp", ""), False),
        (changed("webhook-signature", "v1,"), False),
        (changed("webhook-signature", "v1,é"), False),
        (changed("webhook-signature", good.headers["webhook-signature"][:-1]), False),
        (without("webhook-id"), False),
        (without("webhook-timestamp"), False),
        (without("webhook-signature"), False),
    ]


def wrong(ending: str, folder: Path) -> list[Delivery]:
    """The deliveries that the verifier in docs/examples/verify with that ending judges wrong; `folder` is empty."""
    language = LANGUAGES[ending]
    (folder / language.copy).parent.mkdir(exist_ok=True)
    shutil.copy(FOLDER / f"verify.{ending}", folder / language.copy)
    (folder / language.harness).write_text(language.text, encoding="utf-8")
    if ending == "go":
        (folder / "go.mod").write_text("module example.com/verify\n\ngo 1.20\n", encoding="utf-8")
        # Compiled first: that may take minutes, and deliveries are good for five.
        _run([_found("go"), "build", "-o", "harness", "."], folder, "")
        command = [str(folder / "harness")]
    else:
        command = [_found(language.program), language.harness]
    judged = cases()
    said = json.loads(_run(command, folder, json.dumps([delivery.__dict__ for delivery, _ in judged])))
    assert len(said) == len(judged)
    return [delivery for (delivery, accepted), answer in zip(judged, said, strict=True) if answer is not accepted]


def _found(program: str) -> str:
    path = shutil.which(program)
    assert path, f"{program} is not on the PATH"
    return path


def _run(command: list[str], folder: Path, given: str) -> str:
    ran = subprocess.run(
        command, cwd=folder, input=given, capture_output=True, encoding="utf-8", timeout=400, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout
