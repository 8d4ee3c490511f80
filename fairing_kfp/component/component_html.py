"""Components and predictors in a notebook: signature, image and packages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from fairing_kfp.preprocess.kfp_errors import shown_type

if TYPE_CHECKING:
    from fairing_kfp.preprocess.source import ComponentSource

_LONGEST = 60


class ShownComponent:
    """The representations of a KFP component in a terminal and a notebook."""

    __slots__ = ()  # so that an object of kfp's class may become one of this

    name: str
    component_spec: Any

    def __repr__(self) -> str:
        """Its name, inputs and outputs, in one line."""
        inputs = ", ".join(_input(key, one) for key, one in (self.component_spec.inputs or {}).items())
        outputs = ", ".join(f"{key}: {_type(one)}" for key, one in (self.component_spec.outputs or {}).items())
        return f"<Component {self.name}({inputs})" + (f" -> {outputs}>" if outputs else ">")

    def _repr_html_(self) -> str:
        from fairing_kfp.display.html import element, fragment, joined, table, title
        from fairing_kfp.preprocess.source import placeholders

        spec = self.component_spec
        rows = [
            *(_row("input", key, one, _default(one)) for key, one in (spec.inputs or {}).items()),
            *(_row("output", key, one, "") for key, one in (spec.outputs or {}).items()),
        ]
        sources = placeholders(spec.implementation.container.image)
        return fragment(
            title(self.name, "component"),
            element("div", spec.description or ""),
            table(["", "name", "type", "default", "description"], rows),
            joined(table([], image_rows(source)) for source in sources.values()),
        )


def predictor_html(source: ComponentSource, takes: Mapping[str, Any]) -> str:
    """A predictor in a notebook.

    Args:
        source: the source of its image.
        takes: the input types by method.
    """
    from fairing_kfp.display.html import element, fragment, table, title

    return fragment(
        title(source.name, "predictor"),
        table(["method", "instances"], [(method, element("code", _taken(kind))) for method, kind in takes.items()]),
        table([], image_rows(source)),
    )


def image_rows(source: ComponentSource) -> Iterator[tuple[object, object]]:
    """What is declared of an image: rows of a table. Values of environment variables are left out.

    Args:
        source: the source of the image.
    """
    from fairing_kfp.display.html import element, joined

    packages = (source.packages,) if isinstance(source.packages, str) else source.packages
    yield "image", f"on {source.base_image or 'the base image of the project'}"
    for label, values in (
        ("packages", packages),
        ("in the base image", source.provided),
        ("variables", source.env or ()),
        ("secrets", source.secrets),
        ("files", source.files),
        ("platforms", source.platforms),
    ):
        if values:
            yield label, joined((element("code", value) for value in values), ", ")


def _row(kind: str, key: str, one: Any, default: str) -> tuple[object, ...]:
    from fairing_kfp.display.html import element

    return kind, element("b", key), element("code", _type(one)), element("code", default), one.description or ""


def _type(one: Any) -> str:
    return f"list[{shown_type(one.type)}]" if one.is_artifact_list else shown_type(one.type)


def _default(one: Any) -> str:
    if not one.optional:
        return ""
    text = repr(one.default)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _input(key: str, one: Any) -> str:
    return f"{key}: {_type(one)}" + (f" = {_default(one)}" if one.optional else "")


def _taken(kind: Any) -> str:
    return ".".join(f"{module}.{name}" for module, name in kind.items()) if isinstance(kind, Mapping) else str(kind)
