"""The portal's bundle, built by the project's own Node.js from portal/ and exactly what its lock file names."""

import shutil
from pathlib import Path

from tools.local import node
from tools.local.console import run_logged
from tools.local.options import PROJECT

SOURCE = PROJECT / "portal"
CLIENT = PROJECT / "clients" / "typescript" / "src"
SITE = PROJECT / "functions" / "serve_portal" / "site"
_NPM = Path("lib/node_modules/npm/bin/npm-cli.js")


def build(folder: Path, site: Path) -> None:
    """Build in a folder of its own, so that nothing that lies about in a checkout gets into the bundle.

    `site` is replaced. Raises Failure where Node.js is missing, a package cannot be installed, or the build fails.
    """
    portal = folder / "portal"
    shutil.copytree(SOURCE, portal, ignore=shutil.ignore_patterns("node_modules"))
    shutil.copytree(CLIENT, folder / "clients" / "typescript" / "src")
    environment = node.environment({"npm_config_cache": str(folder / "cache")})
    npm = [str(node.node()), str(node.wheel() / _NPM), "--prefix", str(portal)]
    quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    run_logged(
        [*npm, "ci", *quiet], folder / "install.log", environment, "The packages of the portal cannot be installed"
    )
    run_logged([*npm, "run", "build"], folder / "build.log", environment, "The portal cannot be built")
    shutil.rmtree(site, ignore_errors=True)
    shutil.copytree(folder / "functions" / "serve_portal" / "site", site)
