"""Product photos through a drop folder: put into S3, fetched from S3, no call in between. Needs boto3.

    python docs/examples/drop.py ACCOUNT RESULTS PICTURE...      with INPUT_BUCKET and OUTPUT_BUCKET

Credentials and region come from AWS's usual places; they need s3:PutObject on in/ACCOUNT/* of the input bucket and
s3:GetObject on the same of the output bucket, and s3:ListBucket there, without which S3 calls "not yet" "forbidden".
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
    """Puts all, then waits for each."""
    account, results, *pictures = sys.argv[1:]
    names = [Path(picture).name for picture in pictures]
    if twice := {name for name in names if names.count(name) > 1}:
        raise SystemExit(f"pictures of one name would replace each other: {', '.join(sorted(twice))}")
    keys = {f"in/{account}/object/{Path(picture).name}": Path(picture) for picture in pictures}
    before = {key: answers(key) for key in keys}  # of pictures that were dropped under these names earlier
    for key, picture in keys.items():
        # On white, as JPEG, cut to the product's edges; without metadata: PNG, transparent, whole.
        s3.upload_file(str(picture), INPUT, key, {"Metadata": {"format": "jpg", "bg_color": "ffffff", "crop": "1"}})
    failures = [key for key in keys if not collect(key, before[key], Path(results))]
    if failures:
        raise SystemExit(f"failed: {', '.join(failures)}")


def answers(key: str) -> set[tuple[str, str, datetime]]:
    """The result and the error that lie there for a drop: key, content and time, one of which a new one changes."""
    listed = s3.list_objects_v2(Bucket=OUTPUT, Prefix=key).get("Contents", [])
    wanted = (f"{key}.jpg", f"{key}.error.json")
    return {(item["Key"], item["ETag"], item["LastModified"]) for item in listed if item["Key"] in wanted}


def collect(key: str, before: set[tuple[str, str, datetime]], folder: Path) -> bool:
    """Whether a result came; otherwise why not is printed."""
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
