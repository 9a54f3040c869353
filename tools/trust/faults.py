"""What callers of each API meet when something behind it breaks, fault by fault.

Each API is called while the fault lasts and once more after it. Of the first call it is noted what was answered, which
reason was logged and what was charged; of the second, whether it was served by the process that had met the fault.
"""

import base64
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from skimage import data

from devkit.accounts import accounts_of
from devkit.clients import (
    AidgeClient,
    AiLab,
    Answer,
    JdClient,
    PicWish,
    Rembg,
    RemoveBg,
    encoded,
    plain_picture,
    send,
)
from devkit.faulty import FaultyCloud
from devkit.meters import counters
from devkit.running import ROOT, running_cloud
from tools.trust.disks import full, on_a_small_disk, sealed

PICTURE = plain_picture(120, 100)
PORTRAIT = encoded(data.astronaut()[:300, 60:380])
PRICE = 3000
# Of the cloud in which services are slow: less than the SDK's own patience, which ends after twice five seconds.
LIMIT_S = 8
SLOW_S = 10.0
# Beyond the five minutes of JD and the fifteen of Aidge.
SKEW_S = 1200.0
FUNCTIONS = {
    "jdc": "CutoutFunction",
    "aid": "CutoutFunction",
    "jds": "SelfieFunction",
    "pw": "TasksFunction",
    "ail": "CostumeFunction",
    "rbg": "CutoutFunction",
    "rem": "CutoutFunction",
    "chk": "CutoutFunction",
}
NAMES = {
    "jdc": "JD matting",
    "aid": "Aidge",
    "jds": "JD SelfieSeg",
    "pw": "PicWish",
    "ail": "AILabTools",
    "rbg": "remove.bg",
    "rem": "rembg",
    "chk": "check",
}
# How each API words each reason: HTTP status, and its own number or name.
WORDS: Mapping[str, Mapping[str, tuple[int, Any]]] = {
    "ok": {"jdc": (200, 0), "jds": (200, 1000), "aid": (200, 200), "pw": (200, 1), "ail": (200, ""),
           "rbg": (200, ""), "rem": (200, ""), "chk": (200, "")},
    "overloaded": {"jdc": (503, 10020), "jds": (503, "10020"), "aid": (200, 501), "pw": (500, 500),
                   "ail": (503, "ERROR_INSUFFICIENT_RESOURCES"), "rbg": (503, "overloaded"),
                   "rem": (503, "overloaded"), "chk": (503, "unavailable")},
    "timed_out": {"jdc": (200, 13303), "jds": (200, 1007), "aid": (200, 801), "pw": (200, -8),
                  "ail": (504, "AI_SERVICE_TIMEOUT"), "rbg": (503, "timeout"), "rem": (504, "timed_out"),
                  "chk": (504, "timed_out")},
    "internal": {"jdc": (500, 11010), "jds": (500, "11010"), "aid": (200, 500), "pw": (500, 500),
                 "ail": (500, "SERVICE_INTERNAL_ERROR"), "rbg": (500, "internal_error"), "rem": (500, "internal"),
                 "chk": (500, "internal")},
    "store_failed": {"jdc": (500, 11010), "aid": (200, 801), "pw": (200, -2), "ail": (502, "ERROR_FILE_UPLOAD_FAILED")},
    "model_failed": {"jdc": (500, 11010), "jds": (500, "11010"), "aid": (200, 801), "pw": (200, -1),
                     "ail": (500, "PROCESSING_FAILURE"), "rbg": (500, "internal_error"), "rem": (500, "model_failed"),
                     "chk": (500, "internal")},
    "date_skewed": {"jdc": (401, 10045), "jds": (401, "10045"), "aid": (200, "IllegalTimestamp")},
}  # fmt: skip


@dataclass(frozen=True)
class Fault:
    """`reason` is what is to be logged, where `unaffected` names no other way out: those APIs do not meet the fault.

    `begin` brings it about; `skew_s` is by how much the caller's clock is off.
    """

    name: str
    reason: str
    begin: Callable[[FaultyCloud], AbstractContextManager[None]] = lambda _: nullcontext()
    unaffected: frozenset[str] = frozenset()
    skew_s: float = 0.0

    def expected(self, api: str) -> str:
        """The reason that the API's call is to be logged with."""
        return "ok" if api in self.unaffected else self.reason


@dataclass(frozen=True)
class Row:
    """What became of one API's call during one fault; `wrong` says what was not as promised."""

    fault: str
    api: str
    said: tuple[int, Any]
    reason: str
    charged: int
    wrong: list[str] = field(default_factory=list)


def aws(operation: str, **fault: Any) -> Callable[[FaultyCloud], AbstractContextManager[None]]:
    """Calls of this operation fail, or are slow."""
    return lambda cloud: cloud.fault(operation, **fault)


_STORES_NOTHING = frozenset({"jds", "rbg", "rem", "chk"})
_NEEDS_NO_SECRET = frozenset({"pw", "ail", "rbg", "rem", "chk"})
FAULTS = (
    Fault("DynamoDB throttles", "overloaded", aws("dynamodb:UpdateItem", error="ThrottlingException")),
    Fault("DynamoDB refuses", "internal", aws("dynamodb:UpdateItem", error="AccessDeniedException")),
    Fault("S3 refuses", "store_failed", aws("s3:PUT", error="AccessDenied", status=403), _STORES_NOTHING),
    Fault("S3 breaks", "store_failed", aws("s3:PUT", error="InternalError", status=500), _STORES_NOTHING),
    Fault("KMS refuses", "internal", aws("kms:Decrypt", error="AccessDeniedException"), _NEEDS_NO_SECRET),
    Fault("KMS throttles", "overloaded", aws("kms:Decrypt", error="ThrottlingException"), _NEEDS_NO_SECRET),
    Fault("the caller's clock is off", "date_skewed", unaffected=_NEEDS_NO_SECRET, skew_s=SKEW_S),
    Fault("our clock is off (DynamoDB)", "internal", aws("dynamodb:UpdateItem", error="InvalidSignatureException")),
    Fault("our clock is off (S3)", "store_failed", aws("s3:PUT", error="RequestTimeTooSkewed", status=403),
          _STORES_NOTHING),
)  # fmt: skip
SLOW_FAULTS = (
    Fault("DynamoDB is slow", "timed_out", aws("dynamodb:UpdateItem", delay_s=SLOW_S)),
    Fault("S3 is slow", "timed_out", aws("s3:PUT", delay_s=SLOW_S), _STORES_NOTHING),
)
# No function writes a file, so that these have no effect.
DISK_FAULTS = (
    Fault("/tmp is full", "ok", lambda cloud: full(cloud.running)),
    Fault("the file system is read-only", "ok", lambda cloud: sealed(cloud.running)),
)


def call(api: str, url: str, name: str, skew_s: float = 0.0) -> Answer:
    """A call of the account `name` that is served unless something breaks."""
    jd, aidge = JdClient(url, f"AK-{name}", f"SK-{name}"), AidgeClient(url, f"APP-{name}", f"SK-{name}")
    at = None if skew_s == 0 else time.time() - skew_s
    if api in ("jdc", "jds"):
        path, body = ("/api/cutout/", PICTURE) if api == "jdc" else ("/jdai/SelfieSeg", _base64("image", PORTRAIT))
        return send("POST", url + path, body, jd.headers(path, body, at=at))
    if api == "aid":
        address = f"{url}/ai/image/cut/out?{urlencode(aidge.query(at))}"
        return send("POST", address, _base64("imageBase64", PICTURE), {"Content-Type": "application/json"})
    if api == "rbg":
        return RemoveBg(url, f"key-{name}").remove(PICTURE)
    if api == "rem":
        return Rembg(url, f"key-{name}").remove(PICTURE)
    if api == "chk":
        return send("POST", f"{url}/check?profile=amazon-main", PICTURE, {"X-API-KEY": f"key-{name}"})
    return PicWish(url, f"key-{name}").create(PICTURE) if api == "pw" else AiLab(url, f"key-{name}").cut(PORTRAIT)


def _base64(field_name: str, picture: bytes) -> bytes:
    return json.dumps({field_name: base64.b64encode(picture).decode()}).encode()


def said_by(api: str, answer: Answer) -> tuple[int, Any]:
    """The answer's HTTP status and the API's own number or name."""
    if api in ("rbg", "rem", "chk"):
        if answer.status == HTTPStatus.OK:
            return answer.status, ""
        return answer.status, answer.json["code"] if api != "rbg" else answer.json["errors"][0]["code"]
    body = answer.json
    match api:
        case "jdc" | "jds":
            code = body["result"]["status"] if body["result"] else body["code"]
        case "aid":
            code = body["code"] if body["code"] != "0" else body["resCode"]
        case "pw":
            code = body["data"]["state"] if "data" in body else body["status"]
        case _:
            code = body["error_code_str"]
    return answer.status, code


class Trial:
    """One fault in one cloud, with an account of its own, whose credentials are in no cache yet."""

    def __init__(self, cloud: FaultyCloud, fault: Fault) -> None:
        self._cloud = cloud
        self._fault = fault
        self._account = "fault-" + "".join(letter if letter.isalnum() else "-" for letter in fault.name.lower())
        accounts_of(cloud.running).create(self._account, price_micros={"*": PRICE})

    def rows(self) -> Iterator[Row]:
        """A row per API. The calls go out together, so that a slow service is waited for once."""
        with self._fault.begin(self._cloud), ThreadPoolExecutor(len(FUNCTIONS)) as pool:
            answers = dict(zip(FUNCTIONS, pool.map(self._call, FUNCTIONS), strict=True))
        charged = {api: self._charged(api) for api in FUNCTIONS}
        for api, answer in answers.items():
            yield self._judge(api, answer, charged[api])

    def _call(self, api: str) -> Answer:
        return call(api, self._cloud.url, self._account, self._fault.skew_s)

    def _judge(self, api: str, answer: Answer, charged: int) -> Row:
        expected = self._fault.expected(api)
        said, lines = said_by(api, answer), self._lines_of(api, answer, "request")
        wrong = [] if said == WORDS[expected][api] else [f"said {said}, not {WORDS[expected][api]}"]
        reason = str(lines[0].get("reason")) if len(lines) == 1 else f"{len(lines)} lines"
        if reason != expected:
            wrong.append(f"logged {reason}, not {expected}")
        if charged != (PRICE if expected == "ok" else 0):
            wrong.append(f"charged {charged}")
        if expected == "internal" and not self._lines_of(api, answer, "fault")[0].get("exception"):
            wrong.append("logged without its exception")
        if api == "pw" and expected != "ok" and "S3" in self._fault.name:
            kept = PicWish(self._cloud.url, f"key-{self._account}").query(answer.json["data"]["task_id"]).json
            wrong += [] if kept == answer.json else [f"kept as {kept}"]
        return Row(self._fault.name, api, said, reason, charged, [*wrong, *self._heal(api)])

    def _heal(self, api: str) -> Iterator[str]:
        """What is wrong with a call after the fault: it is to be served, and by a process that was there before."""
        processes, charged = self._processes(api), self._charged(api)
        answer = call(api, self._cloud.url, self._account)
        if said_by(api, answer) != WORDS["ok"][api]:
            yield f"does not heal: {said_by(api, answer)}"
        if self._processes(api) != processes:
            yield "healed by a new process"
        if self._charged(api) - charged != PRICE:
            yield "the call after it was not charged once"

    def _charged(self, api: str) -> int:
        return counters(self._cloud.running, self._account).get(f"charged_micros_{api}", 0)

    def _log(self, api: str) -> list[str]:
        return (self._cloud.running.log_dir / f"{FUNCTIONS[api]}.log").read_text("utf-8").splitlines()

    def _processes(self, api: str) -> int:
        return len([line for line in self._log(api) if "Init Duration" in line])

    def _lines_of(self, api: str, answer: Answer, message: str) -> list[dict[str, Any]]:
        """The lines with this message that the call left in its function's log."""
        wanted = answer.headers["x-amzn-requestid"]
        lines = [json.loads(line) for line in self._log(api) if line.startswith("{") and wanted in line]
        return [line for line in lines if line.get("message") == message]


@contextmanager
def cloud_without_models(home: Path, *options: str, within: Sequence[str] = ()) -> Iterator[tuple[FaultyCloud, Path]]:
    """A cloud without a network that opens, and the folder to put the networks into."""
    for name in (
        "template.yaml",
        "functions",
        "layers/runtime",
        "layers/heif",
        "layers/cutline",
        "layers/model/models.toml",
    ):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        if not (home / name).exists():
            (home / name).symlink_to(ROOT / name)
    template = f"--template={home / 'template.yaml'}"
    # The calls of a trial go out together, and some end only with their process.
    unbounded = "--parameter=AccountConcurrency=0"
    with running_cloud(home / "state", template, unbounded, *options, within=within) as running:
        yield FaultyCloud(running, home / "state" / "faults.json"), home / "layers" / "model"


def missing(folder: Path) -> Fault:
    """No network is there until the fault is over."""
    return Fault("a model is missing", "model_failed", lambda _: _replaced_in_the_end(folder))


def corrupt(folder: Path) -> Fault:
    """Every network is cut short."""
    for network in (ROOT / "layers" / "model").glob("*.onnx"):
        (folder / network.name).write_bytes(network.read_bytes()[:1000])
    return Fault("a model is cut short", "model_failed", lambda _: _replaced_in_the_end(folder))


@contextmanager
def _replaced_in_the_end(folder: Path) -> Iterator[None]:
    yield
    for network in (ROOT / "layers" / "model").glob("*.onnx"):
        (folder / network.name).unlink(missing_ok=True)
        shutil.copy(network, folder / network.name)


def trials() -> Iterator[Row]:
    """Every fault in turn."""
    hasty = f"--parameter=TimeLimitMs={LIMIT_S * 1000}"
    with tempfile.TemporaryDirectory() as folder, cloud_without_models(Path(folder), hasty) as (cloud, models):
        for fault in (missing(models), *SLOW_FAULTS):
            yield from Trial(cloud, fault).rows()
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        cloud, models = stack.enter_context(cloud_without_models(home, within=on_a_small_disk(home)))
        for fault in (corrupt(models), *FAULTS, *DISK_FAULTS):
            yield from Trial(cloud, fault).rows()
