"""The states Matte and MatteOnCpu: run the network on a prepared picture. Safe to run twice."""

from collections.abc import Callable
from dataclasses import dataclass

from cutline.adapters.input_files import InputFiles
from cutline.contracts import task_record
from cutline.tasks.step import Step
from cutline.tasks.store import TaskStore


@dataclass(frozen=True)
class Matte:
    """State 4: the network's maps of the prepared picture. `predict` takes the PNG and gives a maps file."""

    tasks: TaskStore
    files: InputFiles
    predict: Callable[[bytes], bytes]

    def run(self, task_id: str, step: Step) -> bool:
        """Predict the maps; return whether there was work to do. Raises what `predict` raises."""
        task = self.tasks.advance(task_id, task_record.PROCESSING)
        if task is None:
            return False
        step.works_on(task)
        with step.stage("load"):
            view = self.files.get(task.view_key)
        with step.stage("network"):
            maps = self.predict(view)
        with step.stage("store"):
            self.files.put(task.maps_key, maps)
        return True
