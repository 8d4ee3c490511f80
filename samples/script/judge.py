"""Says whether a line is good enough; fails if it is not.

python judge.py line.json 0.5
"""

import json
import sys
from pathlib import Path

from line import Line

model, scores, limit = sys.argv[1], Path(__file__).with_name("hours.csv"), float(sys.argv[2])
line = Line(**json.loads(Path(model).read_text()))
rows = [row.split(",") for row in scores.read_text().splitlines()[1:]]
points = [(float(hours), float(score)) for hours, score in rows]
print(f"the line starts at {line.start:.2f} and rises by {line.slope:.2f}")
sys.exit(0 if line.error(points) < limit else f"its error is {line.error(points):.3f}, above {limit}")
