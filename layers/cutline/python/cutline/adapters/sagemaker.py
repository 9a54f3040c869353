"""The SageMaker endpoint that runs the network: a network-size picture in, its maps as a PNG out.

Both kinds answer the same call, and every failure is an `EndpointFault` whose `trouble` says what to do about it.
"""

import time
import uuid
from collections.abc import Callable
from enum import StrEnum
from typing import Any, Protocol
from urllib.parse import urlsplit

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ReadTimeoutError

from cutline.errors import Reason, ServiceFault
from cutline.storage_keys import ENDINGS, ENDPOINT_INPUTS

# Without the SDK's retries: they would run a picture twice unseen. The caller decides, and can fall back on a CPU.
CALL_CONFIG = Config(connect_timeout=2, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 1})
# What a container or SageMaker's router says when it could take the call a moment later.
_BUSY_STATUS = frozenset({429, 503})
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.125, 1.0
# SageMaker drops a queued call after this; a minute is the least that it takes.
_QUEUE_TTL_S = 60
# What S3 says of an answer that is not there yet, to a role without and with the right to list the bucket.
_ABSENT = frozenset({"AccessDenied", "NoSuchKey"})


class Trouble(StrEnum):
    """Why the endpoint gave no maps."""

    THROTTLED = "throttled"  # SageMaker's limit on our account
    OVERLOADED = "overloaded"  # the containers are full
    UNAVAILABLE = "unavailable"  # no endpoint, no connection, no permission
    TIMED_OUT = "timed_out"  # it took the call and stayed silent
    MODEL_ERROR = "model_error"  # the container failed on, or refused, this picture
    ASLEEP = "asleep"  # it is scaled in, so it was not asked


_REASONS = {
    Trouble.THROTTLED: Reason.OVERLOADED,
    Trouble.OVERLOADED: Reason.OVERLOADED,
    Trouble.UNAVAILABLE: Reason.OVERLOADED,
    Trouble.TIMED_OUT: Reason.TIMED_OUT,
    Trouble.MODEL_ERROR: Reason.MODEL_FAILED,
    Trouble.ASLEEP: Reason.OVERLOADED,
}
_TROUBLES = {
    "ThrottlingException": Trouble.THROTTLED,
    "TooManyRequestsException": Trouble.THROTTLED,
    "ModelNotReadyException": Trouble.OVERLOADED,
    "ServiceUnavailable": Trouble.OVERLOADED,
}


class EndpointFault(ServiceFault):
    """No maps; `passing` where the same call may succeed in a moment, else only the CPU helps."""

    def __init__(self, trouble: Trouble, detail: str = "") -> None:
        super().__init__(_REASONS[trouble], f"{trouble}: {detail}" if detail else str(trouble))
        self.trouble = trouble

    @property
    def passing(self) -> bool:
        return self.trouble in (Trouble.THROTTLED, Trouble.OVERLOADED)


class GpuEndpoint(Protocol):
    """Either kind of endpoint."""

    def alpha(self, picture: bytes, content_type: str) -> bytes:
        """Return the picture's maps, a PNG for `cutline.pipeline.inference.prediction_file`. Raises EndpointFault."""


class RealtimeEndpoint:
    """Implements `GpuEndpoint` by InvokeEndpoint; the client, made with `CALL_CONFIG`, bounds the time."""

    def __init__(self, runtime: Any, name: str) -> None:
        self._runtime = runtime
        self._name = name

    def alpha(self, picture: bytes, content_type: str) -> bytes:
        """Raises EndpointFault."""
        try:
            answer = self._runtime.invoke_endpoint(
                EndpointName=self._name, Body=picture, ContentType=content_type, Accept="image/png"
            )
            return bytes(answer["Body"].read())
        except (ClientError, BotoCoreError) as error:
            raise _fault(error) from error


class AsyncEndpoint:
    """Implements `GpuEndpoint` by InvokeEndpointAsync: the picture goes through S3, and so does the answer.

    `bucket` holds the inputs under `endpoint/in/`; where the answers go is the endpoint's own configuration. The worker
    may read there and list nothing, so S3 calls what is not there yet forbidden: both are waited for. `limit_s` bounds
    a call; a scaled-in endpoint runs into it for minutes, so `endpoint_watch.WatchedEndpoint` stands before it.
    """

    def __init__(
        self,
        runtime: Any,
        s3: Any,
        name: str,
        bucket: str,
        limit_s: float = 20.0,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._runtime = runtime
        self._s3 = s3
        self._name = name
        self._bucket = bucket
        self._limit_s = limit_s
        self._clock = clock
        self._sleep = sleep

    def alpha(self, picture: bytes, content_type: str) -> bytes:
        """Raises EndpointFault."""
        end = self._clock() + self._limit_s
        try:
            output, failure = self._start(picture, content_type, _QUEUE_TTL_S)
            return self._wait(output, failure, end)
        except (ClientError, BotoCoreError) as error:
            raise _fault(error) from error

    def queue(self, picture: bytes, content_type: str, ttl_s: int) -> str:
        """Where the answer to a queued picture will be. Raises ClientError and BotoCoreError."""
        return self._start(picture, content_type, ttl_s)[0]

    def has_answered(self, output: str) -> bool:
        """Return whether it is there. Raises ClientError and BotoCoreError."""
        return self._read(output) is not None

    def _start(self, picture: bytes, content_type: str, ttl_s: int) -> tuple[str, str]:
        """Return the addresses under which the answer or the failure will be."""
        key = f"{ENDPOINT_INPUTS}{uuid.uuid4().hex}{ENDINGS[content_type]}"
        self._s3.put_object(Bucket=self._bucket, Key=key, Body=picture, ContentType=content_type)
        answer = self._runtime.invoke_endpoint_async(
            EndpointName=self._name,
            InputLocation=f"s3://{self._bucket}/{key}",
            ContentType=content_type,
            Accept="image/png",
            RequestTTLSeconds=ttl_s,
            InvocationTimeoutSeconds=max(1, round(self._limit_s)),
        )
        return answer["OutputLocation"], answer["FailureLocation"]

    def _wait(self, output: str, failure: str, end: float) -> bytes:
        pause_s = _FIRST_PAUSE_S
        while True:
            found = self._read(output)
            if found is not None:
                return found
            failed = self._read(failure)
            if failed is not None:
                raise EndpointFault(Trouble.MODEL_ERROR, failed[:300].decode("utf-8", "replace"))
            left_s = end - self._clock()
            if left_s <= 0:
                raise EndpointFault(Trouble.TIMED_OUT, "no answer in S3, or none that may be read")
            self._sleep(min(pause_s, left_s))
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    def _read(self, address: str) -> bytes | None:
        """Return the object, or None while it is not there."""
        parts = urlsplit(address)
        try:
            return bytes(self._s3.get_object(Bucket=parts.netloc, Key=parts.path[1:])["Body"].read())
        except ClientError as error:
            if error.response["Error"]["Code"] not in _ABSENT:
                raise
            return None


def _fault(error: ClientError | BotoCoreError) -> EndpointFault:
    if isinstance(error, ReadTimeoutError):
        return EndpointFault(Trouble.TIMED_OUT)
    if not isinstance(error, ClientError):
        return EndpointFault(Trouble.UNAVAILABLE, type(error).__name__)
    code = error.response["Error"]["Code"]
    if code == "ModelError":
        return _model_fault(error.response)
    return EndpointFault(_TROUBLES.get(code, Trouble.UNAVAILABLE), code)


def _model_fault(response: Any) -> EndpointFault:
    """Return the fault of a container's status: 503 is its own "too busy", 0 means no answer within 60 s."""
    status = int(response.get("OriginalStatusCode", 500))
    trouble = Trouble.OVERLOADED if status in _BUSY_STATUS else Trouble.MODEL_ERROR
    return EndpointFault(Trouble.TIMED_OUT if status == 0 else trouble, f"container answered {status}")
