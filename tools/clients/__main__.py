"""`python -m tools.clients`: write what the clients have from docs/openapi.json (`make clients`)."""

from tools.clients import command_line, document, python, typescript

found = document.load()
for file, text in (python.files(found) | typescript.files(found) | command_line.files(found)).items():
    file.write_text(text, "utf-8")
