"""The result of a comparison."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Verdict = Literal["added", "removed", "changed", "same", "unknown"]
"""What became of a step; `unknown` if its images cannot be compared, and nothing else changed."""

Reuse = Literal["no", "maybe", "yes"]
"""Whether KFP can answer the new step from outputs of the old one: `maybe` depends on values of other steps."""


@dataclass(frozen=True)
class Cause:
    """Why an image changed.

    Attributes:
        kind: `function`, `class`, `global`, `closure`, `default`, `annotation`, `attribute`, `argument`, `type`,
            `file`, `package`, `base`, `layer`, `setting`, `platform` or `unknown`.
        text: a sentence, such as `the global RATE: 0.1 → 0.2`.
        layer: the layer; empty if it is no layer's.
        details: further sentences, or changed lines of source with `-` or `+` before them.
    """

    kind: str
    text: str
    layer: str = ""
    details: tuple[str, ...] = ()


@dataclass(frozen=True)
class Change:
    """A change of a step, or of the whole pipeline.

    Attributes:
        kind: `image`, `command`, `arguments`, `input`, `output`, `volume`, `caching`, `pipeline`, `environment`,
            `resources`, `kubernetes`, `retry`, `order` or `condition`.
        text: a sentence.
        in_cache_key: whether it changes the key by which KFP looks up earlier outputs.
        causes: of an image, what made it change; empty if that is unknown.
        old: the old image; empty for another kind, or if its name is unknown.
        new: likewise, the new image.
    """

    kind: str
    text: str
    in_cache_key: bool
    causes: tuple[Cause, ...] = ()
    old: str = ""
    new: str = ""


@dataclass(frozen=True)
class StepDiff:
    """The comparison of a step.

    Attributes:
        name: its name in the pipeline.
        verdict: what became of it.
        changes: its changes; those that change its cache key first.
        reuse: whether KFP can reuse the outputs of the old step.
        why: why not, or why maybe, in a sentence; empty if its own changes say so.
    """

    name: str
    verdict: Verdict
    changes: tuple[Change, ...] = ()
    reuse: Reuse = "yes"
    why: str = ""


@dataclass(frozen=True)
class PipelineDiff:
    """The comparison of two pipelines.

    Attributes:
        old: the old pipeline, as it was named.
        new: the new pipeline.
        changes: changes of the whole pipeline.
        steps: its steps, in the order of the graph.
        missing: what could not be read, a sentence each.
    """

    old: str
    new: str
    changes: tuple[Change, ...]
    steps: tuple[StepDiff, ...]
    missing: tuple[str, ...] = ()

    @property
    def differs(self) -> bool:
        """Whether any step, or the whole pipeline, changed."""
        return bool(self.changes) or any(step.verdict not in ("same", "unknown") for step in self.steps)

    @property
    def is_complete(self) -> bool:
        """Whether everything could be compared."""
        return not any(step.verdict == "unknown" for step in self.steps)

    @property
    def by_name(self) -> Mapping[str, StepDiff]:
        """The steps by name."""
        return {step.name: step for step in reversed(self.steps)}  # a step that moved may have left its name
