"""The parts' checks: what is broken is named by a code and nothing else, and what hangs does not hold up the rest."""

import time
from functools import partial
from pathlib import Path

import boto3
import numpy as np
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from cutline import resources
from cutline.adapters.sagemaker import EndpointFault, Trouble
from cutline.errors import Reason, ServiceFault
from cutline.pipeline.inference.network import Network
from cutline.watch.health import Broken, endpoint, examine, files, network, queue

SECRET = "arn:aws:kms:eu-central-1:111122223333:key/secret"


def raising(error: Exception) -> str:
    raise error


def caused(error: Exception, cause: Exception) -> str:
    raise error from cause


@pytest.mark.parametrize(
    ("error", "detail"),
    [
        (Broken("3 waiting"), "3 waiting"),
        (
            ClientError({"Error": {"Code": "AccessDeniedException", "Message": SECRET}}, "Decrypt"),
            "AccessDeniedException",
        ),
        (ServiceFault(Reason.MODEL_FAILED, SECRET), "model_failed"),
        (EndpointFault(Trouble.TIMED_OUT), "timed_out"),
        (KeyError(SECRET), "KeyError"),
    ],
)
def test_what_is_wrong_is_a_word_without_names(error: Exception, detail: str) -> None:
    (found,) = examine({"part": partial(raising, error)}).values()
    assert (found.ok, found.detail) == (False, detail)


def test_the_cause_of_a_fault_is_named_too() -> None:
    denied = ClientError({"Error": {"Code": "AccessDenied", "Message": SECRET}}, "PutObject")
    (found,) = examine({"part": partial(caused, ServiceFault(Reason.STORE_FAILED), denied)}).values()
    assert found.detail == "store_failed: AccessDenied"


def test_a_part_that_hangs_is_broken_and_the_others_are_not() -> None:
    begun = time.monotonic()
    found = examine({"slow": lambda: str(time.sleep(2)), "quick": lambda: "fine"}, limit_s=0.2)
    assert time.monotonic() - begun < 1.5
    assert [(name, part.ok, part.detail) for name, part in found.items()] == [
        ("slow", False, "no answer in time"),
        ("quick", True, "fine"),
    ]


@pytest.mark.slow
def test_a_network_is_judged_by_its_alpha(tmp_path: Path) -> None:
    opened = Network.open(resources.models_dir(), "matte", 1)
    assert network(lambda: opened).startswith("overlaps the figure by 0.99")
    with pytest.raises(ServiceFault):
        network(lambda: Network.open(tmp_path, "matte", 1))

    class Blind:
        def __getattr__(self, name: str) -> object:
            return getattr(opened, name)

        def predict(self, rgb_u8: np.ndarray, alpha_u8: np.ndarray | None = None) -> object:
            return opened.predict(np.zeros_like(rgb_u8), alpha_u8)

    with pytest.raises(Broken, match="and should by"):
        network(Blind)  # type: ignore[arg-type]


def test_a_bucket_has_to_return_what_was_written() -> None:
    kept: dict[str, bytes] = {}
    assert files(kept.__setitem__, kept.__getitem__, "k") == "writable, readable"
    with pytest.raises(Broken):
        files(kept.__setitem__, lambda key: b"other", "k")


@pytest.mark.parametrize(
    ("most", "waiting", "broken"), [(None, 900, False), (0, 0, False), (0, 1, True), (10, 11, True)]
)
def test_dead_letters_are_broken_where_their_alarm_rings(most: int | None, waiting: int, broken: bool) -> None:
    sqs = boto3.client("sqs", "eu-central-1", aws_access_key_id="x", aws_secret_access_key="x")
    counts = {"ApproximateNumberOfMessages": str(waiting), "ApproximateNumberOfMessagesNotVisible": "0"}
    with Stubber(sqs) as stub:
        stub.add_response("get_queue_attributes", {"Attributes": counts})
        (found,) = examine({"queue": partial(queue, sqs, "https://x", most)}).values()
    assert (found.ok, found.detail) == (not broken, f"{waiting} waiting, 0 taken")


def test_an_endpoint_answers_or_is_asleep() -> None:
    asked: list[str] = []

    def alpha(picture: bytes, kind: str) -> bytes:
        asked.append(kind)
        return picture

    assert endpoint("realtime", alpha, int) == "answers"
    assert endpoint("async", alpha, lambda: int(time.time()) + 60) == "awake"
    assert endpoint("async", alpha, int).startswith("asleep")
    assert asked == ["image/png"]
