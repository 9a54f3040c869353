"""Whatever a caller sends, `parse` answers with a job or with a refusal, and `refuse` finds words for it."""

import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cutline.contracts import aidge, jd_matting
from cutline.contracts.wire import Job, Request
from cutline.errors import InputRefused
from tests.support.calls import Part, call, json_of, multipart

# Names and fragments that reach deep into the readers, mixed with noise.
FRAGMENTS = [
    b"--X",
    b"\r\n",
    b"\r\n\r\n",
    b"--X--",
    b"Content-Disposition: form-data; name=",
    b'"imageBase64"',
    b"; filename=",
    b"; filename*=utf-8''%ff",
    b"; filename*0*=a; filename*1=b",
    b"imageUrl=",
    b"imageBase64=",
    b"&",
    b"{",
    b'"imageUrl":',
    b"\xff",
    b"\x00",
]
CONTENT_TYPES = [
    "application/json",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=X",
    'multipart/form-data; boundary="X"; boundary=Y',
    "multipart/form-data; boundary*0=X; boundary*1=Y",
    "multipart/form-data; boundary*=X''%ff",
]
# Header values as API Gateway hands them over: any text but lone surrogates.
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
BODIES = st.binary(max_size=200) | st.lists(st.sampled_from(FRAGMENTS) | st.binary(max_size=6), max_size=20).map(
    b"".join
)
FIELDS = st.dictionaries(
    st.sampled_from(["imageUrl", "imageBase64", "backGroundType", "targetWidth", "targetHeight"]) | st.text(max_size=5),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
        max_leaves=5,
    ),
    max_size=6,
)
BOUNDED = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def survives(request: Request) -> None:
    for contract in (jd_matting, aidge):
        try:
            job = contract.parse(request)
        except InputRefused as error:
            response = contract.refuse(request, error)
            assert json_of(response)
            assert response.status in (200, 405)
        else:
            assert isinstance(job, Job)
            assert (job.source.data is None) != (job.source.url is None)


@BOUNDED
@given(body=BODIES, content_type=st.sampled_from(CONTENT_TYPES) | TEXT, method=st.sampled_from(["GET", "POST"]))
def test_any_bytes_under_any_content_type_are_read_or_refused(body: bytes, content_type: str, method: str) -> None:
    survives(call(body, method=method, headers={"content-type": content_type}))


@BOUNDED
@given(document=FIELDS)
def test_any_json_object_is_read_or_refused(document: dict[str, object]) -> None:
    survives(call(json.dumps(document).encode(), headers={"content-type": "application/json"}))


@BOUNDED
@given(pairs=st.lists(st.tuples(st.sampled_from(["imageUrl", "imageBase64", "targetWidth"]) | TEXT, TEXT), max_size=6))
def test_any_query_is_read_or_refused(pairs: list[tuple[str, str]]) -> None:
    survives(call(method="GET", query=tuple(pairs)))


@BOUNDED
@given(disposition=st.text(st.characters(exclude_categories=["Cs"]), max_size=60), payload=st.binary(max_size=40))
def test_any_part_header_is_read_or_refused(disposition: str, payload: bytes) -> None:
    body = multipart(Part(disposition, payload), boundary="X")
    survives(call(body, headers={"content-type": "multipart/form-data; boundary=X"}))
