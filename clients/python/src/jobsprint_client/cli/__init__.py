"""The command line `jobsprint`, which needs the extra `cli`."""

import sys


def main() -> None:
    """Run the command line, and end the process with its exit code."""
    try:
        from jobsprint_client.cli.program import run
    except ModuleNotFoundError as error:
        if error.name not in ("click", "rich"):
            raise
        sys.exit(f"{error.name} is not installed. Install the command line with: pip install 'jobsprint_client[cli]'")
    except KeyboardInterrupt:  # while it is loaded; `run` knows about later
        sys.exit(130)
    sys.exit(run())
