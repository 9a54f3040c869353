"""How `matte` and `costume` are trained, exported and measured. Nothing here is needed at run time."""
