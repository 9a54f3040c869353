"""README and guides: their commands work, and their statements about the template are true.

A fence `sh runnable` is run here, in a shell next to a photo.jpg; a fence `sh cloud` cannot be: it needs an AWS
account or keeps the terminal. tests/agents runs `json client`. No other fence may hold commands.
"""

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cutline.library import Cutter
from cutline.pipeline.inference.model_config import names_with, read_entry
from devkit.patience import WAIT_S
from devkit.running import ROOT, RunningCloud
from localcloud.aws_account import BUCKETS
from localcloud.stack.template import LocalTemplate
from tests.support.template import ALARM, of_type, watched, whole_template
from tests.support.tiny_model import brightness_model

DOCS = ROOT / "docs"
# The specification has no commands.
FILES = [ROOT / "README.md", *(page for page in sorted(DOCS.glob("*.md")) if page.name != "contracts.md")]
# Commands of fences that are not run here, and what runs them instead.
ELSEWHERE = {
    ".venv/bin/python -m tools.scale": "tests/tools/test_scale.py",
    "make": "every target that is named exists; CI and `make first-run` run them",
    "sam": "needs AWS",
    "aws": "needs AWS",
    "git": "make first-run",
    "cutline review": "tests/review/test_page.py",
    "cutline learn": "tests/learn",
    "cutline cut new": "tests/learn",
    "cutline calibrate": "tests/review/test_threshold.py",
    "python3 docs/examples/shop.py": "tests/docs/test_examples.py",
    "python3 docs/examples/": "tests/docs/test_recipes.py",
    "cutline account create smoke": "tests/tools/test_smoke.py",
    "cutline account disable smoke": "tests/accounts",
    "cutline batch": "tests/e2e/test_batch.py",
    'curl -s "$LINK/mend"': "tests/e2e/test_mend.py",
    "cutline smoke-key": "tests/e2e/test_scheduled_smoke.py",
    "cutline results-key": "tests/commands/test_results_key.py",
    "docker": "tools/image/measure.sh builds and runs the same without Docker",
    "cutline check": "tests/commands/test_check.py",
    "cutline compare-with": "tests/commands/test_compare_with.py",
}


@dataclass(frozen=True)
class Fence:
    file: Path
    kind: str
    text: str


def fences() -> list[Fence]:
    found = []
    for file in FILES:
        for kind, text in re.findall(r"^```([^\n]*)\n(.*?)^```$", file.read_text("utf-8"), re.DOTALL | re.MULTILINE):
            found.append(Fence(file, kind.strip(), text))
    return found


def test_every_fence_says_whether_it_runs() -> None:
    assert {fence.kind for fence in fences()} == {
        "sh runnable",
        "sh cloud",
        "python runnable",
        "toml entry",
        "json client",
    }
    for file in FILES:
        prose = re.sub(r"^```.*?^```$", "", file.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
        assert not re.search(r"^    \S", prose, re.MULTILINE), f"{file.name}: commands belong into fences"


def test_commands_that_are_not_run_here_are_run_elsewhere_or_need_aws() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    for fence in fences():
        for line in fence.text.splitlines() if fence.kind == "sh cloud" else []:
            command = line.partition("#")[0].strip()
            assert any(command.startswith(known) for known in ELSEWHERE), line
            if command.startswith("make "):
                assert command.split()[1] in targets, line


# These pages have no command that could run here.
_SILENT = ("architecture.md", "charging.md", "scale.md", "security.md")


@pytest.mark.parametrize("file", [file for file in FILES if file.name not in _SILENT], ids=lambda file: file.name)
def test_every_runnable_command_works(
    file: Path, shop_cloud: RunningCloud, environment: dict[str, str], photo: Path
) -> None:
    folder = photo.parent
    commands = [fence.text for fence in fences() if (fence.file, fence.kind) == (file, "sh runnable")]
    assert commands
    for name in ("docs", "layers", "localcloud"):
        (folder / name).symlink_to(ROOT / name)
    (folder / ".localcloud").symlink_to(shop_cloud.state_dir)
    (folder / ".venv").symlink_to(Path(sys.prefix))
    (folder / "bin").mkdir()
    shim = folder / "bin" / "aws"
    shim.write_text(f'#!/bin/sh\nexec {sys.executable} {Path(__file__).with_name("aws_stand_in.py")} "$@"\n')
    shim.chmod(0o755)
    # The operator's file names the buckets, as it does for the reader.
    given = {name: value for name, value in environment.items() if name not in BUCKETS}
    variables = {**given, "PATH": f"{folder}/bin:{Path(sys.prefix)}/bin:{os.environ['PATH']}"}
    script = "set -e\n. .localcloud/operator.env\n" + "\n".join(commands)
    script = script.replace("http://127.0.0.1:3000", shop_cloud.url)
    ended = subprocess.run(
        ["bash", "-c", script], cwd=folder, env=variables, capture_output=True, text=True, timeout=600, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    documents = [json.loads(line) for line in re.findall(r"^\{.*\}$", ended.stdout, re.MULTILINE)]
    assert [document for document in documents if not is_good(document)] == []
    if file.name == "migrate.md":
        assert {api_of(document) for document in documents} >= {"jdc", "aid", "jds", "pw", "ail"}


def test_the_librarys_examples_work(photo: Path) -> None:
    code = "\n".join(fence.text for fence in fences() if fence.kind == "python runnable")
    environment = {"PYTHONPATH": str(ROOT / "layers" / "cutline" / "python")}
    ended = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning", "-c", code],
        cwd=photo.parent,
        env=environment,
        capture_output=True,
        text=True,
        timeout=WAIT_S,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith("photo.jpg.png ")


def test_the_examples_of_networks_run(tmp_path: Path) -> None:
    """Each entry with a small file of its interface in place of the weights."""
    text = "\n".join(fence.text for fence in fences() if fence.kind == "toml entry")
    (tmp_path / "models.toml").write_text(text, "utf-8")
    names = names_with(tmp_path)
    assert set(names) == {"birefnet-lite", "birefnet", "u2net"}
    picture = np.full((90, 120, 3), 76, np.uint8)
    picture[20:70, 30:90] = 178
    for entry in (read_entry(tmp_path, name) for name in names):
        interface, size = (entry.input, entry.output), (entry.height, entry.width)
        entry.path.write_bytes(brightness_model(entry.activation, interface, size, entry.mean, entry.std))
        alpha = Cutter(entry.name, models=tmp_path).cut(picture).image[..., 3]
        assert (alpha[45, 60] > 240, alpha[5, 5] < 15) == (True, True), entry.name


def api_of(document: dict[str, Any]) -> str:
    """Whose answer it is."""
    marks = {"resCode": "aid", "charge": "jds", "error_code": "ail", "result": "jdc", "message": "pw"}
    return next((api for mark, api in marks.items() if mark in document), "")


def is_good(document: dict[str, Any]) -> bool:
    """Whether an answer is a success in its API's own form; other documents pass."""
    match api_of(document):
        case "jdc" | "jds" as api:
            return bool(document["result"]["status"] == {"jdc": 0, "jds": 1000}[api])
        case "aid":
            return bool(document["success"])
        case "ail":
            return bool(document["error_code"] == 0)
        case "pw":
            return document["status"] == 200 and document["data"].get("state", 1) >= 0
    return "status" not in document


@pytest.fixture(scope="module")
def template() -> LocalTemplate:
    return whole_template()


def rows(heading: str) -> list[list[str]]:
    """The cells of the last table under a heading of the operation guide."""
    section = (DOCS / "operate.md").read_text("utf-8").partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_the_table_of_parameters_is_the_templates(template: LocalTemplate) -> None:
    declared = {
        f"`{name}`": f"`{default}`" if (default := str(spec["Default"])) else "empty"
        for name, spec in template.plain["Parameters"].items()
    }
    assert {name: default for name, default, _ in rows("Parameters")} == declared
    assert len(rows("Parameters")) == len(declared)
    assert all(when for *_, when in rows("Parameters"))


def test_there_is_something_to_do_for_every_alarm(template: LocalTemplate) -> None:
    alarms = set(of_type(template.plain["Resources"], ALARM)) - {"EndpointWakeAlarm"}
    table = rows("Watching")
    assert {name.strip("`") for name, *_ in table} == alarms
    assert len(table) == len(alarms)


def test_the_number_of_alarm_metrics_is_documented(template: LocalTemplate) -> None:
    resources = template.plain["Resources"]
    always = [item["Properties"] for item in resources.values() if item["Type"] == ALARM and "Condition" not in item]
    count = sum(len(watched(alarm)) for alarm in always)
    assert f"The alarms watch {count} metrics" in (DOCS / "operate.md").read_text("utf-8")


def test_everything_stored_is_documented_with_its_retention(template: LocalTemplate) -> None:
    documented = {
        (match[1], match[2]): until
        for where, *_, until in rows("Privacy and retention")
        if (match := re.fullmatch(r"(input|output) bucket, `(\S+)`", where))
    }
    buckets = of_type(template.plain["Resources"], "AWS::S3::Bucket")
    for name, kind in (("InputBucket", "input"), ("OutputBucket", "output")):
        for rule in buckets[name]["LifecycleConfiguration"]["Rules"]:
            if "Prefix" in rule:
                days = rule["ExpirationInDays"]
                expected = f"`{days['Ref']}`" if isinstance(days, dict) else f"{days} day"
                assert expected in documented.pop((kind, rule["Prefix"])), rule
    assert documented == {}


def test_everything_that_outlives_the_stack_is_documented_with_its_deletion(template: LocalTemplate) -> None:
    # The whole region's, not the stack's: the guide names them separately.
    shared = {"ApiAccount", "ApiLogRole"}
    kept = {
        name for name, item in template.plain["Resources"].items() if item.get("DeletionPolicy") == "Retain"
    } - shared
    section = (DOCS / "operate.md").read_text("utf-8").partition("\n## Deleting everything\n")[2]
    named = {re.sub(r"(?<!^)([A-Z])", r"_\1", name).upper() for name in kept}
    assert set(re.findall(r"\b[A-Z]+_[A-Z]+\b", section)) == named | {"INPUT_BUCKET"}
    outputs = {re.sub(r"(?<!^)([A-Z])", r"_\1", name).upper() for name in template.plain["Outputs"]}
    assert named < outputs, "deleting by hand needs the names"


@pytest.mark.parametrize(
    ("script", "names"), [("docs/result.py", ["result"]), ("tools/finish_pictures.py", ["shadow", "background"])]
)
def test_the_pictures_are_what_the_software_makes(
    environment: dict[str, str], tmp_path: Path, script: str, names: list[str]
) -> None:
    target = tmp_path / "result.png" if names == ["result"] else tmp_path
    package = {"PYTHONPATH": os.pathsep.join(map(str, (ROOT / "layers" / "cutline" / "python", ROOT, DOCS)))}
    command = [sys.executable, str(ROOT / script), str(target)]
    subprocess.run(command, env={**environment, **package}, check=True, timeout=WAIT_S)
    for name in names:
        with Image.open(tmp_path / f"{name}.png") as made, Image.open(DOCS / f"{name}.png") as kept:
            assert made.size == kept.size
            difference = np.abs(
                np.asarray(made.convert("RGB"), np.int16) - np.asarray(kept.convert("RGB"), np.int16)
            ).mean()
        # Networks are trained further; a picture that shows something else has to be drawn again.
        assert difference < 4, f"python {script} draws it again"
