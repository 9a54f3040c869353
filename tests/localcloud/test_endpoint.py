"""The GPU endpoint of the local cloud, called by the product's own adapter: the true container code on the CPU."""

import json
import re
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import psutil
import pytest
import skimage.data
from botocore.config import Config

from cutline.adapters.endpoint_watch import CHECK_S
from cutline.adapters.sagemaker import CALL_CONFIG, AsyncEndpoint, EndpointFault, RealtimeEndpoint, Trouble
from cutline.pipeline.codecs.encode import encode_png
from cutline.pipeline.inference.network import Network
from cutline.pipeline.inference.prediction_file import decode_predictions
from cutline.pipeline.inference.preprocess import fit_picture
from devkit.clients import PicWish
from devkit.patience import WAIT_S
from devkit.running import ROOT, RunningCloud, running_cloud
from tests.support.picwish import submit, wait

pytestmark = pytest.mark.http
PATIENT = CALL_CONFIG.merge(Config(read_timeout=WAIT_S))


@pytest.fixture(scope="module")
def matte() -> Network:
    return Network.open(ROOT / "layers" / "model", "matte", 1)


@pytest.fixture(scope="module")
def picture(matte: Network) -> bytes:
    return encode_png(fit_picture(matte.entry, skimage.data.astronaut(), None))


@pytest.fixture(scope="module")
def realtime(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCloud]:
    with running_cloud(tmp_path_factory.mktemp("realtime"), "--parameter=GpuEndpoint=realtime") as cloud:
        yield cloud


@pytest.fixture(scope="module")
def asynchronous(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCloud]:
    with running_cloud(tmp_path_factory.mktemp("async"), "--parameter=GpuEndpoint=async") as cloud:
        yield cloud


def runtime(cloud: RunningCloud, config: Config = PATIENT) -> Any:
    session = boto3.Session("test", "test", region_name="us-east-1")
    return session.client("sagemaker-runtime", endpoint_url=cloud.url, config=config)


def in_realtime(cloud: RunningCloud, config: Config = PATIENT) -> RealtimeEndpoint:
    return RealtimeEndpoint(runtime(cloud, config), cloud.resources["MatteEndpoint"])


def through_s3(cloud: RunningCloud) -> AsyncEndpoint:
    """As the worker, whose role may not list the bucket."""
    session, names = boto3.Session("WorkerFunction", "localcloud-secret", region_name="us-east-1"), cloud.resources
    clients = [session.client(name, endpoint_url=cloud.url, config=PATIENT) for name in ("sagemaker-runtime", "s3")]
    return AsyncEndpoint(*clients, names["MatteEndpoint"], names["OutputBucket"], WAIT_S)  # type: ignore[arg-type, call-arg]


def assert_maps_of_the_pipeline(content: bytes, matte: Network) -> None:
    maps = decode_predictions(content).planes
    for name, plane in matte.predict(skimage.data.astronaut()).items():
        assert np.abs(maps[name] - plane).max() <= 1 / 255


def trouble_of(endpoint: Any, picture: bytes, kind: str = "image/png") -> Trouble:
    with pytest.raises(EndpointFault) as fault:
        endpoint.alpha(picture, kind)
    return fault.value.trouble


@contextmanager
def fault(cloud: RunningCloud, **fault: Any) -> Iterator[None]:
    file = cloud.state_dir / "faults.json"
    file.write_text(json.dumps({"sagemaker:InvokeEndpoint": fault}), "utf-8")
    try:
        yield
    finally:
        file.unlink()


def container(cloud: RunningCloud) -> psutil.Process:
    children = psutil.Process(cloud.process.pid).children(recursive=True)
    (found,) = [child for child in children if "serve.py" in child.cmdline()]
    return found


def test_realtime_answers_with_the_pipelines_own_maps(realtime: RunningCloud, matte: Network, picture: bytes) -> None:
    assert_maps_of_the_pipeline(in_realtime(realtime).alpha(picture, "image/png"), matte)


def test_async_answers_with_the_pipelines_own_maps(asynchronous: RunningCloud, matte: Network, picture: bytes) -> None:
    assert_maps_of_the_pipeline(through_s3(asynchronous).alpha(picture, "image/png"), matte)


def test_a_task_does_not_wait_for_an_endpoint_that_may_sleep_and_uses_one_that_answered(
    asynchronous: RunningCloud,
) -> None:
    picwish = PicWish(asynchronous.url)
    log = asynchronous.log_dir / "WorkerFunction.log"

    def outcomes() -> list[str]:
        return re.findall(r'"outcome":"([^"]+)"', log.read_text("utf-8"))

    assert wait(picwish, submit(picwish))[0][-1] == 1
    assert outcomes() == ["endpoint away"]
    time.sleep(CHECK_S)
    assert wait(picwish, submit(picwish))[0][-1] == 1
    assert outcomes() == ["endpoint away", "matted"]


def test_a_picture_that_the_container_refuses_is_a_model_error(
    realtime: RunningCloud, asynchronous: RunningCloud
) -> None:
    assert trouble_of(in_realtime(realtime), b"no picture") is Trouble.MODEL_ERROR
    assert trouble_of(through_s3(asynchronous), b"no picture") is Trouble.MODEL_ERROR


def test_an_endpoint_of_another_name_or_kind_is_unavailable(
    realtime: RunningCloud, asynchronous: RunningCloud, picture: bytes
) -> None:
    assert trouble_of(RealtimeEndpoint(runtime(realtime), "other"), picture) is Trouble.UNAVAILABLE
    assert trouble_of(in_realtime(asynchronous), picture) is Trouble.UNAVAILABLE
    assert trouble_of(through_s3(realtime), picture) is Trouble.UNAVAILABLE


def test_faults_on_purpose_reach_the_caller_as_sagemakers_own(realtime: RunningCloud, picture: bytes) -> None:
    with fault(realtime, error="ModelError", status=424, fields={"OriginalStatusCode": 503}):
        assert trouble_of(in_realtime(realtime), picture) is Trouble.OVERLOADED
    with fault(realtime, error="ThrottlingException", status=400):
        assert trouble_of(in_realtime(realtime), picture) is Trouble.THROTTLED
    with fault(realtime, delay_s=2):
        hasty = in_realtime(realtime, CALL_CONFIG.merge(Config(read_timeout=0.5)))
        assert trouble_of(hasty, picture) is Trouble.TIMED_OUT
    assert in_realtime(realtime).alpha(picture, "image/png")


def test_a_container_that_died_is_started_again(realtime: RunningCloud, matte: Network, picture: bytes) -> None:
    died = container(realtime)
    died.send_signal(signal.SIGKILL)
    died.wait(WAIT_S)
    end = time.monotonic() + WAIT_S
    while True:
        try:
            assert_maps_of_the_pipeline(in_realtime(realtime).alpha(picture, "image/png"), matte)
            break
        except EndpointFault as trouble:
            assert trouble.passing
            assert time.monotonic() < end
            time.sleep(0.2)
    assert container(realtime).pid != died.pid


def test_the_container_ends_with_its_cloud_and_sees_nothing_of_the_shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAX_BATCH", "not a number")
    with running_cloud(tmp_path, "--parameter=GpuEndpoint=realtime") as cloud:
        process = container(cloud)
        assert "MAX_BATCH" not in process.environ()
        cloud.process.send_signal(signal.SIGINT)
        assert cloud.process.wait(WAIT_S) == 0
    assert not process.is_running()
    assert '"stopped"' in (tmp_path / "logs" / "MatteEndpoint.log").read_text("utf-8")


def test_without_the_parameter_there_is_no_endpoint(cloud: RunningCloud) -> None:
    assert "MatteEndpoint" not in cloud.resources
    assert trouble_of(RealtimeEndpoint(runtime(cloud), "MatteEndpoint"), b"") is Trouble.UNAVAILABLE
    assert not (cloud.log_dir / "MatteEndpoint.log").exists()
