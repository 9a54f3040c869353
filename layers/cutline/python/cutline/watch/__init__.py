"""Whether a deployment works, found out by itself. The operator's, and no caller's.

figure  a drawn picture whose outline is known, and how well an alpha fits it
health  what each part says of itself: tried, timed, bounded
parts   the parts of a deployment that it examines
smoke   the picture through the deployed API, as a caller sends it
"""
