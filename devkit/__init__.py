"""What tests and the programs of tools/ share: callers, running servers, known pictures and stand-ins.

accounts        accounts in a running local cloud
clients         callers of the APIs, written from the vendors' samples
composites      pictures whose alpha, subject colours and background are known
edge_scores     errors of alpha and colours against a composite's truth
faulty          a local cloud whose AWS calls fail on demand
hostile_server  a server that answers as a test scripts it, however wrong
listening       HTTP servers on free ports
memory_table    a DynamoDB table in memory
meters          an account's counters, read from the meter's table
patience        waiting on a machine that may be busy with other work
running         a local cloud in a process of its own
serving         the endpoint's server, in this process or in one of its own
"""
