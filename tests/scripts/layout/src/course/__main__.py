import json

from course.lessons import LESSONS

print(json.dumps({"lessons": LESSONS}))
