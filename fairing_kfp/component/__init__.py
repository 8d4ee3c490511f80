"""Components: from a function, class, script or notebook to a KFP component, without writing or sending anything."""
