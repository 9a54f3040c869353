"""How well shadows are kept: the error on photographs whose shadow is known, textures that must keep none, CPU time.

    python -m tools.shadows [--data FOLDER]

FOLDER has `rgba/` (cut-outs, RGBA) and `backgrounds/` (photographs with a texture); without it all is drawn.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from cutline.pipeline.filters import F32, U8
from cutline.pipeline.finish.drop_shadow import draw_shadow
from cutline.pipeline.finish.kept_shadow import keep_shadow
from cutline.pipeline.finish.options import Shadow
from devkit.composites import SHAPES
from devkit.shadowed import Shadowed, cloth, contact_density, jar, photograph, rendered, studio

SIDE, MOST = 800, 40
STUDIOS = {"white": (0.99, 0.99, 0.99), "beige": (0.93, 0.88, 0.82), "grey": (0.62, 0.62, 0.64)}
_SUBJECT = np.array([0.25, 0.4, 0.35], np.float32)
_SEEN = 0.02


def main() -> None:
    """Print a line per kind of scene, and the time."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path)
    folder = parser.parse_args().data
    print(f"{'scenes':22} {'n':>4} {'kept':>5} {'keep':>6} {'none':>6} {'drop':>6}   mean error of the density")
    report("drawn", drawn())
    report("rendered", rendered_scenes())
    if folder:
        report("cut-outs", cutouts(folder, studio_backgrounds()))
    report("textures, drawn", textures())
    if folder:
        report("cut-outs on textures", cutouts(folder, photographs(folder)))
    for side in (1000, 2000, 4000):
        print(f"keep, {side * side / 1e6:.0f} megapixels: {milliseconds(side):.0f} ms of CPU time a megapixel")


def report(name: str, scenes: Iterator[Shadowed]) -> None:
    """One line: how many scenes kept a shadow, and the mean errors of keeping, of none, and of a drawn one."""
    rows = [measured(made) for made in scenes]
    kept = sum(row[0] for row in rows)
    means = np.mean([row[1:] for row in rows], axis=0)
    print(f"{name:22} {len(rows):4} {kept:5} " + " ".join(f"{mean:6.3f}" for mean in means))


def measured(made: Shadowed) -> tuple[bool, float, float, float]:
    """Whether a shadow was kept, and the mean absolute errors where there is one, is none kept, or is one drawn."""
    kept_u8 = keep_shadow(made.rgb_u8, made.alpha_u8, made.alpha_u8)
    nothing = np.zeros_like(made.alpha_u8)
    found = [nothing if kept_u8 is None else kept_u8, nothing, draw_shadow(made.alpha_u8, Shadow("drop"))]
    seen = (made.alpha_u8 == 0) & ((made.density > _SEEN) | (np.maximum.reduce(found) > _SEEN * 255))
    errors = [
        float(np.abs(density_u8 / 255 - made.density)[seen].mean()) if seen.any() else 0.0 for density_u8 in found
    ]
    return kept_u8 is not None, errors[0], errors[1], errors[2]


def drawn() -> Iterator[Shadowed]:
    """A jar and the drawn shapes in studios, each with light that falls off by none or a quarter."""
    for shape in ("jar", "disc", "ring with a hole", "hair"):
        alpha = jar(SIDE, SIDE) if shape == "jar" else SHAPES[shape](SIDE)
        for colour in STUDIOS.values():
            for fall in (0.0, 0.25):
                yield scene(alpha, studio(SIDE, SIDE, colour, fall))


def rendered_scenes() -> Iterator[Shadowed]:
    """A ball and a box whose shadow is that of an area light, by rays."""
    for kind in ("ball", "box"):
        for colour in STUDIOS.values():
            for sideways in (-0.6, 0.4):
                alpha, subject, density = rendered(kind, 480, sideways)
                yield photograph(alpha, subject, studio(480, 480, colour, 0.15), density)


def scene(alpha: F32, background: F32, subject: F32 | None = None) -> Shadowed:
    """A subject with a contact shadow."""
    colours = np.broadcast_to(_SUBJECT, background.shape) if subject is None else subject
    return photograph(alpha, colours, background, contact_density(alpha))


def textures() -> Iterator[Shadowed]:
    """A jar on woven cloth."""
    for seed in range(6):
        yield scene(jar(SIDE, SIDE), cloth(SIDE, SIDE, seed))


def studio_backgrounds() -> Iterator[F32]:
    """Studios by turns, without an end."""
    while True:
        for colour in STUDIOS.values():
            yield studio(SIDE, SIDE, colour, 0.2)


def photographs(folder: Path) -> Iterator[F32]:
    """As many of the folder's `backgrounds`, evenly chosen and cropped to a square, by turns."""
    paths = sorted((folder / "backgrounds").iterdir())
    while True:
        for path in paths[:: max(1, len(paths) // MOST)]:
            with Image.open(path) as image:
                side = min(image.size)
                square = image.convert("RGB").crop((0, 0, side, side)).resize((SIDE, SIDE))
            yield np.asarray(square, np.float32) / np.float32(255)


def cutouts(folder: Path, backgrounds: Iterator[F32]) -> Iterator[Shadowed]:
    """Up to MOST of the folder's cut-outs, evenly chosen, in the middle of backgrounds."""
    paths = sorted((folder / "rgba").iterdir())
    for path in paths[:: max(1, len(paths) // MOST)][:MOST]:
        with Image.open(path) as image:
            rgba_u8 = centred(image.convert("RGBA"))
        alpha = rgba_u8[..., 3].astype(np.float32) / np.float32(255)
        yield scene(alpha, next(backgrounds), rgba_u8[..., :3].astype(np.float32) / np.float32(255))


def centred(image: Image.Image) -> U8:
    """A cut-out (SIDE, SIDE, 4) that takes most of the frame."""
    image = image.crop(image.getchannel("A").point(lambda value: 255 * (value > 8)).getbbox())
    image.thumbnail((SIDE * 6 // 10, SIDE * 6 // 10))
    scale = SIDE * 0.6 / max(image.size)
    image = image.resize((max(1, round(image.width * scale)), max(1, round(image.height * scale))))
    canvas = Image.new("RGBA", (SIDE, SIDE))
    canvas.paste(image, ((SIDE - image.width) // 2, (SIDE - image.height) // 2))
    return np.array(canvas)


def milliseconds(side: int) -> float:
    """CPU time per megapixel of keeping a shadow, the smaller of two runs."""
    made = scene(jar(SIDE, SIDE), studio(SIDE, SIDE))
    rgb_u8, alpha_u8 = (
        np.array(Image.fromarray(pixels).resize((side, side))) for pixels in (made.rgb_u8, made.alpha_u8)
    )
    times = []
    for _ in range(2):
        begun = time.process_time()
        keep_shadow(rgb_u8, alpha_u8, alpha_u8)
        times.append(time.process_time() - begun)
    return min(times) * 1000 / (side * side / 1e6)


if __name__ == "__main__":
    main()
