"""The guides' examples, each run as its reader would run it, against the local cloud."""

import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from PIL import Image

from devkit.listening import QuietHandler, listening
from devkit.patience import WAIT_S, until
from devkit.running import RunningCloud
from tests.support.browser import Browser
from tests.support.examples import EXAMPLES, run, signed
from tests.support.playground import STATIC

APIS = ("jd", "selfie", "picwish", "aidge", "ailab")


def assert_cut_out(path: Path) -> None:
    with Image.open(path) as image:
        assert (image.format, image.mode, image.size) == ("PNG", "RGBA", (600, 800))
        alpha = np.asarray(image)[..., 3]
    assert 0.02 < (alpha > 128).mean() < 0.6
    assert alpha[5, 5] == 0


@pytest.mark.parametrize("api", APIS)
def test_python_calls_each_api(environment: dict[str, str], photo: Path, api: str) -> None:
    result = photo.with_name("cutout.png")
    run(environment, sys.executable, EXAMPLES / "call.py", api, photo, result)
    assert_cut_out(result)


@pytest.mark.parametrize("api", APIS)
def test_node_calls_each_api(environment: dict[str, str], node: str, photo: Path, api: str) -> None:
    result = photo.with_name("cutout.png")
    run(environment, node, EXAMPLES / "call.mjs", api, photo, result)
    assert_cut_out(result)


@pytest.fixture(params=["py", "mjs"])
def language(request: pytest.FixtureRequest, node: str) -> tuple[str, str]:
    """An interpreter and the ending of its examples."""
    return (sys.executable if request.param == "py" else node), request.param


def ending(environment: dict[str, str], *command: object) -> tuple[int, str]:
    """Exit status and last words of a command that may fail."""
    words = [str(word) for word in command]
    ended = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=WAIT_S, check=False)
    return ended.returncode, ended.stderr


@pytest.mark.parametrize("api", APIS)
def test_a_refusal_ends_the_example_with_the_apis_words(
    environment: dict[str, str], tmp_path: Path, language: tuple[str, str], api: str
) -> None:
    (tmp_path / "photo.jpg").write_bytes(b"no picture")
    example, out = EXAMPLES / f"call.{language[1]}", tmp_path / "out.png"
    status, reported = ending(environment, language[0], example, api, tmp_path / "photo.jpg", out)
    assert (status, reported.startswith("refused: ")) == (1, True), reported
    assert not out.exists()


def test_an_example_says_that_there_is_no_answer(
    environment: dict[str, str], photo: Path, language: tuple[str, str]
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        away = {**environment, "CUTLINE_URL": f"http://127.0.0.1:{closed.getsockname()[1]}"}
        status, reported = ending(away, language[0], EXAMPLES / f"call.{language[1]}", "picwish", photo, photo)
    assert (status, reported.startswith("no answer from http")) == (1, True), reported


def test_a_repeated_call_is_answered_once_more(
    environment: dict[str, str], photo: Path, language: tuple[str, str]
) -> None:
    reported = json.loads(run(environment, language[0], EXAMPLES / f"retry.{language[1]}", photo))
    assert (reported["same"], reported["replayed"]) == (True, [False, True])


class _Weary(QuietHandler):
    """Busy twice, then content: what each try carried as its key is remembered."""

    keys: ClassVar[list[str]] = []

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.keys.append(self.headers["Idempotency-Key"])
        body = b'{"status":200,"data":{"state":1,"image":"x"}}'
        self.send_response({1: 429, 2: 503}.get(len(self.keys), 200))
        self.send_header("Retry-After", "0")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def test_a_busy_service_is_asked_again_with_the_same_key(
    environment: dict[str, str], photo: Path, language: tuple[str, str]
) -> None:
    _Weary.keys.clear()
    with listening(_Weary) as url:
        run({**environment, "CUTLINE_URL": url}, language[0], EXAMPLES / f"retry.{language[1]}", photo)
    tries = 4  # busy twice, then served, then the repetition
    assert (len(_Weary.keys), len(set(_Weary.keys))) == (tries, 1)


def test_a_drop_folder(shop_cloud: RunningCloud, environment: dict[str, str], tmp_path: Path) -> None:
    results = tmp_path / "results"
    results.mkdir()
    run(environment, sys.executable, EXAMPLES / "drop.py", "demo", results, STATIC / "mug.jpg", STATIC / "person.jpg")
    assert sorted(path.name for path in results.iterdir()) == ["mug.jpg.jpg", "person.jpg.jpg"]
    with Image.open(results / "mug.jpg.jpg") as image:
        assert (image.format, image.getpixel((1, 1))) == ("JPEG", (255, 255, 255))
        assert max(image.size) < 800, "cut to the mug"
    (tmp_path / "bad.jpg").write_bytes(b"no picture")
    command = [sys.executable, str(EXAMPLES / "drop.py"), "demo", str(results), str(tmp_path / "bad.jpg")]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=WAIT_S, check=False)
    assert (ended.returncode, "none of AVIF, BMP" in ended.stderr) == (1, True), ended.stderr


def test_a_drop_waits_for_its_own_answer_not_for_an_earlier_ones(environment: dict[str, str], tmp_path: Path) -> None:
    picture, result = tmp_path / "again.jpg", tmp_path / "results" / "again.jpg.jpg"
    result.parent.mkdir()
    command = [sys.executable, EXAMPLES / "drop.py", "demo", result.parent, picture]
    picture.write_bytes(b"no picture")
    assert ending(environment, *command)[0] == 1
    sizes = []
    for name in ("mug.jpg", "person.jpg"):
        picture.write_bytes((STATIC / name).read_bytes())
        run(environment, *command)
        with Image.open(result) as image:
            sizes.append(image.size)
    assert sizes[0] != sizes[1], "the mug's cut-out again"
    picture.write_bytes(b"no picture")
    status, reported = ending(environment, *command)
    assert (status, "none of AVIF, BMP" in reported) == (1, True), reported


def test_drops_of_one_name_are_refused_before_any_is_made(environment: dict[str, str], tmp_path: Path) -> None:
    command = [sys.executable, EXAMPLES / "drop.py", "demo", tmp_path, "a/1.jpg", "b/1.jpg", "b/2.jpg"]
    reported = "pictures of one name would replace each other: 1.jpg\n"
    assert ending(environment, *command) == (1, reported)


@contextmanager
def shop(environment: dict[str, str]) -> Iterator[str]:
    """The example's server, and its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, str(EXAMPLES / "shop.py"), str(port)]
    variables = {**environment, "SHOP_URL": url}
    with subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline().decode().strip() == url
            yield url
        finally:
            process.terminate()


def post(url: str, body: bytes, headers: dict[str, str] | None = None) -> tuple[int, Any]:
    request = urllib.request.Request(url, body, headers or {}, method="POST")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=WAIT_S) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


@pytest.fixture
def callback_key(shop_cloud: RunningCloud, environment: dict[str, str]) -> str:
    """As the operator looks it up."""
    command = f'. "{shop_cloud.state_dir}/operator.env" && cutline account callback-key demo'
    return run(environment, "sh", "-c", command).strip()


def test_the_shop_believes_only_cutlines_callbacks(
    shop_cloud: RunningCloud, environment: dict[str, str], callback_key: str
) -> None:
    with shop({**environment, "CUTLINE_CALLBACK_KEY": callback_key}) as url:
        forged = b'{"data":{"task_id":"x","state":1}}'
        assert post(f"{url}/callback", forged)[0] == 403
        header = {"X-Cutline-Signature": signed("guessed", forged, int(time.time()))}
        assert post(f"{url}/callback", forged, header)[0] == 403
        key = "u/demo/" + "0" * 32
        s3, bucket = shop_cloud.client("s3"), shop_cloud.resources["InputBucket"]
        s3.put_object(Bucket=bucket, Key=key, Body=(STATIC / "mug.jpg").read_bytes())
        status, answer = post(f"{url}/cut", json.dumps({"source": f"upload:{key}"}).encode())
        assert status == 200
        task_id = answer["data"]["task_id"]
        wait_for_callback(shop_cloud, task_id)
        # Without the record Cutline knows nothing of the task: what the shop shows, it was reported.
        shop_cloud.client("dynamodb").delete_item(
            TableName=shop_cloud.resources["TasksTable"], Key={"pk": {"S": task_id}}
        )
        assert ask(f"{url}/task/{task_id}")["data"]["state"] == 1
        with pytest.raises(urllib.error.HTTPError, check=lambda error: error.code == 404):
            ask(f"{url}/task/{'0' * 36}")


def ask(url: str) -> Any:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=WAIT_S) as answer:
        return json.load(answer)


def wait_for_callback(cloud: RunningCloud, task_id: str) -> None:
    """Returns once the callback's step has logged its end."""

    def has_ended() -> bool:
        lines = (cloud.log_dir / "CallBackFunction.log").read_text("utf-8", "replace").splitlines()
        return any(task_id in line and '"step"' in line for line in lines)

    until(has_ended, "the callback", every_s=0.2)


def test_a_customer_uploads_waits_and_sees_the_cut_out(environment: dict[str, str], chromium: Browser) -> None:
    with shop(environment) as url:
        chromium.open(url)
        chromium.type("#file", str(STATIC / "mug.jpg"))
        chromium.wait_for(lambda: chromium.text("#status") == "Done.", "the cut-out")
        assert chromium.is_shown("#after")
        assert not chromium.is_shown("#before")
        assert chromium.run("return document.getElementById('after').naturalWidth") == 800
        assert chromium.console() == []


def test_a_task_that_is_asked_for_twice_is_made_and_paid_once(
    shop_cloud: RunningCloud, environment: dict[str, str]
) -> None:
    key = f"u/demo/{uuid.uuid4().hex}"
    s3, bucket = shop_cloud.client("s3"), shop_cloud.resources["InputBucket"]
    s3.put_object(Bucket=bucket, Key=key, Body=(STATIC / "mug.jpg").read_bytes())
    with shop(environment) as url:
        order = json.dumps({"source": f"upload:{key}"}).encode()
        reported = [post(f"{url}/cut", order) for _ in range(2)]
        assert [status for status, _ in reported] == [200, 200]
        assert reported[0][1]["data"]["task_id"] == reported[1][1]["data"]["task_id"]
        foreign = json.dumps({"source": "https://example.com/"}).encode()
        assert post(f"{url}/cut", foreign)[0] == 400


def test_a_shop_whose_cutline_is_away_says_so(environment: dict[str, str]) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        away = f"http://127.0.0.1:{closed.getsockname()[1]}"
        with shop({**environment, "CUTLINE_URL": away}) as url:
            status, answer = post(f"{url}/ticket", b"{}")
    assert (status, answer["message"].partition(":")[0]) == (502, "Cutline did not answer")


def test_a_customer_may_be_unlucky_once(environment: dict[str, str], chromium: Browser) -> None:
    with shop(environment) as url:
        chromium.open(url)
        unlucky = "async () => { window.fetch = ask; return new Response('', { status: 503 }) }"
        chromium.run(f"const ask = fetch; window.fetch = {unlucky}")
        chromium.type("#file", str(STATIC / "mug.jpg"))
        chromium.wait_for(lambda: chromium.text("#status") == "Done.", "the cut-out")
        assert chromium.is_shown("#save")
        assert chromium.run("return fetch(document.getElementById('save').href).then((file) => file.ok)")


def test_a_customer_is_reported_that_a_file_cannot_be_cut_out(
    environment: dict[str, str], chromium: Browser, tmp_path: Path
) -> None:
    (tmp_path / "fake.png").write_bytes(b"no picture")
    with shop(environment) as url:
        chromium.open(url)
        chromium.type("#file", str(tmp_path / "fake.png"))
        chromium.wait_for(lambda: "could not be cut out" in chromium.text("#status"), "the refusal")
        assert not chromium.is_shown("#bar")
