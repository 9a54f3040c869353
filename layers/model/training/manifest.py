"""The rows of the data folder's manifest.csv, and what each row can teach."""

from __future__ import annotations

import csv
import os
import re
from dataclasses import dataclass
from pathlib import Path

# These subjects may hold people whom no mask marks, so they say nothing about the person map.
PEOPLE_POSSIBLE = re.compile(
    r"horsejump|mixed|coco|^test$|euphonium|saxophone|accordion|wheelchair|inline_skate|umbrella|motorbikes|cellphone"
    r"|headphone|electric_guitar|buddha|ferry|garfield|snoopy|breakdance|bmx|drift|kite|motocross|paragliding"
    r"|parkour|scooter|soapbox|car-shadow|person|cannon|barrel|binocular|camera|joshua_tree|schooner|ketch",
    re.IGNORECASE,
)
# Product codes of studio pictures that show clothes on a model, and of those that may show a model or a bag.
WORN = re.compile(r"mag_(m[hjpst]|w[hjpst]|msh|wsh)\d")
WORN_OR_NOT = re.compile(r"mag_(wb|luma)")
NOBODY = frozenset(
    f"ecssd_{number}"
    for line in (Path(__file__).parent / "nobody.txt").read_text("ascii").splitlines()
    if not line.startswith("#")
    for number in line.split()
)
COCO_SOURCE = re.compile(r"coco|yolov8", re.IGNORECASE)


@dataclass(frozen=True)
class Row:
    """One picture of the data folder; paths are relative to it and empty where there is no such file."""

    file: str
    mask: str
    labels: str
    teacher: str
    kind: str
    quality: str
    subject: str
    source: str
    tier: str
    split: str

    @property
    def folder(self) -> str:
        return self.file.split("/", 1)[0]

    @property
    def stem(self) -> str:
        return Path(self.file).stem

    @property
    def is_scene(self) -> bool:
        """True where a subject stands in surroundings of its own: ECSSD's photographs, COCO's with people."""
        return self.stem.startswith("ecssd_") or (self.folder == "person" and self.stem.startswith("coco_"))

    @property
    def is_portrait(self) -> bool:
        return self.stem.startswith(("port_", "pu_house", "pu_senate", "pu_gov"))

    @property
    def is_person(self) -> bool:
        """True where the foreground is a person and nothing else."""
        return self.folder in ("person", "costume") or WORN.match(self.stem) is not None

    @property
    def knows_person(self) -> bool:
        """True where the person map is known: all of the foreground, or none of it."""
        if self.is_person or self.stem in NOBODY:
            return True
        unsure = COCO_SOURCE.search(self.source) or PEOPLE_POSSIBLE.search(self.subject)
        return not (unsure or WORN_OR_NOT.match(self.stem))

    @property
    def is_exact(self) -> bool:
        """True where the mask is pixel-exact, so that no teacher need mend its edge."""
        return self.quality in ("A", "auto-alpha")


def data_folder(argument: str | None) -> Path:
    """The data folder from the command line or from CUTLINE_DATA. Raises SystemExit where neither names one."""
    folder = argument or os.environ.get("CUTLINE_DATA", "")
    if not folder or not (Path(folder) / "manifest.csv").is_file():
        raise SystemExit("name the folder that holds manifest.csv: --data DIR or CUTLINE_DATA=DIR")
    return Path(folder)


def read_manifest(data: Path) -> list[Row]:
    """Every row of manifest.csv in file order."""
    with (data / "manifest.csv").open(newline="", encoding="utf-8") as handle:
        fields = Row.__dataclass_fields__
        return [Row(**{name: line[name] for name in fields}) for line in csv.DictReader(handle)]


def photograph(row: Row) -> str:
    """A key that every crop, view or cut-out of one photograph shares."""
    number = re.search(r"ccp\w*?_(\d{4})", row.stem)
    return f"ccp{number.group(1)}" if number else row.stem


def split_rows(rows: list[Row]) -> tuple[list[Row], list[Row]]:
    """Training and validation rows; a training row that shows a validation photograph is left out."""
    validation = [row for row in rows if row.split == "val"]
    held_out = {photograph(row) for row in validation}
    train = [row for row in rows if row.split == "train" and photograph(row) not in held_out]
    return train, validation
