"""Predictors and what serves them: the server in their images, and the step that deploys them and waits for them."""
