"""Made-up credentials and innocent look-alikes, each in a file, to measure what the gate finds and refuses.

All are made when they are asked for, from recipes and a seeded generator: no scanner of this repository sees a whole
token, and none was ever issued.
"""
