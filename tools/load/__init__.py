"""Load on a local cloud of its own, in four modes: `make load LOAD="flood"`, `"soak --minutes 10"`, `"chaos"`,
`"books"`.

__main__   the modes' options and their end: a table, then what is wrong
books      every API amid faults: the same pixels, and usage is what was answered
chaos      background tasks while processes are killed and AWS calls fail; nothing lost, nothing charged twice
flood      one account floods in seven ways, another one's calls are served as before
floods     the six floods
measure    a quiet account's visits, timed, and what a flood may change of that
soak       all routes mixed, by 1 to 32 callers: latency, wrong answers, memory
trouble    the faults and kills of chaos
wires      a call of every API that returns a lossless picture
workload   the tasks of chaos, and how each must end
"""
