"""Drops: pictures put into the input bucket as `in/<account>/<type>/<name>`, each worked like a task of PicWish's.

The result gets the same key in the output bucket with its own ending after the name, so that the results of x.jpg
and x.png differ: `x.jpg.png`, its mask `x.jpg-mask.png`. A drop that fails leaves `x.jpg.error.json` there instead.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from cutline.contracts import extensions, picwish, task_record
from cutline.contracts.forms import bounded_fields
from cutline.contracts.wire import Source
from cutline.errors import InputRefused, Reason
from cutline.pipeline.options import LARGEST_PX, MEGAPIXEL, CutOptions
from cutline.storage_keys import DROPS, ENDINGS, ERROR_ENDING

# Fields that may be said in the object's metadata; everything else in there is the owner's business.
METADATA = ("format", "bg_color", "crop", "output_type", *extensions.NAMES)
# S3's names have 1,024 bytes, and the longest that belongs to a drop is its error's.
MAX_KEY_BYTES = 1024 - len(ERROR_ENDING)
_MASK = "-mask"
_FAULT = "Internal error. Upload the file again."
WORDS: Mapping[Reason, str] = {
    Reason.KEY_UNKNOWN: "The account does not exist",
    Reason.ACCOUNT_DISABLED: "The account is disabled",
    Reason.API_NOT_ALLOWED: "The account may not use PicWish's tasks, which drops are worked as",
    Reason.QUOTA_EXCEEDED: "The account's quota for the day is used up",
    Reason.PARAMETER_INVALID: "An option is invalid",
    Reason.URL_UNREACHABLE: "The file was deleted or replaced before it could be read",
    Reason.BACKDROP_UNREACHABLE: "The background cannot be fetched or read",
    Reason.URL_TOO_LARGE: f"The file is larger than {task_record.LIMITS.max_bytes} bytes",
    Reason.IMAGE_EMPTY: "The file is empty",
    Reason.IMAGE_TYPE: f"The file is none of {', '.join(sorted(task_record.LIMITS.formats))}, or HEIC is not deployed",
    Reason.IMAGE_CORRUPT: "The picture cannot be decoded",
    Reason.RESOLUTION_TOO_HIGH: f"A side of the picture is longer than {task_record.LIMITS.max_side_px} pixels, or the "
    f"result would have more than {LARGEST_PX // MEGAPIXEL} megapixels",
    Reason.RESOLUTION_TOO_LOW: "The picture is too small",
    Reason.NO_SUBJECT: "No subject was found",
    Reason.MODEL_FAILED: _FAULT,
    Reason.STORE_FAILED: _FAULT,
    Reason.TIMED_OUT: "Processing took too long",
}


@dataclass(frozen=True)
class Drop:
    """A dropped file's account and options."""

    account_id: str
    options: task_record.TaskOptions
    cut: CutOptions


def parse(key: str, metadata: Mapping[str, str]) -> Drop:
    """The validated drop. Raises InputRefused(PARAMETER_INVALID)."""
    _, _, path = key.partition(DROPS)
    account_id, _, rest = path.partition("/")
    kind, _, name = rest.partition("/")
    if not (account_id and kind and name):
        raise InputRefused(Reason.PARAMETER_INVALID, "The key must be in/<account>/<type>/<name>")
    if name.endswith("/"):
        raise InputRefused(Reason.PARAMETER_INVALID, "The key names a folder, not a picture")
    if name.endswith(_MASK):
        raise InputRefused(Reason.PARAMETER_INVALID, f"A name must not end in {_MASK}: masks of other drops do")
    said = bounded_fields({option.lower().replace("-", "_"): value for option, value in metadata.items()})
    fields = {option: said[option] for option in METADATA if option in said}
    job = picwish.read_options({**fields, "type": kind, "sync": "0"}, Source())
    return Drop(account_id, task_record.task_options(job), job.cut)


def result_key(key: str, name: str, content_type: str) -> str:
    """Return the key of a result; `name` is "image" or "mask"."""
    return f"{key}{'' if name == 'image' else _MASK}{ENDINGS[content_type]}"


def result_keys(key: str) -> list[str]:
    """Return every key that a result of the drop can have."""
    return [result_key(key, name, content_type) for name in ("image", "mask") for content_type in ENDINGS]


def error_key(key: str) -> str:
    """Return the key of the file that reports an error."""
    return key + ERROR_ENDING


def error_file(task_id: str, reason: Reason, detail: str = "") -> bytes:
    """Return the error file: the state that GET shows, a stable name, and a message."""
    document = {
        "task_id": task_id,
        "state": task_record.STATES.get(reason, task_record.FAILED),
        "reason": str(reason),
        "message": detail or WORDS.get(reason, _FAULT),
    }
    return json.dumps(document, indent=2).encode()
