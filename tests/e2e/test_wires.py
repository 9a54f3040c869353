"""The same picture gives the same pixels over every wire."""

import numpy as np
import pytest
from skimage import data

from cutline import remove_background
from devkit.accounts import Accounts
from devkit.clients import encoded
from devkit.running import RunningCloud
from tests.support.drops import Drops
from tools.load.wires import WIRES, Caller, expected_pixels, served, visible_pixels

PICTURES = {
    "portrait": encoded(data.astronaut()[:300, 60:380], "PNG"),
    "strip": encoded(np.tile(data.astronaut()[:200, 60:380], (1, 2, 1)), "JPEG"),
}


@pytest.fixture(scope="module")
def caller(cloud: RunningCloud, accounts: Accounts) -> Caller:
    accounts.create("wires", qps=1000)
    return Caller(cloud.url, "wires")


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("picture", PICTURES)
def test_every_wire_gives_the_librarys_pixels(caller: Caller, picture: str, wire: str) -> None:
    file = served(WIRES[wire], caller, PICTURES[picture])
    assert file is not None
    assert np.array_equal(visible_pixels(file), expected_pixels(WIRES[wire], PICTURES[picture]))


@pytest.mark.parametrize("picture", PICTURES)
def test_a_drop_gives_the_librarys_pixels(cloud: RunningCloud, caller: Caller, picture: str) -> None:
    drops, key = Drops(cloud, cloud.client("s3")), f"in/{caller.account}/auto/{picture}"
    drops.put(key, PICTURES[picture])
    (result,) = drops.wait(key)
    expected = visible_pixels(remove_background(PICTURES[picture]))
    assert np.array_equal(visible_pixels(drops.get(result)["Body"].read()), expected)
