"""Write functions/serve_portal/site from portal/ (`make portal-build`)."""

import sys
import tempfile
from pathlib import Path

from tools.local.console import Failure
from tools.portal import bundle

with tempfile.TemporaryDirectory() as folder:
    try:
        bundle.build(Path(folder), bundle.SITE)
    except Failure as failure:
        sys.exit(str(failure))
