"""One picture from its file to its cut-out: arrays in, arrays out, no AWS. The modules in a picture's order:

options           what the caller wants and in which form; the contracts build it
timing            the milliseconds of each stage
decode            a file's bytes to an upright sRGB picture, or the reason for a refusal
  headers         format, size and scans from a file's first bytes, without a decoder
  colour          any of Pillow's modes and profiles to 8-bit sRGB and alpha
network           an open ONNX session: a picture to predictions, planes in [0, 1] by channel name
  model_entry     a network's entry in models.toml
  preprocess      a picture to the network's tensor, the network's planes to predictions
  tiling          wide pictures: the network runs on the whole and on overlapping squares
  mirror          doubtful pictures: the network runs again on the mirror image
  zoom            small subjects: the network runs again on the subject's box
  parts           the outline: the network runs again on four parts of the subject
  prediction_file predictions as a PNG, for a network that runs on another machine
cutout            the whole way of a cut-out: `cut_out` calls the following modules
  holes           closes holes that the network tore into the subject
  subject         chooses the person, the object or the whole foreground
  doubt           the probability that the cut-out is good
  fog             decides half-transparency far from the outline
  components      connected components; removes specks
  refine          upsamples alpha to the picture's size, guided by the picture's edges
  foreground      estimates the subject's own colours along soft edges
  colour_grid     the estimates at scattered pixels
  stamp           the ink of a seal or stamp, found without a network
  page_background the colour of a page's bare paper, for stamp
  framing         where the subject goes on its canvas; framing_text reads the words that ask for it
  compose         the canvas and its background
  encode          pixels to PNG, JPEG and WebP
  png             a PNG writer for cut-outs, in half of Pillow's time
separate          each of several subjects by itself
profile           what marketplaces ask for, as data (profiles.toml)
publish           a finished matte as a profile asks for it, with a verdict per rule
removal           the whole way where the answer is the file: region, background, frame, format
  removal_options what its callers ask for
agreement         how far two alphas agree, for `cutline compare-with`
garment_cutout    the whole way of the costume API: `cut_garments` calls network and cutout, then
  garment_masks   worn garments: one alpha per class, inside the person
  unworn_garments garments that nobody wears: one class per component of the foreground
memory            keeps what the pipeline frees for its next picture
filters           box means, resizes and samples that the others share
"""
