"""The bars that measurements are held against, and the load under which times were taken."""

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Bar:
    """`limit` in `unit`; a measured value passes at or below it, or at or above it where `least`."""

    name: str
    limit: float
    unit: str
    least: bool = False

    def verdict(self, measured: float) -> str:
        """One line: what, measured value, bar, pass or FAIL."""
        passed = measured >= self.limit if self.least else measured <= self.limit
        sign, word = (">=" if self.least else "<="), ("pass" if passed else "FAIL")
        return f"bar: {self.name:58}{measured:9.4g} {self.unit:4} {sign} {self.limit:g} {self.unit:5}{word}"


def load_line() -> str:
    """The machine's state, to be read with every wall time."""
    return f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} CPUs; wall times grow with the load, CPU times hardly"
