"""Local wheels among requirements, such as `./dist/tools-1.0-py3-none-any.whl`: locked by version and hash."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from urllib.parse import unquote

from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from fairing_kfp.errors import DependencyError
from fairing_kfp.frozen import dataclass

_LINE = re.compile(
    r"(?:(?P<name>[A-Za-z0-9][\w.-]*)\s*(?P<extras>\[[^\]]*\])?\s*@\s*)?"
    r"(?P<path>(?:file:)?[^;:@]+?\.whl)(?P<more>\[[^\]]*\])?\s*(?P<marker>;.*)?"
)


@dataclass(frozen=True)
class LocalWheel:
    """A wheel on this machine.

    Attributes:
        name: its canonical name.
        version: its version.
        path: its absolute path.
        digest: `sha256:<hex>` of the file.
        extras: its optional dependencies to include, as `[a,b]`; empty for none.
        marker: the environments that need it, as `; …`; empty for all.
    """

    name: str
    version: str
    path: str
    digest: str
    extras: str = ""
    marker: str = ""

    @property
    def line(self) -> str:
        """The requirement without the path, as other machines have it."""
        return f"{self.name}{self.extras}=={self.version}{self.marker}"

    @property
    def url(self) -> str:
        """The requirement as uv takes it from the file."""
        return f"{self.name}{self.extras} @ {Path(self.path).as_uri()}{self.marker and ' '}{self.marker}"

    def __str__(self) -> str:
        """The file as lock files list it, without the path: `tools @ sha256:…`."""
        return f"{self.name} @ {self.digest}"


def local_wheel(line: str, folder: Path) -> LocalWheel | None:
    """The local wheel that a requirement names; None for other requirements.

    Args:
        line: the requirement.
        folder: the folder that a relative path starts from.

    Raises:
        DependencyError: the file cannot be read, or its name is not that of a wheel or of the required package.
    """
    found = _LINE.fullmatch(line.strip())
    if found is None:
        return None
    place = unquote(re.sub(r"^file:(?://(?:localhost)?(?=/))?", "", found["path"].strip()))
    path = (folder / Path(place).expanduser()).absolute()
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        name, version, _, _ = parse_wheel_filename(path.name)
    except OSError as error:
        raise DependencyError(
            f"the wheel {path} cannot be read: {error.strerror or error}",
            "give a path relative to the file that names it",
        ) from error
    except InvalidWheelFilename as error:
        raise DependencyError(
            f"{path.name} is not the name of a wheel", "keep the name that it was built with"
        ) from error
    wanted = re.sub(r"[-_.]+", "-", found["name"] or name).lower()
    if wanted != name:
        raise DependencyError(f"the wheel {path} is of {name}, not of {wanted}", f"write {name} @ {place}")
    marker = (found["marker"] or "").strip()
    extras = (found["extras"] or found["more"] or "").replace(" ", "")
    return LocalWheel(name, str(version), str(path), f"sha256:{digest}", extras, marker)
