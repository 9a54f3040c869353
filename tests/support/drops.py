"""The input and output bucket as their owner sees them."""

import json
from dataclasses import dataclass
from typing import Any

from devkit.clients import plain_picture
from devkit.patience import until
from devkit.running import RunningCloud

PICTURE = plain_picture(120, 100)


@dataclass(frozen=True)
class Drops:
    """The two buckets as their owner sees them."""

    cloud: RunningCloud
    s3: Any

    def put(self, key: str, data: bytes = PICTURE, **metadata: str) -> str:
        bucket = self.cloud.resources["InputBucket"]
        return str(self.s3.put_object(Bucket=bucket, Key=key, Body=data, Metadata=metadata)["ETag"])

    def results(self, prefix: str) -> list[str]:
        listed = self.s3.list_objects_v2(Bucket=self.cloud.resources["OutputBucket"], Prefix=prefix)
        return sorted(item["Key"] for item in listed.get("Contents", []))

    def wait(self, prefix: str, count: int = 1) -> list[str]:
        found: list[str] = until(lambda: len(found := self.results(prefix)) >= count and found)
        return found

    def get(self, key: str) -> Any:
        return self.s3.get_object(Bucket=self.cloud.resources["OutputBucket"], Key=key)

    def reported(self, key: str) -> dict[str, Any]:
        self.wait(f"{key}.error.json")
        document: dict[str, Any] = json.loads(self.get(f"{key}.error.json")["Body"].read())
        return document

    def tell(self, key: str, etag: str) -> None:
        """Sends the event about a drop once more."""
        upload = {
            "bucket": {"name": self.cloud.resources["InputBucket"]},
            "object": {"key": key, "eTag": etag.strip('"')},
        }
        event = {"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": upload}]}
        queue = self.cloud.resources["IntakeQueue"]
        self.cloud.client("sqs").send_message(QueueUrl=queue, MessageBody=json.dumps(event))

    def settle(self) -> None:
        """Waits until the intake has nothing left to do."""
        until(lambda: self._left() == ["0", "0"])

    def _left(self) -> list[str]:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        queue = self.cloud.resources["IntakeQueue"]
        answer = self.cloud.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=names)
        return [answer["Attributes"][name] for name in names]
