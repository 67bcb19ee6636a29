"""`python -m tools.openapi`: write docs/openapi.json (`make openapi`)."""

from tools.openapi import document

document.FILE.parent.mkdir(exist_ok=True)
document.FILE.write_text(document.text(), encoding="utf-8")
