"""`fairing-kfp completion`: scripts with which shells complete commands, options, files and names."""

from __future__ import annotations

import os

import click
from click.shell_completion import (
    BashComplete,
    ZshComplete,
    add_completion_class,
    get_completion_class,
    split_arg_string,
)

VARIABLE = "_FAIRING_KFP_COMPLETE"
"""The environment variable by which a shell asks for completions."""

_SHELLS = ("bash", "fish", "zsh")
_BASH = """\
%(complete_func)s() {
    local IFS=$'\\n'
    COMPREPLY=($(COMP_WORDS="${COMP_LINE:0:COMP_POINT}" COMP_WORDBREAKS="$COMP_WORDBREAKS" \
%(complete_var)s=bash_complete "$1" 2>/dev/null))
    if [[ ${COMPREPLY[0]} == *= ]]; then compopt -o nospace 2>/dev/null; fi
}
complete -o default -o nosort -F %(complete_func)s %(prog_name)s 2>/dev/null ||
    complete -o default -F %(complete_func)s %(prog_name)s
"""
_ZSH = """\
#compdef %(prog_name)s

%(complete_func)s() {
    local -a names parameters described
    local type name about
    for type name about in "${(@f)$(COMP_WORDS="${words[*]}" COMP_CWORD=$((CURRENT - 1)) \
%(complete_var)s=zsh_complete %(prog_name)s 2>/dev/null)}"; do
        if [[ $type == dir ]]; then _path_files -/
        elif [[ $type == file ]]; then _path_files
        elif [[ $name == *= ]]; then parameters+=("$name")
        elif [[ $about == _ ]]; then names+=("$name")
        elif [[ $type == plain ]]; then described+=("$name:$about")
        fi
    done
    (( $#described )) && _describe -V unsorted described -U
    (( $#names )) && compadd -U -V unsorted -a names
    (( $#parameters )) && compadd -U -S '' -a parameters  # a value follows without a space
    return 0
}

if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    %(complete_func)s "$@"
else
    compdef %(complete_func)s %(prog_name)s
fi
"""


@add_completion_class
class _Bash(BashComplete):
    """Completion in bash, whose words end at `:` and `=`, too; where nothing is found, bash completes files."""

    source_template = _BASH

    def source(self) -> str:
        return self.source_template % self.source_vars()

    def get_completion_args(self) -> tuple[list[str], str]:
        line = os.environ["COMP_WORDS"]
        words = split_arg_string(line)
        return (words[1:], "") if not line or line[-1].isspace() else (words[1:-1], words[-1])

    def complete(self) -> str:
        arguments, incomplete = self.get_completion_args()
        items = self.get_completions(arguments, incomplete)
        value = incomplete.partition("=")[2] if incomplete.startswith("-") else incomplete
        breaks = set(":=") & set(os.environ.get("COMP_WORDBREAKS", ""))
        start = max((value.rfind(one) + 1 for one in breaks), default=0)
        return "\n".join(item.value[start:] for item in items if item.type == "plain")


@add_completion_class
class _Zsh(ZshComplete):
    """Completion in zsh."""

    source_template = _ZSH


@click.command()
@click.argument("shell", type=click.Choice(_SHELLS), metavar="SHELL")
@click.pass_context
def command(context: click.Context, shell: str) -> None:
    """Print the completion script of a shell: bash, zsh or fish.

    It completes commands, options, files with pipelines, the names of pipelines
    and their parameters, and local runs and their tasks.

    \b
    bash: echo 'source <(fairing-kfp completion bash)' >> ~/.bashrc
    zsh:  echo 'source <(fairing-kfp completion zsh)' >> ~/.zshrc
    fish: fairing-kfp completion fish >~/.config/fish/completions/fairing-kfp.fish

    \b
    Example: fairing-kfp completion bash
    """
    made = get_completion_class(shell)
    if made is not None:
        click.echo(made(context.find_root().command, {}, "fairing-kfp", VARIABLE).source(), nl=False)
