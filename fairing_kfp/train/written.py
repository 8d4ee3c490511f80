"""Orders as text: how they travel in the arguments of a step."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TypeVar, cast

from fairing_kfp.errors import ConfigError

if TYPE_CHECKING:
    T = TypeVar("T", bound="Written")


class Written:
    """A dataclass that is written as JSON and read again."""

    def text(self) -> str:
        """The order as JSON; the same order is the same text, as KFP's cache compares it."""
        return json.dumps(asdict(cast(Any, self)), sort_keys=True, separators=(",", ":"))

    @classmethod
    def parse(cls: type[T], text: str) -> T:
        """The order that `text` gave.

        Raises:
            ConfigError: it is none.
        """
        try:
            return cls(**json.loads(text))
        except (ValueError, TypeError) as error:
            raise ConfigError(
                f"the order of the train step cannot be read: {error}", "compile the pipeline anew"
            ) from error
