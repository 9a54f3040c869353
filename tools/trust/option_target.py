"""The options of every API, fuzzed near to valid ones."""

import base64
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from hypothesis import strategies as st

from cutline.contracts import extensions, variants
from cutline.contracts.wire import Request
from cutline.errors import MattingError
from cutline.serving.proxy_event import to_proxy, to_request
from tools.trust.target import CONTRACTS, TEXT, Target, bounded

_REFUSAL_BYTES = 4000
OPTION_NAMES = sorted(
    {"sync", "type", "return_type", "output_type", "callback_url", "format", "bg_color", "crop", *extensions.NAMES}
    | {"size", "channels", "type_level", "roi", "crop_margin", "scale", "position", "add_shadow", "semitransparency"}
    | {"shadow_method", "bg_image_url", "image_file_b64", "model", "a", "af", "ab", "ae", "om", "ppm", "bgc", "api_key"}
    | {"w", "h", "fit", "bg", "profile", "shadow", "background", "background_fit"}
    | {"backGroundType", "targetWidth", "targetHeight", "imageBase64", "cloth_class", "return_form", "out_mode"}
)
# Pieces of what options say, so that a drawn text passes a reader's first check and fails, or not, at a later one.
_PIECES = st.sampled_from(
    [
        *("0", "1", "10", "255", "0.5", "99999", "1e9", "nan", "٣", "1_0", "%", "px", " ", ",", ":", "x", "#", "-"),
        *("amazon-main", "cover", "drop", "keep", "whole", "deg", "ffffff,000000", "blur", "https://a.example/b.jpg"),
        *("original", "center", "auto", "true", "preview", "rgba", "blue", "u2net", "png", "\x00", "\ufffd", "ff"),
    ]
)
_OPTION_TEXTS = st.lists(_PIECES, max_size=8).map("".join) | TEXT
_OPTIONS = st.dictionaries(st.sampled_from(OPTION_NAMES), _OPTION_TEXTS | st.integers() | st.floats(), max_size=6)


def options(fields: Mapping[str, Any], way: str) -> None:
    """Send options of every API near to valid ones, in each way that its readers know."""
    texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in fields.items()}
    source = {name: "https://example.com/a.jpg" for name in ("image_url", "url", "imageUrl")}
    for contract in CONTRACTS:
        with bounded():
            try:
                contract.parse(_call(contract.ROUTES[0], {**source, **texts}, way))
            except MattingError as error:
                answer = contract.refuse(_call(contract.ROUTES[0], {}, way), error)
                json.dumps(to_proxy(answer))
                assert len(answer.body) < _REFUSAL_BYTES
    with bounded():
        try:
            variants.canonical(variants.parse(_call("/r/token", texts, "query")))
        except MattingError as error:
            assert len(variants.refuse(error).body) < _REFUSAL_BYTES


def _call(path: str, texts: Mapping[str, str], way: str) -> Request:
    kind, body = "application/json", json.dumps(texts).encode()
    if way == "urlencoded":
        kind, body = "application/x-www-form-urlencoded", urlencode(texts, errors="replace").encode()
    elif way == "multipart":
        parts = [
            f'--X\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n' for name, text in texts.items()
        ]
        kind, body = "multipart/form-data; boundary=X", "".join([*parts, "--X--\r\n"]).encode("utf-8", "replace")
    query = {name: [text] for name, text in texts.items()} if way == "query" else {}
    return to_request(
        {
            "httpMethod": "GET" if way == "query" else "POST",
            "path": path,
            "headers": {"Content-Type": kind},
            "multiValueQueryStringParameters": query,
            "body": base64.b64encode(b"" if way == "query" else body).decode(),
            "isBase64Encoded": True,
        }
    )


TARGET = Target(
    options, {"fields": _OPTIONS, "way": st.sampled_from(["JSON", "urlencoded", "multipart", "query"])}, 200
)
