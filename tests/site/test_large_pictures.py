"""The playground with pictures too large for a call: by itself it takes an upload ticket, and its code does too."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from devkit.clients import encoded, open_picture
from devkit.running import RunningCloud
from tests.support.browser import Browser
from tests.support.playground import LANGUAGES, STATIC, alpha_at, cut, result_size, run_code

MIB = 1024 * 1024
CALL_BYTES = 4.5 * MIB


@dataclass(frozen=True)
class Large:
    """A sample at another width, grainy enough to weigh more than `least` bytes as PNG."""

    api: str
    sample: str
    width: int
    grain: int
    least: float

    def write(self, path: Path) -> bytes:
        with Image.open(STATIC / f"{self.sample}.jpg") as small:
            size = (self.width, self.width * small.height // small.width)
            picture = np.asarray(small.resize(size), np.int16)
        noise = np.random.default_rng(5).integers(-self.grain, self.grain + 1, picture.shape, np.int16)
        data = encoded(np.clip(picture + noise, 0, 255).astype(np.uint8), "PNG")
        assert len(data) > self.least
        path.write_bytes(data)
        return data


# Of each API that takes addresses, a picture within its limits and beyond a call's; PicWish's is beyond API Gateway's.
LARGE = (
    Large("pw", "mug", 2600, 24, 10 * MIB),
    Large("aid", "mug", 2000, 12, CALL_BYTES),
    Large("ail", "person", 1300, 16, CALL_BYTES),
)


def choose(page: Browser, path: Path) -> None:
    page.type("#file", str(path))
    page.wait_for(lambda: page.text("#picture-name") == path.name)


def uploads(cloud: RunningCloud) -> dict[str, str]:
    """Hash of each upload of the demo account, by key."""
    s3, bucket = cloud.client("s3"), cloud.resources["InputBucket"]
    found = s3.list_objects_v2(Bucket=bucket, Prefix="u/demo/").get("Contents", [])
    bodies = {item["Key"]: s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].read() for item in found}
    return {key: hashlib.sha256(body).hexdigest() for key, body in bodies.items()}


@pytest.mark.parametrize("picture", LARGE, ids=lambda picture: picture.api)
def test_a_large_picture_goes_by_upload_ticket(
    page: Browser, cloud: RunningCloud, programs: dict[str, str], tmp_path: Path, picture: Large
) -> None:
    data = picture.write(tmp_path / "large.png")
    before = uploads(cloud)
    choose(page, tmp_path / "large.png")
    page.click(f"#api-{picture.api}")
    cut(page)
    assert page.text("#status").startswith("Done in"), page.text("#error")
    assert "straight to S3" in page.text("#picture-note")
    assert "JPEG" not in page.text("#picture-note"), "the picture itself, not a smaller copy"
    new = {key: digest for key, digest in uploads(cloud).items() if key not in before}
    assert list(new.values()) == [hashlib.sha256(data).hexdigest()]
    assert result_size(page) == open_picture(data).size
    assert alpha_at(page, 0.5, 0.45) > 240
    assert "MiB" in page.text("#fact-upload")
    assert not page.is_shown("#uploading")
    for language in LANGUAGES:
        answer = run_code(page, programs, language, tmp_path)
        assert answer.get("status") == 200 or answer.get("success") or answer.get("error_code") == 0, answer
    assert len(uploads(cloud)) == len(before) + 1 + len(LANGUAGES), "the code uploads too"


def test_a_large_picture_becomes_a_background_task_in_chinese(page: Browser, tmp_path: Path) -> None:
    LARGE[2].write(tmp_path / "large.png")
    page.click("#lang-zh")
    page.choose("#option-sync", "0")
    choose(page, tmp_path / "large.png")
    page.click("#go")
    page.wait_for(lambda: page.text("#status").startswith("完成"))
    assert "传到 S3" in page.text("#picture-note")
    assert "task_id" in page.text("#snippet")
    assert "ticket" in page.text("#snippet")


def test_an_api_without_addresses_gets_a_smaller_copy(page: Browser, tmp_path: Path) -> None:
    LARGE[2].write(tmp_path / "large.png")
    choose(page, tmp_path / "large.png")
    page.click("#api-jdc")
    cut(page)
    assert page.text("#status").startswith("Done in"), page.text("#error")
    assert "JPEG" in page.text("#picture-note")
    assert "S3" not in page.text("#picture-note")
    assert "large.jpg is a copy" in page.text("#code-note")


def test_an_upload_without_a_good_key_is_reported_in_words(page: Browser, tmp_path: Path) -> None:
    LARGE[2].write(tmp_path / "large.png")
    choose(page, tmp_path / "large.png")
    page.clear("#credential-key")
    page.type("#credential-key", "wrong")
    cut(page)
    assert "does not know these credentials" in page.text("#error")
    assert "401" in page.text("#error-code")
    assert not page.is_shown("#facts"), "no answer of an API came"


def test_an_upload_that_breaks_off_is_reported_in_words(page: Browser, tmp_path: Path) -> None:
    LARGE[2].write(tmp_path / "large.png")
    choose(page, tmp_path / "large.png")
    page.run("XMLHttpRequest.prototype.open = function () { this.send = () => this.onerror() }")
    cut(page)
    assert "upload to S3 did not go through" in page.text("#error")
    assert not page.is_shown("#uploading")
