"""The guides' examples: where they are, and how a test runs them and signs for them."""

import hashlib
import hmac
import subprocess

from devkit.patience import WAIT_S
from devkit.running import ROOT

EXAMPLES = ROOT / "docs" / "examples"


def run(environment: dict[str, str], *command: object) -> str:
    """A command that is to succeed, and what it printed."""
    words = [str(word) for word in command]
    ended = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=WAIT_S, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def signed(key: str, body: bytes, at: int) -> str:
    return f"t={at},v1={hmac.new(key.encode(), str(at).encode() + b'.' + body, hashlib.sha256).hexdigest()}"
