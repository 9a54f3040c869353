"""One picture from its file to its cut-out: arrays in, arrays out, no AWS. Each folder's docstring lists its modules.

options    what a caller wants and in which form; the contracts build it
stroke     a person's strokes over a picture, and their JSON
timing     the milliseconds of each stage
filters    box means, resizes and samples that the folders share
codecs     files to pixels and pixels to files, with limits on what untrusted bytes may cost
inference  a network and the passes it makes over a picture
matting    the network's alpha made into the subject's at full size: choice, cleanup, edges, colours
layout     where the subject goes on its canvas
finish     shadow and background
cutout     the way of a cut-out: `matte_picture` runs network and matting, `compose` layout and finish
mend       a finished cut-out changed by strokes
garments   the costume API: one alpha per garment class
outputs    files and metadata of a result, as a contract, a profile or a library call asks for them

Calls, tasks and drops end in `outputs.files`, APIs whose answer is the file itself in `outputs.single_file`, the
costume route in `garments.worn`; the library calls `matte_picture` and `compose`, or `outputs.publish` for a profile.
"""
