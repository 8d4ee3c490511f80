"""Specs of our own steps, as JSON in the arguments of a step."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import MISSING, Field, asdict, fields
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, cast

from fairing_kfp.errors import ConfigError

if TYPE_CHECKING:
    T = TypeVar("T", bound="JsonSpec")

OPTION = "--order"
"""Argument that precedes a spec. Pinned images of earlier releases expect this name."""

OMIT_DEFAULT = {"omit_default": True}
"""Metadata of a field that is written only if its value differs from the default."""


class JsonSpec:
    """Base class of dataclasses that are written as JSON by the compiler and parsed by a step.

    Equal specs have equal text, since KFP's cache compares it.
    """

    _step: ClassVar[str]
    _omits_defaults: ClassVar[bool] = False

    def text(self) -> str:
        """The spec as JSON, without `{{`, which KFP and Argo would take for a placeholder."""
        values = asdict(cast(Any, self))
        values = {one.name: values[one.name] for one in fields(cast(Any, self)) if not self._is_omitted(one)}
        # Two braces in a row occur within JSON strings only.
        return json.dumps(values, sort_keys=True, separators=(",", ":")).replace("{{", "{\\u007b")

    @classmethod
    def parse(cls: type[T], text: str) -> T:
        """Parses what `text` wrote.

        Raises:
            ConfigError: the text is malformed, or from another release.
        """
        try:
            return cls(**cls._from_json(json.loads(text)))
        except (ValueError, TypeError, AttributeError) as error:
            raise ConfigError(
                f"the spec of the {cls._step} step cannot be parsed: {error}", "compile the pipeline again"
            ) from error

    @classmethod
    def _from_json(cls, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """Restores the types that JSON does not have."""
        return values

    def _is_omitted(self, one: Field[Any]) -> bool:
        if not (self._omits_defaults or one.metadata.get("omit_default")):
            return False
        default = one.default_factory() if one.default_factory is not MISSING else one.default
        return bool(getattr(self, one.name) == default)
