"""The container's image: what tools/image leaves out of it is not what the code in it uses."""

import re

from devkit.running import ROOT

ENVIRONMENT = (ROOT / "tools" / "image" / "environment.sh").read_text("utf-8")


def test_the_sdk_keeps_every_service_that_the_code_names() -> None:
    found = re.search(r"services=\"([^\"]+)\"", ENVIRONMENT)
    assert found
    folders = ("layers/cutline/python/cutline", "localcloud", "functions")
    files = [file for folder in folders for file in (ROOT / folder).rglob("*.py")]
    named = {name for file in files for name in re.findall(r"clients?\(\s*\"([a-z0-9-]+)\"", file.read_text("utf-8"))}
    assert {"s3", "dynamodb", "stepfunctions"} <= named
    assert named - set(found[1].replace("\\\n", " ").split()) == set()


def test_measure_takes_the_files_that_docker_gets() -> None:
    ignore = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    found = re.search(r"archive HEAD (.+) \|", (ROOT / "tools" / "image" / "measure.sh").read_text("utf-8"))
    assert found
    assert found[1].split() == [line.removeprefix("!") for line in ignore if line.startswith("!")]
    assert "layers/model/training" in ignore
