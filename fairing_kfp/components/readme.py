"""`README.md` of a component, with the sections of KFP's catalogue of components."""

from __future__ import annotations

import json
from collections.abc import Iterable

from fairing_kfp.components.declaration import Input, Output, ReusableComponent
from fairing_kfp.components.kinds import ARTIFACTS, PARAMETERS

_README = """\
# {name}

## Overview

{description}

{details}

## Inputs

| name | type | default | description |
| --- | --- | --- | --- |
{inputs}

## Outputs

| name | type | description |
| --- | --- | --- |
{outputs}

## Usage

The step runs in the image of fairing-kfp. `fairing-kfp compile` fills in its digest. `fairing-kfp components publish`
writes copies of these files with the digest, which any pipeline can load by kfp alone:

```python
from kfp.components import load_component_from_file

{identifier} = load_component_from_file("components/{folder}/component.yaml")
```

With fairing-kfp installed, import it:

```python
from fairing_kfp.components import {identifier}
```

[example_pipeline.py](example_pipeline.py) is a whole pipeline. {forms}

## Metadata

| | |
| --- | --- |
| name in KFP | `{name}` |
| category | {category} |
| stability | alpha |
| needs | {needs} |
| tags | {tags} |
"""

_FORMS = """\
`component.py` is the same component in Python, with kfp
as its only dependency; `classic.yaml` is the same in the older format that Elyra reads."""
_LOADED = """\
`component.py` loads `component.yaml`, with kfp as its
only dependency. Settings of the task, which KFP passes to the step, need this form."""


def readme(component: ReusableComponent) -> str:
    """The text of the README.

    Args:
        component: the declaration.
    """
    return _README.format(
        name=component.name,
        identifier=component.identifier,
        folder=component.folder,
        category=component.category,
        description=component.description,
        details=component.details.strip(),
        inputs=_rows((one.name, _type(one), _default(one), one.description) for one in component.inputs),
        outputs=_rows((one.name, _type(one), one.description) for one in component.all_outputs),
        forms=_LOADED if component.task_settings else _FORMS,
        needs=", ".join(("Kubeflow Pipelines 2.17 or later", *component.needs)),
        tags=", ".join(component.tags),
    )


def _rows(rows: Iterable[tuple[str, ...]]) -> str:
    return "\n".join(f"| `{name}` | {' | '.join(rest)} |" for name, *rest in rows)


def _type(one: Input | Output) -> str:
    return ARTIFACTS[one.kind] if one.is_artifact else PARAMETERS[one.kind].shown


def _default(one: Input) -> str:
    if one.is_required:
        return "required"
    if one.default in (None, "", [], {}):
        return "none"
    return f"`{one.default if one.kind == 'str' else json.dumps(one.default)}`"
