"""The local stack: the AWS emulator, the deploy of `template.yaml` to it, and what the emulator lacks.

Run as `python -m tools.local <command>`; the Makefile does. `install.py` alone runs before there is a
virtual environment.
"""
