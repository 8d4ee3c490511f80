PART = "of a folder without __init__.py"
