"""Every way into the service, as something that takes whatever hypothesis draws: only a MattingError may come out.

A target asserts its own bound on time, in CPU seconds, so that a slow machine fails no run.
"""

import base64
import io
import json
import socket
import time
from collections.abc import Mapping
from ipaddress import ip_network
from typing import Any

from hypothesis import strategies as st
from PIL import Image

from cutline.accounts.identity import Authenticator
from cutline.adapters.fetch import FetchPolicy, deliver, fetch
from cutline.adapters.link_secret import LinkSecret
from cutline.adapters.result_store import ResultStore
from cutline.contracts import (
    drops,
    native,
    uploads,
    usage,
)
from cutline.contracts.wire import Request, Scheme
from cutline.errors import MattingError
from cutline.limits import MIB, PictureLimits
from cutline.pipeline.codecs.decode import decode_image
from cutline.pipeline.inference.prediction_file import decode_predictions
from cutline.serving.proxy_event import to_proxy, to_request
from cutline.tasks.drop_intake import read_event
from cutline.tasks.fail import reason_of
from devkit.hostile_server import serving
from tools.trust import file_target, option_target
from tools.trust.damage import damaged_files
from tools.trust.icc_damage import profiles
from tools.trust.icc_files import png_with
from tools.trust.samples import samples
from tools.trust.target import ANY_TEXT, CONTRACTS, TEXT, Target, bounded

LIMITS = PictureLimits(frozenset({"AVIF", "JPEG", "PNG", "BMP", "GIF", "WEBP", "TIFF"}), 15 * MIB)
_LOCAL = FetchPolicy((ip_network("127.0.0.1/32"),), timeout_s=2.0)
_NAMES = st.sampled_from(
    [
        "image",
        "image_file",
        "image_base64",
        "image_url",
        "imageUrl",
        "imageBase64",
        "backGroundType",
        "targetWidth",
        "targetHeight",
        "cloth_class",
        "return_form",
        "sync",
        "type",
        "crop",
        "format",
        "bg_color",
        "return_type",
        "output_type",
        "callback_url",
        "task_id",
        "size",
        "content_type",
        "from",
        "to",
        "app_key",
        "timestamp",
        "sign",
    ]
)
_PICTURES = st.sampled_from(sorted(samples())).map(lambda name: samples()[name])
_BASE64 = _PICTURES.map(lambda data: base64.b64encode(data).decode())
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT | _BASE64,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_NAMES | ANY_TEXT, inner, max_size=4),
    max_leaves=8,
)
_DATES = st.just(time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())) | TEXT
_JD = st.builds(
    "{}-HMAC-SHA256 Credential={}/{}/{}/{}/{}, SignedHeaders={}, Signature={}".format,
    st.sampled_from(["JDCLOUD2", "JDCLOUD3", "AWS4"]),
    TEXT,
    st.dates().map(lambda day: f"{day:%Y%m%d}") | TEXT,
    TEXT,
    TEXT,
    st.sampled_from(["jdcloud2_request", "jdcloud3_request"]),
    st.just("host;x-jdcloud-date") | TEXT,
    TEXT,
)
_TYPES = st.sampled_from(
    [
        "application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=X",
        "image/png",
        'multipart/form-data; boundary="X"; boundary=Y',
        "multipart/form-data; boundary*=utf-8''%ff",
        "multipart/form-data",
    ]
)
_HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "Content-Type": _TYPES | TEXT,
        "Authorization": _JD | TEXT,
        "X-API-KEY": TEXT,
        "ailabapi-api-key": TEXT,
        "x-jdcloud-date": _DATES,
        "x-jdcloud-nonce": TEXT,
        "X-Forwarded-Proto": TEXT,
        "Host": TEXT,
        "Idempotency-Key": TEXT,
    },
)
_PARTS = st.builds(
    '--X\r\nContent-Disposition: form-data; name="{}"{}\r\n{}\r\n'.format,
    _NAMES | ANY_TEXT,
    st.sampled_from(["", '; filename="a.png"', "; filename*=utf-8''%ff", "; filename*0=a; filename*1=b", ";;;"]),
    st.sampled_from(["", "Content-Type: image/png\r\n", "Content-Transfer-Encoding: base64\r\n", ": \r\n"]),
).map(lambda head: head.encode("utf-8", "surrogatepass"))
_MULTIPART = st.lists(
    st.tuples(
        _PARTS, _PICTURES | TEXT.map(lambda text: text.encode("utf-8", "surrogatepass")) | st.binary(max_size=50)
    ).map(lambda part: part[0] + part[1] + b"\r\n"),
    max_size=5,
).map(lambda parts: b"".join(parts) + b"--X--\r\n")
_BODIES = st.one_of(
    st.binary(max_size=300),
    _PICTURES,
    _MULTIPART,
    _JSON.map(lambda document: json.dumps(document).encode()),
    st.dictionaries(_NAMES, _JSON, max_size=8).map(lambda document: json.dumps(document).encode()),
    st.just(b"[" * 200_000),
)
EVENTS = st.builds(
    lambda method, path, headers, query, body, encoded, whole: {
        "httpMethod": method,
        "path": path,
        "headers": headers,
        "multiValueQueryStringParameters": query,
        "body": base64.b64encode(body).decode() if encoded else body.decode("utf-8", "replace"),
        "isBase64Encoded": encoded or not whole,
        "requestContext": {"requestId": "1", "requestTimeEpoch": int(time.time() * 1000), "path": path},
    },
    st.sampled_from(["GET", "POST", "PUT", "HEAD"]),
    st.sampled_from(["/api/cutout/", "/api/tasks/visual/segmentation/x"]) | TEXT,
    _HEADERS,
    st.none() | st.dictionaries(_NAMES | ANY_TEXT, st.lists(TEXT, min_size=1, max_size=3), max_size=8),
    _BODIES,
    st.booleans(),
    st.booleans(),
)


class _NoAccounts:
    """An account store that knows one key of each kind, so that every signature is computed."""

    def find(self, scheme: Scheme, key: str) -> None:
        return None


_AUTHENTICATOR = Authenticator(_NoAccounts(), lenient_body_hash=True)  # type: ignore[arg-type]
_RESULTS = ResultStore(None, "results", lambda: LinkSecret.parse("secret"))


def event(event: Mapping[str, Any]) -> None:
    """A proxy event, as every function behind the API reads, proves, parses and refuses it."""
    request = to_request(event)
    for contract in CONTRACTS:
        with bounded():
            try:
                _AUTHENTICATOR.prove(contract.SCHEME, request)
            except MattingError as error:
                json.dumps(to_proxy(contract.refuse(request, error)))
            try:
                job = contract.parse(request)
            except MattingError as error:
                json.dumps(to_proxy(contract.refuse(request, error)))
            else:
                assert (job.source.data is None) != (job.source.url is None)
    _own_apis(request)


def _own_apis(request: Request) -> None:
    for parse in (native.scheme_of, uploads.parse, usage.parse):
        with bounded():
            try:
                parse(request)
            except MattingError as error:
                json.dumps([to_proxy(uploads.refuse(error)), to_proxy(usage.refuse(error))])


def picture(data: bytes) -> None:
    """A damaged picture, decoded with its metadata and in 16 bits; and as the answer of an endpoint."""
    with bounded():
        decoded = decode_image(data, LIMITS, "all", 16)
        assert max(decoded.width, decoded.height) <= LIMITS.max_side_px
    with bounded():
        decode_predictions(data)


def profile(data: bytes) -> None:
    """A profile, in a picture of each mode that may have one."""
    with bounded():
        decode_image(png_with(data, side=16), LIMITS)
    for mode in ("L", "CMYK"):
        with bounded():
            file = io.BytesIO()
            # Pillow splits what is longer than a segment of a JPEG, and takes no more than 255 segments.
            Image.new(mode, (16, 16)).save(file, "JPEG", icc_profile=data[: 10 * MIB])
            decode_image(file.getvalue(), LIMITS)


def drop(key: str, metadata: Mapping[str, str], message: object) -> None:
    """A dropped file: its name, what its owner says of it, and the event about it."""
    with bounded():
        drops.parse(f"in/{key}", metadata)
    with bounded():
        read_event(json.dumps(message), "bucket")


def failure(error: str, cause: object) -> None:
    """What Step Functions says of a step that failed."""
    with bounded():
        reason_of({"Error": error, "Cause": cause if isinstance(cause, str) else json.dumps(cause)})


def link(token: str) -> None:
    """A result link, and an upload's address."""
    with bounded():
        _RESULTS.redirect(token, time.time())
    uploads.own_key(token, "shop")


def answer(data: bytes) -> None:
    """What a picture's server, or a callback's, says."""

    def script(connection: socket.socket) -> None:
        connection.sendall(data)

    with serving(script) as server:
        with bounded():
            assert len(fetch(server.url(), 1000, _LOCAL)) <= 1000
        with bounded():
            assert 100 <= deliver(server.url(), b"{}", {}, _LOCAL) <= 999


_ANSWERS = st.lists(
    st.sampled_from(
        [
            b"HTTP/1.1 200 OK\r\n",
            b"HTTP/1.1 302 Found\r\n",
            b"HTTP/0.9\r\n",
            b"HTTP/1.1 999999 X\r\n",
            b"\r\n",
            b"\r\n\r\n",
            b"Location: http://169.254.169.254/\r\n",
            b"Location: //[::\r\n",
            b"Location: file:///etc/passwd\r\n",
            b"Content-Length: 5\r\n",
            b"Content-Length: -1\r\n",
            b"Content-Length: 99999999999\r\n",
            b"Content-Length: x\r\n",
            b"Transfer-Encoding: chunked\r\n",
            b"ffffffff\r\n",
            b"-5\r\n",
            b"5\r\nabcde\r\n0\r\n",
            b"HTTP/1.1 100 Continue\r\n\r\n",
            b"X: " + b"y" * 70_000 + b"\r\n",
            b"X: y\r\n" * 200,
            b"z" * 2000,
        ]
    )
    | st.binary(max_size=30),
    max_size=8,
).map(lambda parts: b"HTTP/1.1 200 OK\r\n" + b"".join(parts) if len(parts) % 2 else b"".join(parts))


TARGETS = (
    Target(event, {"event": EVENTS}, 150),
    Target(picture, {"data": damaged_files()}, 400),
    Target(profile, {"data": profiles()}, 150),
    Target(drop, {"key": TEXT, "metadata": st.dictionaries(_NAMES, TEXT, max_size=4), "message": _JSON}, 100),
    Target(failure, {"error": TEXT, "cause": _JSON}, 100),
    Target(link, {"token": TEXT}, 100),
    Target(answer, {"data": _ANSWERS}, 40),
    option_target.TARGET,
    file_target.TARGET,
)
