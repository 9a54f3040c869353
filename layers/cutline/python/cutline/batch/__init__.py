"""A whole folder of pictures through the tasks API, and on from where it was interrupted (`cutline batch`).

    folder -> read -> (upload ticket) -> task -> ask until it has ended -> download -> folder

What is known of each picture is kept beside the results. Whatever of that a crash loses is asked for again under the
same Idempotency-Key, which brings back the same task.
"""
