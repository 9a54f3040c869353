"""MediaPipe's selfie network, its mask stretched over the picture and saved as its users do."""

import sys

import mediapipe  # type: ignore[import-not-found]
import numpy as np
from PIL import Image

network = mediapipe.solutions.selfie_segmentation.SelfieSegmentation(model_selection=0)
for line in sys.stdin:
    source, target = line.rstrip("\n").split("\t")
    rgb_u8 = np.asarray(Image.open(source).convert("RGB"))
    mask_f32 = network.process(rgb_u8).segmentation_mask
    alpha_u8 = np.rint(np.clip(mask_f32, 0, 1) * 255).astype(np.uint8)
    Image.fromarray(np.dstack((rgb_u8, alpha_u8))).save(target, "PNG")
    print("done", flush=True)
