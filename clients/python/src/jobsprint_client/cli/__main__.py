"""`python -m jobsprint_client.cli`: the same as `jobsprint`."""

from jobsprint_client.cli import main

main()
