"""What a person does on the playground, and what is seen of it."""

import json
import subprocess
from pathlib import Path
from typing import Any

from devkit.patience import WAIT_S
from tests.support.browser import Browser

STATIC = Path(__file__).parents[2] / "functions" / "site" / "static"
LANGUAGES = ("curl", "python", "javascript")
APIS = {"pw": "mug", "jdc": "mug", "jds": "person", "aid": "mug", "ail": "person", "rbg": "mug", "rem": "mug"}


def open_playground(window: Browser, url: str) -> None:
    """The page, with its options drawn and its buttons alive."""
    window.open(f"{url}/")
    window.wait_for(lambda: window.run("return document.body.dataset.ready"))


def take_sample(page: Browser, name: str) -> None:
    page.click(f"[data-sample={name}]")
    page.wait_for(lambda: page.run(f"return document.querySelector('[data-sample={name}]').ariaPressed === 'true'"))


def cut(page: Browser) -> None:
    """Presses the button and waits for the end of the call, good or bad."""
    page.click("#go")
    page.wait_for(lambda: page.text("#status").startswith(("Done in", "That did not")), "the call")


def cut_sample(page: Browser, api: str, sample: str) -> None:
    take_sample(page, sample)
    page.click(f"#api-{api}")
    cut(page)
    assert page.text("#status").startswith("Done in"), page.text("#error")


def alpha_at(page: Browser, x: float, y: float) -> int:
    """Alpha of the result at a place given as shares of width and height."""
    script = """
        const canvas = document.getElementById("after");
        const [x, y] = [Math.floor(arguments[0] * canvas.width), Math.floor(arguments[1] * canvas.height)];
        return canvas.getContext("2d").getImageData(x, y, 1, 1).data[3];
    """
    return int(page.run(script, x, y))


def result_size(page: Browser) -> tuple[int, int]:
    width, height = page.run("const c = document.getElementById('after'); return [c.width, c.height]")
    return width, height


def run_code(page: Browser, programs: dict[str, str], language: str, folder: Path) -> Any:
    """The answer that the code which the page shows gets, run where the picture's file is."""
    page.click(f"#tab-{language}")
    code = page.run("return document.getElementById('snippet').textContent").partition("# then")[0]
    command = {"curl": ["bash", "-eu"], "python": ["python3"], "javascript": [programs["node"], "--input-type=module"]}
    done = subprocess.run(
        command[language], input=code.encode(), cwd=folder, capture_output=True, check=False, timeout=WAIT_S
    )
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)
