"""The whole bill: what AWS charges for 1,000 pictures, and for a stack that does nothing.

prices    what AWS charges for a unit, and who says so
work      what a call, a task and a link take of each: counted, and held against the local cloud by a test
measure   counts the same in a running local cloud
totals    units times prices
"""
