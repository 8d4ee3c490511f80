"""Cells of one line that are a magic without its `%`: `pip install x`, `cd data`."""

from __future__ import annotations

import re

_NAMES = frozenset(
    re.findall(
        r"\w+",
        "alias alias_magic autocall autoindent automagic autosave bookmark cat cd clear colors conda config cp debug "
        "dhist dirs doctest_mode edit env gui hist history killbgscripts ldir less lf lk ll load load_ext loadpy "
        "logoff logon logstart logstate logstop ls lsmagic lx macro magic mamba man matplotlib micromamba mkdir more "
        "mv notebook page pastebin pdb pdef pdoc pfile pinfo pinfo2 pip popd pprint precision prun psearch psource "
        "pushd pwd pycat pylab quickref recall rehashx reload_ext rep rerun reset reset_selective rm rmdir run save sc "
        "set_env store sx system tb time timeit unalias unload_ext uv who who_ls whos xdel xmode",
    )
)
"""IPython's line magics, and its aliases of shell commands."""
_LINE = re.compile(r"([a-z_]\w*)(?:[ \t]+(?![=,])\S.*)?[ \t]*$")


def automagic(source: str) -> tuple[str, str]:
    """The name of the magic and the cell with its `%`; empty names if a cell is not one line that starts with one.

    A variable of that name hides the magic.

    Args:
        source: the cell's text.
    """
    lines = source.split("\n")
    code = [number for number, line in enumerate(lines) if line.strip() and not line.startswith("#")]
    found = _LINE.match(lines[code[0]]) if len(code) == 1 else None
    if found is None or found[1] not in _NAMES:
        return "", source
    lines[code[0]] = f"%{lines[code[0]]}"
    return found[1], "\n".join(lines)
