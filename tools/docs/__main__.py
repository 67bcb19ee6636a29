"""`python -m tools.docs`: bring the documentation up to date (`make docs`)."""

from tools.docs import generated, llms

generated.write_pages()
llms.write()
