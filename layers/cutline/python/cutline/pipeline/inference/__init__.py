"""A network and the passes that it makes over a picture.

network          an open ONNX session; `predict` gives one plane in [0, 1] per channel
model_config     one entry of models.toml: input, output, activation, and which passes the network may make
preprocess       a picture to the input tensor, output planes to predictions
passes           which passes a picture gets: the rules of tiling, flip, crop and patches in one place
tiling           wide pictures in overlapping square tiles
crop             a small subject again, in a crop of its box
flip             at low confidence the mirror image too
patches          the subject's outline again, in four overlapping patches
confidence       the probability that a cut-out is good
prediction_file  predictions as a PNG, between the GPU endpoint and the function that refines them
"""
