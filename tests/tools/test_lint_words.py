"""The check of words: where a word begins and ends, what may stay, and a baseline that only shrinks."""

from pathlib import Path

import pytest

from tools import lint_words


def found(text: str) -> list[str]:
    return [word.name for _, word in lint_words.found_in(text, lint_words.words())]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("what the caller was told", ["told"]),
        ("confidence_told = 1", ["told"]),
        ("Nobody's; nobody", ["nobody", "nobody"]),
        ("a ground truth before a background", []),
        ("the plain ground", ["ground"]),
        ("least_px, at_least", ["least-most"]),
        ('item["lanes"], two lanes', ["lane"]),
        ("Look, look up", ["look"]),
    ],
)
def test_a_word_is_found_as_a_part_of_names_and_not_of_other_words(text: str, names: list[str]) -> None:
    assert found(text) == names


def test_more_than_the_baseline_fails_and_the_baseline_never_rises(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(lint_words, "ROOT", tmp_path)
    monkeypatch.setattr(lint_words, "BASELINE", tmp_path / "baseline.txt")
    monkeypatch.setattr(lint_words, "checked_files", lambda: ["a.py"])
    (tmp_path / "baseline.txt").write_text("1 a.py\n")
    (tmp_path / "a.py").write_text("# told\n")
    assert lint_words.main([]) == 0
    (tmp_path / "a.py").write_text("# told\n# told\n")
    assert lint_words.main(["--shrink"]) == 1
    assert "a.py:2: told: write returned" in capsys.readouterr().out
    (tmp_path / "a.py").write_text("# returned\n")
    assert (lint_words.main(["--shrink"]), (tmp_path / "baseline.txt").read_text()) == (0, "")
