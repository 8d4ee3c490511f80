"""Predictors: their server and its clients, and the step that deploys them and waits for them."""
