"""`cutline bench` on real files, in this process."""

from pathlib import Path

import pytest

from cutline.commands import main


def test_bench_prints_every_stage_of_every_picture(photo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "--runs", "1", "--threads", "1", str(photo)]) == 0
    assert main(["bench", "--runs", "1", "--side", "64"]) == 0
    _, stages, row, _, again, generated = capsys.readouterr().out.splitlines()
    assert stages == again
    assert stages.split()[1:] == ["decode", "network", "refine", "foreground", "compose", "encode", "total"]
    *times, total = map(float, row.split()[1:])
    assert row.startswith("mug.jpg")
    assert total == pytest.approx(sum(times), abs=0.5)
    assert generated.startswith("generated, 64 px")


def test_bench_says_what_it_cannot_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", str(tmp_path / "none.jpg")]) == 1
    assert "none.jpg: No such file" in capsys.readouterr().err
