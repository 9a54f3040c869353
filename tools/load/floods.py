"""Seven ways to flood: many connections of one account that call without regard for its rate."""

import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from devkit.clients import Answer, PicWish, multipart, plain_picture, send
from devkit.listening import QuietHandler, listening

_DRIBBLE_S = 60
# What a browser sends for an `<img>`.
_ACCEPT = {"Accept": "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"}
_PICTURE = plain_picture(400, 300)
_LARGE_PICTURE = plain_picture(1700, 1700)


@contextmanager
def slow_source() -> Iterator[str]:
    """The address of a picture that takes a minute to come."""
    ended = threading.Event()

    class Dribble(QuietHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(_DRIBBLE_S))
            self.end_headers()
            for _ in range(_DRIBBLE_S):
                try:
                    self.wfile.write(b"x")
                except OSError:  # the caller has given up
                    return
                if ended.wait(1):
                    return

    try:
        with listening(Dribble) as url:
            yield f"{url}/slow.png"
    finally:
        ended.set()


@contextmanager
def floods(url: str, account: str) -> Iterator[dict[str, Callable[[], Answer]]]:
    """A call of each flood, by name. The account is served two pictures, for a task and a link to ask for."""
    client, unknown = PicWish(url, f"key-{account}"), f"{account}-{random.getrandbits(32):x}"
    # In base64, the most expensive answer to a question.
    task = client.create(_PICTURE, return_type="2").json["data"]["task_id"]
    link = client.create(_PICTURE).json["data"]["image"]
    with slow_source() as source:
        yield {
            "bad credentials": lambda: PicWish(url, f"{unknown}-{random.random()}").create(_PICTURE),
            "one key": lambda: from_source(client, source, {"Idempotency-Key": unknown}),
            "slow sources": lambda: from_source(client, f"{source}?{random.random()}", {}),
            "task questions": lambda: client.query(task),
            "usage": lambda: send("GET", f"{url}/usage", headers={"X-API-KEY": client.key}),
            "result links": lambda: send("GET", link, headers=_ACCEPT),
            "first views": lambda: first_view(client),
        }


def first_view(client: PicWish) -> Answer:
    """Return the answer to a page that follows the link of a new result, or the refusal of the result."""
    answer = client.create(_LARGE_PICTURE)
    link = (answer.json.get("data") or {}).get("image")
    return send("GET", link, headers=_ACCEPT) if link else answer


def from_source(client: PicWish, source: str, headers: dict[str, str]) -> Answer:
    """A call whose picture the service has to fetch."""
    body, kind = multipart({"image_url": source}, "image_file", None)
    return send("POST", client.url + client.path, body, {"X-API-KEY": client.key, "Content-Type": kind, **headers})


@contextmanager
def flooding(call: Callable[[], Answer], connections: int, pause_s: float) -> Iterator[Counter[str]]:
    """Call from `connections` at once, with a pause after each answer. Yield how many answers had each status."""
    statuses: Counter[str] = Counter()
    stop = threading.Event()

    def flood(begin_s: float) -> None:
        wait_s = begin_s
        while not stop.wait(wait_s):
            try:
                statuses[str(call().status)] += 1
            except OSError as error:
                statuses[type(error).__name__] += 1
            wait_s = pause_s

    # Spread over the first pause, so that they come one after another from the beginning.
    threads = [threading.Thread(target=flood, args=(pause_s * n / connections,)) for n in range(connections)]
    for thread in threads:
        thread.start()
    try:
        yield statuses
    finally:
        stop.set()
        for thread in threads:
            thread.join()
