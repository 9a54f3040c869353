"""What can go wrong, named once.

The domain raises `MattingError` with a `Reason`; only `cutline.contracts` turns a reason into a vendor's code,
through one table per API.

    MattingError
      InputRefused    the caller's picture or parameters
      AccessRefused   the caller's credentials, rate or quota
      ServiceFault    ours: model, storage, time, capacity

Each error says with `retry` whether the same work may succeed when it is tried again.
"""

from enum import StrEnum


class Reason(StrEnum):
    """A stable name for every refusal and fault; logged, counted and mapped, never parsed from text."""

    # Credentials
    KEY_MISSING = "key_missing"
    KEY_UNKNOWN = "key_unknown"
    SIGNATURE_MISSING = "signature_missing"
    SIGNATURE_WRONG = "signature_wrong"
    DATE_MISSING = "date_missing"
    DATE_MALFORMED = "date_malformed"
    DATE_SKEWED = "date_skewed"
    NONCE_REPLAYED = "nonce_replayed"
    ACCOUNT_DISABLED = "account_disabled"
    API_NOT_ALLOWED = "api_not_allowed"
    IDEMPOTENCY_MISMATCH = "idempotency_mismatch"
    # Rate and quota
    QUOTA_EXCEEDED = "quota_exceeded"
    RATE_EXCEEDED = "rate_exceeded"
    SERVICE_RATE_EXCEEDED = "service_rate_exceeded"
    # Routing
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    # Request
    BODY_MALFORMED = "body_malformed"
    BODY_TOO_LARGE = "body_too_large"
    PARAMETER_INVALID = "parameter_invalid"
    IMAGE_MISSING = "image_missing"
    IMAGE_EMPTY = "image_empty"
    IMAGE_AMBIGUOUS = "image_ambiguous"
    BASE64_INVALID = "base64_invalid"
    URL_UNREACHABLE = "url_unreachable"
    URL_TOO_LARGE = "url_too_large"
    BACKDROP_UNREACHABLE = "backdrop_unreachable"
    REGION_OUTSIDE = "region_outside"
    REGION_EMPTY = "region_empty"
    # Picture
    IMAGE_TOO_LARGE = "image_too_large"
    IMAGE_TYPE = "image_type"
    IMAGE_CORRUPT = "image_corrupt"
    RESOLUTION_TOO_HIGH = "resolution_too_high"
    RESOLUTION_TOO_LOW = "resolution_too_low"
    # Outcome
    NO_SUBJECT = "no_subject"
    NO_PERSON = "no_person"
    NO_GARMENT = "no_garment"
    NOT_KEPT = "not_kept"
    # Faults of the service
    MODEL_FAILED = "model_failed"
    TIMED_OUT = "timed_out"
    STORE_FAILED = "store_failed"
    OVERLOADED = "overloaded"
    INTERNAL = "internal"


# Faults that pass. A model that fails, and work that took too long, would do so again.
_PASSING = frozenset({Reason.INTERNAL, Reason.OVERLOADED, Reason.STORE_FAILED})


class MattingError(Exception):
    """A refusal or fault with its `reason`; `detail` is a sentence that may be shown to the caller."""

    def __init__(self, reason: Reason, detail: str = "", *, retry: bool = False) -> None:
        super().__init__(f"{reason}: {detail}" if detail else str(reason))
        self.reason = reason
        self.detail = detail
        self.retry = retry


class InputRefused(MattingError):
    """The picture or a parameter is outside the contract."""


class AccessRefused(MattingError):
    """The credentials, the rate or the quota do not permit the call."""


class ServiceFault(MattingError):
    """The service itself failed; nothing is charged. `retry` None: as the reason says."""

    def __init__(self, reason: Reason, detail: str = "", *, retry: bool | None = None) -> None:
        super().__init__(reason, detail, retry=reason in _PASSING if retry is None else retry)
