"""Names of tools."""

from collections.abc import Iterable

from jobsprint.domain.integrations import Capability, Integration


def tool_names(integrations: Iterable[Integration]) -> dict[str, tuple[Integration, Capability]]:
    """Temporary."""
    pairs = [(integration, capability) for integration in integrations for capability in integration.capabilities]
    return {f"{i.slug or i.app}_{c.name}".lower().replace("-", "_").replace(".", "_"): (i, c) for i, c in pairs}
