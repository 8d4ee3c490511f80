"""What takes the place of a call of Fairing."""

from __future__ import annotations

from dataclasses import dataclass

SAME = "the same"
REFUSED = "refused"


@dataclass(frozen=True)
class Successor:
    """A call of Fairing, and what takes its place.

    Attributes:
        name: the path of the class, function or module below `kubeflow.fairing`. Also applies to everything below it
            that has no row of its own.
        new: the new way: a call, a setting or a command, with an explanation if needed.
        others: further names with the same successor.
        option: the value of the first argument, if that decides, such as `docker` for `config.set_builder`.
        classic: how the call is written with `fairing_kfp.classic`; `refused` if it raises an error.
        fault: what failed in Fairing 1.0.2.
        now: what happens instead.
    """

    name: str
    new: str
    others: tuple[str, ...] = ()
    option: str = ""
    classic: str = SAME
    fault: str = ""
    now: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """All names."""
        return (self.name, *self.others)

    @property
    def call(self) -> str:
        """The call, such as `config.set_builder("docker")`."""
        return f'{self.name}("{self.option}")' if self.option else self.name
