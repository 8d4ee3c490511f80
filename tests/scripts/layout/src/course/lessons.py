LESSONS = ["one", "two"]
