"""Running a pipeline here: the graph is walked as KFP's driver does, and each step runs from the layers to push."""
