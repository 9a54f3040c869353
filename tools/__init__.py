"""Programs that measure: speed, load, faults, hostile files, and what ships. `make help` lists them."""
