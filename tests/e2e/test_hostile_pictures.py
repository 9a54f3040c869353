"""A picture that its decoder does not come back from costs its own caller the call, and other callers nothing."""

import base64
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from skimage import data

from devkit.accounts import accounts_of
from devkit.clients import AidgeClient, AiLab, Answer, JdClient, PicWish, encoded
from devkit.meters import meter_of
from devkit.patience import scaled, until
from devkit.running import ROOT, RunningCloud, running_cloud
from tests.support.picwish import submit, wait
from tools.trust.icc_files import curve_set, element_profile, png_with

# 951 bytes that once took the functions half a minute and their lives.
BOMB = png_with(element_profile(b"D2B0", 6000, curve_set()), side=120)
HONEST = encoded(data.astronaut()[:300, 60:380], "PNG")
# Sleeps as native code does: no signal's handler runs meanwhile.
_STUCK = """

import ctypes

_unspoiled = decode_image


def decode_image(data: bytes, limits: PictureLimits, *asked) -> Picture:
    if data.endswith(b"stuck"):
        ctypes.PyDLL(None).sleep(120)
    return _unspoiled(data, limits, *asked)
"""

CALLS: dict[str, Callable[..., Answer]] = {
    "jdc": lambda url, picture, name="hostile": JdClient(url, f"AK-{name}", f"SK-{name}").cutout(picture),
    "jds": lambda url, picture, name="hostile": JdClient(url, f"AK-{name}", f"SK-{name}").segment(picture),
    "pw": lambda url, picture, name="hostile": PicWish(url, f"key-{name}").create(picture),
    "aid": lambda url, picture, name="hostile": AidgeClient(url, f"APP-{name}", f"SK-{name}").post(
        {"imageBase64": base64.b64encode(picture).decode()}
    ),
    "ail": lambda url, picture, name="hostile": AiLab(url, f"key-{name}").cut(picture),
}
TIMED_OUT: dict[str, Callable[[Answer], object]] = {
    "jdc": lambda said: said.json["result"]["status"] == 13303,
    "jds": lambda said: said.json["result"]["status"] == 1007,
    "pw": lambda said: said.json["data"]["state"] == -8,
    "aid": lambda said: (said.json["resCode"], said.json["resMessage"]) == (801, "model failed"),
    "ail": lambda said: (said.status, said.json["error_code_str"]) == (504, "AI_SERVICE_TIMEOUT"),
}
SERVED: dict[str, Callable[[Answer], object]] = {
    "jdc": lambda said: said.json["result"]["status"] == 0,
    "jds": lambda said: said.json["result"]["status"] == 1000,
    "pw": lambda said: said.json["data"]["state"] == 1,
    "aid": lambda said: said.json["resCode"] == 200,
    "ail": lambda said: said.status == 200,
}


def everywhere(url: str, name: str, pool: ThreadPoolExecutor, picture: bytes = HONEST) -> dict[str, Answer]:
    """What each API answers to the picture; all are called at once."""
    return dict(zip(CALLS, pool.map(lambda call: call(url, picture, name), CALLS.values()), strict=True))


@pytest.fixture(scope="module")
def stuck(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCloud]:
    """A cloud whose decoder never comes back from a file that ends in "stuck"."""
    home = tmp_path_factory.mktemp("stuck")
    for name in ("template.yaml", "functions", "layers/runtime", "layers/heif", "layers/model"):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).symlink_to(ROOT / name)
    shutil.copytree(ROOT / "layers" / "cutline", home / "layers" / "cutline")
    decode = home / "layers/cutline/python/cutline/pipeline/codecs/decode.py"
    decode.write_text(decode.read_text("utf-8") + _STUCK, "utf-8")
    limit_ms = round(scaled(4, most=20) * 1000)
    options = [f"--template={home / 'template.yaml'}", f"--parameter=TimeLimitMs={limit_ms}"]
    with running_cloud(home / "state", *options) as running, ThreadPoolExecutor(len(CALLS)) as pool:
        accounts_of(running).create("hostile", price_micros={"*": 3000}, daily_quota=100)
        accounts_of(running).create("early")
        # No cold start counts against the short time limit.
        until(lambda: all(SERVED[api](said) for api, said in everywhere(running.url, "early", pool).items()))
        yield running


@pytest.fixture(scope="module", autouse=True)
def doomed(stuck: RunningCloud) -> str:
    """A task that takes half a minute to fail, meanwhile."""
    return submit(PicWish(stuck.url, "key-hostile"), HONEST + b"stuck")


@pytest.fixture(scope="module")
def given_up(stuck: RunningCloud) -> Mapping[str, Answer]:
    """What each API says to a picture that its decoder does not come back from; all wait at once."""
    with ThreadPoolExecutor(len(CALLS)) as pool:
        return everywhere(stuck.url, "hostile", pool, HONEST + b"stuck")


def lines_of(cloud: RunningCloud, function: str) -> list[str]:
    return Path(cloud.log_dir / f"{function}.log").read_text("utf-8").splitlines()


@pytest.mark.parametrize("api", CALLS)
def test_a_decoder_that_does_not_come_back_is_a_time_out_in_the_apis_own_words(
    stuck: RunningCloud, given_up: Mapping[str, Answer], api: str
) -> None:
    assert TIMED_OUT[api](given_up[api]), given_up[api]
    before = meter_of(stuck, "hostile").get("charged_micros", 0)
    assert before == 3000 * list(CALLS).index(api), "what was served before, and none of what was given up"
    said = CALLS[api](stuck.url, HONEST)
    assert SERVED[api](said), said
    assert meter_of(stuck, "hostile")["charged_micros"] == before + 3000


def test_no_sandbox_was_lost_over_it(stuck: RunningCloud) -> None:
    for function in ("CutoutFunction", "SelfieFunction", "TasksFunction", "CostumeFunction"):
        lines = lines_of(stuck, function)
        assert [line for line in lines if "Sandbox.Timedout" in line or "Runtime.ExitError" in line] == []


@pytest.mark.parametrize("api", CALLS)
def test_a_profile_of_thousands_of_elements_is_served_like_any_other(stuck: RunningCloud, api: str) -> None:
    said = CALLS[api](stuck.url, BOMB)
    assert said.status in (200, 422), said
    assert not TIMED_OUT[api](said), said


def test_a_task_fails_in_time_and_its_picture_is_prepared_once(stuck: RunningCloud, doomed: str) -> None:
    picwish = PicWish(stuck.url, "key-hostile")
    _, body = wait(picwish, doomed, every_s=0.5)
    assert body["state"] == -8
    steps = [json.loads(line) for line in lines_of(stuck, "PrepareFunction") if '"message":"step"' in line]
    assert [step["reason"] for step in steps] == ["timed_out"]
    _, body = wait(picwish, submit(picwish, HONEST))
    assert body["state"] == 1
