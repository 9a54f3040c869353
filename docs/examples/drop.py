"""Cuts product photos out through a drop folder in S3, without calling the API. Needs boto3.

    python docs/examples/drop.py ACCOUNT RESULTS PICTURE...      with INPUT_BUCKET and OUTPUT_BUCKET

Credentials and region come from AWS's usual places. They need s3:PutObject on in/ACCOUNT/* of the input bucket, and
s3:GetObject on in/ACCOUNT/* and s3:ListBucket on the output bucket.
"""

import os
import sys
import time
from datetime import datetime
from pathlib import Path

import boto3

PATIENCE_S = 300
INPUT, OUTPUT = os.environ["INPUT_BUCKET"], os.environ["OUTPUT_BUCKET"]
s3 = boto3.client("s3")


def main() -> None:
    """Uploads all pictures, then waits for each result."""
    account, results, *pictures = sys.argv[1:]
    names = [Path(picture).name for picture in pictures]
    if twice := {name for name in names if names.count(name) > 1}:
        raise SystemExit(f"pictures of one name would replace each other: {', '.join(sorted(twice))}")
    keys = {f"in/{account}/object/{Path(picture).name}": Path(picture) for picture in pictures}
    before = {key: answers(key) for key in keys}  # results of earlier pictures with the same names
    for key, picture in keys.items():
        # JPEG on white, cropped to the product. Without metadata: transparent PNG, not cropped.
        s3.upload_file(str(picture), INPUT, key, {"Metadata": {"format": "jpg", "bg_color": "ffffff", "crop": "1"}})
    failures = [key for key in keys if not collect(key, before[key], Path(results))]
    if failures:
        raise SystemExit(f"failed: {', '.join(failures)}")


def answers(key: str) -> set[tuple[str, str, datetime]]:
    """Returns the existing result and error of a drop, as key, ETag and time; a new answer differs in one of them."""
    listed = s3.list_objects_v2(Bucket=OUTPUT, Prefix=key).get("Contents", [])
    wanted = (f"{key}.jpg", f"{key}.error.json")
    return {(item["Key"], item["ETag"], item["LastModified"]) for item in listed if item["Key"] in wanted}


def collect(key: str, before: set[tuple[str, str, datetime]], folder: Path) -> bool:
    """Waits for the result and saves it. Returns False and prints the reason after a failure."""
    limit = time.monotonic() + PATIENCE_S
    while time.monotonic() < limit:
        found = {name for name, _, _ in answers(key) - before}
        if f"{key}.jpg" in found:
            s3.download_file(OUTPUT, f"{key}.jpg", str(folder / f"{Path(key).name}.jpg"))
            return True
        if found:
            print(s3.get_object(Bucket=OUTPUT, Key=found.pop())["Body"].read().decode(), file=sys.stderr)
            return False
        time.sleep(1)
    print(f"{key}: nothing came", file=sys.stderr)
    return False


if __name__ == "__main__":
    main()
