"""`cutline mcp` over stdin and stdout, called with the SDK's own client."""

import base64
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from mcp import Client, StdioServerParameters
from mcp_types import CallToolResult, Tool
from PIL import Image

from cutline.agents.preview import MAX_BYTES, MAX_SIDE_PX, render_preview
from cutline.batch.report import ReportLine, write_report
from cutline.commands import main
from cutline.pipeline.codecs.encode import encode_png
from cutline.pipeline.options import GARMENTS
from cutline.pipeline.outputs.profiles import read_profiles
from devkit.patience import WAIT_S
from devkit.running import ROOT

STATIC = ROOT / "functions" / "site" / "static"
ENVIRONMENT = {"PYTHONPATH": str(ROOT / "layers" / "cutline" / "python"), "ORT_DISABLE_TELEMETRY": "1"}
_COPYRIGHT = 0x8298
pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Agent:
    """A client connected to a server of its own, over `folder`."""

    portal: BlockingPortal
    client: Client
    folder: Path

    def call(self, tool: str, **arguments: Any) -> CallToolResult:
        return self.portal.call(self.client.call_tool, tool, arguments)

    def done(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """The document of a call that succeeds; the client has checked it against the tool's schema."""
        answer = self.call(tool, **arguments)
        text: Any = answer.content[0]
        assert not answer.is_error, text.text
        assert json.loads(text.text) == answer.structured_content
        return dict(answer.structured_content or {})

    def refusal(self, tool: str, **arguments: Any) -> str:
        answer = self.call(tool, **arguments)
        (text,) = answer.content
        assert (answer.is_error, answer.structured_content) == (True, None)
        return str(text.text)  # type: ignore[union-attr]

    def files(self) -> set[Path]:
        return {file for file in self.folder.parent.rglob("*") if file.is_file()}


def command(*words: object) -> list[str]:
    return [sys.executable, "-m", "cutline", "mcp", "--threads", "1", *map(str, words)]


@pytest.fixture(scope="module", params=["auto", "legacy"])
def agent(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Agent]:
    """Of the newest protocol, and of the one before it."""
    folder = tmp_path_factory.mktemp("agent") / "pictures"
    folder.mkdir()
    for name in ("mug.jpg", "person.jpg"):
        (folder / name).write_bytes((STATIC / name).read_bytes())
    exif = Image.Exif()
    exif[_COPYRIGHT] = "Mugs Ltd"
    Image.open(STATIC / "mug.jpg").save(folder / "dated.jpg", exif=exif)
    (folder.parent / "secret.jpg").write_bytes((STATIC / "mug.jpg").read_bytes())
    (folder / "link.jpg").symlink_to(folder.parent / "secret.jpg")
    (folder / "empty.png").write_bytes(encode_png(np.zeros((64, 64, 4), np.uint8)))
    (folder / "broken.jpg").write_bytes(b"no picture")
    os.mkfifo(folder / "pipe.jpg")
    program, *words = command(folder)
    server = StdioServerParameters(command=program, args=words, env=ENVIRONMENT)
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(Client(server, mode=request.param)) as client,
    ):
        yield Agent(portal, client, folder)


def opened(path: str) -> Image.Image:
    image = Image.open(path)
    image.load()
    return image


def test_tools_say_what_they_take_and_do(agent: Agent) -> None:
    tools: dict[str, Tool] = {tool.name: tool for tool in agent.portal.call(agent.client.list_tools).tools}
    assert set(tools) == {"cut", "publish", "garments", "check", "review"}
    for tool in tools.values():
        jsonschema.Draft202012Validator.check_schema(tool.input_schema)
        jsonschema.Draft202012Validator.check_schema(tool.output_schema or {})
        assert tool.input_schema["additionalProperties"] is False
        assert all(len(one["description"]) > 20 for one in tool.input_schema["properties"].values()), tool.name
        assert tool.annotations is not None
        assert tool.annotations.read_only_hint is (tool.name in ("check", "review"))
        assert (tool.annotations.destructive_hint, tool.annotations.open_world_hint) == (False, False)
    assert tools["publish"].input_schema["properties"]["profile"]["enum"] == list(read_profiles())
    assert str(agent.folder) in str(agent.client.instructions)


def test_a_cut_out_is_a_new_file_and_a_small_image(agent: Agent) -> None:
    first = agent.call("cut", picture="mug.jpg")
    document: Any = first.structured_content
    assert document["result"] == str(agent.folder / "cutline-results" / "mug.jpg.png")
    result = opened(document["result"])
    assert (result.mode, result.size) == ("RGBA", (document["width"], document["height"]))
    assert (result.getpixel((5, 5)), document["bytes"]) == ((0, 0, 0, 0), Path(document["result"]).stat().st_size)
    preview: Any = first.content[1]
    shown = Image.open(io.BytesIO(base64.b64decode(preview.data)))
    assert (preview.mime_type, shown.format, shown.size) == ("image/webp", "WEBP", (512, 410))
    again = agent.call("cut", picture=str(agent.folder / "mug.jpg"), preview=False)
    assert again.structured_content == {**document, "result": str(agent.folder / "cutline-results" / "mug.jpg-2.png")}
    assert len(again.content) == 1
    assert (agent.folder / "mug.jpg").read_bytes() == (STATIC / "mug.jpg").read_bytes()


def test_a_name_as_long_as_files_may_have_gets_a_result(agent: Agent) -> None:
    long = "杯" * 83 + ".jpg"
    (agent.folder / long).write_bytes((STATIC / "mug.jpg").read_bytes())
    made = Path(agent.done("cut", picture=long, preview=False)["result"])
    assert made.name.startswith("杯" * 60) and made.suffix == ".png" and made.exists()
    (agent.folder / long).unlink()


def test_the_commands_options_are_arguments(agent: Agent) -> None:
    made = agent.done(
        "cut",
        picture="mug.jpg",
        subject="object",
        format="jpg",
        background="ffffff,d0d0d0",
        shadow="drop 60% 30%",
        crop=True,
        margin="5%",
        ratio="1:1",
        min_size="900",
        roi="0% 0% 100% 100%",
    )
    assert (made["format"], made["width"], made["height"], made["shadow"]) == ("jpeg", 900, 900, "drop")
    assert made["enlargement"] > 1
    assert opened(made["result"]).format == "JPEG"
    kept = agent.done("cut", picture="dated.jpg", format="avif", metadata="keep")
    assert opened(kept["result"]).getexif()[_COPYRIGHT] == "Mugs Ltd"
    assert (opened(kept["result"]).format, "exif" in kept["metadata"]) == ("AVIF", True)
    behind = agent.done("cut", picture="mug.jpg", background="person.jpg", background_fit="contain", format="webp")
    assert (opened(behind["result"]).mode, behind["format"]) == ("RGB", "webp")
    deep = agent.done("cut", picture="mug.jpg", depth=16)
    assert Path(deep["result"]).read_bytes()[24] == 16, "the header's bit depth"
    assert deep["depth"] == "8 in 16"
    mask = agent.done("cut", picture="mug.jpg", mask=True)
    assert Path(mask["result"]).name == "mug.jpg-mask.png"
    assert "`background`" in agent.refusal("cut", picture="mug.jpg", mask=True, background="white")
    assert opened(mask["result"]).mode == "L"


def test_what_is_published_passes_the_check_that_the_photograph_fails(agent: Agent) -> None:
    photograph = agent.done("check", picture="mug.jpg", profile="amazon-main")
    assert photograph["passed"] is False
    made = agent.done("publish", picture="mug.jpg", profile="amazon-main")
    assert (made["passed"], made["profile"]) == (True, "amazon-main")
    assert made["warnings"] == [f"enlargement {made['width'] / 552:.2f}"], "the mug has 497 px and takes 90 %"
    assert {verdict["rule"] for verdict in made["verdicts"]} >= {"ground", "share", "longest_side"}
    assert agent.done("check", picture=made["result"], profile="amazon-main")["passed"] is True


def test_each_garment_gets_a_file(agent: Agent) -> None:
    made = agent.done("garments", picture="person.jpg", background="ffffff")
    assert set(made["files"]) == set(made["found"])
    assert {"tops", "pants"} <= set(made["found"]) <= set(GARMENTS)
    for path in (made["result"], *made["files"].values()):
        assert opened(path).size == (made["width"], made["height"])
    tops = agent.done("garments", picture="person.jpg", classes=["tops"], form="mask")
    assert set(tops["files"]) == {"tops"}
    assert opened(tops["result"]).tobytes() == opened(tops["files"]["tops"]).tobytes()


def test_results_to_review_come_worst_first(agent: Agent) -> None:
    (agent.folder / "batch").mkdir(exist_ok=True)
    lines = [
        ReportLine("/shop/good.jpg", "good.jpg.png", "object", "0.97"),
        ReportLine("/shop/bad-\udcff.jpg", "bad-\udcff.jpg.png", "object", "0.31"),
        ReportLine("/shop/rule.jpg", "rule.jpg.png", "object", "0.99", passed="no", verdicts="share 0.9; bytes 5"),
        ReportLine("/shop/none.jpg", problem="No subject was found"),
    ]
    (agent.folder / "batch" / "report.csv").write_bytes(write_report(lines))
    found = agent.done("review", folder="batch")
    assert (found["total"], found["matching"]) == (4, 4)
    names = [Path(line["picture"]).name for line in found["results"]]
    assert names == ["none.jpg", "rule.jpg", "bad-\\udcff.jpg", "good.jpg"]
    assert found["results"][0]["problem"] == "No subject was found"
    assert found["results"][1]["verdicts"] == ["share 0.9", "bytes 5"]
    assert found["results"][3]["result"] == str(agent.folder / "batch" / "good.jpg.png")
    some = agent.done("review", folder="batch", below=0.9, limit=2.0)  # JSON has one kind of number
    assert (some["matching"], [Path(line["picture"]).name for line in some["results"]]) == (3, names[:2])


REFUSED: list[tuple[str, Mapping[str, Any], str]] = [
    ("cut", {"picture": "/etc/passwd"}, "is not inside"),
    ("cut", {"picture": "../secret.jpg"}, "without `..`"),
    ("cut", {"picture": "link.jpg"}, "is not inside"),
    ("publish", {"picture": "link.jpg", "profile": "temu"}, "is not inside"),
    ("check", {"picture": "../secret.jpg", "profile": "temu"}, "without `..`"),
    ("garments", {"picture": "/dev/zero"}, "is not inside"),
    ("review", {"folder": "/"}, "is not inside"),
    ("review", {"folder": "."}, "No such file or directory"),
    ("cut", {"picture": "gone.jpg"}, "No such file or directory: gone.jpg"),
    ("cut", {"picture": "pipe.jpg"}, "not a regular file"),
    ("cut", {"picture": "."}, "not a regular file"),
    ("cut", {"picture": "broken.jpg"}, "Not one of"),
    ("check", {"picture": "broken.jpg", "profile": "temu"}, "Not one of"),
    ("cut", {"picture": "empty.png"}, "No subject was found"),
    ("publish", {"picture": "empty.png", "profile": "temu"}, "No subject was found"),
    ("garments", {"picture": "mug.jpg", "classes": ["shoes"]}, "none of the requested garments"),
    ("cut", {"picture": "mug.jpg", "background": "../secret.jpg"}, "`background` must be transparent, a colour"),
    ("cut", {"picture": "mug.jpg", "background": "/etc/passwd"}, "is not inside"),
    ("cut", {"picture": "mug.jpg", "background": "broken.jpg"}, "the background: Not one of"),
    ("cut", {"picture": "mug.jpg", "background": "https://example.com/a.jpg"}, "must not be an address"),
    ("garments", {"picture": "person.jpg", "background": "upload:a"}, "must not be an address"),
    ("cut", {"picture": "mug.jpg", "margin": "90%"}, "margin: a margin is at most 50%"),
    ("cut", {"picture": "mug.jpg", "shadow": "dark"}, "`shadow`: 'dark' is not one of none, keep, drop, auto"),
    ("publish", {"picture": "mug.jpg", "profile": "temu", "roi": "1"}, "a region is left, top, right and bottom"),
    ("cut", {}, "'picture' is a required property"),
    ("cut", {"picture": "mug.jpg", "colour": "red"}, "'colour' was unexpected"),
    ("cut", {"picture": "mug.jpg", "crop": "yes"}, "`crop`: 'yes' is not of type 'boolean'"),
    ("cut", {"picture": "mug.jpg", "format": "bmp"}, "`format`: 'bmp' is not one of ['png'"),
    ("cut", {"picture": "mug.jpg", "depth": 16, "format": "jpg"}, "16"),
    ("cut", {"picture": "x" * 9999}, "is too long"),
    ("garments", {"picture": "person.jpg", "classes": ["socks"]}, "`classes.0`: 'socks' is not one of"),
    ("check", {"picture": "mug.jpg", "profile": "nowhere"}, "`profile`: 'nowhere' is not one of"),
    ("review", {"folder": ".", "limit": 0}, "`limit`: 0 is less than the minimum of 1"),
]


@pytest.mark.parametrize(("tool", "arguments", "sentence"), REFUSED)
def test_a_refusal_is_a_sentence_and_leaves_no_file(
    agent: Agent, tool: str, arguments: Mapping[str, Any], sentence: str
) -> None:
    before = agent.files()
    refusal = agent.refusal(tool, **arguments)
    assert sentence in refusal
    assert "Traceback" not in refusal
    assert len(refusal) < 700
    assert agent.files() == before


def test_an_unknown_tool_is_answered_with_the_known_ones(agent: Agent) -> None:
    assert agent.refusal("delete", picture="mug.jpg").endswith("there are cut, publish, garments, check, review")


def test_the_guides_configuration_starts_the_server(tmp_path: Path) -> None:
    (text,) = re.findall(r"^```json client\n(.*?)^```$", (ROOT / "docs" / "agents.md").read_text("utf-8"), re.S | re.M)
    entry = json.loads(text)["mcpServers"]["cutline"]
    words = [str(tmp_path) if word == "/home/me/pictures" else word for word in entry["args"]]
    assert (entry["command"], str(tmp_path) in words) == ("cutline", True)
    server = StdioServerParameters(command=sys.executable, args=["-m", "cutline", *words], env=ENVIRONMENT)
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(Client(server)) as client:
        assert len(portal.call(client.list_tools).tools) == 5


def test_every_option_is_in_the_guide(agent: Agent) -> None:
    guide = (ROOT / "docs" / "agents.md").read_text("utf-8")
    for tool in agent.portal.call(agent.client.list_tools).tools:
        (row,) = [line for line in guide.splitlines() if line.startswith(f"| `{tool.name}` ")]
        named = set(tool.input_schema["properties"]) - {"picture", "folder", "preview"}
        assert {name for name in named if f"`{name}`" not in row} == set(), tool.name


def test_stdout_has_only_the_protocol_and_stderr_the_log(tmp_path: Path) -> None:
    (tmp_path / "mug.jpg").write_bytes((STATIC / "mug.jpg").read_bytes())
    hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    requests: list[dict[str, Any]] = [
        {"id": 1, "method": "initialize", "params": hello},
        {"method": "notifications/initialized"},
        {"id": 2, "method": "tools/call", "params": {"name": "cut", "arguments": {"picture": "mug.jpg"}}},
    ]
    words = [json.dumps({"jsonrpc": "2.0", **request}) + "\n" for request in requests]
    with subprocess.Popen(
        command(tmp_path),
        env={**os.environ, **ENVIRONMENT},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("no JSON\n" + "".join(words))
        process.stdin.flush()
        answers = [json.loads(process.stdout.readline()) for _ in range(2)]
        rest, log = process.communicate(timeout=WAIT_S)
    assert (process.returncode, rest) == (0, "")
    assert [answer.get("id") for answer in answers] == [1, 2]
    assert answers[1]["result"]["isError"] is False
    lines = log.splitlines()
    assert lines[0] == f"cutline: serving {tmp_path} on stdin and stdout; results go to {tmp_path}/cutline-results"
    assert lines[-1].startswith("cutline: cut: done in ")


def test_without_the_extra_one_line_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "mcp", None)
    assert main(["mcp", str(tmp_path)]) == 1
    printed = capsys.readouterr()
    assert (printed.out, printed.err.count("\n")) == ("", 1)
    assert "pip install 'cutline[mcp]'" in printed.err


@pytest.mark.parametrize(
    ("words", "status", "sentence"),
    [
        (["{root}/gone"], 2, "cannot open {root}/gone: No such file or directory"),
        (["{root}/file"], 2, "cannot open {root}/file: Not a directory"),
        (["{root}/in", "--out", "{root}/out"], 2, "--out: '{root}/out' is not inside {root}/in"),
        (["{root}/in", "--out", "{root}/in/../out"], 2, "--out: "),
        (["{root}/in", "--out", "{root}/in/\udce9"], 2, "is not UTF-8"),
        (["{root}/\udce9"], 2, "is not UTF-8"),
        (["{root}/in", "--profiles", "{root}/gone.toml"], 1, "cannot read {root}/gone.toml"),
        (["{root}/in", "--models", "{root}/in"], 1, "no networks in {root}/in"),
    ],
)
def test_a_wrong_command_line_ends_with_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], status: int, sentence: str
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "file").touch()
    assert main(["mcp", *(word.format(root=tmp_path) for word in words)]) == status
    printed = capsys.readouterr()
    assert sentence.format(root=tmp_path) in printed.err
    assert printed.out == ""


@pytest.mark.parametrize(("height", "width", "channels"), [(2000, 3000, 4), (1, 5000, 3), (5000, 3, 3), (20, 30, 4)])
def test_a_preview_is_small_in_pixels_and_bytes(height: int, width: int, channels: int) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (height, width, channels), np.uint8)
    noise[..., 3:] = 255
    noise = np.kron(noise, np.ones((2, 2, 1), np.uint8)) if max(height, width) < MAX_SIDE_PX else noise
    file = render_preview(encode_png(noise))
    image = Image.open(io.BytesIO(file))
    assert max(image.size) <= MAX_SIDE_PX
    assert len(file) <= MAX_BYTES
