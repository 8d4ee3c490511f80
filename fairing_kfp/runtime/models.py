"""Pydantic models as values. The class of the model validates and serializes them, so nothing is imported here."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from typing import Any

from .results import json_value
from .value_types import Place, ValueType, WrongValueError


@dataclass(frozen=True)
class Model(ValueType):
    """A type of pydantic 2 models.

    Attributes:
        cls: the class of the model.
    """

    cls: Any
    kind: type = dict

    @property
    def expected(self) -> str:  # type: ignore[override]
        """Description of valid values, for messages."""
        return f"a {self.cls.__name__} ({', '.join(self.cls.model_fields)})"

    def _encode(self, value: Any, at: Place) -> Any:
        if type(value) is self.cls:
            return self._serialize(value, at)
        if _has_open(value, at):
            return value
        return self._serialize(self.decode(json_value(value, at.text), at), at)

    def _serialize(self, model: Any, at: Place) -> Any:
        """A model as JSON, without None where it is the default, since KFP's compiler drops None in a struct."""
        for without_none in (True, False):
            document = model.model_dump(mode="json", by_alias=True, round_trip=True, exclude_none=without_none)
            document = json_value(document, at.text)
            with contextlib.suppress(WrongValueError):
                if self.decode(document, at).model_dump() == model.model_dump():
                    return document
        raise at.wrong(
            model, "equal to the model rebuilt from its JSON", "its JSON does not contain the whole value of a field"
        )

    def decode(self, value: Any, at: Place) -> Any:
        """The value for its JSON; see `ValueType.decode`."""
        try:
            return self.cls.model_validate_json(json.dumps(value))
        except ValueError as error:  # including pydantic's ValidationError
            raise at.wrong(value, self.expected, _summary(error)) from error


def _has_open(value: Any, at: Place) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else ()
    return at.is_open(value) or any(_has_open(one, at) for one in inner)


def _summary(error: Any) -> str:
    """The invalid fields, in one line."""
    if not hasattr(error, "errors"):
        return str(error)
    return "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}".removeprefix(": ") for one in error.errors())
