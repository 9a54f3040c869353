"""The operator's command against a local cloud, as `make run` tells an operator to use it."""

import subprocess
from collections.abc import Callable

from devkit.patience import WAIT_S
from devkit.running import ROOT, RunningCloud


def operators_command(cloud: RunningCloud) -> Callable[..., str]:
    """Runs `cutline` with the arguments, and returns what it printed."""

    def run(*arguments: str) -> str:
        script = f'. "{cloud.state_dir}/operator.env" && cutline "$@"'
        command = ["sh", "-c", script, "sh", *arguments]
        ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=WAIT_S, check=False)
        assert (ended.returncode, ended.stderr) == (0, ""), ended
        return ended.stdout

    return run
