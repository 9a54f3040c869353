"""One call, from API Gateway's event to its answer, in this order:

proxy_event  API Gateway's event to a `Request`, a `Response` to its answer; the limits of a synchronous answer
service      authenticate, parse, lease, reserve, fetch, process, store, render: the same for every contract
call         a call in progress, and the parts that an API may plug in: Processor, Journal, Deferral
idempotency  the lease on an Idempotency-Key, and the answers kept under it
processors   the pipeline behind each API
settlement   the end of a reservation: settled with its answer, or given back
boundary     each exception becomes one reason; faults are logged and counted once
deadline     interrupts work that would outlive its caller
native       Cutline's own routes: usage, credits, upload tickets, result links
derived      files made of a result when they are asked for: once, within bounds
mend_store   what is kept of results for mends, and their versions
mending      mends of results: the token, the lease, the writes
variants     a result at another size, on another background, in another format
time_share   bounds the share of a process's time that one account's questions may take
telemetry    metrics of calls, faults and cold starts
"""
