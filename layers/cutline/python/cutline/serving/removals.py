"""What APIs do whose answer is the file itself: the single, in a size that a synchronous answer can carry."""

from cutline.contracts.wire import Job
from cutline.errors import InputRefused, Reason, ServiceFault
from cutline.limits import MIB
from cutline.pipeline.codecs.decoder_process import decode_in_subprocess
from cutline.pipeline.cutout import Predictor
from cutline.pipeline.options import MEGAPIXEL, SingleFileOptions
from cutline.pipeline.outputs.single_file import (
    CONTENT_TYPES,
    SingleFile,
    encode_as,
    encode_single_file,
    make_single_file,
)
from cutline.pipeline.timing import StageTimer
from cutline.serving.call import Produced

# 6 MiB through a synchronous function, in base64, less room for the rest of the answer (contracts.md 0.1).
MOST_ANSWER_BYTES = (6 * MIB - 32 * 1024) // 4 * 3


def remove(data: bytes, job: Job, options: SingleFileOptions, network: Predictor, timer: StageTimer) -> Produced:
    """The file. Raises InputRefused, also where it is too large for an answer, and ServiceFault for the model."""
    with timer.stage("decode"):
        picture = decode_in_subprocess(data, job.limits)
        backdrop = None
        if job.backdrop is not None:
            backdrop = decode_in_subprocess(job.backdrop.data or b"", job.limits)
    single = make_single_file(picture, options, backdrop, network, timer)
    with timer.stage("encode"):
        file, name = encode_single_file(single, options)
        if len(file) > MOST_ANSWER_BYTES:
            raise InputRefused(Reason.RESOLUTION_TOO_HIGH, _what_fits(single, options, name, len(file)))
    content_type = CONTENT_TYPES[name]
    notes = {
        "subject": "person" if single.person else "object",
        "coverage": round(single.coverage, 4),
        "confidence": round(single.confidence, 4),
    }
    results = {"image": (file, content_type)}
    return Produced(single.width, single.height, results, notes, single.metadata(content_type))


def _what_fits(single: SingleFile, options: SingleFileOptions, name: str, size: int) -> str:
    """Which format would fit; where none does, or besides, up to how many pixels this one fits."""
    pixels = single.width * single.height
    fitting = int(0.9 * pixels * MOST_ANSWER_BYTES / size) / MEGAPIXEL
    told = (
        f"The result takes {_megabytes(size)} as {name} at {pixels / MEGAPIXEL:.1f} megapixels, "
        f"and an answer carries {_megabytes(MOST_ANSWER_BYTES)}"
    )
    for other in options.alternatives:
        # JPEG alone has no transparency, so it replaces nothing but an opaque result.
        if other != name and (other != "jpg" or single.pixels_u8.shape[-1] != len("RGBA")):
            try:
                length = len(encode_as(single, options, other))
            except ServiceFault:  # no time is left to find out
                continue
            if length <= MOST_ANSWER_BYTES:
                return (
                    f"{told}; format={other} takes {_megabytes(length)}, and {name} fits up to {fitting:.1f} megapixels"
                )
    return f"{told}; {name} fits up to {fitting:.1f} megapixels"


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
