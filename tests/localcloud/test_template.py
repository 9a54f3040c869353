"""Translated templates are kept, and never served for another template or other parameters."""

from pathlib import Path
from typing import Any

import pytest

from localcloud.stack import template, translate

WORDS = """
Parameters: {Depth: {Type: String, Default: '3'}}
Resources:
  Work: {Type: AWS::SQS::Queue, Properties: {QueueName: NAME, DelaySeconds: !Ref Depth}}
"""


@pytest.fixture
def translations(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[dict[str, Any]]:
    """What the translator was asked for."""
    asked: list[dict[str, Any]] = []
    real = translate.translate

    def translated(source: dict[str, Any], parameters: dict[str, str]) -> dict[str, Any]:
        asked.append(source)
        return real(source, parameters)

    monkeypatch.setattr(translate, "translate", translated)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setattr(template, "_TRANSLATED", tmp_path / "translated")
    return asked


def test_a_template_is_translated_once_and_another_one_again(
    translations: list[dict[str, Any]], tmp_path: Path
) -> None:
    path = tmp_path / "template.yaml"
    path.write_text(WORDS.replace("NAME", "one"))
    first = template.load_template(path, {})
    assert template.load_template(path, {}) == first
    assert len(translations) == 1
    assert template.load_template(path, {"Depth": "4"}).parameters == {"Depth": "4"}
    path.write_text(WORDS.replace("NAME", "two"))
    second = template.load_template(path, {})
    assert [plain["Resources"]["Work"]["Properties"]["QueueName"] for plain in (first.plain, second.plain)] == [
        "one",
        "two",
    ]
    assert len(translations) == 3


def test_where_nothing_can_be_kept_the_template_is_translated_each_time(
    translations: list[dict[str, Any]], tmp_path: Path
) -> None:
    (tmp_path / "translated").write_text("in the way of a folder")
    path = tmp_path / "template.yaml"
    path.write_text(WORDS.replace("NAME", "one"))
    assert template.load_template(path, {}) == template.load_template(path, {})
    assert len(translations) == 2
