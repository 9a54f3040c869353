"""The text in the terminal when the local cloud is ready."""

import sys
from pathlib import Path

from localcloud.aws_account import OPERATOR_FILE
from localcloud.seed import AIDGE_APP_KEY, AIDGE_SECRET, API_KEY, JD_ACCESS_KEY, JD_SECRET_KEY

READY = "Ready: "

_CREDENTIALS = f"""
Demo account, in this local cloud only
  X-API-KEY, ailabapi-api-key    {API_KEY}
  JD Cloud access key, secret    {JD_ACCESS_KEY}  {JD_SECRET_KEY}
  Aidge app_key, secret          {AIDGE_APP_KEY}  {AIDGE_SECRET}
"""

# One line per API, shown if the template routes it; `welcome` fills in {python} and {url}.
_CALLS = {
    "/api/cutout": "{python} -m localcloud.sign jd {url}/api/cutout/ photo.jpg | curl -sK -",
    "/ai/image/cut/out": (
        """printf '{{"imageBase64":"%s","backGroundType":"TRANSPARENT"}}' "$(base64 -w0 photo.jpg)" | """
        """curl -s "$({python} -m localcloud.sign aidge {url}/ai/image/cut/out)" """
        """-H 'content-type: application/json' -d @-"""
    ),
    "/jdai/SelfieSeg": (
        """printf '{{"image":"%s"}}' "$(base64 -w0 photo.jpg)" > body.json; """
        "{python} -m localcloud.sign jd {url}/jdai/SelfieSeg body.json --type application/json | curl -sK -"
    ),
    "/api/tasks/visual/segmentation": (
        "curl -s {url}/api/tasks/visual/segmentation -H 'X-API-KEY: demo-key' -F sync=1 -F image_file=@photo.jpg"
    ),
    "/api/cutout/general/apparel-background-removal": (
        "curl -s {url}/api/cutout/general/apparel-background-removal "
        "-H 'ailabapi-api-key: demo-key' -F image=@photo.jpg"
    ),
}


def welcome(url: str, paths: set[str], seeded: bool, state_dir: Path) -> str:
    """Address, credentials, a curl line per API, the operator's commands and the folder of the logs."""
    python = _python()
    calls = [f"  {call.format(python=python, url=url)}" for path, call in _CALLS.items() if path in paths]
    text = _CREDENTIALS if seeded else ""
    if calls and seeded:
        text += "\nTry, with a photo.jpg of your own\n" + "\n".join(calls) + "\n"
    if seeded:
        operator = _short(state_dir / OPERATOR_FILE)
        text += f"\nOperate accounts from another terminal\n  . {operator} && cutline account list\n"
    return f"{text}\nLogs of the functions: {_short(state_dir / 'logs')}\nCtrl-C stops everything.\n\n{READY}{url}"


def _python() -> str:
    return str(_short(Path(sys.executable)))


def _short(path: Path) -> Path:
    """Relative to the current folder if it is inside; does not follow a virtual environment's link."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
