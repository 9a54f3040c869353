"""`cutline rotate-links` on a running stack: no link ends, no function is deployed; a leaked key ends them all."""

import time
from collections.abc import Callable, Iterator
from typing import TypeVar

import psutil
import pytest

import devkit.clients
import devkit.running
from cutline.adapters.link_secret import LinkKey, LinkSecret
from devkit.clients import JdClient, plain_picture
from devkit.patience import until
from devkit.running import RunningCloud, running_cloud
from tests.support.operator import operators_command

T = TypeVar("T", devkit.clients.Answer, devkit.running.Answer)
SMALL = plain_picture(64, 48)


@pytest.fixture(scope="module")
def rotating(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCloud]:
    with running_cloud(tmp_path_factory.mktemp("rotating")) as running:
        yield running


@pytest.fixture
def operate(rotating: RunningCloud) -> Callable[..., str]:
    return operators_command(rotating)


def stored(cloud: RunningCloud) -> LinkSecret:
    answer = cloud.client("secretsmanager").get_secret_value(SecretId=cloud.resources["LinkSecret"])
    return LinkSecret.parse(answer["SecretString"])


def new_sandboxes(cloud: RunningCloud) -> None:
    """End those there are: the next calls' read the secret anew, as every sandbox does after ten minutes."""
    children = psutil.Process(cloud.process.pid).children()
    living = [child for child in children if child.status() != psutil.STATUS_ZOMBIE]
    sandboxes = [child for child in living if "AWS_LAMBDA_FUNCTION_NAME" in child.environ()]
    assert sandboxes
    for sandbox in sandboxes:
        sandbox.kill()
    until(lambda: all(not child.is_running() or child.status() == psutil.STATUS_ZOMBIE for child in sandboxes))


def served(answer: T) -> T | None:
    """None for the answer of a sandbox that was ended while it waited."""
    return None if answer.status == 502 else answer


def new_link(cloud: RunningCloud) -> str:
    answer = until(lambda: served(JdClient(cloud.url).cutout(SMALL)))
    return str(answer.json["result"]["cutout_image_url"])


def opens(cloud: RunningCloud, link: str) -> bool:
    status = until(lambda: served(cloud.call("GET", link))).status
    assert status in (302, 404)
    return status == 302


def test_a_rotation_ends_no_link_and_a_leak_ends_all(rotating: RunningCloud, operate: Callable[..., str]) -> None:
    callback_key = operate("account", "callback-key", "demo")
    before = new_link(rotating)
    assert opens(rotating, before)
    assert "The new key signs from" in operate("rotate-links")
    old, new = stored(rotating).keys
    between = new_link(rotating)
    assert [opens(rotating, link) for link in (before, between)] == [True, True], "sandboxes of before"
    new_sandboxes(rotating)
    assert [opens(rotating, link) for link in (before, between)] == [True, True], "sandboxes of after"

    # As if it were a quarter of an hour later, and then a day.
    put(rotating, old, LinkKey(new.text, since=time.time() - 1))
    new_sandboxes(rotating)
    after = new_link(rotating)
    assert [opens(rotating, link) for link in (before, between, after)] == [True] * 3
    put(rotating, LinkKey(old.text, until=time.time()), new)
    new_sandboxes(rotating)
    assert [opens(rotating, link) for link in (before, between, after)] == [False, False, True]
    assert operate("account", "callback-key", "demo") == callback_key

    operate("rotate-links", "--leaked")
    new_sandboxes(rotating)
    assert not opens(rotating, after)
    assert opens(rotating, new_link(rotating))
    assert operate("account", "callback-key", "demo") != callback_key


def put(cloud: RunningCloud, *keys: LinkKey) -> None:
    text = LinkSecret(stored(cloud).callbacks, keys).to_text()
    cloud.client("secretsmanager").put_secret_value(SecretId=cloud.resources["LinkSecret"], SecretString=text)
