"""A folder in S3, with the methods of `cutline.batch.folders.Folder`."""

import errno
import os
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError

from cutline.batch.folders import ENDINGS, Folder, LocalFolder

_S3 = "s3://"
# S3's error codes about the bucket or the credentials; all others are about the one file.
_WIDE = frozenset(
    {
        "AccountProblem",
        "ExpiredToken",
        "InvalidAccessKeyId",
        "InvalidToken",
        "NoSuchBucket",
        "RequestTimeTooSkewed",
        "SignatureDoesNotMatch",
    }
)
_GONE = "NoSuchKey"
_FAULT = 500
_MAX_KEY_BYTES = 1024


class S3Folder:
    """A prefix of a bucket; `prefix` is empty or ends with "/"."""

    def __init__(self, s3: Any, bucket: str, prefix: str) -> None:
        self._s3 = s3
        self.bucket = bucket
        self.prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""

    def pictures(self) -> dict[str, str]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=self.prefix)
        items = (item for page in pages for item in page.get("Contents", []))
        found = {item["Key"].removeprefix(self.prefix): item["ETag"] for item in items}
        return {name: etag for name, etag in found.items() if name.lower().endswith(ENDINGS)}

    def address(self, name: str) -> str:
        return f"{_S3}{self.bucket}/{self.prefix}{name}"

    def read(self, name: str) -> bytes:
        try:
            return self._get(name)
        except ClientError as error:
            code, message = error.response["Error"]["Code"], error.response["Error"].get("Message")
            if code in _WIDE or error.response["ResponseMetadata"]["HTTPStatusCode"] >= _FAULT:
                raise
            raise (FileNotFoundError if code == _GONE else OSError)(message or code) from error

    def find(self, name: str) -> bytes | None:
        try:
            return self._get(name)
        except ClientError as error:
            if error.response["Error"]["Code"] != _GONE:
                raise
            return None

    def check(self, name: str) -> None:
        try:
            length = len((self.prefix + name).encode())
        except UnicodeEncodeError as error:
            raise OSError(errno.EILSEQ, "the name is not valid Unicode", name) from error
        if length > _MAX_KEY_BYTES:
            raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG), name)

    def write(self, name: str, data: bytes) -> None:
        self._s3.put_object(Bucket=self.bucket, Key=self.prefix + name, Body=data)

    def _get(self, name: str) -> bytes:
        return bytes(self._s3.get_object(Bucket=self.bucket, Key=self.prefix + name)["Body"].read())


def open_folder(text: str) -> Folder:
    """Open the folder that `text` names: a path or s3://bucket/prefix."""
    if not text.startswith(_S3):
        return LocalFolder(Path(text))
    # Not parsed as a URL: "#" and "?" may be part of a key.
    bucket, _, prefix = text.removeprefix(_S3).partition("/")
    return S3Folder(boto3.client("s3"), bucket, prefix)
