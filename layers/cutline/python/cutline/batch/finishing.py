"""Finishing of a batch's results before they are written: none, or by a profile."""

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cutline.pipeline.finish.options import NO_SHADOW, Shadow
from cutline.pipeline.options import MetadataMode
from cutline.pipeline.outputs.profiles import Profile

# S3's headers with the metadata of a result.
_METADATA = "x-amz-meta-"


@dataclass(frozen=True)
class Finished:
    """A result's file, its content type, and its metadata by the names of `ReportLine`'s columns."""

    file: bytes
    content_type: str
    metadata: Mapping[str, str]


Finishing = Callable[[bytes, Mapping[str, str]], Finished]


def unchanged(file: bytes, headers: Mapping[str, str]) -> Finished:
    """Return the result as the service made it."""
    metadata = {name.removeprefix(_METADATA): value for name, value in headers.items() if name.startswith(_METADATA)}
    return Finished(file, headers.get("content-type", ""), metadata)


def by_profile(profile: Profile, shadow: Shadow = NO_SHADOW, mode: MetadataMode = "none") -> Finishing:
    """Return a finishing that frames and encodes results here, so that the service need not know the profile."""
    # Here, because only this needs the pictures' libraries.
    import numpy as np  # noqa: PLC0415
    from PIL import Image  # noqa: PLC0415

    from cutline.pipeline.codecs.decode import PLUGIN_ERRORS  # noqa: PLC0415
    from cutline.pipeline.codecs.file_metadata import read_metadata  # noqa: PLC0415
    from cutline.pipeline.cutout import Matte  # noqa: PLC0415
    from cutline.pipeline.outputs.publish import publish  # noqa: PLC0415

    def finish(file: bytes, headers: Mapping[str, str]) -> Finished:
        with Image.open(io.BytesIO(file), formats=["PNG"]) as image:
            rgba_u8 = np.array(image.convert("RGBA"))
        kept = None if mode == "none" else read_metadata(file, "PNG", mode, PLUGIN_ERRORS)
        made = publish(Matte(rgba_u8[..., :3], rgba_u8[..., 3], "object", metadata=kept), profile, shadow)
        # Subject and confidence are the service's; all else is measured here.
        measured = {
            name: value
            for name, value in made.metadata.object_metadata.items()
            if name not in ("subject", "confidence")
        }
        metadata = {**unchanged(file, headers).metadata, **measured, "coverage": f"{made.metadata.coverage:.4f}"}
        return Finished(made.file, made.content_type, metadata)

    return finish
