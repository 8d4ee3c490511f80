"""Reads files beside it: by the working folder, by its own place, and by where its links lead."""

import json
from pathlib import Path

here = Path(__file__)
print(
    json.dumps(
        {
            "relative": Path("conf/settings.ini").read_text().strip(),
            "beside": (here.parent / "conf" / "settings.ini").read_text().strip(),
            "resolved": (here.resolve().parent / "conf" / "settings.ini").read_text().strip(),
            "listed": sorted(path.name for path in Path("conf").iterdir()),
        }
    )
)
