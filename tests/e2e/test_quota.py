"""The quota under load: 200 callers at once, over real HTTP, against a quota of 50."""

import base64
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from devkit.accounts import accounts_of
from devkit.clients import AidgeClient, Answer, JdClient, PicWish, plain_picture, send
from devkit.meters import counters
from devkit.running import RunningCloud, running_cloud

CALLERS, QUOTA, PRICE_MICROS = 200, 50, 1200
SMALL = plain_picture(48, 48)
ENCODED = base64.b64encode(plain_picture(100, 100)).decode()


@pytest.fixture(scope="module")
def unlimited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCloud]:
    """A local cloud whose functions may run for all callers at once: what refuses is the quota and nothing before it.

    Calls beyond the sandboxes of one machine wait inside it for their turn.
    """
    options = [f"--parameter={name}={CALLERS}" for name in ("SyncConcurrency", "AccountConcurrency")]
    with running_cloud(tmp_path_factory.mktemp("unlimited"), *options) as running:
        yield running


def by_jd(url: str, name: str) -> str:
    answer = JdClient(url, f"AK-{name}", f"SK-{name}").cutout(SMALL)
    return _reported(answer, lambda body: body["code"] == 10000, lambda body: body["code"] == 10040)


def by_picwish(url: str, name: str) -> str:
    answer = PicWish(url, f"key-{name}").create(SMALL)
    return _reported(answer, lambda body: body.get("data", {}).get("state") == 1, lambda body: body["status"] == 429)


def by_aidge(url: str, name: str) -> str:
    answer = AidgeClient(url, f"APP-{name}", f"SK-{name}").post({"imageBase64": ENCODED})
    return _reported(answer, lambda body: body["success"], lambda body: body["code"] == "ApiCallLimit")


def _reported(answer: Answer, served: Callable[[Any], bool], refused: Callable[[Any], bool]) -> str:
    if served(answer.json):
        return "served"
    return "refused" if refused(answer.json) else f"{answer.status} {answer.body[:300]!r}"


@pytest.mark.parametrize("callers", [[by_jd], [by_picwish], [by_jd, by_aidge]], ids=["JD", "PicWish", "JD and Aidge"])
def test_of_200_calls_at_once_exactly_50_are_served_and_charged(
    unlimited: RunningCloud, callers: list[Callable[[str, str], str]]
) -> None:
    name = "-".join(caller.__name__ for caller in callers)
    accounts_of(unlimited).create(name, qps=100_000, daily_quota=QUOTA, price_micros={"*": PRICE_MICROS})
    warm_up(unlimited, callers)
    start = threading.Barrier(CALLERS)

    def call(index: int) -> str:
        start.wait()
        return callers[index % len(callers)](unlimited.url, name)

    with ThreadPoolExecutor(CALLERS) as pool:
        reported = Counter(pool.map(call, range(CALLERS)))
    assert reported == {"served": QUOTA, "refused": CALLERS - QUOTA}
    item = counters(unlimited, name)
    assert item["taken"] == QUOTA
    assert total(item, "calls_") == QUOTA
    assert total(item, "charged_micros_") == item["charged_micros"] == QUOTA * PRICE_MICROS
    assert total(item, "refused_") == CALLERS - QUOTA
    assert not [attribute for attribute in item if attribute.startswith("hold:")]
    report = send("GET", f"{unlimited.url}/usage", headers={"X-API-KEY": f"key-{name}"}).json
    assert report["total"] == {"calls": QUOTA, "charge": "0.060000", "refused": CALLERS - QUOTA}


def warm_up(cloud: RunningCloud, callers: list[Callable[[str, str], str]]) -> None:
    """Sandboxes for another account's calls, so that on a slow machine no cold start eats the gateway's 29 seconds."""
    accounts_of(cloud).create("early", qps=1000)
    with ThreadPoolExecutor(8) as pool:
        calls = [pool.submit(caller, cloud.url, "early") for caller in callers * 8]
    assert {call.result() for call in calls} == {"served"}


def total(item: dict[str, int], prefix: str) -> int:
    return sum(value for name, value in item.items() if name.startswith(prefix))
