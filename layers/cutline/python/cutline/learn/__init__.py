"""Learning from reviewed results: a network tuned on what a shop mended and kept (`cutline learn`).

    report -> accepted alphas -> training.tune, in a process of its own with PyTorch -> judged -> entry in models.toml

pairs      which results of a report were accepted, and their alphas
tuning     runs `training.tune`, which the wheel holds next to the networks
judge      the tuned network against the one before, on pairs held back and on drawn pictures
entry      the new entry in a folder's models.toml
"""
