"""One account floods, another one's calls are served meanwhile: behind one Idempotency-Key, and with slow sources."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from devkit.accounts import accounts_of
from devkit.clients import PicWish, plain_picture
from devkit.meters import counters, meter_of
from devkit.patience import scaled, until
from devkit.running import RunningCloud, running_cloud
from tools.load.floods import from_source, slow_source

SMALL = plain_picture(64, 48)
FLOOD, ITS_RATE = 32, 4
AT_ONCE = 5  # AccountConcurrency's default


@pytest.fixture(scope="module")
def source() -> Iterator[str]:
    with slow_source() as address:
        yield address


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCloud]:
    """A local cloud whose limits on calls in flight are the defaults."""
    options = ("FetchAllowed=127.0.0.1/32", f"TimeLimitMs={scaled(8, most=25) * 1000:.0f}", "SyncConcurrency=60")
    with running_cloud(tmp_path_factory.mktemp("busy"), *(f"--parameter={option}" for option in options)) as running:
        yield running


@pytest.mark.parametrize("key_of", [lambda _: "one", str], ids=["one key", "slow sources"])
def test_who_floods_is_refused_and_others_are_served(
    busy: RunningCloud, source: str, key_of: Callable[[int], str], request: pytest.FixtureRequest
) -> None:
    flooder = f"flooder-{request.node.callspec.id.replace(' ', '-')}"
    innocent = flooder.replace("flooder", "innocent")
    for name in (flooder, innocent):
        accounts_of(busy).create(name, qps=ITS_RATE, price_micros={"*": 7})
    assert PicWish(busy.url, f"key-{innocent}").create(SMALL).json["data"]["state"] == 1
    client = PicWish(busy.url, f"key-{flooder}")
    keys = [{"Idempotency-Key": key_of(index)} for index in range(FLOOD)]
    with ThreadPoolExecutor(FLOOD) as pool:
        flood = [pool.submit(from_source, client, source, key) for key in keys]
        in_flight = until(lambda: counters(busy, flooder).get("under_way"), "the flood")
        assert in_flight <= AT_ONCE
        served = [PicWish(busy.url, f"key-{innocent}").create(SMALL) for _ in range(3)]
        reported = Counter(answer.result().status for answer in flood)
    assert [(answer.status, answer.json.get("data", {}).get("state")) for answer in served] == [(200, 1)] * 3, reported
    assert reported[429] >= FLOOD - 3 * AT_ONCE
    assert meter_of(busy, innocent)["charged_micros"] == 4 * 7
    assert meter_of(busy, flooder).get("charged_micros", 0) == 0
    assert counters(busy, flooder)["under_way"] == 0
