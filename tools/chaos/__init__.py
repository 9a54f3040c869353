"""Tasks in numbers while things break: `make chaos`, or `python -m tools.chaos --tasks 300 --seed 7`."""
