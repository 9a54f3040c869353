"""Each fault and API: the contract's own answer, the reason logged, nothing charged, healed without a restart."""

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cutline.contracts import (
    aidge,
    ailabtools,
    jd_matting,
    jd_selfie,
    picture_check,
    picwish,
    rembg,
    removebg,
    task_record,
)
from cutline.errors import Reason
from tools.trust.disks import HOOK
from tools.trust.faults import DISK_FAULTS, FAULTS, FUNCTIONS, SLOW_FAULTS, WORDS, Row, trials
from tools.trust.table import Line, printed

# Two clouds and some 150 calls, on whatever machine this runs.
pytestmark = pytest.mark.timeout(1200)


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return list(trials())


@pytest.mark.http
def test_every_fault_is_reported_logged_not_charged_and_healed_without_a_restart(rows: list[Row]) -> None:
    assert [row for row in rows if row.wrong] == []
    met = {(row.fault, row.api) for row in rows}
    names = {
        "a model is missing",
        "a model is cut short",
        *(fault.name for fault in (*SLOW_FAULTS, *FAULTS, *DISK_FAULTS)),
    }
    assert met == {(name, api) for name in names for api in FUNCTIONS}


@pytest.mark.http
def test_a_full_and_a_sealed_disk_are_never_met(rows: list[Row]) -> None:
    reasons = {(row.fault, row.reason) for row in rows if row.fault in {fault.name for fault in DISK_FAULTS}}
    assert reasons == {(fault.name, "ok") for fault in DISK_FAULTS}


@pytest.mark.parametrize(("name", "error"), [("full", errno.ENOSPC), ("sealed", errno.EROFS)])
def test_where_no_disk_can_be_mounted_python_itself_refuses_to_write(tmp_path: Path, name: str, error: int) -> None:
    shutil.copy(HOOK, tmp_path)
    script = "import tempfile; tempfile.TemporaryFile()"
    command = [sys.executable, "-c", script]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    assert subprocess.run(command, env=environment, capture_output=True, check=False).returncode == 0
    (tmp_path / name).touch()
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (ended.returncode, os.strerror(error) in ended.stderr or "No usable temporary" in ended.stderr) == (1, True)


def test_the_words_are_the_contracts_own() -> None:
    for reason, said in WORDS.items():
        if reason in ("ok", "date_skewed"):
            continue
        for api, (_, code) in said.items():
            assert code in codes_of(api, Reason(reason)), (reason, api)


def codes_of(api: str, reason: Reason) -> set[object]:
    """The numbers and names that the contract's own tables have for a reason, or for whatever they do not name."""
    match api:
        case "jdc" | "jds":
            contract = jd_matting if api == "jdc" else jd_selfie
            rows = [table[reason] for table in (contract.ERRORS,) if reason in table]
            gateway = {11010: "11010", 10020: "10020"}
            return {row[0] for row in rows} or {*gateway, *gateway.values()}
        case "aid":
            return {aidge.ERRORS.get(reason, aidge.ERRORS[Reason.INTERNAL])[0]}
        case "pw":
            return {task_record.STATES.get(reason, picwish.ERRORS.get(reason, (0,))[0])}
        case "rem" | "chk":
            return {(rembg if api == "rem" else picture_check).CODES[reason]}
        case "rbg":
            return {removebg.ERRORS[reason].code}
        case _:
            return {ailabtools.ERRORS[reason].code}


def test_the_table_has_a_column_for_what_is_not_as_promised() -> None:
    text = printed([Line("bomb", "a", "ok", "1 s"), Line("fault: b", "c", "HTTP 500", "2", "charged 3000")])
    head, fine, wrong = text.splitlines()
    assert wrong.index("charged 3000") == head.index("not as promised") > len(fine)
