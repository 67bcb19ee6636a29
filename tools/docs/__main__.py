"""`python -m tools.docs`: bring the documentation up to date, and build the guide (`make docs`)."""

import sys

from tools.docs import generated, llms, site

generated.write_pages()
llms.write()
try:
    site.build()
except site.BuildFailed as failure:
    sys.exit(str(failure))
