"""Load on a local cloud of its own, in three modes: `make load LOAD="flood"`, `"soak --minutes 10"`, `"chaos"`.

__main__   the modes' options and their end: a table, then what is wrong
chaos      background tasks while processes are killed and AWS calls fail; nothing lost, nothing charged twice
flood      one account floods in seven ways, another one's calls are served as before
floods     the six floods
measure    a quiet account's visits, timed, and what a flood may change of that
soak       all routes mixed, by 1 to 32 callers: latency, wrong answers, memory
trouble    the faults and kills of chaos
workload   the tasks of chaos, and how each must end
"""
