"""Commands of any image that has Python, as nodes of a job: the step sends the program that our own images contain."""
