"""The guides' examples of callbacks: which are believed, and what a server does with them."""

import importlib.util
import json
import socket
import subprocess
import time
import urllib.error
import urllib.request

from devkit.patience import WAIT_S
from tests.support.examples import EXAMPLES, run, signed

BODY = b'{"status":200}'
# Key, header and body at second 1000, and whether that is genuine.
CALLBACKS = [
    ("k", signed("k", BODY, 1000), BODY, True),
    ("k", signed("k", BODY, 701), BODY, True),
    ("k", signed("k", BODY, 699), BODY, False),
    ("k", signed("k", BODY, 1301), BODY, False),
    ("other", signed("k", BODY, 1000), BODY, False),
    ("k", signed("k", BODY, 1000), BODY + b" ", False),
    ("k", signed("k", BODY, 1000).replace("t=1000", "t=1001"), BODY, False),
    ("k", "t=1000", BODY, False),
    ("k", "t=1000,v1=zz", BODY, False),
    ("k", "v1=", BODY, False),
    ("k", "", BODY, False),
]


def test_python_tells_genuine_callbacks_from_others() -> None:
    spec = importlib.util.spec_from_file_location("callback_example", EXAMPLES / "callback.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for key, header, body, genuine in CALLBACKS:
        assert module.is_genuine(key, header, body, now=1000.0) is genuine, header


def test_node_tells_genuine_callbacks_from_others(environment: dict[str, str], node: str) -> None:
    cases = json.dumps([[key, header, body.decode()] for key, header, body, _ in CALLBACKS])
    script = (
        f"import {{ isGenuine }} from {json.dumps(str(EXAMPLES / 'callback.mjs'))};"
        f"const reported = {cases}.map(([key, header, body]) => isGenuine(key, header, Buffer.from(body), 1000));"
        "console.log(JSON.stringify(reported));"
    )
    reported = json.loads(run(environment, node, "--input-type=module", "-e", script))
    assert reported == [genuine for *_, genuine in CALLBACKS]


def test_nodes_server_believes_genuine_callbacks_once(environment: dict[str, str], node: str) -> None:
    body = b'{"data":{"task_id":"x","state":1}}'
    command = [node, str(EXAMPLES / "callback.mjs"), "0"]
    variables = {**environment, "CUTLINE_CALLBACK_KEY": "k"}
    with subprocess.Popen(command, env=variables, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().decode().strip()
            statuses = [
                status_of(url, body, {"X-Cutline-Signature": signed(key, body, int(time.time()))})
                for key in ("guessed", "k", "k")
            ]
            assert statuses == [403, 204, 204]
            assert status_of(url, body, {}) == 403
            assert json.loads(process.stdout.readline()) == {"task_id": "x", "state": 1}
        finally:
            process.terminate()
        assert process.stdout.read() == b"", "reported once"


def test_nodes_server_outlives_a_caller_that_hangs_up(environment: dict[str, str], node: str) -> None:
    body = b'{"data":{"task_id":"x","state":1}}'
    variables = {**environment, "CUTLINE_CALLBACK_KEY": "k"}
    command = [node, str(EXAMPLES / "callback.mjs"), "0"]
    with subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert process.stderr is not None
            url = process.stdout.readline().decode().strip()
            with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2]))) as caller:
                caller.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf a bo")
            assert process.stderr.readline().startswith(b"callback: ")
            assert status_of(url, body, {"X-Cutline-Signature": signed("k", body, int(time.time()))}) == 204
        finally:
            process.terminate()


def test_node_gets_a_callback_again_if_it_could_not_be_worked(environment: dict[str, str], node: str) -> None:
    """Asked thrice for one task: the first time the shop's database is away."""
    body = '{"data":{"task_id":"x","state":1}}'
    script = f"""
        import {{ callbacks }} from {json.dumps(str(EXAMPLES / "callback.mjs"))};
        import {{ createServer }} from "node:http";
        let heard = 0;
        const server = createServer(callbacks("k", () => {{ if (++heard === 1) throw new Error("no database"); }}));
        await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
        const url = `http://127.0.0.1:${{server.address().port}}`;
        const headers = {{ "X-Cutline-Signature": {json.dumps(signed("k", body.encode(), int(time.time())))} }};
        const call = async () => (await fetch(url, {{ method: "POST", body: {json.dumps(body)}, headers }})).status;
        console.log(JSON.stringify([await call(), ...await Promise.all([call(), call()]), await call(), heard]));
        process.exit();
    """
    reported = json.loads(run(environment, node, "--input-type=module", "-e", script))
    assert reported == [500, 204, 204, 204, 2]


def status_of(url: str, body: bytes, headers: dict[str, str]) -> int:
    request = urllib.request.Request(url, body, headers, method="POST")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=WAIT_S) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code
