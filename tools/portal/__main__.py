"""Write functions/serve_portal/site from portal/ (`make portal-build`)."""

import shutil
import sys

from tools.local.console import Failure
from tools.local.options import PROJECT
from tools.portal import bundle

# Kept afterwards, for the logs of a build that failed.
_FOLDER = PROJECT / ".local" / "portal"

shutil.rmtree(_FOLDER, ignore_errors=True)
_FOLDER.mkdir(parents=True)
try:
    bundle.build(_FOLDER, bundle.SITE)
except Failure as failure:
    sys.exit(str(failure))
