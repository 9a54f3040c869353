"""What a batch does with a result before it is written: nothing, or what a profile asks for."""

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cutline.pipeline.outputs.profiles import Profile

# S3's headers hold what the service told beside a result.
_TOLD = "x-amz-meta-"


@dataclass(frozen=True)
class Finished:
    """A result's file and type, and what is known of it by the names of `ReportLine`'s columns."""

    file: bytes
    content_type: str
    facts: Mapping[str, str]


Finishing = Callable[[bytes, Mapping[str, str]], Finished]


def as_it_came(file: bytes, headers: Mapping[str, str]) -> Finished:
    """The result as the service made it."""
    facts = {name.removeprefix(_TOLD): value for name, value in headers.items() if name.startswith(_TOLD)}
    return Finished(file, headers.get("content-type", ""), facts)


def as_profile_asks(profile: Profile) -> Finishing:
    """Frames and encodes each result here, so that profiles of one's own need not be known to the service."""
    # Here, because only this needs the pictures' libraries.
    import numpy as np  # noqa: PLC0415
    from PIL import Image  # noqa: PLC0415

    from cutline.pipeline.cutout import Matte  # noqa: PLC0415
    from cutline.pipeline.outputs.publish import publish  # noqa: PLC0415

    def finish(file: bytes, headers: Mapping[str, str]) -> Finished:
        with Image.open(io.BytesIO(file), formats=["PNG"]) as image:
            rgba_u8 = np.array(image.convert("RGBA"))
        made = publish(Matte(rgba_u8[..., :3], rgba_u8[..., 3], "object"), profile)
        # The service told what was found and how sure that is. Values measured here win over the others.
        told = {
            name: value
            for name, value in made.metadata.object_metadata.items()
            if name not in ("subject", "confidence")
        }
        facts = {**as_it_came(file, headers).facts, **told, "coverage": f"{made.metadata.coverage:.4f}"}
        return Finished(made.file, made.content_type, facts)

    return finish
