"""`cutline find-usage`: calls in six languages are found with their line, and nothing else is."""

import json
from pathlib import Path

import pytest

from cutline.commands import main
from cutline.commands.find_usage import findings, usages_in

SAMPLES = {
    "cut.py": """import requests
from removebg import RemoveBg

answer = requests.post("https://api.remove.bg/v1.0/removebg", files={"image_file": photo})
client = AILabClient(api_key=KEY)
""",
    "cut.js": """const axios = require("axios");
const { removeBackgroundFromImageFile } = require("remove.bg");
axios.post('https://techhk.aoscdn.com/api/tasks/visual/segmentation', form);
""",
    "cut.php": """<?php
$call = curl_init('https://www.ailabapi.com/api/cutout/general/universal-background-removal');
""",
    "cut.rb": """require "remove_bg"
RemoveBg.from_file("photo.jpg", api_key: key)
""",
    "Cut.java": """class Cut {
  String url = "https://aiapi.jdcloud.com/jdai/SelfieSeg";
  IopClient client = new IopClientImpl("https://api.taobao.global/rest", key, secret);
}
""",
    "cut.go": """package cut

const host = "cn-api.aidc-ai.com"
const name = "/ai/image/cut/out"
""",
    "cut.sh": """curl -F file=@photo.jpg http://rembg:7000/api/remove -o cut.png
""",
}
EXPECTED = [
    ("Cut.java", 2, "jds"), ("Cut.java", 3, "aid"), ("cut.go", 3, "aid"), ("cut.go", 4, "aid"), ("cut.js", 2, "rbg"),
    ("cut.js", 3, "pw"), ("cut.php", 2, "ail"), ("cut.py", 2, "rbg"), ("cut.py", 4, "rbg"), ("cut.py", 5, "ail"),
    ("cut.rb", 1, "rbg"), ("cut.rb", 2, "rbg"), ("cut.sh", 1, "rem"),
]  # fmt: skip


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    for name, text in SAMPLES.items():
        (tmp_path / name).write_text(text)
    for folder in ("node_modules", ".git", "vendor"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "copy.js").write_text(SAMPLES["cut.js"])
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\0https://api.remove.bg/v1.0/removebg")
    (tmp_path / "innocent.py").write_text("def remove(path): ...\nprint('/api/removed', '/account', 'rembg')\n")
    return tmp_path


def test_calls_in_six_languages_are_found_and_nothing_else(shop: Path) -> None:
    assert [(one.file, one.line, one.api) for one in findings(shop)] == EXPECTED


def test_each_finding_says_what_to_change() -> None:
    (usage,) = usages_in('post("https://api.remove.bg/v1.0/removebg")')
    assert usage.changes == ("replace the host with yours and the key with one from `cutline account create`",)
    (gem,) = usages_in('require "remove_bg"')
    assert "RemoveBg::HttpConnection.build" in gem.changes[0]
    (route,) = usages_in("url = HOST + '/api/tasks/visual/segmentation/' + id")
    assert route.changes[0].startswith("keep the route")
    assert [one.api for one in usages_in("a https://www.ailabapi.com b api.remove.bg")] == ["ail", "rbg"]


def test_the_command_prints_for_people_and_for_scripts(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["find-usage", str(shop)]) == 0
    reported = capsys.readouterr().out
    assert "cut.php:2: AILabTools" in reported
    assert reported.endswith("13 calls in 7 files\n")
    assert main(["find-usage", "--json", str(shop)]) == 0
    first = json.loads(capsys.readouterr().out)[0]
    assert (first["file"], first["line"], first["api"]) == ("Cut.java", 2, "jds")


def test_nothing_found_and_no_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["find-usage", str(tmp_path)]) == 0
    assert capsys.readouterr().out == "No calls of the supported APIs found.\n"
    assert main(["find-usage", str(tmp_path / "none")]) == 1
    assert "is not a folder" in capsys.readouterr().err
