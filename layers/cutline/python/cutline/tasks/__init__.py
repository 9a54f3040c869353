"""Background tasks: accepted at once, worked state by state by flow.asl.json, finished once.

    api, accept      a call becomes a task (drop_intake: a dropped file does)
    prepare          state 2: fetch, check, reduce to the network's size
    queue, matte     state 4: the worker behind the queue; predictors run the network here or on the endpoint
    finish, charge   state 1: refine, store, charge
    fail             the negative states: give the reservation back
    callback, view   the answer, sent or asked for
    task, store      the record and its work order; their item in DynamoDB
    step             one state's run, its log line and its errors; state_machine: Step Functions

Every step may run twice and may die at any point. What it writes is named after the task, a task that has ended never
changes its state, and the charge hangs on the reservation that `accept` made.
"""
