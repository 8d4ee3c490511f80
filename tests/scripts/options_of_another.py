"""Has its parser in another module."""

import json

from parsers import parse

print(json.dumps(vars(parse())))
