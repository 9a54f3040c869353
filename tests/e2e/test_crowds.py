"""One account floods, another one's calls are served meanwhile: behind one Idempotency-Key, and with slow sources."""

import http.server
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.accounts import accounts_of
from tests.support.clients import Answer, PicWish, multipart, plain_picture, send
from tests.support.meters import counters, meter_of
from tests.support.running import RunningCloud, running_cloud

SMALL = plain_picture(64, 48)
FLOOD, ITS_RATE, AT_ONCE = 24, 4, 2


class _Dribble(http.server.BaseHTTPRequestHandler):
    """A picture that takes a minute to come."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "60")
        self.end_headers()
        try:
            for _ in range(60):
                self.wfile.write(b"x")
                time.sleep(1)
        except OSError:
            """The caller has given up."""

    def log_message(self, *args: object) -> None:
        """Silence."""


@pytest.fixture(scope="module")
def source() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Dribble)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/slow.png"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCloud]:
    """A local cloud, four sandboxes to a function, in which no account may have more than two calls under way."""
    options = ("FetchAllowed=127.0.0.1/32", f"AccountConcurrency={AT_ONCE}", "TimeLimitMs=8000", "SyncConcurrency=60")
    with running_cloud(tmp_path_factory.mktemp("crowded"), *(f"--parameter={option}" for option in options)) as running:
        yield running


def slow_call(cloud: RunningCloud, source: str, account: str, key: str) -> Answer:
    body, kind = multipart({"image_url": source}, "image_file", None)
    headers = {"X-API-KEY": f"key-{account}", "Content-Type": kind, "Idempotency-Key": key}
    return send("POST", f"{cloud.url}/api/tasks/visual/segmentation", body, headers)


@pytest.mark.parametrize("key_of", [lambda _: "one", str], ids=["one key", "slow sources"])
def test_who_floods_is_refused_and_everybody_else_is_served(
    crowded: RunningCloud, source: str, key_of: Callable[[int], str], request: pytest.FixtureRequest
) -> None:
    flooder = f"flooder-{request.node.callspec.id.replace(' ', '-')}"
    innocent = flooder.replace("flooder", "innocent")
    for name in (flooder, innocent):
        accounts_of(crowded).create(name, qps=ITS_RATE, price_micros={"*": 7})
    assert PicWish(crowded.url, f"key-{innocent}").create(SMALL).json["data"]["state"] == 1
    with ThreadPoolExecutor(FLOOD) as pool:
        flood = [pool.submit(slow_call, crowded, source, flooder, key_of(index)) for index in range(FLOOD)]
        time.sleep(1.5)
        assert counters(crowded, flooder)["under_way"] <= AT_ONCE
        served = [PicWish(crowded.url, f"key-{innocent}").create(SMALL) for _ in range(3)]
        told = Counter(answer.result().status for answer in flood)
    assert [(answer.status, answer.json.get("data", {}).get("state")) for answer in served] == [(200, 1)] * 3, told
    assert told[429] >= FLOOD - 3 * AT_ONCE
    assert meter_of(crowded, innocent)["charged_micros"] == 4 * 7
    assert meter_of(crowded, flooder).get("charged_micros", 0) == 0
    assert counters(crowded, flooder)["under_way"] == 0
