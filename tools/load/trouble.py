"""What goes wrong while the tasks are in progress, drawn from a seed."""

import json
import random
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

# What the fault file says for a while, in turn with quiet spells.
_SPELLS: dict[str, dict[str, dict[str, object]]] = {
    "endpoint overloaded": {
        "sagemaker:InvokeEndpoint": {"error": "ModelError", "status": 424, "fields": {"OriginalStatusCode": 503}}
    },
    "endpoint away": {"sagemaker:InvokeEndpoint": {"error": "ServiceUnavailable", "status": 503}},
    "endpoint hangs": {"sagemaker:InvokeEndpoint": {"delay_s": 12}},
    "messages delivered twice": {"sqs:SendMessage": {"twice": True}},
    "answers lost after upload": {"s3:PUT": {"path": "/r/", "linger_s": 2}},
    "DynamoDB throttles": {
        "dynamodb:UpdateItem": {"error": "ThrottlingException", "share": 0.1},
        "dynamodb:TransactWriteItems": {"error": "ThrottlingException", "share": 0.1},
    },
    "DynamoDB's answers lost": {
        "dynamodb:UpdateItem": {"twice": True, "share": 0.5},
        "dynamodb:TransactWriteItems": {"twice": True, "share": 0.5},
        "dynamodb:PutItem": {"twice": True, "share": 0.5},
    },
}
_KILLED = ("/flow/prepare", "/flow/worker", "/flow/matte_on_cpu", "/flow/finish", "/mend")


class Trouble:
    """Changes the fault file and kills the functions' processes until it is stopped; counts what it did."""

    def __init__(self, faults: Path, process_id: int, seed: int, kill_every_s: tuple[float, float]) -> None:
        self._faults = faults
        self._cloud = psutil.Process(process_id)
        self._random = random.Random(seed)
        self._kill_every_s = kill_every_s
        self._stop = threading.Event()
        self.done: Counter[str] = Counter()

    @contextmanager
    def in_progress(self) -> Iterator[None]:
        """Trouble for as long as the block runs, and none afterwards."""
        threads = [threading.Thread(target=work) for work in (self._spell, self._kill)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in threads:
                thread.join()
            self._faults.unlink(missing_ok=True)

    def _spell(self) -> None:
        names = sorted(_SPELLS)
        while not self._stop.is_set():
            self._random.shuffle(names)
            for name in names:
                self._write(_SPELLS[name])
                self.done[name] += 1
                if self._stop.wait(self._random.uniform(2, 5)):
                    return
                self._write({})
                if self._stop.wait(self._random.uniform(0.5, 2)):
                    return

    def _write(self, faults: dict[str, dict[str, object]]) -> None:
        partial = self._faults.with_suffix(".partial")
        partial.write_text(json.dumps(faults), "utf-8")
        partial.replace(self._faults)

    def _kill(self) -> None:
        while not self._stop.wait(self._random.uniform(*self._kill_every_s)):
            victims = [found for found in self._cloud.children(recursive=True) if _step_of(found)]
            if victims:
                victim = self._random.choice(victims)
                step = _step_of(victim)
                try:
                    victim.kill()
                except psutil.NoSuchProcess:
                    continue
                self.done[f"{step} killed"] += 1


def _step_of(process: psutil.Process) -> str:
    """Which of the functions a process runs, by the folder that it was started in; "" for every other process."""
    try:
        folder = Path(process.environ().get("LAMBDA_TASK_ROOT", ""))
    except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
        return ""
    return folder.name if folder.as_posix().endswith(_KILLED) else ""
