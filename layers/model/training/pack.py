"""Writes the training set into shards: `python -m training.pack --data DIR [--data DIR ...] --out DIR`.

A shard is a zip of at most `--max-mb` with a manifest of its own, the pictures squashed to the size at which training
keeps them and stored lossily; `training.train --data OUT` reads shards as it reads folders. Whole shards that are there
already are kept, so an interrupted run goes on where it stopped.
"""

from __future__ import annotations

import argparse
import csv
import io
import zipfile
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import numpy as np
from PIL import Image

from training.manifest import MANIFEST, SHARD_SUFFIX, Row, data_folders, read_manifests
from training.plan import Plan
from training.targets import read_cut_out, read_square

PICTURE_QUALITY = 88
TEACHER_QUALITY = 90
MEBIBYTE = 1 << 20
COLUMNS = [field.name for field in fields(Row) if field.name != "home"]


def encoded(pixels: np.ndarray, form: str, quality: int = 0) -> bytes:
    """Encode `pixels` as a WebP of `quality`, or as a PNG."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, form, **({"quality": quality} if quality else {"optimize": True}))
    return buffer.getvalue()


def packed_files(row: Row, size: int) -> dict[str, bytes]:
    """The row's files, by their names in the folder, squashed to `size` px; masks and classes without loss."""
    if row.folder == "rgba":
        return {row.file: encoded(read_cut_out(row.open(row.file), size), "WEBP", PICTURE_QUALITY)}
    files = {row.file: encoded(read_square(row.open(row.file), "RGB", size), "WEBP", PICTURE_QUALITY)}
    if row.mask:
        files[row.mask] = encoded(read_square(row.open(row.mask), "L", size), "PNG")
    if row.labels:
        files[row.labels] = encoded(read_square(row.open(row.labels), "L", size, smooth=False), "PNG")
    if row.teacher:
        files[row.teacher] = encoded(read_square(row.open(row.teacher), "L", size), "WEBP", TEACHER_QUALITY)
    return files


def write_shard(path: Path, rows: list[Row], files: dict[str, bytes]) -> None:
    """Write one shard, complete or not at all."""
    text = io.StringIO(newline="")
    table = csv.DictWriter(text, COLUMNS)
    table.writeheader()
    table.writerows({name: getattr(row, name) for name in COLUMNS} for row in rows)
    partial = path.with_suffix(".partial")
    with zipfile.ZipFile(partial, "w", zipfile.ZIP_STORED) as shard:
        shard.writestr(MANIFEST, text.getvalue())
        for name, content in files.items():
            shard.writestr(name, content)
    partial.replace(path)


def shards(rows: list[Row], size: int, max_bytes: int) -> Iterator[tuple[list[Row], dict[str, bytes]]]:
    """Yield the rows and their files in shards of at most `max_bytes`."""
    members: list[Row] = []
    held: dict[str, bytes] = {}
    for row in rows:
        files = packed_files(row, size)
        if members and sum(map(len, held.values())) + sum(map(len, files.values())) > max_bytes:
            yield members, held
            members, held = [], {}
        members.append(row)
        held.update(files)
    if members:
        yield members, held


def main() -> None:
    """Packs what is not packed yet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", action="append", help="folder with manifest.csv (repeatable; default: $CUTLINE_DATA)")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--size", type=int, default=Plan.stored)
    parser.add_argument("--max-mb", type=float, default=44)
    parser.add_argument("--limit", type=int, help="every n-th row only")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    rows = [row for row in read_manifests(data_folders(given.data)) if row.folder != "stamps"][:: given.limit or 1]
    there = sorted(given.out.glob(f"*{SHARD_SUFFIX}"))
    packed = {row.file for row in read_manifests(there)}
    left = [row for row in rows if row.file not in packed and (row.teacher or row.split != "label")]
    for number, (members, files) in enumerate(shards(left, given.size, int(given.max_mb * MEBIBYTE)), len(there)):
        path = given.out / f"shard-{number:03d}{SHARD_SUFFIX}"
        write_shard(path, members, files)
        print(f"{path.name}: {len(members)} rows, {path.stat().st_size / MEBIBYTE:.1f} MiB", flush=True)


if __name__ == "__main__":
    main()
