"""A stand-in for transformers' `HfArgumentParser`, with its command line but without its 500 MB."""

from __future__ import annotations

import argparse
import dataclasses
import enum
import typing
from typing import Any


class HfArgumentParser(argparse.ArgumentParser):
    """Makes options of the fields of dataclasses, as transformers documents it."""

    def __init__(self, dataclass_types: Any, **options: Any) -> None:
        super().__init__(**options)
        self.made = tuple(dataclass_types) if isinstance(dataclass_types, (tuple, list)) else (dataclass_types,)
        for cls in self.made:
            hints = typing.get_type_hints(cls)
            for field in dataclasses.fields(cls):
                if field.init:
                    self._add(field, hints[field.name])

    def _add(self, field: dataclasses.Field[Any], hint: Any) -> None:
        parts = typing.get_args(hint)
        if type(None) in parts and bool not in parts:
            hint = next(part for part in parts if part is not type(None))
        default: Any = field.default
        if field.default_factory is not dataclasses.MISSING:
            default = field.default_factory()
        options: dict[str, Any] = {"required": True} if default is dataclasses.MISSING else {"default": default}
        is_enum = isinstance(hint, type) and issubclass(hint, enum.Enum)
        if typing.get_origin(hint) is typing.Literal or is_enum:
            choices = [one.value for one in hint] if is_enum else list(typing.get_args(hint))
            options.update(choices=choices, type=lambda text: next((c for c in choices if str(c) == text), text))
        elif hint is bool or bool in parts:
            options["type"] = _bool
            if hint is bool or default not in (None, dataclasses.MISSING):
                options = {"type": _bool, "nargs": "?", "const": True}
                options["default"] = False if default is dataclasses.MISSING else default
        elif typing.get_origin(hint) is list:
            options.update(type=typing.get_args(hint)[0], nargs="+")
        else:
            options["type"] = hint
        self.add_argument(f"--{field.name}", *([f"--{field.name.replace('_', '-')}"] * ("_" in field.name)), **options)
        if hint is bool and default is True:
            self.add_argument(f"--no_{field.name}", action="store_false", dest=field.name)

    def parse_args_into_dataclasses(self) -> tuple[Any, ...]:
        """The dataclasses, made of the command line."""
        found = vars(self.parse_args())
        fields = [[field.name for field in dataclasses.fields(cls) if field.init] for cls in self.made]
        return tuple(cls(**{name: found[name] for name in names}) for cls, names in zip(self.made, fields, strict=True))


def _bool(text: str) -> bool:
    known = {
        **dict.fromkeys(("yes", "true", "t", "y", "1"), True),
        **dict.fromkeys(("no", "false", "f", "n", "0"), False),
    }
    if text.lower() not in known:
        raise argparse.ArgumentTypeError(f"{text} is neither true nor false")
    return known[text.lower()]
