"""Models of pydantic as values. The model's own class validates and writes them, so that nothing is imported here."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from typing import Any

from .results import json_value
from .value_types import Place, ValueType, WrongValueError


@dataclass(frozen=True)
class Model(ValueType):
    """A model of pydantic 2.

    Attributes:
        cls: its class.
    """

    cls: Any
    kind: type = dict

    @property
    def expected(self) -> str:  # type: ignore[override]
        """Its values, for messages."""
        return f"a {self.cls.__name__} ({', '.join(self.cls.model_fields)})"

    def _encode(self, value: Any, at: Place) -> Any:
        if type(value) is self.cls:
            return self._written(value, at)
        if _has_open(value, at):
            return value
        return self._written(self.decode(json_value(value, at.text), at), at)

    def _written(self, model: Any, at: Place) -> Any:
        """A model as JSON, without None where that is the default, as KFP's compiler does not pass it in a struct."""
        for without_none in (True, False):
            written = model.model_dump(mode="json", by_alias=True, round_trip=True, exclude_none=without_none)
            written = json_value(written, at.text)
            with contextlib.suppress(WrongValueError):
                if self.decode(written, at).model_dump() == model.model_dump():
                    return written
        raise at.wrong(model, "rebuilt from its JSON as it is", "a field is not written in full")

    def decode(self, value: Any, at: Place) -> Any:
        """The value."""
        try:
            return self.cls.model_validate_json(json.dumps(value))
        except ValueError as error:  # also pydantic's
            raise at.wrong(value, self.expected, _short(error)) from error


def _has_open(value: Any, at: Place) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else ()
    return at.is_open(value) or any(_has_open(one, at) for one in inner)


def _short(error: Any) -> str:
    """The fields that are wrong, in one line."""
    if not hasattr(error, "errors"):
        return str(error)
    return "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}".removeprefix(": ") for one in error.errors())
