"""The arguments of a script as inputs and outputs of a component: those that were read, and those that are declared."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from fairing_kfp.errors import ComponentError
from fairing_kfp.preprocess.arguments.reading import Argument, Reading, form_of, identifier, typed
from fairing_kfp.runtime.command_line import LITERAL, VALUE, CommandLine, Spelling

_KINDS = (str, int, float, bool, list, dict)


@dataclass(frozen=True)
class Inputs:
    """What a script takes and gives.

    Attributes:
        parameters: the inputs and outputs, for KFP.
        line: how their values become the command line.
        outputs: each output's name, how its user writes it, and its KFP type where it is a parameter.
        doc: what is said of them, for KFP's descriptions.
        warnings: sentences for the author.
    """

    parameters: tuple[inspect.Parameter, ...]
    line: CommandLine
    outputs: tuple[tuple[str, str, str], ...] = ()
    doc: str = ""
    warnings: tuple[str, ...] = ()

    @property
    def annotations(self) -> dict[str, Any]:
        """The types of the inputs and outputs by their names."""
        return {parameter.name: parameter.annotation for parameter in self.parameters}


def inputs_of(reading: Reading, declared: Mapping[str, Any], filename: str) -> Inputs:
    """Joins what was read of a script and what its author declares.

    Args:
        reading: what was read.
        declared: for arguments as they are written on the command line, or as inputs are named: a type, an annotation
            of KFP's, or a default.
        filename: what the script is called in messages.

    Raises:
        ComponentError: an argument is unknown, has a sub-command's choice to make first, or cannot be read and is
            wanted.
    """
    if reading.commands and not reading.command:
        raise ComponentError(
            f"{filename} has sub-commands: {', '.join(reading.commands)}",
            f'say which one the step runs: command="{reading.commands[0]}"',
        )
    read = (*reading.arguments, *reading.of_command)
    known = {alias: argument for argument in read for alias in _aliases(argument)}
    new = {key: value for key, value in declared.items() if key not in known}
    if new and not (reading.is_open or reading.unread):
        raise ComponentError(
            f"{filename} has no argument {next(iter(new))!r}",
            f"it has: {', '.join(argument.shown for argument in read)}" if read else "it has none",
        )
    wanted = [unread for unread in reading.unread if unread.required]
    if len(wanted) > len(new):
        raise ComponentError(
            f"{filename}, line {wanted[0].line}: the script wants {wanted[0].what}, which cannot be read from its text",
            'declare it as it is written on the command line: arguments={"--name": int}, or a default in place of int',
        )
    given = {known[key].name: value for key, value in declared.items() if key in known}
    outer = [_Made.of(argument, given, filename) for argument in reading.arguments]
    inner = [_Made.of(argument, given, filename) for argument in reading.of_command]
    inner += [_Made.declared(_new(key, value), value, filename) for key, value in new.items()]
    if not reading.command:
        outer, inner = [*outer, *inner], []
    made = [*outer, *inner]
    names = [one.argument.name for one in made]
    for name in names:
        if names.count(name) > 1:
            raise ComponentError(f"{filename} has two arguments that are both the input {name!r}", "rename one")
    return Inputs(
        tuple(one.parameter for one in made),
        CommandLine(_named(outer), reading.command, _named(inner), reading.dashes),
        tuple((one.argument.name, one.argument.shown, kind) for one in made if (kind := one.output) is not None),
        "\n".join(f"    {one.argument.name}: {one.argument.help}" for one in made if one.argument.help),
        tuple(
            f"{filename}{f', line {unread.line}' if unread.line else ''}: {unread.what}, cannot be read from the text "
            f"and stays as the script has it; declare it in arguments= if the step shall set it"
            for unread in reading.unread
            if not new
        ),
    )


@dataclass(frozen=True)
class _Made:
    """An argument with its annotation and default as KFP is told."""

    argument: Argument
    annotation: Any
    default: Any = inspect.Parameter.empty

    @classmethod
    def of(cls, argument: Argument, given: Mapping[str, Any], filename: str) -> _Made:
        """An argument that was read, as its author declares it where he does."""
        if argument.name in given:
            return cls.declared(argument, given[argument.name], filename)
        if argument.required:
            return cls(argument, argument.kind)
        if argument.spelling.known and argument.default is not None:
            return cls(argument, argument.kind, argument.default)
        return cls(argument, typing.Optional[argument.kind], None)  # noqa: UP045 - KFP does not know `X | None`

    @classmethod
    def declared(cls, argument: Argument, value: Any, filename: str) -> _Made:
        """An argument whose type, annotation or default its author gives."""
        if not is_annotation(value):
            fits, default = typed(argument.kind, value)
            if not fits:
                raise ComponentError(
                    f"arguments= of {filename} gives {argument.shown} the default {value!r}, "
                    f"but it is of type {argument.kind.__name__}",
                    "give a default of that type, or a type or an annotation of KFP's such as dsl.Output[dsl.Model]",
                )
            return cls(argument, argument.kind, default)
        kind = _kind(value)
        spelling = argument.spelling
        if kind is not argument.kind and spelling.form != LITERAL:
            spelling = replace(spelling, flag=spelling.flag or spelling.off, off="", form=form_of(kind), known=False)
        none = type(None) in typing.get_args(value)
        return cls(replace(argument, kind=kind, spelling=spelling), value, None if none else inspect.Parameter.empty)

    @property
    def parameter(self) -> inspect.Parameter:
        return inspect.Parameter(
            self.argument.name, inspect.Parameter.KEYWORD_ONLY, default=self.default, annotation=self.annotation
        )

    @property
    def output(self) -> str | None:
        """None for an input; for an output the KFP type if it is a parameter, else nothing."""
        from kfp.dsl.types import type_annotations

        if isinstance(self.annotation, type_annotations.OutputPath):
            kind = self.annotation.type
            return {int: "NUMBER_INTEGER", float: "NUMBER_DOUBLE"}.get(kind, "") if isinstance(kind, type) else ""
        return "" if type_annotations.is_artifact_wrapped_in_Output(self.annotation) else None


def is_annotation(value: Any) -> bool:
    """Whether a value of `arguments=` is a type or an annotation, and not a default."""
    return isinstance(value, (type, types.UnionType)) or not isinstance(value, (*_KINDS, type(None)))


def kind_of_declared(value: Any) -> type:
    """The kind of value that an argument takes by what `arguments=` says of it."""
    return _kind(value) if is_annotation(value) else type(value)


def _aliases(argument: Argument) -> set[str]:
    spelling = argument.spelling
    return {alias for alias in (argument.name, spelling.flag, spelling.off) if alias}


def _named(made: list[_Made]) -> tuple[tuple[str, Spelling], ...]:
    return tuple((one.argument.name, one.argument.spelling) for one in made)


def _new(key: str, value: Any) -> Argument:
    """An argument that was not read: flag and value are two words, as any parser takes them."""
    kind = kind_of_declared(value)
    spelling = Spelling(
        key if key.startswith("-") else "", form_of(kind) if key.startswith("-") else VALUE, joined=False
    )
    return Argument(identifier(key), kind, spelling)


def _kind(annotation: Any) -> type:
    """The kind of value that an annotation takes: a path is text."""
    rest = [part for part in typing.get_args(annotation) if part is not type(None)]
    if typing.get_origin(annotation) in (typing.Union, types.UnionType) and len(rest) == 1:
        return _kind(rest[0])
    if hasattr(annotation, "__metadata__"):  # dsl.Input[…] and dsl.Output[…]
        return list if typing.get_origin(annotation.__origin__) is list else str
    plain = typing.get_origin(annotation) or annotation
    return plain if plain in _KINDS else str
