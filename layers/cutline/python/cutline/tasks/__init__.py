"""Background tasks: accepted at once, worked state by state by flow.asl.json, finished once.

api            a call makes a task, or asks about one
accept         a call becomes a task: reserved, on record, started
drop_intake    a file dropped into S3 becomes a task
prepare        state 2: fetch, check, reduce to the network's size
queue          the worker behind the queue, and its dead letters
matte          state 4: the network's maps
predictors     runs the network here, or on the endpoint
finish         state 1: refine, store, charge
charge         settles the reservation of a task that is done, releases that of one that failed
fail           the negative states, and the reason of a failed step
callback       the answer sent to the caller's address, signed
view           the answer to a question: the record with its results
task           the record and its work order
store          tasks' items in DynamoDB
step           one state's run, its log line and its errors
state_machine  starts executions, and answers the state that waits for a worker

Every step may run twice and may die at any point. What it writes is named after the task, a task that has ended never
changes its state, and the charge hangs on the reservation that `accept` made.
"""
