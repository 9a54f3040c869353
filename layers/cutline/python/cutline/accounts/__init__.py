"""Who may call, how often, for how much.

gate             the gate in front of every API: authentication, then a reservation
identity         the account behind a request's credential, in every scheme
jd_signature     signatures over headers and body, with nonces
aidge_signature  signatures over sorted parameters
account          accounts and credentials, and their items in DynamoDB
registry         operations on accounts and credentials, for the command line
demo             the demo account and its public credentials, for the local cloud only
meter            reserves, settles and releases calls: rate, quota, calls in flight, charge
shard_allocator  reserves in one of the shards of an account's day
shards           the shards' counters, and the conditional writes that change them; no I/O
usage_report     the meter's counters per day and API
"""
