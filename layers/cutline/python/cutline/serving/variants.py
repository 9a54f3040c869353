"""Variants of a stored result, asked for by parameters of its link: rendered once, stored, free of charge.

A variant is stored under the hash of the result's key, the result's version and the parameters' canonical form, so
that a result that was replaced has new ones. It lives as long as other results of its account.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from cutline.adapters.result_store import PRESIGNED_S, ResultStore, result_key
from cutline.contracts import variants
from cutline.contracts.forms import read_header
from cutline.contracts.wire import Request, Response
from cutline.errors import InputRefused, Reason
from cutline.limits import MAX_INLINE_BYTES
from cutline.pipeline.options import CONTENT_TYPES, FORMATS, VariantOptions
from cutline.pipeline.outputs.profiles import read_profiles
from cutline.serving.derived import HEADER_BYTES, Derivation, DerivedFiles, picture_header
from cutline.serving.mend_store import account_of

# Of one version of a result, while a link to it can live.
MAX_VARIANTS = 32
# Of the result; what is made of it has at most `MAX_VARIANT_PX`.
MAX_SOURCE_PX = 4096 * 4096
# Results from this size on get a reduced copy, for variants in which the whole result's longer side has at most this.
MIN_REDUCED_PX, MAX_SMALL_PX = 1_500_000, 820
_PNG = "image/png"
# Colour types of RGB and RGBA; a mask is grey.
_RGB, _RGBA = 2, 6


@dataclass(frozen=True)
class Variants:
    """Finds variants or makes them. `render` makes the file of a PNG, `reduce` its reduced copy, a PNG too."""

    results: ResultStore
    derived: DerivedFiles
    render: Callable[[bytes, VariantOptions], bytes]
    reduce: Callable[[bytes], bytes]

    def answer(self, request: Request, token: str) -> Response:
        """The file, a redirect to it if an answer cannot carry it, or 304. Raises MattingError."""
        source, left_s = self.results.open_link(token, request.received_at)
        options = variants.parse(request)
        version, header = self.results.head(source, HEADER_BYTES)
        width, height, colour_type = picture_header(header)
        if colour_type not in (_RGB, _RGBA) or width * height > MAX_SOURCE_PX:
            text = f"Variants are made of PNG pictures of up to {MAX_SOURCE_PX} pixels, not of masks or other formats"
            raise InputRefused(Reason.PARAMETER_INVALID, text)
        # What the header refuses takes none of the result's variants.
        options.check_transparency(transparent=colour_type == _RGBA)
        if not options.profile:
            options.canvas_of(width, height)
        name = _named(source, version, variants.canonical(options))
        content_type = content_type_of(options)
        key = result_key(account_of(source), f"variant-{name}", content_type)
        if not self.results.exists(key):
            reduced = result_key(account_of(source), f"reduced-{_named(source, version)}", _PNG)
            small = _is_small(options, width, height)
            counted_for = f"{source} {version}"
            self.derived.demand(*self._derivation(source, counted_for, reduced if small else "", key, options))
        headers = {
            "ETag": f'"{name}"',
            # No longer than an address that S3 has signed, nor than the link.
            "Cache-Control": f"public, max-age={min(left_s, PRESIGNED_S)}",
            "Access-Control-Allow-Origin": "*",
        }
        if headers["ETag"] in read_header(request, "if-none-match"):
            return Response(304, headers, b"")
        file = self.results.get(key)
        if len(file) <= MAX_INLINE_BYTES:
            body = b"" if request.method == "HEAD" else file
            return Response(200, {**headers, "Content-Type": content_type}, body)
        location = self.results.redirect(token, request.received_at, request.method, lambda _: key)
        return Response(302, {**headers, "Cache-Control": "no-store", "Location": location}, b"")

    def _derivation(
        self, source: str, counted_for: str, reduced: str, key: str, options: VariantOptions
    ) -> tuple[str, Derivation]:
        """The file that the variant is made of, and how.

        counted_for: the version of the result, which has variants of its own; reduced: of a small variant the key of
        the result's reduced copy, which the first one leaves for the others: decoding the whole result takes longer
        than all else.
        """
        is_reduced = reduced != "" and self.results.exists(reduced)

        def make(png: bytes) -> bytes:
            if reduced and not is_reduced:
                png = self.reduce(png)
                self.results.put_at(reduced, png, _PNG)
            return self.render(png, options)

        content_type = content_type_of(options)
        made = Derivation(key, content_type, make, MAX_SOURCE_PX, MAX_VARIANTS, counted_for)
        return reduced if is_reduced else source, made


def _named(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def _is_small(options: VariantOptions, width: int, height: int) -> bool:
    """Whether the reduced copy of a result of this size has all that the variant shows."""
    ratios = [asked / side for asked, side in ((options.width, width), (options.height, height)) if asked]
    if options.profile or not ratios or width * height < MIN_REDUCED_PX:
        return False
    scale = max(ratios) if options.fit == "cover" else min(ratios)
    return scale * max(width, height) <= MAX_SMALL_PX


def content_type_of(options: VariantOptions) -> str:
    """Return the content type of a variant."""
    named = options.image_format
    if named is None:
        named = read_profiles()[options.profile].image_format if options.profile else FORMATS["png"]
    return CONTENT_TYPES[named]
