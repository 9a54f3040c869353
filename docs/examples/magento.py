"""Writes the table that Magento imports cut-outs with, from a batch's report. Needs Python's standard library only.

    cutline batch photos --out var/import/images --profile shopify-square
    python docs/examples/magento.py var/import/images/report.csv products.csv

Photos are named by their SKU: photos/MUG-1.jpg is the picture of MUG-1. Results with a confidence below
CUTLINE_MIN_CONFIDENCE (default 0.8), or that break one of the profile's rules, are left out and listed. Import the
table in Magento's admin: System, Import, Products, "Add/Update"; images file directory: var/import/images.
"""

import csv
import os
import sys
from pathlib import Path

MIN_CONFIDENCE = float(os.environ.get("CUTLINE_MIN_CONFIDENCE", "0.8"))
COLUMNS = ("sku", "base_image", "small_image", "thumbnail_image")


def main() -> None:
    """Reads the report and writes the table."""
    report, table = Path(sys.argv[1]), Path(sys.argv[2])
    with report.open(newline="", encoding="utf-8") as lines, table.open("w", newline="", encoding="utf-8") as out:
        rows = csv.writer(out)
        rows.writerow(COLUMNS)
        for line in csv.DictReader(lines):
            reason = problem(line)
            if reason:
                print(f"{line['picture']}: {reason}", file=sys.stderr)
            else:
                rows.writerow([Path(line["picture"]).stem, *[line["result"]] * (len(COLUMNS) - 1)])


def problem(line: dict[str, str]) -> str:
    """Returns why a result needs a review before it is used; empty if it needs none."""
    if line["problem"]:
        return line["problem"]
    if line["passed"] == "no":
        return line["verdicts"]
    if float(line["confidence"] or 0) < MIN_CONFIDENCE:
        return f"confidence {line['confidence'] or 'unknown'}"
    return ""


if __name__ == "__main__":
    main()
