"""Recipes of our images: a component's, the runtime layer, the server layer, and our own image."""
