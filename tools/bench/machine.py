"""What the benchmarks ran on: a figure without its machine says nothing."""

import os
import platform
from importlib.metadata import version
from pathlib import Path

_PACKAGES = ("botocore", "pydantic", "aws-lambda-powertools", "pycurl", "cryptography")


def described() -> str:
    """One paragraph: processor, cores, memory, Python and the packages that matter."""
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    return (
        f"{_processor()}, {len(os.sched_getaffinity(0))} cores, {_memory_gib():.0f} GiB; "
        f"{platform.system()} {platform.release()}; Python {platform.python_version()}; {packages}"
    )


def _processor() -> str:
    for text in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = text.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()


def _memory_gib() -> float:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
