"""An HTTP request and response as the contracts see them, and what a contract module has to offer."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, runtime_checkable
from urllib.parse import parse_qsl

from cutline.errors import MattingError, Reason
from cutline.limits import PictureLimits
from cutline.pipeline.options import CheckOptions, CutOptions, GarmentOptions, SingleFileMetadata, SingleFileOptions
from cutline.pipeline.outputs.metadata import ResultMetadata
from cutline.pipeline.stroke import MendOptions

if TYPE_CHECKING:  # the record is made of the types below
    from cutline.contracts.task_record import TaskOptions

# Of a body, whether multipart, urlencoded or JSON.
MAX_FIELDS = 64

# What a call asks for besides its `CutOptions`, and what its answer says of the results, by the kind of work.
Options: TypeAlias = "GarmentOptions | SingleFileOptions | CheckOptions | MendOptions | TaskOptions | None"
Metadata: TypeAlias = "ResultMetadata | SingleFileMetadata | MendMetadata | None"


@dataclass(frozen=True)
class MendMetadata:
    """The new version of a mended result. changed: the share of the pixels that the mend changed."""

    url: str
    version: int
    changed: float


@dataclass(frozen=True)
class Request:
    """One call. Header names are lower case; `query` keeps order and duplicates; `body` is byte-exact.

    `path` is the path without the stage; `raw_path` is the path as the client addressed it (with a stage prefix
    where API Gateway adds one), which is what a signing client hashed. `received_at` is in unix seconds.
    """

    method: str
    path: str
    raw_path: str
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    body: bytes
    request_id: str
    received_at: float
    base_url: str

    @cached_property
    def params(self) -> dict[str, str]:
        """Query parameters; of duplicates the first counts."""
        return {name: value for name, value in reversed(self.query)}

    @cached_property
    def urlencoded_fields(self) -> dict[str, str]:
        """The fields of a urlencoded body; of duplicates the first counts. A signature and a contract both read them.

        Raises ValueError for bytes that are not UTF-8, and for more than MAX_FIELDS.
        """
        pairs = parse_qsl(self.body.decode("utf-8"), keep_blank_values=True, max_num_fields=MAX_FIELDS)
        return {name: value for name, value in reversed(pairs)}


@dataclass(frozen=True)
class Response:
    """An HTTP response: status, headers and raw bytes."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Scheme(Enum):
    """Authentication scheme of an API; the value is part of a credential's key in the accounts table.

    Callers sign, or send a key as it is in the header that the value names.
    """

    JD = "jd"
    AIDGE = "aidge"
    API_KEY = "x-api-key"
    AILAB = "ailabapi-api-key"

    @property
    def signs(self) -> bool:
        """Whether the credential is a secret that signs."""
        return self in (Scheme.JD, Scheme.AIDGE)


# For APIs that pages of every origin may call. Such calls carry no cookies, so a page may read every header.
CORS: Mapping[str, str] = {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "*"}

# How the address of an upload begins.
UPLOAD = "upload:"


@dataclass(frozen=True)
class Source:
    """The picture's source: exactly one of inline bytes and an address: http(s), or that of an upload."""

    data: bytes | None = None
    url: str | None = None


@dataclass(frozen=True)
class Job:
    """A validated call: the picture's source, its limits, and what to make of it.

    `backdrop` is the picture that goes behind the subject, under the same limits; `needs_subject` refuses a picture
    in which nothing is found.
    """

    source: Source
    limits: PictureLimits
    cut: CutOptions = field(default_factory=CutOptions)
    options: Options = None
    backdrop: Source | None = None
    needs_subject: bool = False


@dataclass(frozen=True)
class Quota:
    """The caller's day: calls left (None: unlimited) and whether this call was charged; `qps` is the account's rate."""

    remaining: int | None = None
    charged: bool = False
    qps: float | None = None


@dataclass(frozen=True)
class Outcome:
    """A finished call: its results, keyed by what they show ("image", "mask", a garment).

    links: public addresses; keys: where the results are stored; inline: the files themselves; metadata: what else the
    answer says of them.
    """

    width: int
    height: int
    links: Mapping[str, str] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict)
    inline: Mapping[str, bytes] = field(default_factory=dict)
    quota: Quota = field(default_factory=Quota)
    elapsed_ms: int = 0
    metadata: Metadata = None


@dataclass(frozen=True)
class Progress:
    """State of a refused call: its job once parsed, the caller's quota once admitted, the time it took."""

    job: Job | None = None
    quota: Quota = field(default_factory=Quota)
    elapsed_ms: int = 0


NO_PROGRESS = Progress()


class Contract(Protocol):
    """Interface of every contract module.

    NAME is the API in accounts, tables, metrics and logs, TITLE is its name for people. ROUTES are its paths as
    template.yaml has them; the first takes METHODS. CODES has what the API answers for each reason that it has words
    for, as text.
    """

    __name__: str
    NAME: str
    TITLE: str
    ROUTES: tuple[str, ...]
    METHODS: frozenset[str]
    SCHEME: Scheme
    LINK_LIFETIME_S: int
    LIMITS: PictureLimits
    CODES: Mapping[Reason, str]

    def parse(self, request: Request) -> Job:
        """Return the validated call. Raises InputRefused."""

    def render(self, request: Request, job: Job, outcome: Outcome) -> Response:
        """Return the answer to a call that succeeded."""

    def refuse(self, request: Request, error: MattingError, progress: Progress = NO_PROGRESS) -> Response:
        """Return the answer to a call that failed, for every `Reason` there is."""


@runtime_checkable
class KeyContract(Protocol):
    """A contract whose key may stand elsewhere than in its scheme's header."""

    def with_key(self, request: Request) -> Request:
        """Return the request with the key in the header."""


@runtime_checkable
class BrowserContract(Protocol):
    """A contract that pages of other origins may call."""

    def preflight(self, request: Request) -> Response:
        """Return the answer to a browser's question before it calls (Fetch standard, CORS-preflight request)."""


class CreditContract(Contract, Protocol):
    """A contract that can be asked what is left of the account's day, at CREDITS_ROUTE."""

    CREDITS_ROUTE: str

    def render_credits(self, request: Request, left: int | None, quota: int | None) -> Response:
        """Return the answer: the calls left of the day's quota; None without one."""


def preflight_response(*methods: str) -> Response:
    """Allow pages of any origin to call with these methods and any header; `*` does not stand for Authorization."""
    allowed = {
        "Access-Control-Allow-Methods": ", ".join(sorted(methods)),
        "Access-Control-Allow-Headers": "*, Authorization",
        "Access-Control-Max-Age": "86400",
    }
    return Response(204, {**CORS, **allowed}, b"")


def json_response(status: int, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Response:
    """Return a JSON response in UTF-8. Text is not escaped: JD's messages are Chinese, and links hold `&`."""
    payload = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    return Response(status, {"Content-Type": "application/json; charset=utf-8", **(headers or {})}, payload)


def with_finish_headers(response: Response, notes: Mapping[str, Any]) -> Response:
    """Return the answer with the shadow, the metadata and the depth that the result has, where they were asked for."""
    headers = {f"X-Cutline-{name.title()}": notes[name] for name in ("shadow", "metadata", "depth") if notes.get(name)}
    return replace(response, headers={**response.headers, **headers}) if headers else response


def with_confidence(response: Response, confidence: float | None) -> Response:
    """Return the answer with the probability in [0, 1] that its cut-out is good, None if unknown, in a header."""
    if confidence is None:
        return response
    return replace(response, headers={**response.headers, "X-Cutline-Confidence": f"{confidence:.4f}"})
