"""Files that are packed with a component: selection, ignore files, and paths in the image."""
