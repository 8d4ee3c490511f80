"""Arguments of a script, read or declared → inputs and outputs of a component."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Mapping
from dataclasses import field, replace
from typing import Any

from fairing_kfp.errors import ComponentError
from fairing_kfp.frozen import dataclass
from fairing_kfp.preprocess.arguments.argument import Argument, Manner, ScriptArguments, convert, identifier
from fairing_kfp.preprocess.arguments.declared import plain_arguments
from fairing_kfp.preprocess.arguments.folders import expects_folder
from fairing_kfp.runtime.command_line import LITERAL, OVERRIDE, SWITCH, TRUTH, VALUE, CommandLine, Spelling
from fairing_kfp.runtime.container_types import Listing
from fairing_kfp.runtime.script import FOLDER
from fairing_kfp.runtime.value_types import Nullable, OneOf, ValueType

_KINDS = (str, int, float, bool, list, dict)


@dataclass(frozen=True)
class Inputs:
    """The inputs and outputs of a script.

    Attributes:
        parameters: its signature in KFP.
        line: makes the command line from their values.
        outputs: for each output its name, its argument, and its KFP type; the type is empty for artifacts and strings.
        doc: their descriptions, as lines of a docstring.
        warnings: warnings for the author.
        types: types of inputs that KFP does not read itself.
    """

    parameters: tuple[inspect.Parameter, ...]
    line: CommandLine
    outputs: tuple[tuple[str, str, str], ...] = ()
    doc: str = ""
    warnings: tuple[str, ...] = ()
    types: Mapping[str, ValueType] = field(default_factory=dict)

    @property
    def annotations(self) -> dict[str, Any]:
        """The annotations by name."""
        return {parameter.name: parameter.annotation for parameter in self.parameters}


def inputs_of(read: ScriptArguments, declared: Mapping[str, Any], filename: str) -> Inputs:
    """Merges the arguments read from a script with those that its author declares.

    Args:
        read: the arguments of the script.
        declared: by name on the command line or input name, a type, a KFP annotation or a default.
        filename: the script's name, for messages.

    Raises:
        ComponentError: an argument is unknown, a required one can neither be read nor is declared, or the script has
            sub-commands and none is selected.
    """
    if read.commands and not read.levels and read.needs_command:
        raise ComponentError(
            f"{filename} has sub-commands: {', '.join(read.commands)}",
            f'select the one that the step runs: command="{read.commands[0]}"',
        )
    folders = {key[:-1] for key in declared if key.endswith("/")}
    declared = {key.removesuffix("/"): value for key, value in declared.items()}
    arguments = (*read.arguments, *read.command_arguments)
    declared, typed = plain_arguments(declared, filename)
    known = {alias: argument for argument in arguments for alias in _aliases(argument)}
    new = {key: value for key, value in declared.items() if key not in known}
    if new and not (read.accepts_more or read.unread):
        raise ComponentError(
            f"{filename} has no argument {next(iter(new))!r}",
            f"use one of {', '.join(argument.shown for argument in arguments)}" if arguments else "omit it",
        )
    required = [unread for unread in read.unread if unread.required]
    if len(required) > len(new):
        raise ComponentError(
            f"{filename}, line {required[0].line}: cannot read a required argument: {required[0].what}",
            'declare it by its name on the command line: arguments={"--name": int}, with a type or a default',
        )
    overrides = {known[key].name: value for key, value in declared.items() if key in known}
    levels = [
        (word, [_TypedArgument.of(argument, overrides, filename, read.manner) for argument in there])
        for word, there in [("", read.arguments), *((level.word, level.arguments) for level in read.levels)]
    ]
    levels[-1][1].extend(
        _TypedArgument.declared(_new(key, value, read.manner), value, filename, read.manner)
        for key, value in new.items()
    )
    made = [one for _, there in levels for one in there]
    names = [one.argument.name for one in made]
    for name in names:
        if names.count(name) > 1:
            raise ComponentError(f"{filename} has two arguments for the input {name!r}", "rename one")
    forced = {known[key].name if key in known else identifier(key) for key in folders}
    return Inputs(
        tuple(one.parameter for one in made),
        CommandLine(tuple((word, _named(there)) for word, there in levels if word or there), read.dashes),
        _outputs(made, forced, read, filename),
        "\n".join(f"    {one.argument.name}: {one.argument.help}" for one in made if one.argument.help),
        _warnings(read, filename, any_new=bool(new)),
        {
            **{one.argument.name: kind for one in made if (kind := one.type_of_choices) is not None},
            **{known[key].name if key in known else identifier(key): kind for key, kind in typed.items()},
        },
    )


def _outputs(
    made: list[_TypedArgument], folders: set[str], read: ScriptArguments, filename: str
) -> tuple[tuple[str, str, str], ...]:
    """The outputs; those whose folder the script expects are of the kind `FOLDER`."""
    found = []
    for one in made:
        name, kind = one.argument.name, one.output
        if name in folders and not one.is_artifact:
            raise ComponentError(
                f"arguments= of {filename} makes a folder of {one.argument.shown}, which is not an output artifact",
                "omit the slash at the end of its name, or declare dsl.Output[dsl.Artifact]",
            )
        if kind is not None:
            is_folder = name in folders or (one.is_artifact and expects_folder(read.paths, name))
            found.append((name, one.argument.shown, FOLDER if is_folder else kind))
    return tuple(found)


def _warnings(read: ScriptArguments, filename: str, *, any_new: bool) -> tuple[str, ...]:
    warnings = [
        f"{filename}{f', line {unread.line}' if unread.line else ''}: cannot read an argument: {unread.what}; "
        f"declare it in arguments= if the step should set it"
        for unread in read.unread
        if not any_new
    ]
    if read.commands and not read.levels:
        known = ", ".join(read.commands)
        warnings.append(f"{filename}: the step runs none of its sub-commands ({known}); command= selects one")
    return tuple(warnings)


@dataclass(frozen=True)
class _TypedArgument:
    """An argument with its annotation and default in KFP."""

    argument: Argument
    annotation: Any
    default: Any = inspect.Parameter.empty

    @classmethod
    def of(cls, argument: Argument, overrides: Mapping[str, Any], filename: str, manner: Manner) -> _TypedArgument:
        """An argument read from the script, with the author's declaration if there is one."""
        if argument.name in overrides:
            return cls.declared(argument, overrides[argument.name], filename, manner)
        if argument.required:
            return cls(argument, argument.kind)
        if argument.spelling.known and argument.default is not None:
            return cls(argument, argument.kind, argument.default)
        return cls(argument, typing.Optional[argument.kind], None)  # noqa: UP045 - KFP does not support `X | None`

    @classmethod
    def declared(cls, argument: Argument, value: Any, filename: str, manner: Manner) -> _TypedArgument:
        """An argument with a declared type, annotation or default."""
        if not is_annotation(value):
            fits, default = convert(argument.kind, value)
            if not fits:
                raise ComponentError(
                    f"arguments= of {filename} gives {argument.shown} the default {value!r}, "
                    f"but its type is {argument.kind.__name__}",
                    "give a default of that type, a type, or a KFP annotation such as dsl.Output[dsl.Model]",
                )
            return cls(argument, argument.kind, default)
        kind = _kind(value)
        argument = replace(argument, choices=())
        spelling = argument.spelling
        if kind is not argument.kind and spelling.form not in (LITERAL, OVERRIDE):
            # A bool for an argument with a value is the word for it.
            form = TRUTH if kind is bool and spelling.form != SWITCH else manner.spelling("", kind).form
            spelling = replace(spelling, flag=spelling.flag or spelling.off, off="", form=form, known=False)
        none = type(None) in typing.get_args(value)
        return cls(replace(argument, kind=kind, spelling=spelling), value, None if none else inspect.Parameter.empty)

    @property
    def type_of_choices(self) -> ValueType | None:
        """The type of an argument with choices; None if its declaration or default is another value."""
        choices, kind = self.argument.choices, self.argument.kind
        kinds = {type(one) for one in choices}
        default = self.default if isinstance(self.default, list) else [self.default]
        others = [one for one in default if one not in (*choices, None, inspect.Parameter.empty)]
        if len(kinds) != 1 or kind not in (list, *kinds) or others:
            return None
        item = OneOf(kinds.pop(), tuple((one, one) for one in choices))
        made: ValueType = Listing(item) if kind is list else item
        return Nullable(made) if type(None) in typing.get_args(self.annotation) else made

    @property
    def parameter(self) -> inspect.Parameter:
        return inspect.Parameter(
            self.argument.name, inspect.Parameter.KEYWORD_ONLY, default=self.default, annotation=self.annotation
        )

    @property
    def output(self) -> str | None:
        """None for an input; for an output its KFP type, empty for artifacts and strings."""
        from kfp.dsl.types import type_annotations

        if isinstance(self.annotation, type_annotations.OutputPath):
            kind = self.annotation.type
            return {int: "NUMBER_INTEGER", float: "NUMBER_DOUBLE"}.get(kind, "") if isinstance(kind, type) else ""
        return "" if self.is_artifact else None

    @property
    def is_artifact(self) -> bool:
        """Whether it is an output artifact."""
        from kfp.dsl.types import type_annotations

        return bool(type_annotations.is_artifact_wrapped_in_Output(self.annotation))


def is_annotation(value: Any) -> bool:
    """Whether a value of `arguments=` is a type or an annotation rather than a default."""
    return isinstance(value, (type, types.UnionType)) or not isinstance(value, (*_KINDS, type(None)))


def declared_type(value: Any) -> type:
    """The Python type of a value of `plain_arguments`."""
    return _kind(value) if is_annotation(value) else type(value)


def _aliases(argument: Argument) -> set[str]:
    spelling = argument.spelling
    return {alias for alias in (argument.name, spelling.flag, spelling.off) if alias}


def _named(made: list[_TypedArgument]) -> tuple[tuple[str, Spelling], ...]:
    return tuple((one.argument.name, one.argument.spelling) for one in made)


def _new(key: str, value: Any, manner: Manner) -> Argument:
    """A declared argument that was not read. By default flag and value are two words, which all parsers accept."""
    kind = declared_type(value)
    if key.startswith("-"):
        return Argument(identifier(key), kind, (Manner() if manner.value == OVERRIDE else manner).spelling(key, kind))
    if manner.value == OVERRIDE:
        return Argument(identifier(key), kind, Spelling(key, OVERRIDE))
    return Argument(identifier(key), kind, Spelling(form=VALUE, joined=False))


def _kind(annotation: Any) -> type:
    """The Python type of an annotation's values; paths are strings."""
    rest = [part for part in typing.get_args(annotation) if part is not type(None)]
    if typing.get_origin(annotation) in (typing.Union, types.UnionType) and len(rest) == 1:
        return _kind(rest[0])
    if hasattr(annotation, "__metadata__"):  # dsl.Input[…] and dsl.Output[…]
        return list if typing.get_origin(annotation.__origin__) is list else str
    plain = typing.get_origin(annotation) or annotation
    return plain if plain in _KINDS else str
