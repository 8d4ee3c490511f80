"""The folder that a script or notebook runs in: its own files where it expects them, and room to write."""

from __future__ import annotations

import os
import tempfile


def working_folder(files: str) -> str:
    """A fresh mirror of a folder: real folders, in which the files are symbolic links.

    Args:
        files: the folder in the image; it may be missing, then the mirror is empty.

    Returns:
        The mirror; where nothing can be written at all, the folder itself.
    """
    try:
        made = os.path.realpath(tempfile.mkdtemp(prefix="work-"))
    except OSError:
        return files
    for folder, folders, names in os.walk(files):
        place = os.path.normpath(os.path.join(made, os.path.relpath(folder, files)))
        for name in folders:
            os.mkdir(os.path.join(place, name))
        for name in names:
            os.symlink(os.path.join(folder, name), os.path.join(place, name))
    return made
