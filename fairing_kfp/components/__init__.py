"""Reusable components of Kubeflow Pipelines, whose steps run in our own image.

from fairing_kfp.components import append_image, embed_source, preprocess_script
"""

from __future__ import annotations

from typing import Any

_EMBED = "embed_source"


def __getattr__(name: str) -> Any:
    """Makes a component on first use, since kfp is imported late (PEP 562)."""
    if name.startswith("__"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name == _EMBED:
        from fairing_kfp.components.embedded import embed_source

        return embed_source
    from fairing_kfp.components.table import COMPONENTS

    component = COMPONENTS.get(name.replace("_", "-"))
    if component is None or component.identifier != name:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from fairing_kfp.components.kfp_component import kfp_component

    globals()[name] = made = kfp_component(component)
    return made


def __dir__() -> list[str]:
    """The names of the components, and the function that embeds a folder."""
    from fairing_kfp.components.table import COMPONENTS

    return sorted([_EMBED, *(component.identifier for component in COMPONENTS.values())])
