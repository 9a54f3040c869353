"""Cuts out a whole folder of pictures through the tasks API, resuming after an interruption (`cutline batch`).

    folder -> read -> (upload ticket) -> task -> poll until it has ended -> download -> folder

run            every picture of a folder, a few at a time, each once
folders        a folder on this machine
s3_folder      a folder in S3, with the same methods
client         calls the tasks API, waits and retries
finishing      a result before it is written: unchanged, or by a profile
zip_file       all results in one zip
progress_file  the state of each picture, in a file next to the results
report         a table of the results, by which `cutline review` sorts them

A call that the file lost in a crash is repeated under the same Idempotency-Key, which brings back the same task.
"""
