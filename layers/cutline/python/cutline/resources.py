"""Where the repository's files that are no part of the package lie: networks, template, functions."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
# A wheel holds them inside the package, in the repository's own order (pyproject.toml, cutline.stack).
_IN_WHEEL = _PACKAGE / "stack"


def stack_dir() -> Path:
    """The folder of template.yaml, functions/ and layers/: inside an installed package, else the repository's root.

    Commands and the library alone ask for it: a Lambda function's environment names what it needs.
    """
    return _IN_WHEEL if _IN_WHEEL.is_dir() else _PACKAGE.parents[3]


def is_installed() -> bool:
    """Whether the package lies in an environment of its own, away from the repository."""
    return _IN_WHEEL.is_dir()


def models_dir() -> Path:
    """The folder of the networks and their models.toml."""
    return stack_dir() / "layers" / "model"
