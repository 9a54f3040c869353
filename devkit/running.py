"""A local cloud in a process of its own, for tests."""

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from devkit.patience import WAIT_S
from localcloud.aws_account import HOST, credentials_environment
from localcloud.welcome import READY

ROOT = Path(__file__).resolve().parents[1]
TOY_TEMPLATE = ROOT / "tests" / "localcloud" / "fixtures" / "template.yaml"
# The state folders of the clouds that this run has started.
started: list[Path] = []
_STOP_LIMIT_S = 15.0


class StartFailed(AssertionError):
    """The local cloud ended or stayed silent; the message is the end of its output."""


@dataclass(frozen=True)
class Answer:
    """An HTTP answer of any status."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body, decoded."""
        return json.loads(self.body)


@dataclass(frozen=True)
class RunningCloud:
    """`resources` maps the template's logical ids to physical ones; `log_dir` has a log per function."""

    url: str
    port: int
    process: "subprocess.Popen[bytes]"
    state_dir: Path

    @property
    def log_dir(self) -> Path:
        """One file per function, named by its logical id."""
        return self.state_dir / "logs"

    @property
    def resources(self) -> dict[str, str]:
        """Physical ids by logical id: cloud.resources["OutputBucket"]."""
        return dict(json.loads((self.state_dir / "resources.json").read_text("utf-8")))

    def client(self, service: str) -> Any:
        """A boto3 client of the local account, whatever profile the developer has."""
        import boto3  # noqa: PLC0415 (slow, and few tests need it)

        names = credentials_environment(self.port)
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=names["AWS_REGION"],
            aws_access_key_id=names["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=names["AWS_SECRET_ACCESS_KEY"],
        )

    def call(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        wait_s: float = WAIT_S,
    ) -> Answer:
        """One request to the API (or to any address it handed out); errors are answers, redirects are not followed."""
        address = path if path.startswith("http") else self.url + path
        request = urllib.request.Request(address, body, dict(headers or {}), method=method)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirects)
        try:
            with opener.open(request, timeout=wait_s) as response:
                return Answer(response.status, cast(Mapping[str, str], response.headers), response.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, cast(Mapping[str, str], error.headers), error.read())


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


@contextmanager
def running_cloud(
    state_dir: Path,
    *options: str,
    within: Sequence[str] = (),
    root: Path = ROOT,
    environment: Mapping[str, str] = os.environ,
) -> Iterator[RunningCloud]:
    """Start `python -m localcloud` on a free port, wait until it is ready, end it. Raises StartFailed.

    `within` is a command that runs it, and in the end becomes it; `root` is the checkout whose cloud it is.
    """
    state_dir.mkdir(parents=True, exist_ok=True)
    started.append(state_dir)
    output = state_dir / "output.txt"
    command = [*within, sys.executable, "-m", "localcloud", "--port", "0", "--state", str(state_dir), *options]
    named = {name: value for name, value in environment.items() if not name.startswith("AWS_")}
    with output.open("wb") as sink:
        process = subprocess.Popen(command, cwd=root, env=named, stdout=sink, stderr=subprocess.STDOUT)
    try:
        port = _wait_until_ready(process, output)
        yield RunningCloud(f"http://{HOST}:{port}", port, process, state_dir)
    finally:
        process.terminate()
        try:
            process.wait(_STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_ready(process: "subprocess.Popen[bytes]", output: Path) -> int:
    limit = time.monotonic() + WAIT_S
    while time.monotonic() < limit:
        text = output.read_text("utf-8", "replace")
        for line in text.splitlines():
            if line.startswith(READY) and text.endswith("\n"):
                return int(line.rpartition(":")[2])
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise StartFailed("the local cloud did not start:\n" + output.read_text("utf-8", "replace")[-4000:])
