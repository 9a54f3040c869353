"""Signs calls with the demo credentials, for curl: `python -m localcloud.sign --help`."""

import argparse
import hashlib
import hmac
import sys
import time
import uuid
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from cutline.accounts.demo import AIDGE_APP_KEY, AIDGE_SECRET, JD_ACCESS_KEY, JD_SECRET_KEY

_ALGORITHM = "JDCLOUD2-HMAC-SHA256"
_SIGNED = "content-type;host;x-jdcloud-date;x-jdcloud-nonce"


def jd_headers(url: str, body: bytes, content_type: str) -> dict[str, str]:
    """The headers of a POST signed with JDCLOUD2-HMAC-SHA256 over exactly these bytes."""
    parts = urlsplit(url)
    date = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    headers = {
        "content-type": content_type,
        "host": parts.netloc,
        "x-jdcloud-date": date,
        "x-jdcloud-nonce": str(uuid.uuid4()),
    }
    lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
    digest = hashlib.sha256(body).hexdigest()
    canonical = "\n".join(["POST", parts.path or "/", parts.query, lines, _SIGNED, digest])
    scope = f"{date[:8]}/cn-north-1/cutout/jdcloud2_request"
    text = "\n".join([_ALGORITHM, date, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = f"JDCLOUD2{JD_SECRET_KEY}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    credential = f"Credential={JD_ACCESS_KEY}/{scope}"
    headers["authorization"] = f"{_ALGORITHM} {credential}, SignedHeaders={_SIGNED}, Signature={signature}"
    return headers


def aidge_url(url: str) -> str:
    """`url` with Aidge's v2 signature in its query. The signature covers the time, not the body."""
    timestamp = str(int(time.time() * 1000))
    signature = hmac.digest(AIDGE_SECRET.encode(), (AIDGE_SECRET + timestamp).encode(), "sha256").hex().upper()
    query = {
        "partner_id": "aidge",
        "sign_method": "sha256",
        "sign_ver": "v2",
        "app_key": AIDGE_APP_KEY,
        "timestamp": timestamp,
        "sign": signature,
    }
    return f"{url}{'&' if '?' in url else '?'}{urlencode(query)}"


def main() -> None:
    """jd prints a curl configuration (pipe it into `curl -K -`); aidge prints the signed URL."""
    parser = argparse.ArgumentParser(prog="python -m localcloud.sign", description=main.__doc__)
    commands = parser.add_subparsers(dest="scheme", required=True)
    jd = commands.add_parser("jd")
    jd.add_argument("url")
    jd.add_argument("body", type=Path, help="the file that is the request's body")
    jd.add_argument("--type", default="application/octet-stream", help="its content type")
    commands.add_parser("aidge").add_argument("url")
    arguments = parser.parse_args()
    if arguments.scheme == "aidge":
        print(aidge_url(arguments.url))
        return
    try:
        body = arguments.body.read_bytes()
    except OSError as error:
        sys.exit(f"cannot read {arguments.body}: {error.strerror}")
    headers = jd_headers(arguments.url, body, arguments.type)
    lines = [f'url = "{arguments.url}"', 'request = "POST"', f'data-binary = "@{arguments.body}"']
    print("\n".join(lines + [f'header = "{name}: {value}"' for name, value in headers.items()]))


if __name__ == "__main__":
    main()
