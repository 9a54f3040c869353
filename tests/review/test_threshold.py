"""The threshold keeps its promise: checked by simulation, with shops whose pictures are known to be good or bad."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cutline.commands import main
from cutline.review.decisions import Decision, read_decisions
from cutline.review.threshold import binomial_tail, find_threshold, min_needed

SAMPLES = 60
FUTURE = np.random.default_rng(0).beta(6, 1, 200_000)


def sample(count: int, chance: Any) -> list[Decision]:
    """Pictures whose probability of being bad falls with their confidence."""
    confidences = chance.beta(6, 1, count)
    return [Decision(float(c), bool(chance.random() < bad_at(c))) for c in confidences]


def bad_at(confidence: Any) -> Any:
    return np.minimum(1.0, 1.5 * (1 - confidence) ** 2)


def true_share(threshold: float) -> float:
    """The share of bad ones above a threshold, of very many."""
    above = FUTURE[threshold <= FUTURE]
    return float(bad_at(above[:20_000]).mean())


@pytest.mark.parametrize(("risk", "level"), [(0.05, 0.9), (0.03, 0.95)])
def test_the_share_of_bad_ones_stays_below_the_risk_as_often_as_promised(risk: float, level: float) -> None:
    chance = np.random.default_rng(5)
    found = [find_threshold(sample(400, chance), risk, level).confidence for _ in range(SAMPLES)]
    shares = [true_share(threshold) for threshold in found if threshold is not None]
    assert len(shares) > SAMPLES / 2, "most samples of 400 show something"
    broken = sum(share > risk for share in shares)
    # It may be broken by a share of 1 - level of the samples, and by three standard deviations more.
    assert broken <= SAMPLES * (1 - level) + 3 * (SAMPLES * level * (1 - level)) ** 0.5


def test_only_good_pictures_are_shown_by_the_fewest_that_can_show_it() -> None:
    assert [min_needed(0.05, 0.95), min_needed(0.02, 0.95), min_needed(0.01, 0.9)] == [59, 149, 230]
    good = [Decision(0.9, False)] * 149
    found = find_threshold(good, 0.02, 0.95)
    assert (found.confidence, found.unseen, found.bad_unseen) == (0.0, 149, 0)
    fewer = find_threshold(good[:-1], 0.02, 0.95)
    assert (fewer.confidence, fewer.min_needed, fewer.needed) == (None, 149, 149)


def test_bad_ones_below_a_threshold_do_not_hurt_it() -> None:
    decisions = [Decision(0.95, False)] * 200 + [Decision(0.4, True)] * 50
    found = find_threshold(decisions, 0.02, 0.95)
    assert found.confidence == pytest.approx(0.401)
    assert (found.unseen, found.bad_unseen) == (200, 0)
    assert found.expected == pytest.approx(0.401)


def test_where_confidence_says_nothing_nothing_is_shown() -> None:
    decisions = [Decision(0.9, index % 5 == 0) for index in range(500)]
    found = find_threshold(decisions, 0.02, 0.95)
    assert (found.confidence, found.needed) == (None, None)


def test_the_binomial_tail_is_exact() -> None:
    assert binomial_tail(0, 59, 0.05) == pytest.approx(0.95**59)
    assert binomial_tail(1, 3, 0.5) == pytest.approx(0.5)
    assert binomial_tail(3, 3, 0.5) == pytest.approx(1)


HEADER = "picture,result,confidence,decision,sampled\n"


def table(tmp_path: Path, rows: str, header: str = HEADER) -> Path:
    file = tmp_path / "decisions.csv"
    file.write_text(header + rows)
    return file


def test_decisions_are_read_as_the_page_saves_them(tmp_path: Path) -> None:
    rows = '"a,b.jpg",r.png,0.5,redo,yes\r\nc.jpg,s.png,1,keep,yes\r\n'
    assert read_decisions(table(tmp_path, rows).read_bytes()) == [Decision(0.5, True), Decision(1.0, False)]


@pytest.mark.parametrize(
    ("header", "rows", "problem"),
    [
        ("picture,result\n", "a,b\n", "has no columns confidence, decision, picture"),
        (HEADER, "a,b,0.5,,yes\nc,d,0.5,keep,yes\n", "1 of 2 pictures are undecided"),
        (HEADER, "a,b,high,keep,yes\n", "the confidence of a is not a number"),
        (HEADER, "a,b,1.5,keep,yes\n", "not in 0..1"),
        (HEADER, "", "has no decisions"),
    ],
)
def test_what_cannot_be_learnt_from_is_reported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], header: str, rows: str, problem: str
) -> None:
    assert main(["calibrate", str(table(tmp_path, rows, header))]) == 1
    assert problem in capsys.readouterr().err


def test_calibrate_tells_threshold_level_and_how_many_were_needed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = "".join(
        f"{index}.jpg,r,{0.95 if index < 180 else 0.5},{'keep' if index < 180 else 'redo'},yes\n"
        for index in range(200)
    )
    assert main(["calibrate", str(table(tmp_path, rows)), "--risk", "0.02"]) == 0
    reported = capsys.readouterr().out
    assert "200 pictures decided, 20 to redo (10.0%)." in reported
    assert "Publish without review from confidence 0.501 (90% of these)." in reported
    assert "With a confidence level of 95%, at most 2.0% of those are bad (0 of 180 here)." in reported
    assert "At least 149 pictures above a threshold are needed" in reported
    assert main(["calibrate", str(table(tmp_path, rows)), "--level", "0.999", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["confidence"], found["min_needed"], found["level"]) == (None, 342, 0.999)


@pytest.mark.parametrize("options", [["--risk", "0"], ["--risk", "1"], ["--level", "much"]])
def test_wrong_shares_are_reported(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["calibrate", "x.csv", *options])
    assert "argument --" in capsys.readouterr().err


def test_a_missing_file_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["calibrate", "none.csv"]) == 1
    assert "none.csv" in capsys.readouterr().err
