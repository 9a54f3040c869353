"""Locations of the repository's files outside the package: networks, template, functions."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
# A wheel holds them inside the package, in the repository's own order (pyproject.toml, cutline.stack).
_IN_WHEEL = _PACKAGE / "stack"


def stack_dir() -> Path:
    """Return the folder of template.yaml, functions/ and layers/: inside an installed package, else the repository.

    Only for commands and the library: Lambda functions get their paths from the environment.
    """
    return _IN_WHEEL if _IN_WHEEL.is_dir() else _PACKAGE.parents[3]


def is_installed() -> bool:
    """Return whether the package is installed, outside the repository."""
    return _IN_WHEEL.is_dir()


def models_dir() -> Path:
    """Return the folder of the networks and their models.toml."""
    return stack_dir() / "layers" / "model"
