"""Results in S3 and the links to them.

Behind CloudFront a link is a URL that CloudFront checks itself (`cutline.adapters.signed_urls`). Without it, it is
`/r/<token>`: the object's key and the link's expiry under an HMAC, checked without a database read and answered with
a redirect to a fresh, short presigned URL. One presigned URL for all the time would die with the credentials that
signed it, often hours before a contract's lifetime ends.
"""

import base64
import binascii
import hashlib
import hmac
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from cutline.adapters.link_secret import LinkKey, LinkSecret
from cutline.adapters.signed_urls import UrlSigner
from cutline.errors import InputRefused, Reason, ServiceFault
from cutline.storage_keys import ANSWERS, ENDINGS, RESULTS

PRESIGNED_S = 300
_MAC_BYTES = 16
# S3 answers 403 for a missing key to a role that may not list the bucket.
_ABSENT = frozenset({"404", "403", "NoSuchKey", "AccessDenied"})
# What S3 answers to a write in place of a file that is another one by now, is being replaced, or gone.
_REPLACED = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey", "404"})
_PURPOSE = b"result links"


def result_key(account_id: str, name: str, content_type: str) -> str:
    """The key of a result in the output bucket."""
    return f"{RESULTS}{account_id}/{name}{ENDINGS[content_type]}"


@contextmanager
def _failures(absent: frozenset[str] = frozenset()) -> Iterator[None]:
    """Raise InputRefused(NOT_FOUND) for an error of S3 with a code in `absent`, else ServiceFault(STORE_FAILED)."""
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        if isinstance(error, ClientError) and error.response["Error"]["Code"] in absent:
            raise InputRefused(Reason.NOT_FOUND) from error
        raise ServiceFault(Reason.STORE_FAILED) from error


class ResultStore:
    """Puts results under `r/<account>/` and answers that may be asked for again under `i/<account>/`.

    `load_secret` yields the keys of the links' HMAC, for each link. `signer`: of the URLs of the CloudFront
    distribution before the bucket, None where there is none.
    """

    def __init__(
        self,
        s3: Any,
        bucket: str,
        load_secret: Callable[[], LinkSecret],
        signer: UrlSigner | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._load_secret = load_secret
        self._signer = signer
        self._clock = clock

    def put_answer(self, account_id: str, body: bytes) -> str:
        """Stores the body of an answer that may be asked for again and returns its key. Raises ServiceFault."""
        key = f"{ANSWERS}{account_id}/{uuid.uuid4().hex}"
        self.put_at(key, body, "application/octet-stream")
        return key

    def get(self, key: str) -> bytes:
        """A stored result. Raises ServiceFault(STORE_FAILED)."""
        with _failures():
            return bytes(self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read())

    def find(self, key: str) -> bytes:
        """A file that may be gone. Raises InputRefused(NOT_FOUND) and ServiceFault(STORE_FAILED)."""
        with _failures(_ABSENT):
            return bytes(self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read())

    def head(self, key: str, length: int) -> tuple[str, bytes]:
        """The version of a stored result, which is S3's ETag, and its first bytes.

        Raises InputRefused(NOT_FOUND) and ServiceFault(STORE_FAILED).
        """
        with _failures(_ABSENT):
            answer = self._s3.get_object(Bucket=self._bucket, Key=key, Range=f"bytes=0-{length - 1}")
            return str(answer["ETag"]), bytes(answer["Body"].read())

    def exists(self, key: str) -> bool:
        """Whether there is such a file, for a role that may read but not list. Raises ServiceFault(STORE_FAILED)."""
        try:
            self.metadata(key)
        except InputRefused:
            return False
        return True

    def metadata(self, key: str) -> tuple[str, dict[str, str]]:
        """S3's ETag and the metadata of a file. Raises InputRefused(NOT_FOUND) and ServiceFault(STORE_FAILED)."""
        with _failures(_ABSENT):
            answer = self._s3.head_object(Bucket=self._bucket, Key=key)
        return str(answer["ETag"]), dict(answer["Metadata"])

    def copy(self, source: str, key: str) -> None:
        """Stores a copy of a file and its metadata under another key.

        Raises InputRefused(NOT_FOUND) and ServiceFault(STORE_FAILED).
        """
        with _failures(_ABSENT):
            self._s3.copy_object(Bucket=self._bucket, Key=key, CopySource={"Bucket": self._bucket, "Key": source})

    def put_at(
        self, key: str, data: bytes, content_type: str, metadata: Mapping[str, str] | None = None, etag: str = ""
    ) -> None:
        """Stores a result under a key of the caller's choice, with `etag` only in place of that file.

        Raises ServiceFault(STORE_FAILED), and InputRefused(NOT_FOUND) where there is no such file to replace.
        """
        more: dict[str, Any] = {"Metadata": dict(metadata)} if metadata else {}
        more |= {"IfMatch": etag} if etag else {}
        with _failures(_REPLACED if etag else frozenset()):
            self._s3.put_object(Bucket=self._bucket, Key=key, Body=data, ContentType=content_type, **more)

    def delete(self, *keys: str) -> None:
        """Removes files; one that is not there is no error. Raises ServiceFault(STORE_FAILED)."""
        with _failures():
            for key in keys:
                self._s3.delete_object(Bucket=self._bucket, Key=key)

    def link(self, base_url: str, key: str, expires_at: int) -> str:
        """The public address of a result until `expires_at` (unix seconds); its path ends like the file it leads to.

        Raises ServiceFault(STORE_FAILED) where CloudFront's key is missing.
        """
        link = self._own_link(base_url, key, expires_at)
        return link if self._signer is None else self._signer.url(key, expires_at, link)

    def _own_link(self, base_url: str, key: str, expires_at: int) -> str:
        payload = f"{expires_at:x}/{key}".encode()
        mac = _mac(self._load_secret().signing(self._clock()), payload)
        token = base64.urlsafe_b64encode(mac + payload).rstrip(b"=").decode()
        return f"{base_url}/r/{token}{key[key.rindex('.') :]}"

    def redirect(self, token: str, now: float, method: str = "GET", choose: Callable[[str], str] = str) -> str:
        """The short-lived address behind a link's token, for GET or HEAD: S3 signs the method too.

        `choose` gets the key of the link's file and says which one to lead to. Raises InputRefused(NOT_FOUND) for
        forged and expired tokens.
        """
        key, left_s = self.open_link(token, now)
        key = choose(key)
        left_s = min(left_s, PRESIGNED_S)
        if self._signer is not None:
            return self._signer.url(key, int(now) + left_s)
        operation, wanted = "head_object", {"Bucket": self._bucket, "Key": key}
        if method != "HEAD":
            operation, wanted = "get_object", {**wanted, "ResponseCacheControl": "no-store"}
        return str(self._s3.generate_presigned_url(operation, Params=wanted, ExpiresIn=left_s))

    def open_link(self, token: str, now: float) -> tuple[str, int]:
        """The key of a link's file and the seconds until the link ends. Raises InputRefused(NOT_FOUND)."""
        expires_at, key = self._open(token, now)
        left_s = int(expires_at - now)
        if left_s <= 0:
            raise InputRefused(Reason.NOT_FOUND)
        return key, left_s

    def _open(self, token: str, now: float) -> tuple[int, str]:
        body = token.partition(".")[0]
        try:
            raw = base64.b64decode(body + "=" * (-len(body) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError) as error:
            raise InputRefused(Reason.NOT_FOUND) from error
        mac, payload = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
        if not any(hmac.compare_digest(mac, _mac(key, payload)) for key in self._load_secret().accepted(now)):
            raise InputRefused(Reason.NOT_FOUND)
        expiry, _, key = payload.decode().partition("/")
        return int(expiry, 16), key  # a payload with this MAC was written by `link`


def _mac(key: LinkKey, payload: bytes) -> bytes:
    """Under a key for links only. Callback keys may be MACs under the same text, and account owners know theirs."""
    derived = hmac.new(key.text.encode(), _PURPOSE, hashlib.sha256).digest()
    return hmac.new(derived, payload, hashlib.sha256).digest()[:_MAC_BYTES]
