"""The steps of a task against a stack in memory."""

from typing import Any

import numpy as np

from cutline.adapters.fetch import FetchPolicy
from cutline.pipeline.inference.model_config import read_entry
from cutline.pipeline.inference.prediction_file import KnownPredictions, encode_predictions
from cutline.tasks.fail import Fail
from cutline.tasks.finish import Finish
from cutline.tasks.matte import Matte
from cutline.tasks.prepare import Prepare
from devkit.clients import plain_picture
from devkit.running import ROOT
from tests.support.task_stack import NOW, Stack

MODELS = ROOT / "layers" / "model"
PICTURE = plain_picture(480, 360)


def prepare(stack: Stack) -> Prepare:
    entry = read_entry(MODELS, "matte")
    return Prepare(stack.tasks, stack.files, FetchPolicy(), entry, stack.meter, lambda: NOW + 1)


def disc_maps(view: bytes) -> bytes:
    """What a network that knows only discs says."""
    y, x = np.mgrid[-1:1:320j, -1:1:320j]
    disc = (x**2 + y**2 < 0.3).astype(np.float32)
    return encode_predictions(KnownPredictions({"foreground": disc, "person": np.zeros_like(disc)}, (7.0, 3.0)))


def matte(stack: Stack) -> Matte:
    return Matte(stack.tasks, stack.files, disc_maps)


def finish(stack: Stack, meter: Any = None) -> Finish:
    return Finish(stack.tasks, stack.files, stack.results, meter or stack.meter, stack.note_charge, lambda: NOW + 5)


def fail(stack: Stack) -> Fail:
    return Fail(stack.tasks, stack.files, stack.meter, stack.results, stack.note_charge, lambda: NOW + 5)
