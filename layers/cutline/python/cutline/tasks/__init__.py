"""Asynchronous tasks: accepted at once, worked step by step by a state machine, finished exactly once.

    accept -> Prepare -> (queue) worker -> Finish
                 |          |  endpoint away: MatteOnCpu
                 +----------+------> Fail

Every step may run twice and may die at any point: what it writes has a name of the task's own, a task's state only ever
leaves an unfinished one, and the charge hangs on the reservation that `accept` made.
"""
