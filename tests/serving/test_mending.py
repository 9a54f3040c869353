"""Mends of stored results: what is kept, versions, one at a time, and what a death between two writes leaves."""

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
import numpy as np
import pytest
from aws_lambda_powertools import Logger, Metrics
from botocore.exceptions import ClientError
from moto import mock_aws
from PIL import Image

from cutline.accounts.account import Account
from cutline.accounts.meter import Meter
from cutline.adapters.fetch import FetchPolicy
from cutline.adapters.link_secret import LinkSecret
from cutline.adapters.result_store import ResultStore, result_key
from cutline.adapters.signed_urls import UrlSigner, public_text, read_deployed, with_new_key
from cutline.adapters.sources import Sources
from cutline.contracts import mend, picwish
from cutline.contracts.wire import MendMetadata
from cutline.errors import AccessRefused, InputRefused, Reason
from cutline.pipeline.cutout import Matte
from cutline.pipeline.layout.framing import Framing, Length
from cutline.pipeline.options import CutOptions
from cutline.pipeline.outputs import files
from cutline.pipeline.outputs.files import finish_files
from cutline.pipeline.outputs.mend_file import keep_first, open_kept
from cutline.pipeline.outputs.metadata import ResultMetadata
from cutline.pipeline.timing import StageTimer
from cutline.serving.call import Produced
from cutline.serving.idempotency import Idempotency
from cutline.serving.mend_store import MendStore, find_part, part_metadata
from cutline.serving.mending import LEASE_S, MAX_MENDS, MendProcessor
from cutline.serving.service import Service
from devkit.clients import encoded
from devkit.memory_table import MemoryTable, client_error
from tests.support.calls import Part, call, multipart, multipart_call
from tests.support.charging_world import OpenGate

NOW = 1_700_000_000
LOGGER = Logger(service="test", level="CRITICAL")
REMOVE = {"do": "remove", "box": [0.4, 0.4, 0.6, 0.6]}


class Killed(BaseException):
    """The process is gone."""


@dataclass
class World:
    """A bucket with one result of two files, and what mends it."""

    s3: Any
    now: float = NOW
    noted: list[tuple[str, ResultMetadata]] = field(default_factory=list)
    deaths: int = 0
    signer: UrlSigner | None = None

    def __post_init__(self) -> None:
        self.results = ResultStore(self.s3, "out", lambda: LinkSecret.parse("secret"), self.signer)
        self.store = MendStore(self.results, LOGGER)
        self.table = MemoryTable("meter", "pk", "sk")
        self.processor = MendProcessor(
            self.results,
            self.store,
            self.table,
            lambda task_id, metadata: self.noted.append((task_id, metadata)),
            clock=lambda: self.now,
            sleep=lambda s: setattr(self, "now", self.now + s),
        )
        self.s3.meta.events.register("before-call.s3", self._die)

    def _die(self, model: Any, **_: Any) -> None:
        if model.name in ("PutObject", "CopyObject") and self.deaths:
            self.deaths -= 1
            if self.deaths == 0:
                raise Killed

    def cut(self, name: str, options: CutOptions, task_id: str = "") -> dict[str, str]:
        """Store the files of a disc's cut-out; return their keys."""
        y, x = np.ogrid[:90, :120]
        alpha_u8 = np.where((x - 50) ** 2 + (y - 45) ** 2 < 900, 255, 0).astype(np.uint8)
        rgb_u8 = np.where(alpha_u8[..., None] > 0, (200, 40, 30), (230, 232, 235)).astype(np.uint8)
        made = finish_files(Matte(rgb_u8, alpha_u8, "object"), options, StageTimer())
        keys = {part: result_key("shop", f"{name}-{part}", made.content_type) for part in made.files}
        file = keep_first(encoded(rgb_u8, "PNG"), options, made, None, keys, task_id)
        with self.store.keeping("shop", name, file) as metadata_of:
            for part, content in made.files.items():
                self.results.put_at(keys[part], content, made.content_type, metadata_of(part))
        return keys

    def mend(self, key: str, *strokes: dict[str, Any]) -> MendMetadata:
        return self.mend_at(self.results.link("https://shop.example", key, NOW + 600), *strokes)

    def mend_at(self, link: str, *strokes: dict[str, Any]) -> MendMetadata:
        request = call(
            json.dumps({"strokes": strokes}).encode(), path=f"{link.removeprefix('https://shop.example')}/mend"
        )
        made = self.processor.process(b"", mend.parse(request), StageTimer()).metadata
        assert isinstance(made, MendMetadata)
        return made

    def alpha(self, key: str) -> Any:
        with Image.open(io.BytesIO(self.results.get(key))) as image:
            return np.asarray(image)[..., -1] if image.mode == "RGBA" else np.asarray(image)

    def kept_alpha(self, version: int) -> bytes:
        return open_kept(self.store.get("m/shop/a", version)).alpha_png

    def keys(self) -> set[str]:
        return {item["Key"] for item in self.s3.list_objects_v2(Bucket="out")["Contents"]}


@pytest.fixture
def world() -> Iterator[World]:
    with mock_aws():
        s3 = boto3.client("s3", region_name="us-east-1")
        s3.create_bucket(Bucket="out")
        yield World(s3)


BOTH = CutOptions(want_mask=True)


def test_behind_cloudfront_a_link_names_the_address_to_mend_at_and_a_mend_answers_such_a_link(world: World) -> None:
    secret, private = with_new_key("")
    deployed = read_deployed([f"K1={public_text(private)}"])
    front = World(world.s3, signer=UrlSigner("https://d111.cloudfront.net", lambda: secret, deployed))
    key = front.cut("a", BOTH)["image"]
    link = front.results.link("https://shop.example", key, NOW + 600)
    for version in (2, 3):
        assert urlsplit(link).path == f"/{key}"
        made = front.mend_at(
            parse_qs(urlsplit(link).query)["variants"][0], REMOVE | {"do": ("keep", "remove")[version % 2]}
        )
        link = made.url
        assert made.version == version
    assert not front.alpha(key)[36:54, 48:72].any()


@pytest.mark.parametrize("dies_at", range(7))
def test_a_mend_that_dies_at_any_write_loses_nothing(world: World, dies_at: int) -> None:
    undisturbed = world.cut("b", BOTH)["image"]
    world.mend(undisturbed, REMOVE)
    keys = world.cut("a", BOTH, "task")
    before = world.alpha(keys["image"])
    world.deaths = dies_at
    try:
        assert world.mend(keys["image"], REMOVE).version == 2
        assert dies_at in (0, 6), "there are five writes"
    except Killed:
        assert find_part(world.results, keys["image"]).version == 1
        assert np.array_equal(world.alpha(keys["image"]), before)
    world.now, world.deaths = world.now + LEASE_S + 1, 0
    made = world.mend(keys["mask"], REMOVE)
    after = world.alpha(keys["image"])
    assert (made.version, made.changed) == (2, (after != before).mean())
    assert not after[36:54, 48:72].any()
    assert np.array_equal(after, world.alpha(undisturbed))
    assert np.array_equal(world.alpha(keys["mask"]), after)
    for part in keys.values():
        assert np.array_equal(world.alpha(find_part(world.results, part).of_version(1)), before)
    assert {task for task, _ in world.noted} == {"task"}


def test_the_same_strokes_again_are_the_same_version(world: World) -> None:
    """So that a caller that repeats a call of which it got no answer mends once."""
    key = world.cut("a", CutOptions())["image"]
    first, files = world.mend(key, REMOVE), world.keys()
    assert (world.mend(key, REMOVE), world.keys()) == (first, files)


def test_a_stroke_is_drawn_where_the_result_shows_it(world: World) -> None:
    """The disc is 60 pixels wide; with its margin the result is 84, and twice as wide in all."""
    options = CutOptions(crop=True, framing=Framing(least=(168, 0), ratio=1.0, scale=0.5))
    key = world.cut("a", options)["image"]
    before = world.alpha(key)
    assert before.shape == (168, 168)
    world.mend(key, {"do": "remove", "radius": 0.05, "points": [[0.5, 0.5]]})
    removed = np.argwhere((before > 250) & (world.alpha(key) < 5))
    assert np.abs(removed.mean(0) - 83.5).max() < 1.5
    assert 0.04 * 168 < np.abs(removed - 83.5).max() < 0.1 * 168
    # What is beyond the picture changes nothing.
    left = world.alpha(key)
    assert world.mend(key, {"do": "keep", "radius": 0.01, "points": [[0.0, 0.0]]}).changed == 0
    assert np.array_equal(world.alpha(key), left)


def test_a_result_has_a_bounded_number_of_versions(world: World) -> None:
    key = world.cut("a", CutOptions())["image"]
    for count in range(MAX_MENDS):
        world.mend(key, {"do": "keep", "radius": 0.01, "points": [[0.4, 0.3 + count / 100]]})
    with pytest.raises(InputRefused, match="20 times"):
        world.mend(key, REMOVE)


def test_a_second_mend_waits_for_the_first_and_not_for_one_that_is_dead(world: World) -> None:
    key = world.cut("a", CutOptions())["image"]
    with world.processor._lease("m/shop/a"):
        with pytest.raises(AccessRefused) as refused:
            world.mend(key, REMOVE)
        assert (refused.value.reason, NOW < world.now < NOW + LEASE_S) == (Reason.RATE_EXCEEDED, True)
        world.now += LEASE_S
        assert world.mend(key, REMOVE).version == 2
    assert world.mend(key, {"do": "keep", "radius": 0.01, "points": [[0.4, 0.3]]}).version == 3


def test_strokes_are_over_the_version_that_was_there_when_they_came(world: World) -> None:
    """The mend that this one waits for makes the frame wider, whose middle is elsewhere then."""
    key, alive = (
        world.cut("a", CutOptions(crop=True, framing=Framing(margin=(Length(40),) * 4)))["image"],
        world.processor,
    )
    first = alive._lease("m/shop/a")
    first.__enter__()

    def meanwhile(_: float) -> None:
        first.__exit__(None, None, None)
        world.processor = alive
        world.mend(key, {"do": "keep", "radius": 0.02, "points": [[0.89, 0.5]]})

    world.processor = replace(alive, sleep=meanwhile)
    width = world.alpha(key).shape[1]
    assert world.mend(key, {"do": "remove", "radius": 0.02, "points": [[0.5, 0.5]]}).version == 3
    assert world.alpha(key).shape[1] > width
    second, third = (np.asarray(Image.open(io.BytesIO(world.kept_alpha(version)))) for version in (2, 3))
    assert np.argwhere(second > third).mean(0) == pytest.approx((45, 50), abs=2), "the disc's middle"


@pytest.mark.parametrize(
    ("metadata", "reason"),
    [({}, Reason.NOT_KEPT), (part_metadata("b", "image"), Reason.NOT_KEPT), (None, Reason.NOT_FOUND)],
)
def test_a_result_of_which_nothing_was_kept_is_refused(
    world: World, metadata: dict[str, str] | None, reason: Reason
) -> None:
    if metadata is not None:
        world.results.put_at("r/shop/b-image.png", b"pixels", "image/png", metadata)
    with pytest.raises(InputRefused) as refused:
        world.mend("r/shop/b-image.png", REMOVE)
    assert refused.value.reason is reason


def test_a_drop_that_is_replaced_while_its_old_result_is_mended_stays(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = world.cut("a", CutOptions())["image"]
    put = world.store.put

    def meanwhile(folder: str, version: int, file: bytes) -> None:
        put(folder, version, file)
        world.results.put_at(key, b"a new drop's", "image/png", part_metadata("b", "image"))

    monkeypatch.setattr(MendStore, "put", lambda _, *arguments: meanwhile(*arguments))
    with pytest.raises(InputRefused) as refused:
        world.mend(key, REMOVE)
    assert (refused.value.reason, world.results.get(key)) == (Reason.NOT_FOUND, b"a new drop's")


def test_a_result_that_is_deleted_while_it_is_mended_is_not_found(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = world.cut("a", CutOptions())["image"]
    put = world.store.put
    monkeypatch.setattr(MendStore, "put", lambda _, *arguments: (put(*arguments), world.results.delete(key)))
    with pytest.raises(InputRefused) as refused:
        world.mend(key, REMOVE)
    assert (refused.value.reason, world.results.exists(key)) == (Reason.NOT_FOUND, False)


def test_a_write_that_the_sdk_repeats_has_not_replaced_another_file(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its first answer was lost, and the second try finds the new version in place of the old one."""
    key, put = world.cut("a", CutOptions())["image"], world.s3.put_object

    def repeated(**arguments: Any) -> Any:
        put(**arguments)
        return put(**arguments)

    monkeypatch.setattr(world.s3, "put_object", repeated)
    assert world.mend(key, REMOVE).version == 2
    assert find_part(world.results, key).version == 2


def test_a_lease_that_cannot_be_ended_changes_no_answer(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    key, update = world.cut("a", CutOptions())["image"], world.table.update_item

    def refuse_the_end(**arguments: Any) -> Any:
        if arguments["ExpressionAttributeValues"][":until"] == 0:
            raise client_error("InternalServerError", 500)
        return update(**arguments)

    monkeypatch.setattr(world.table, "update_item", refuse_the_end)
    assert world.mend(key, REMOVE).version == 2


def test_a_tasks_record_follows_though_the_mend_died_before_it(world: World) -> None:
    def die(*_: object) -> None:
        raise Killed

    key, alive = world.cut("a", CutOptions(), "task")["image"], world.processor
    world.processor = replace(alive, note=die)
    with pytest.raises(Killed):
        world.mend(key, REMOVE)
    world.processor, world.now = alive, world.now + LEASE_S + 1
    assert world.mend(key, REMOVE).version == 2
    ((task_id, metadata),) = world.noted
    assert (task_id, metadata.coverage) == ("task", pytest.approx(float(world.alpha(key).mean() / 255)))


def test_a_frame_that_grows_beyond_the_largest_result_is_the_strokes_fault(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = world.cut("a", CutOptions(crop=True, framing=Framing(margin=(Length(20),) * 4)))["image"]
    monkeypatch.setattr(files, "LARGEST_PX", world.alpha(key).size)
    with pytest.raises(InputRefused) as refused:
        world.mend(key, {"do": "keep", "radius": 0.02, "points": [[0.05, 0.5]]})
    assert mend.refuse(call(b""), refused.value).status == 400
    assert find_part(world.results, key).version == 1


def test_a_result_is_served_though_what_a_mend_needs_cannot_be_kept(world: World) -> None:
    def refuse(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "SlowDown"}}, "PutObject")

    put, served = world.s3.put_object, []
    world.s3.put_object = partial(refuse)
    with world.store.keeping("shop", "a", b"file") as metadata_of:
        served.append(metadata_of("image"))
    world.s3.put_object = put
    assert served == [part_metadata("a", "image")]
    with pytest.raises(InputRefused) as refused:
        world.store.get("m/shop/a", 1)
    assert refused.value.reason == Reason.NOT_KEPT


class Cutting:
    """Cuts out nothing, and brings what a mend would need."""

    def process(self, *_: object) -> Produced:
        metadata = ResultMetadata("object", 0.5, None)
        return Produced(1, 1, {"image": (b"png", "image/png")}, {}, metadata, lambda *_: b"photo")


@pytest.mark.parametrize(("return_type", "kept"), [("1", 1), ("2", 0), ("3", 1)])
def test_photographs_are_kept_only_of_results_that_have_links(world: World, return_type: str, kept: int) -> None:
    """Of 3 the answer is the pixels, but a later GET has a link."""
    service = Service(
        gate=OpenGate(Meter(MemoryTable("meter", "pk", "sk"))),
        idempotency=Idempotency(world.table, world.results),
        results=world.results,
        processor=Cutting(),
        sources=Sources(FetchPolicy(), None),
        logger=LOGGER,
        metrics=Metrics("Cutline", "test"),
        time_limit_ms=5000,
        mends=world.store,
    )
    parts = [Part(f'; name="{name}"', text.encode()) for name, text in (("sync", "1"), ("return_type", return_type))]
    body = multipart(*parts, Part('; name="image_file"; filename="a.png"', b"a picture"))
    assert service.handle(picwish, multipart_call(body)).status == 200
    stored = world.keys()
    assert sorted(key[:2] for key in stored) == ["m/"] * kept + ["r/"]


def test_a_mend_is_free_unless_it_has_a_price_of_its_own() -> None:
    assert Account("shop", price_micros={"*": 9}).price_of(mend.NAME) == 0
    assert Account("shop", price_micros={"*": 9, "mnd": 2}).price_of(mend.NAME) == 2
