"""Files and metadata of a result.

files        the files of one result ("image", "mask") as options or a profile ask for them
single_file  one file with a background, region, frame and format, for APIs whose answer is the file itself
profiles     what marketplaces ask for, as data (profiles.toml)
publish      a matte made into the picture that a profile asks for, with a verdict per rule
judging      the verdict per rule, on what was measured on a file
check        the verdicts on a picture that is left unchanged
mend_file    what is kept of a stored result so that it can be mended, and its mended files
variant      a stored cut-out at another size, on another background, in another format
metadata     what is known of a result besides its pixels: subject, confidence, a profile's verdicts
instances    several subjects of one picture, each separately
"""
