"""Retries a call without paying twice.

    python docs/examples/retry.py PICTURE      with CUTLINE_URL and CUTLINE_API_KEY

Make one key per piece of work, store it with the order or the product, and send it with every try. Cutline then repeats
the first answer, with `Idempotency-Replayed: true`, and charges once.
"""

import json
import os
import random
import sys
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path
from typing import Any

TRIES = 5
TOO_MANY = 429


def main() -> None:
    """Cuts a file out twice with the same key, as after a lost answer."""
    picture, key = Path(sys.argv[1]).read_bytes(), str(uuid.uuid4())
    (first, replayed), (again, replayed_again) = persist(picture, key), persist(picture, key)
    print(json.dumps({"same": first == again, "replayed": [replayed, replayed_again], "image": first["data"]["image"]}))


def persist(picture: bytes, key: str) -> tuple[Any, bool]:
    """Returns the answer and whether it is a repeat. Retries 429, 5xx and lost connections, with longer waits."""
    for attempt in range(TRIES):
        pause_s = random.uniform(0.5, 1) * 2**attempt
        try:
            with urllib.request.urlopen(request_for(picture, key), timeout=35) as answer:
                return json.load(answer), answer.headers.get("Idempotency-Replayed") == "true"
        except urllib.error.HTTPError as error:
            with error:
                if error.code < 500 and error.code != TOO_MANY:
                    raise SystemExit(f"refused for good: {error.read().decode()}") from error
                pause_s = float(error.headers.get("Retry-After") or pause_s)
        except OSError as error:
            print(f"no answer, trying again: {error}", file=sys.stderr)
        time.sleep(pause_s)
    raise SystemExit("given up")


def request_for(picture: bytes, key: str) -> urllib.request.Request:
    """Makes the request for a PicWish task; every POST of every API takes the key."""
    boundary = uuid.uuid4().hex
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="image_file"; filename="photo.jpg"\r\n\r\n'
    sync = f'--{boundary}\r\nContent-Disposition: form-data; name="sync"\r\n\r\n1\r\n'
    body = sync.encode() + head.encode() + picture + f"\r\n--{boundary}--\r\n".encode()
    headers = {
        "X-API-KEY": os.environ["CUTLINE_API_KEY"],
        "Idempotency-Key": key,
        "Content-Type": f"multipart/form-data; boundary={boundary}",
    }
    return urllib.request.Request(os.environ["CUTLINE_URL"] + "/api/tasks/visual/segmentation", body, headers)


if __name__ == "__main__":
    main()
