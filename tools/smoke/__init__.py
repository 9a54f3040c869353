"""After a deploy: does everything answer? `make smoke URL=... KEY=...`, or `python -m tools.smoke --help`."""
