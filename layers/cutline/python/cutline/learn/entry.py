"""A tuned network's entry in a models.toml, next to the others of its folder."""

from __future__ import annotations

import json
import re
from pathlib import Path

from cutline.batch.folders import LocalFolder
from cutline.local_file import read_file
from cutline.pipeline.inference.model_config import MODELS_FILE, ModelEntry

_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")


def read_name(text: str) -> str:
    """Return the name of an entry. Raises ValueError."""
    if not _NAME.fullmatch(text):
        raise ValueError("must be up to 40 lower-case letters, digits and hyphens, and begin with a letter")
    return text


def entry_text(base: ModelEntry, name: str) -> str:
    """Return the entry of NAME.onnx, a network of the same form as `base`; its confidence has to be fitted anew."""
    flags = {key: str(getattr(base, key)).lower() for key in ("flip", "crop", "patches")}
    values = {
        "file": json.dumps(f"{name}.onnx"),
        "licence": json.dumps(base.licence),
        "input": json.dumps(base.input),
        "output": json.dumps(base.output),
        "channels": json.dumps(list(base.channels)),
        "size": str([base.height, base.width]),
        "fit": json.dumps("letterbox" if base.letterbox else "squash"),
        "white": str(base.white),
        "mean": str(list(base.mean)),
        "std": str(list(base.std)),
        "activation": json.dumps(base.activation),
        **flags,
    }
    return f"[{name}]\n" + "".join(f"{key} = {value}\n" for key, value in values.items())


def with_entry(text: str, name: str, entry: str) -> str:
    """Return the text of a models.toml with this entry at its end, in place of one that has its name."""
    kept = re.sub(rf"^\[{re.escape(name)}\]\n(?:(?!\[).*\n?)*", "", text, flags=re.MULTILINE)
    return f"{kept.rstrip()}\n\n{entry}"


def write_network(folder: Path, source: Path, name: str, entry: str, network: bytes) -> None:
    """Write NAME.onnx and its entry; a new folder gets all networks of `source` too. Raises OSError, ValueError.

    models.toml comes last, so that an interruption leaves a folder that is as it was.
    """
    target = LocalFolder(folder)
    if not (folder / MODELS_FILE).is_file():
        for file in sorted(source.glob("*.onnx")):
            target.write(file.name, file.read_bytes())
    home = folder if (folder / MODELS_FILE).is_file() else source
    text = read_file(home / MODELS_FILE).decode()
    target.write(f"{name}.onnx", network)
    target.write(MODELS_FILE, with_entry(text, name, entry).encode())
