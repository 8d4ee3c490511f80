"""A module beside scripts; other folders have one of the same name."""

WHERE = "beside the script"
