"""Running a pipeline here: kfp.local walks the graph, and each step runs from the very layers that would be pushed."""
