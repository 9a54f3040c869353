"""The server over HTTP: when it is ready, what it refuses, and how it ends."""

import http.client
import json
import signal
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage.data

from cutline.environment import SettingsError
from cutline.errors import Reason, ServiceFault
from cutline.pipeline.inference.network import Network
from cutline.pipeline.inference.prediction_file import decode_predictions
from cutline.pipeline.inference.preprocess import fit_picture
from devkit.patience import WAIT_S
from devkit.serving import MODELS, Caller, GatedNetwork, child, encoded, in_repository, noise, serving
from inference import MAX_BYTES
from serve import Server, ServeSettings


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.fixture
def gated(tiny: Network) -> GatedNetwork:
    return GatedNetwork(tiny)


@pytest.fixture
def served(gated: Any) -> Iterator[tuple[Server, Caller]]:
    with serving(max_waiting=4) as (server, caller):
        server.open(gated)
        while gated.started.acquire(blocking=False):  # the runs of the warm-up
            pass
        gated.sizes.clear()
        yield server, caller


def test_ping_is_refused_until_a_picture_went_through(gated: Any) -> None:
    with serving() as (server, caller), ThreadPoolExecutor(1) as pool:
        assert caller.ping() == 503
        assert caller.invoke(encoded(noise(1))).status == 503
        gated.gate.clear()
        opening = pool.submit(server.open, gated)
        assert gated.started.acquire(timeout=WAIT_S)
        assert caller.ping() == 503
        gated.gate.set()
        opening.result(WAIT_S)
        assert caller.ping() == 200


def test_a_call_is_answered_with_its_maps(served: tuple[Server, Caller], tiny: Network) -> None:
    answer = served[1].invoke(encoded(noise(5)))
    assert (answer.status, answer.headers["Content-Type"]) == (200, "image/png")
    for name, plane in tiny.predict(noise(5)).items():
        assert np.abs(decode_predictions(answer.body).planes[name] - plane).max() <= 0.5 / 255 + 1e-6


def test_callers_at_once_share_a_run(served: tuple[Server, Caller], gated: Any, tiny: Network) -> None:
    server, caller = served
    gated.gate.clear()
    with ThreadPoolExecutor(4) as pool:
        answers = [pool.submit(caller.invoke, encoded(noise(0)))]
        assert gated.started.acquire(timeout=WAIT_S)
        answers += [pool.submit(caller.invoke, encoded(noise(seed))) for seed in (1, 2, 3)]
        until(lambda: server.waiting == 3)
        gated.gate.set()
        results = [answer.result(WAIT_S) for answer in answers]
    assert gated.sizes == [1, 3]
    for seed, result in enumerate(results):
        expected = tiny.predict(noise(seed))["foreground"]
        assert np.abs(decode_predictions(result.body).planes["foreground"] - expected).max() <= 1 / 255


def test_too_many_at_once_are_refused_and_the_others_served(served: tuple[Server, Caller], gated: Any) -> None:
    server, caller = served
    gated.gate.clear()
    with ThreadPoolExecutor(4) as pool:
        # The first is in a run of its own before the others come: at once, a run might take several of them.
        inside = [pool.submit(caller.invoke, encoded(noise(0)))]
        assert gated.started.acquire(timeout=WAIT_S)
        inside += [pool.submit(caller.invoke, encoded(noise(seed))) for seed in (1, 2, 3)]
        until(lambda: server.waiting == 3)
        refused = caller.invoke(encoded(noise(9)))
        assert (refused.status, refused.json()["reason"]) == (503, "overloaded")
        assert caller.ping() == 200
        gated.gate.set()
        assert [call.result(WAIT_S).status for call in inside] == [200] * 4
    assert caller.invoke(encoded(noise(9))).status == 200


@pytest.mark.parametrize(
    ("body", "kind", "status", "reason"),
    [
        (b"not a picture", "image/png", 415, "image_type"),
        (encoded(noise(1)), "image/jpeg", 415, "image_type"),
        (encoded(noise(1)), "application/x-npy", 415, "image_type"),
        (encoded(noise(1))[:-200], "image/png", 400, "image_corrupt"),
        (b"", "image/png", 400, "image_empty"),
        (encoded(np.zeros((1, 3000, 3), np.uint8)), "image/png", 413, "resolution_too_high"),
        (bytes(MAX_BYTES + 1), "image/png", 413, "body_too_large"),
    ],
)
def test_bad_input_is_refused_in_json(
    served: tuple[Server, Caller], body: bytes, kind: str, status: int, reason: str
) -> None:
    answer = served[1].invoke(body, kind)
    assert (answer.status, answer.headers["Content-Type"]) == (status, "application/json")
    assert answer.json()["reason"] == reason


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/", 404), ("POST", "/ping", 404), ("POST", "/invocations/x", 404), ("PUT", "/invocations", 501)],
)
def test_other_requests_are_refused(served: tuple[Server, Caller], method: str, path: str, status: int) -> None:
    assert served[1].call(method, path, b"x").status == status


def test_a_body_of_unknown_length_is_refused(served: tuple[Server, Caller]) -> None:
    with socket.create_connection(("127.0.0.1", served[1].port), WAIT_S) as plain:
        plain.sendall(b"POST /invocations HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
        assert plain.recv(100).startswith(b"HTTP/1.1 411 ")


def test_a_connection_outlives_calls_good_and_bad(served: tuple[Server, Caller]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", served[1].port, timeout=WAIT_S)
    connection.connect()
    opened = connection.sock
    for body, status in ((encoded(noise(1)), 200), (b"junk", 415), (encoded(noise(2)), 200)):
        connection.request("POST", "/invocations", body, {"Content-Type": "image/png"})
        response = connection.getresponse()
        response.read()
        assert response.status == status
        assert connection.sock is opened
    connection.close()


def test_a_caller_that_hangs_up_leaves_capacity_for_others(served: tuple[Server, Caller]) -> None:
    for _ in range(6):
        with socket.create_connection(("127.0.0.1", served[1].port), WAIT_S) as plain:
            plain.sendall(b"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nhalf")
    until(lambda: served[1].invoke(encoded(noise(1))).status == 200)


def test_a_fault_of_the_network_is_a_500_and_lasting_ones_end_readiness(
    served: tuple[Server, Caller], gated: Any
) -> None:
    gated.failure = ServiceFault(Reason.MODEL_FAILED, "matte.onnx failed.")
    for _ in range(3):
        answer = served[1].invoke(encoded(noise(1)))
        assert (answer.status, answer.json()["reason"]) == (500, "model_failed")
    assert served[1].ping() == 503


def test_the_child_answers_as_the_pipelines_own_network_does(matte: Network) -> None:
    with child(**in_repository(MODELS)) as running:
        assert running.line("ready")["provider"] == matte.provider
        assert running.caller.ping() == 200
        small = fit_picture(matte.entry, skimage.data.astronaut(), None)
        predictions = decode_predictions(running.caller.invoke(encoded(small)).body).planes
    for name, plane in matte.predict(small).items():
        assert np.abs(predictions[name] - plane).max() <= 1 / 255


def test_sigterm_finishes_what_is_inside_and_refuses_the_rest(tiny_models: Path) -> None:
    body = encoded(noise(1))
    head = f"POST /invocations HTTP/1.1\r\nContent-Type: image/png\r\nContent-Length: {len(body)}\r\n"
    with child(**in_repository(tiny_models)) as running:
        running.line("ready")
        kept = http.client.HTTPConnection("127.0.0.1", running.caller.port, timeout=WAIT_S)
        kept.request("GET", "/ping")
        assert kept.getresponse().read() == b'{"inside": 0}'
        with socket.create_connection(("127.0.0.1", running.caller.port), WAIT_S) as inside:
            inside.sendall(head.encode() + b"Expect: 100-continue\r\n\r\n")
            assert inside.recv(100).startswith(b"HTTP/1.1 100 ")
            until(lambda: running.caller.call("GET", "/ping").json()["inside"] == 1)
            running.process.send_signal(signal.SIGTERM)
            until(lambda: running.caller.ping() == 503)
            kept.request("POST", "/invocations", body, {"Content-Type": "image/png"})
            refused = kept.getresponse()
            assert (refused.status, json.loads(refused.read())["message"]) == (503, "stopping")
            inside.sendall(body)
            assert inside.recv(1 << 20).startswith(b"HTTP/1.1 200 ")
        assert running.process.wait(WAIT_S) == 0


def test_a_model_that_is_not_there_ends_the_server(tmp_path: Path) -> None:
    with child(**in_repository(tmp_path)) as running:
        assert "models.toml" in running.line("stopped")["failure"]
        assert running.process.wait(WAIT_S) == 1


@pytest.mark.parametrize(("name", "text"), [("PORT", "70000"), ("MAX_BATCH", "0"), ("MAX_DELAY_MS", "soon")])
def test_a_setting_out_of_range_is_named(name: str, text: str) -> None:
    with pytest.raises(SettingsError, match=name):
        ServeSettings.from_environment({name: text})


def test_the_defaults_are_what_sagemaker_expects() -> None:
    settings: Any = ServeSettings.from_environment({})
    assert (settings.host, settings.port, settings.models_dir.name) == ("0.0.0.0", 8080, "models")
