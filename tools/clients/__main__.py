"""`python -m tools.clients`: write what the clients have from docs/openapi.json (`make clients`)."""

from tools.clients import document, python

for file, text in python.files(document.load()).items():
    file.write_text(text, "utf-8")
