"""`make fuzz-atheris`: the decoder under a coverage-guided fuzzer, which needs an environment of its own.

python -m tools.trust.atheris_decode -max_total_time=60 build/corpus
"""

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports():
    from PIL import BmpImagePlugin, GifImagePlugin, JpegImagePlugin, PngImagePlugin, TiffImagePlugin, WebPImagePlugin

    from cutline.errors import MattingError
    from cutline.limits import MIB, PictureLimits
    from cutline.pipeline.codecs.decode import decode_image

_PLUGINS = (BmpImagePlugin, GifImagePlugin, JpegImagePlugin, PngImagePlugin, TiffImagePlugin, WebPImagePlugin)
_LIMITS = PictureLimits(frozenset({"AVIF", "JPEG", "PNG", "BMP", "GIF", "WEBP", "TIFF"}), 15 * MIB, max_side_px=512)


def one(data: bytes) -> None:
    """Decodes; anything but a refusal is a finding."""
    try:
        decode_image(data, _LIMITS, "all", 16)
    except MattingError:
        return


def main() -> None:
    """Seeds an empty corpus with a true file of each kind and goes on until the time is up."""
    from tools.trust.samples import samples  # noqa: PLC0415 (not to be instrumented)

    corpus = Path(sys.argv[-1])
    corpus.mkdir(parents=True, exist_ok=True)
    for name, data in samples().items():
        (corpus / name.replace(" ", "-")).write_bytes(data)
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
