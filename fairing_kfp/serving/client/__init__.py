"""Client of the model server."""
