"""Files to pixels, and pixels to files.

decoder_process  decodes untrusted bytes in a child process, so that a crash or a limit kills only the child
decode           a file's bytes to an upright sRGB `Picture`, or the reason for a refusal; HEIC where installed
headers          format, size and scans from a file's first bytes, without a decoder
heif_boxes       bounds on the container of HEIC and AVIF, before a decoder reads it
colour           any of Pillow's modes and profiles to 8-bit sRGB and alpha; bounds on ICC profiles
encode           pixels to PNG, JPEG, WebP and AVIF; the WebP copy of a stored PNG
deep             the 16-bit colours of a PNG or TIFF
deep_colour      16-bit colours to sRGB
file_metadata    what a file says besides its pixels, and what of it a result keeps
exif             Exif blocks: a bounded reader, what is kept, a writer
xmp              XMP packets: a reader that expands no entity, what is kept
memory           keeps freed memory in the process for the next picture
"""
