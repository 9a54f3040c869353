"""One picture's cut-out measured against the result of another service, and the page that shows both."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import numpy as np
from PIL import Image

from cutline.batch.folders import LocalFolder
from cutline.errors import InputRefused, Reason
from cutline.limits import LOCAL_LIMITS
from cutline.local_file import read_file
from cutline.pipeline.codecs.decode import decode_image
from cutline.pipeline.codecs.encode import encode_png
from cutline.pipeline.cutout import CutOptions, Predictor, matte_picture
from cutline.pipeline.filters import U8, resize_u8
from cutline.pipeline.layout.compose import merge_alpha
from cutline.pipeline.timing import StageTimer

_RESULTS = (".png", ".webp")
_PREVIEW_PX = 480
_HALF = 128
# Sides that differ by more than rounding were cropped or framed.
_SAME_SHAPE = 0.02
_KB = 1000
_STYLE = """body { font: 16px system-ui, sans-serif; margin: 2rem; }
table { border-collapse: collapse; width: 100%; }
th, td { padding: .5rem; text-align: left; vertical-align: top; border-top: 1px solid #bbb; }
img { max-width: 100%; background: repeating-conic-gradient(#ddd 0 25%, #fff 0 50%) 0 0 / 20px 20px; }"""


@dataclass(frozen=True)
class Pair:
    """A picture and the other service's result for it."""

    picture: Path
    result: Path


@dataclass(frozen=True)
class Agreement:
    """overlap: intersection over union of what is more than half opaque; difference: mean |a - b|; both in [0, 1]."""

    overlap: float
    difference: float


@dataclass(frozen=True)
class Compared:
    """One picture's comparison; previews: file names in the page's folder; took_ms: decoding to encoding, here."""

    name: str
    previews: Mapping[str, str]
    agreement: Agreement
    old_bytes: int
    new_bytes: int
    took_ms: float

    def cells(self) -> dict[str, str]:
        """Return the row as the command prints it."""
        return {
            "picture": self.name,
            "overlap": f"{self.agreement.overlap:.3f}",
            "difference": f"{self.agreement.difference:.3f}",
            "old_kb": f"{self.old_bytes / _KB:.0f}",
            "new_kb": f"{self.new_bytes / _KB:.0f}",
            "ms": f"{self.took_ms:.0f}",
        }


def find_pairs(pictures: Path, old: Path) -> Iterator[Pair]:
    """Yield each picture that has a result: the one with the longest name that the result's name begins with."""
    named = {name: pictures / name for name in LocalFolder(pictures).pictures()}
    results = sorted(path for path in old.rglob("*") if path.suffix.lower() in _RESULTS and path.is_file())
    taken: set[str] = set()
    for result in results:
        stem = result.relative_to(old).as_posix()
        fitting = [name for name in named if stem.startswith(str(Path(name).with_suffix("")))]
        best = max(fitting, key=len, default="")
        if best and best not in taken:
            taken.add(best)
            yield Pair(named[best], result)


def compare(pair: Pair, network: Predictor, out: Path, index: int) -> Compared:
    """Cut the picture out, measure it against the result and write previews below `out`.

    Raises MattingError for what cannot be compared, and OSError.
    """
    old = decode_image(read_file(pair.result), LOCAL_LIMITS)
    if old.alpha_u8 is None:
        raise InputRefused(Reason.IMAGE_TYPE, f"{pair.result} is not transparent")
    begun = time.perf_counter()
    picture = decode_image(read_file(pair.picture), LOCAL_LIMITS)
    if not same_shape(picture.width, picture.height, old.width, old.height):
        raise InputRefused(
            Reason.PARAMETER_INVALID, f"{pair.result} has another aspect ratio: it was cropped or framed"
        )
    matte = matte_picture(picture, CutOptions(), network, StageTimer())
    new_u8 = merge_alpha(matte.rgb_u8, matte.alpha_u8)
    file = encode_png(new_u8)
    took_ms = (time.perf_counter() - begun) * 1000
    previews = {
        "picture": picture.rgb_u8,
        "old": np.dstack([old.rgb_u8, old.alpha_u8]),
        "new": new_u8,
        "difference": difference_picture(matte.alpha_u8, old.alpha_u8),
    }
    for name, pixels_u8 in previews.items():
        image = Image.fromarray(np.ascontiguousarray(pixels_u8))
        image.thumbnail((_PREVIEW_PX, _PREVIEW_PX))
        image.save(out / f"{index:05d}-{name}.png")
    return Compared(
        name=pair.picture.name,
        previews={name: f"{index:05d}-{name}.png" for name in previews},
        agreement=measure_agreement(matte.alpha_u8, old.alpha_u8),
        old_bytes=pair.result.stat().st_size,
        new_bytes=len(file),
        took_ms=took_ms,
    )


def same_shape(width: int, height: int, other_width: int, other_height: int) -> bool:
    """Return whether both sizes have one aspect ratio, up to rounding."""
    ratio = (width / height) / (other_width / other_height)
    return abs(ratio - 1) <= _SAME_SHAPE


def measure_agreement(alpha_u8: U8, other_u8: U8) -> Agreement:
    """Measure how far two alphas (H, W) and (h, w) agree; the second is resized to the first one's size."""
    height, width = alpha_u8.shape
    other_u8 = resize_u8(np.ascontiguousarray(other_u8), width, height, Image.Resampling.BILINEAR)
    opaque, other_opaque = alpha_u8 >= _HALF, other_u8 >= _HALF
    union = int((opaque | other_opaque).sum())
    overlap = 1.0 if union == 0 else int((opaque & other_opaque).sum()) / union
    return Agreement(overlap, float(np.abs(alpha_u8.astype(np.int16) - other_u8).mean() / 255))


def difference_picture(alpha_u8: U8, other_u8: U8) -> U8:
    """Draw (H, W, 3): grey where both agree, green where only the first is opaque, red where only the other is."""
    height, width = alpha_u8.shape
    other_u8 = resize_u8(np.ascontiguousarray(other_u8), width, height, Image.Resampling.BILINEAR)
    return np.dstack([other_u8, alpha_u8, np.minimum(alpha_u8, other_u8)])


def write_page(folder: Path, compared: Sequence[Compared]) -> Path:
    """Write index.html into `folder`, where the previews are, and return its path."""
    page = folder / "index.html"
    rows = "\n".join(map(_row, compared))
    mean = sum(one.agreement.overlap for one in compared) / len(compared) if compared else 0.0
    page.write_text(
        f"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Cutline compared with the earlier results</title>
<style>{_STYLE}</style>
<h1>Cutline compared with the earlier results</h1>
<p>{len(compared)} pictures, worst first. Mean overlap {mean:.3f}.
In the difference, green is opaque only in Cutline's result, red only in the earlier one.</p>
<table>
<tr><th>Picture<th>Earlier<th>Cutline<th>Difference<th>Numbers</tr>
{rows}
</table>
</html>
""",
        "utf-8",
        "surrogateescape",
    )
    return page


def _row(one: Compared) -> str:
    pictures = "".join(
        f'<td><img src="{escape(file, quote=True)}" alt="{name} of {escape(one.name, quote=True)}">'
        for name, file in one.previews.items()
    )
    numbers = "<br>".join(f"{name}: {escape(value)}" for name, value in one.cells().items())
    return f"<tr>{pictures}<td>{numbers}</tr>"
