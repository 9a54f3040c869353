"""Pictures and the files that tasks make of them, in the input bucket: short-lived, and never linked to."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from cutline.errors import InputRefused, Reason, ServiceFault

# To a role that may not list the bucket, S3 answers 403 for a missing key.
_ABSENT = frozenset({"403", "404", "AccessDenied", "NoSuchKey", "NotFound"})
# Conditional reads of a picture that has been replaced or deleted meanwhile.
_REPLACED = frozenset({"412", "PreconditionFailed"})


@dataclass(frozen=True)
class FileInfo:
    """What is known of a file without reading it; `metadata` is set by its owner."""

    etag: str
    modified: datetime
    metadata: Mapping[str, str]


class InputFiles:
    """Reads, puts, gets and deletes by key. What fails is ServiceFault(INTERNAL): the flow tries the step again."""

    def __init__(self, s3: Any, bucket: str) -> None:
        self._s3 = s3
        self.bucket = bucket

    def put(self, key: str, data: bytes) -> None:
        """Stores a file, replacing one that an earlier try may have left."""
        try:
            self._s3.put_object(Bucket=self.bucket, Key=key, Body=data)
        except (BotoCoreError, ClientError) as error:
            raise ServiceFault(Reason.INTERNAL, "a work file cannot be stored") from error

    def get(self, key: str) -> bytes:
        """Return a stored file."""
        try:
            return bytes(self._s3.get_object(Bucket=self.bucket, Key=key)["Body"].read())
        except (BotoCoreError, ClientError) as error:
            raise ServiceFault(Reason.INTERNAL, "a work file cannot be read") from error

    def read(self, key: str, max_bytes: int, etag: str = "") -> bytes:
        """Return a caller's own picture if it is small enough and, where an `etag` is given, has not been replaced.

        Raises InputRefused(URL_UNREACHABLE | URL_TOO_LARGE).
        """
        condition = {"IfMatch": etag} if etag else {}
        try:
            answer = self._s3.get_object(Bucket=self.bucket, Key=key, **condition)
            if answer["ContentLength"] > max_bytes:
                answer["Body"].close()
                raise InputRefused(Reason.URL_TOO_LARGE, f"the image exceeds {max_bytes} bytes")
            return bytes(answer["Body"].read())
        except ClientError as error:
            if error.response["Error"]["Code"] in _ABSENT | _REPLACED:
                raise unreachable() from error
            raise ServiceFault(Reason.INTERNAL, "a picture cannot be read") from error
        except BotoCoreError as error:
            raise ServiceFault(Reason.INTERNAL, "a picture cannot be read") from error

    def exists(self, key: str) -> bool:
        """Return whether there is such a file."""
        return self.head(key) is not None

    def head(self, key: str) -> FileInfo | None:
        """Return the file's ETag, date and metadata, or None where there is none."""
        try:
            head = self._s3.head_object(Bucket=self.bucket, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] in _ABSENT:
                return None
            raise ServiceFault(Reason.INTERNAL, "a work file cannot be looked up") from error
        return FileInfo(head["ETag"].strip('"'), head["LastModified"], head["Metadata"])

    def delete(self, *keys: str) -> None:
        """Removes files; those that are not there are no error."""
        objects = [{"Key": key} for key in keys]
        try:
            self._s3.delete_objects(Bucket=self.bucket, Delete={"Objects": objects, "Quiet": True})
        except (BotoCoreError, ClientError) as error:
            raise ServiceFault(Reason.INTERNAL, "work files cannot be deleted") from error


def unreachable() -> InputRefused:
    """Return one refusal for files that are missing, not yet there, or another account's."""
    return InputRefused(Reason.URL_UNREACHABLE, "there is no such picture")
