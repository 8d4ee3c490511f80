# -*- coding: latin-1 -*-
"""In an old encoding, without arguments."""
import json
import sys

WORD = "grün"
print(json.dumps({"word": WORD, "arguments": sys.argv[1:]}))
