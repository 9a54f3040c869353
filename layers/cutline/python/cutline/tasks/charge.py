"""The end of a task's reservation: charged if the task is done, given back if it failed. The intake of drops gives one
back too, where its task will not be worked."""

from collections.abc import Callable

from cutline.accounts.account import Account
from cutline.accounts.meter import Meter, Reservation
from cutline.adapters.input_files import InputFiles
from cutline.tasks.step import Step
from cutline.tasks.task import Task


def charge(task: Task, meter: Meter, files: InputFiles, note_charge: Callable[[str, int], None], step: Step) -> None:
    """Charges a done task, once however often it is tried, and deletes its files.

    `note_charge` gets the API and the price in millionths if this try was the one that charged.
    """
    if meter.settle(reservation_of(task), task.order.api):
        step.notes["charge_micros"] = task.order.price_micros
        note_charge(task.order.api, task.order.price_micros)
    files.delete(*task.work_keys)


def give_back(task: Task, meter: Meter, files: InputFiles) -> None:
    """Gives a failed task's reservation back, once however often it is tried, and deletes its files."""
    meter.release(reservation_of(task), task.order.api)
    files.delete(*task.work_keys)


def reservation_of(task: Task) -> Reservation:
    """Return the reservation that `accept` made, at the price of that time."""
    account = Account(task.record.account_id, price_micros={task.order.api: task.order.price_micros})
    return Reservation(account, task.order.day, task.order.call_id, None, is_task=True)
