"""The rows of the data folder's manifest.csv, and what each row can teach."""

from __future__ import annotations

import csv
import functools
import io
import os
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO

MANIFEST = "manifest.csv"
# Validation rows that no training is steered by: pictures of sources that no training row comes from, and animals.
HELD_OUT_SPLITS = ("foreign", "animals")
SHARD_SUFFIX = ".zip"
# These subjects may hold people whom no mask marks, so they say nothing about the person map.
PEOPLE_POSSIBLE = re.compile(
    r"horsejump|mixed|coco|^test$|euphonium|saxophone|accordion|wheelchair|inline_skate|umbrella|motorbikes|cellphone"
    r"|headphone|electric_guitar|buddha|ferry|garfield|snoopy|breakdance|bmx|drift|kite|motocross|paragliding"
    r"|parkour|scooter|soapbox|car-shadow|person|cannon|barrel|binocular|camera|joshua_tree|schooner|ketch",
    re.IGNORECASE,
)
# Product codes of studio pictures that show clothes on a model, and of those that may show a model or a bag.
WORN = re.compile(r"mag_(m[hjpst]|w[hjpst]|msh|wsh)\d")
WORN_OR_NOT = re.compile(r"mag_(wb|luma)|sol_|saleor_")
# Cats and cars show no people. The exceptions, and furniture that people sit on or hold, are in WITH_PEOPLE.
PEOPLELESS = re.compile(r"(catm?|car)_")
WITH_PEOPLE = re.compile(
    r"cat_group(0745|1010|0524|0583|0558|0591|0324|0567)|furn_img(805|426|115|275|716)_",
)
# The folders whose labels teach `costume`. Streets of `tagged` have their classes from a photographer's tags, and their
# outlines from `costume` itself.
TAGGED_FOLDER = "tagged"
COSTUME_GROUPS = {"costume": "street", TAGGED_FOLDER: "tagged", "garments": "garment", "studio": "studio"}
# What `costume` learns from besides dressed people: single bags, and things that are not worn.
BAGS = re.compile(r"bag_|mag_(wb|mb)\d")
THINGS = re.compile(r"(furn|cat|catm|car|food|horse|icon|groc|calt|c101)_|mag_ug|mag_luma-stability")
# Products, whose masks mark one piece, or what belongs together, and not others behind it.
PRODUCTS = re.compile(r"(furnb?|thelia|oro|syn|icon|bag)_")
# Photographs of one garment each, whose subject names its kind.
SINGLE_GARMENTS = re.compile(r"(garment|cloth)_")
# The class of each word by which subjects and tags name a garment.
KINDS = {
    word: number
    for number, words in {
        1: "tops blouse bra hoodie jumper longsleeve shirt sweater sweatshirt t-shirt top vest",
        2: "blazer cape cardigan coat jacket outwear suit",
        3: "bodysuit dress romper skirt",
        4: "jeans leggings pants shorts",
        5: "bag purse wallet",
        6: "boots clogs flats heels loafers pumps sandals shoes sneakers wedges",
        7: "hat",
    }.items()
    for word in words.split()
}
WEARABLE = re.compile(r"inline_skate|umbrella|headphone|watch")
# Pictures of this source that are kept for the last judgement.
JUDGED = re.compile(r"(garment|cloth|gar)_0")
WITHOUT_PEOPLE = frozenset(
    f"ecssd_{number}"
    for line in (Path(__file__).parent / "without_people.txt").read_text("ascii").splitlines()
    if not line.startswith("#")
    for number in line.split()
)
COCO_SOURCE = re.compile(r"coco|yolov8", re.IGNORECASE)


@dataclass(frozen=True)
class Row:
    """One picture of `home`, a data folder or a shard; names of files in it, empty where there is no such file."""

    home: Path
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

    def open(self, name: str) -> IO[bytes]:
        """Open one of the row's files. Raises OSError or KeyError where there is none."""
        if self.home.suffix == SHARD_SUFFIX:
            return io.BytesIO(opened_shard(self.home).read(name))
        return (self.home / name).open("rb")

    @property
    def folder(self) -> str:
        return self.file.split("/", 1)[0]

    @property
    def stem(self) -> str:
        return Path(self.file).stem

    @property
    def is_scene(self) -> bool:
        """True where a subject stands in surroundings of its own: ECSSD's, COCO's people, people in streets."""
        return self.stem.startswith("ecssd_") or (self.folder == "person" and self.stem.startswith(("coco", "penn_")))

    @property
    def costume_group(self) -> str:
        """Return the row's group for `costume`, one of GROUP_SHARES in pictures.py; empty where it has no use."""
        if self.folder in COSTUME_GROUPS:
            return COSTUME_GROUPS[self.folder]
        if self.garment_class and self.teacher:
            return "garment"
        if self.folder not in ("objects", "unlabelled") or WITH_PEOPLE.match(self.stem):
            return ""
        if BAGS.match(self.stem):
            return "bag" if self.mask else ""
        return "thing" if THINGS.match(self.stem) and self.knows_person and not WEARABLE.search(self.subject) else ""

    @property
    def product_kind(self) -> str:
        """The kind of a single product, empty for any other picture."""
        return self.subject if PRODUCTS.match(self.stem) and self.knows_person else ""

    @property
    def garment_class(self) -> int:
        """The costume class of a photograph of a single garment, 0 for any other."""
        return KINDS.get(self.subject.removeprefix("garment "), 0) if SINGLE_GARMENTS.match(self.stem) else 0

    @property
    def is_portrait(self) -> bool:
        return self.stem.startswith(("port_", "pu_house", "pu_senate", "pu_gov"))

    @property
    def is_person(self) -> bool:
        """True where the foreground is a person and nothing else."""
        if self.folder in ("person", "costume") or WORN.match(self.stem):
            return True
        return self.stem.startswith("ghperson_")

    @property
    def knows_foreground(self) -> bool:
        """False where the mask holds only the people, who may hold, ride or stand behind other foreground."""
        return not (self.folder == "person" and self.stem.startswith("coco"))

    @property
    def knows_person(self) -> bool:
        """True where the person map is known: all of the mask, or none of it."""
        if WITH_PEOPLE.match(self.stem):
            return False
        if self.is_person or self.stem in WITHOUT_PEOPLE or PEOPLELESS.match(self.stem):
            return True
        unsure = COCO_SOURCE.search(self.source) or PEOPLE_POSSIBLE.search(self.subject)
        return not (unsure or WORN_OR_NOT.match(self.stem))

    @property
    def is_exact(self) -> bool:
        """True where the mask is pixel-exact, so that no teacher need mend its edge."""
        return self.quality in ("A", "auto-alpha")


@functools.cache
def opened_shard(path: Path) -> zipfile.ZipFile:
    """Open a shard for as long as the process lives; several threads may read it."""
    return zipfile.ZipFile(path)


def data_folders(arguments: list[str] | None) -> list[Path]:
    """The data folders, and the shards of folders of shards, from the command line or from CUTLINE_DATA.

    Raises SystemExit where a folder has neither a manifest nor shards.
    """
    homes: list[Path] = []
    for name in arguments or os.environ.get("CUTLINE_DATA", "").split(os.pathsep):
        folder = Path(name)
        found = [folder] if (folder / MANIFEST).is_file() else sorted(folder.glob(f"*{SHARD_SUFFIX}"))
        if not name or not found:
            raise SystemExit(f"name folders with {MANIFEST} or shards: --data DIR (repeatable) or CUTLINE_DATA=DIR")
        homes += found
    return homes


def read_manifest(home: Path) -> list[Row]:
    """Every row of a folder's or shard's manifest in file order."""
    text = opened_shard(home).read(MANIFEST) if home.suffix == SHARD_SUFFIX else (home / MANIFEST).read_bytes()
    fields = [name for name in Row.__dataclass_fields__ if name != "home"]
    lines = csv.DictReader(io.StringIO(text.decode("utf-8"), newline=""))
    return [Row(home, **{name: line[name] for name in fields}) for line in lines]


def read_manifests(homes: list[Path]) -> list[Row]:
    """The rows of several folders, one folder after the other."""
    return [row for home in homes for row in read_manifest(home)]


def photograph(row: Row) -> str:
    """A key that every crop, view or cut-out of one photograph shares."""
    number = re.search(r"ccp\w*?_(\d{4})", row.stem)
    return f"ccp{number.group(1)}" if number else row.stem


def held_out_rows(rows: list[Row]) -> list[Row]:
    """Return the rows of HELD_OUT_SPLITS."""
    return [row for row in rows if row.split in HELD_OUT_SPLITS and row.mask]


def split_rows(rows: list[Row]) -> tuple[list[Row], list[Row]]:
    """Training and validation rows; a training row that shows a validation photograph is left out.

    Validation rows are of two kinds, `val` and, from the sources added later, `val2`.
    """
    validation = [row for row in rows if row.split in ("val", "val2") and row.folder != "stamps"]
    held_out = {photograph(row) for row in [*validation, *held_out_rows(rows)]}
    train = [
        row for row in rows if row.split == "train" and photograph(row) not in held_out and not JUDGED.match(row.stem)
    ]
    return train, validation
