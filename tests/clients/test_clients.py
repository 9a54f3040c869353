"""Clients that others wrote, unchanged but for the host: each cuts a picture out with its own code (docs/migrate.md).

Programs that are not installed are skipped. ALL_TESTS=required, as in CI, demands those that .ci/run installs.
The npm packages come with `make clients`; the Ruby gem has to be there already.
"""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from PIL import Image
from skimage import data

from devkit.clients import encoded, follow, open_picture
from devkit.patience import WAIT_S
from devkit.running import ROOT, RunningCloud

PROGRAMS = Path(__file__).parent / "programs"
NODE_MODULES = ROOT / "build" / "clients" / "node_modules"
SIZE = (320, 300)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A person, in a folder that a client may write into."""
    path = tmp_path / "photo.jpg"
    path.write_bytes(encoded(data.astronaut()[:300, 60:380]))
    return path


def program(name: str, package: str) -> str:
    """Where a program is that .ci/run installs."""
    path = shutil.which(name)
    if path is None:
        _missing(f"no {name} (apt-get install {package})", in_ci=True)
    return str(path)


def _missing(reason: str, *, in_ci: bool) -> None:
    if in_ci and os.environ.get("ALL_TESTS") == "required":
        pytest.fail(reason)
    pytest.skip(reason)


def run(command: Sequence[str | Path], folder: Path) -> str:
    """What the client printed."""
    # lazop_sdk writes a log into the home folder when it is imported.
    environment = {**os.environ, "HOME": str(folder), "NODE_PATH": str(NODE_MODULES)}
    ended = subprocess.run(
        [str(part) for part in command], cwd=folder, env=environment, capture_output=True, text=True, timeout=WAIT_S,
        check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def run_python(name: str, package: str, folder: Path, *arguments: str | Path) -> str:
    if importlib.util.find_spec(package) is None:
        _missing(f"no {package} (make .venv/ready)", in_ci=True)
    return run([sys.executable, PROGRAMS / name, *arguments], folder)


def run_node(name: str, folder: Path, *arguments: str | Path, packages: Sequence[str] = ()) -> str:
    node = program("node", "nodejs")
    for package in packages:
        if not (NODE_MODULES / package).is_dir():
            _missing(f"no npm package {package} (make clients)", in_ci=True)
    return run([node, PROGRAMS / name, *arguments], folder)


def assert_cut_out(path: Path, size: tuple[int, int] = SIZE) -> None:
    with Image.open(path) as picture:
        assert (picture.format, picture.mode, picture.size) == ("PNG", "RGBA", size)
        alpha = picture.getchannel("A")
        assert (alpha.getpixel((size[0] // 2, size[1] - 5)), alpha.getextrema()) == (255, (0, 255))


def test_pypi_removebg(cloud: RunningCloud, photo: Path) -> None:
    result = photo.parent / "no-bg.jpg"
    run_python("removebg_client.py", "removebg", photo.parent, cloud.url, photo, result)
    with Image.open(result) as picture:
        # Opaque with a background, and format auto: a JPEG, whatever the client calls it.
        assert (picture.format, picture.size) == ("JPEG", SIZE)


def test_pypi_ailabtools_sdk(cloud: RunningCloud, photo: Path) -> None:
    reported = run_python("ailabtools_client.py", "ailabtools", photo.parent, cloud.url, photo).splitlines()
    *links, credits_left, refused = reported
    assert len(links) == 6
    for link in links[:4]:
        assert open_picture(follow(link).body).mode == "RGB"
    for link in links[4:]:
        assert open_picture(follow(link).body).size == SIZE
    assert json.loads(credits_left)[0]["balance"] > 0
    assert refused == "Not one of BMP, JPEG, PNG."


def test_pypi_lazop_sdk(cloud: RunningCloud, photo: Path) -> None:
    reported = json.loads(run_python("lazop_client.py", "lazop_sdk", photo.parent, cloud.url, photo))
    assert reported["code"] == "0"
    assert reported["body"]["data"]["imageWidth"] == SIZE[0]
    assert open_picture(follow(reported["body"]["data"]["imageUrl"]).body).format == "JPEG"


def test_pypi_jdcloud_sdk(cloud: RunningCloud, photo: Path) -> None:
    host = urlsplit(cloud.url).netloc
    reported: Any = json.loads(run_python("jdcloud_client.py", "jdcloud_sdk", photo.parent, host, photo))
    assert (reported["error"], reported["refused"]) == (None, 401)
    assert follow(reported["matting"]["result"]["cutout_image_url"]).status == 200


def test_npm_remove_bg(cloud: RunningCloud, photo: Path) -> None:
    reported = json.loads(run_node("removebg_client.js", photo.parent, cloud.url, photo, packages=["remove.bg"]))
    assert reported["byFile"]["resultWidth"] == str(SIZE[0])
    assert (reported["byFile"]["detectedType"], reported["byFile"]["creditsCharged"]) == ("person", "1")
    assert int(reported["byText"]["resultWidth"]) <= SIZE[0]
    assert reported["refused"] == [{"title": "API Key invalid", "code": "auth_failed"}]
    assert_cut_out(photo.parent / "no-bg.png")


@pytest.mark.parametrize(
    ("path", "field", "header"),
    [("/v1.0/removebg", "image_file", "X-Api-Key"), ("/api/remove", "file", "X-Api-Key")],
    ids=["remove.bg", "rembg"],
)
def test_npm_axios_with_a_buffer(cloud: RunningCloud, photo: Path, path: str, field: str, header: str) -> None:
    result = photo.parent / "no-bg.png"
    arguments = (cloud.url, photo, path, field, header, result)
    reported = json.loads(run_node("axios_buffer.js", photo.parent, *arguments, packages=["axios", "form-data"]))
    assert reported == {"type": "image/png", "accept": "application/json, text/plain, */*"}
    assert_cut_out(result)


def test_axios_with_a_buffer_on_a_route_that_answers_json(cloud: RunningCloud, photo: Path) -> None:
    for path, field, header in (
        ("/api/tasks/visual/segmentation", "image_file", "X-API-KEY"),
        ("/api/cutout/general/universal-background-removal", "image", "ailabapi-api-key"),
    ):
        result = photo.parent / "answer.json"
        arguments = (cloud.url, photo, path, field, header, result)
        run_node("axios_buffer.js", photo.parent, *arguments, packages=["axios", "form-data"])
        answer = json.loads(result.read_text())["data"]
        assert follow(answer.get("image_url") or answer["image"]).status == 200


def test_node_fetch(cloud: RunningCloud, photo: Path) -> None:
    run_node("fetch_blob.mjs", photo.parent, cloud.url, photo, photo.parent / "no-bg.png")
    assert_cut_out(photo.parent / "no-bg.png")


def test_curl(cloud: RunningCloud, photo: Path) -> None:
    result, url = photo.parent / "no-bg.png", f"{cloud.url}/v1.0/removebg"
    fields = ["-F", f"image_file=@{photo}", "-F", "size=auto"]
    run([program("curl", "curl"), "-s", "-H", "X-API-Key: demo-key", *fields, "-f", url, "-o", result], photo.parent)
    assert_cut_out(result)


def test_php(cloud: RunningCloud, photo: Path) -> None:
    php = program("php", "php-cli php-curl")
    run([php, PROGRAMS / "curl_extension.php", cloud.url, photo, photo.parent / "no-bg.png"], photo.parent)
    assert_cut_out(photo.parent / "no-bg.png")


def test_ruby(cloud: RunningCloud, photo: Path) -> None:
    ruby = program("ruby", "ruby")
    run([ruby, PROGRAMS / "net_http.rb", cloud.url, photo, photo.parent / "no-bg.png"], photo.parent)
    assert_cut_out(photo.parent / "no-bg.png")


def test_ruby_gem_remove_bg(cloud: RunningCloud, photo: Path) -> None:
    ruby = program("ruby", "ruby")
    if subprocess.run([ruby, "-e", 'require "remove_bg"'], capture_output=True, timeout=WAIT_S, check=False).returncode:
        _missing("no gem remove_bg (gem install remove_bg)", in_ci=False)
    result = photo.parent / "no-bg.png"
    reported = json.loads(run([ruby, PROGRAMS / "remove_bg_gem.rb", cloud.url, photo, result], photo.parent))
    assert_cut_out(result)
    assert (reported["type"], reported["width"], reported["refused"]) == ("person", SIZE[0], "API Key invalid")
    assert (reported["rate"], reported["credits"] > 0) == (3000, True)
