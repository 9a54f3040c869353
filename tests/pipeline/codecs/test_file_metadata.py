"""What a result keeps of its picture's file: with "keep" no place, preview, serial number or maker's note."""

import io
import struct
import zlib
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms
from PIL.TiffImagePlugin import IFDRational

from cutline.limits import LOCAL_LIMITS
from cutline.pipeline.codecs.decode import decode_image
from cutline.pipeline.codecs.decoder_process import decode_in_subprocess
from cutline.pipeline.codecs.encode import ENCODERS, png_file
from cutline.pipeline.codecs.exif import kept_block, read_block
from cutline.pipeline.codecs.file_metadata import FileMetadata
from cutline.pipeline.codecs.xmp import kept_packet
from cutline.pipeline.options import FORMATS, ImageFormat, MetadataMode

Tag, Gps = ExifTags.Base, ExifTags.GPS
RIGHTS = "\N{COPYRIGHT SIGN} 2026 Müller"
XMP = f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="u"
 xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmpRights="http://ns.adobe.com/xap/1.0/rights/"
 xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmlns:tiff="http://ns.adobe.com/tiff/1.0/" xmlns:exif="http://ns.adobe.com/exif/1.0/"
 xmlns:g="http://ns.adobe.com/xap/1.0/g/img/"
 xmpRights:Marked="True" photoshop:Credit="Agency" photoshop:City="Ulm" xmp:Rating="5" tiff:Orientation="6"
 exif:GPSLatitude="48,24N">
<dc:rights><rdf:Alt><rdf:li xml:lang="x-default">{RIGHTS}</rdf:li></rdf:Alt></dc:rights>
<dc:creator><rdf:Seq><rdf:li>A. Müller</rdf:li></rdf:Seq></dc:creator>
<xmp:Thumbnails><rdf:Alt><rdf:li rdf:parseType="Resource"><g:image>AAAA</g:image></rdf:li></rdf:Alt></xmp:Thumbnails>
</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>""".encode()


def exif_block() -> bytes:
    exif = Image.Exif()
    exif[Tag.Make], exif[Tag.Model] = "Nikon", "Z\x01 6"
    exif[Tag.Copyright], exif[Tag.ImageDescription] = RIGHTS.encode(), "a description"
    exif[Tag.Orientation] = 6
    exif[Tag.XResolution] = exif[Tag.YResolution] = IFDRational(300)
    exif[Tag.ResolutionUnit] = 2
    camera = exif.get_ifd(ExifTags.IFD.Exif)
    camera[Tag.DateTimeOriginal], camera[Tag.FNumber] = "2026:11:24 10:00:00", IFDRational(28, 10)
    camera[Tag.LensModel], camera[Tag.BodySerialNumber] = "50mm", "123456"
    camera[Tag.MakerNote], camera[Tag.UserComment] = b"maker's note", b"ASCII\0\0\0private"
    camera[Tag.ColorSpace], camera[Tag.ExifImageWidth] = 65535, 4000
    place = exif.get_ifd(ExifTags.IFD.GPSInfo)
    place[Gps.GPSLatitudeRef], place[Gps.GPSLatitude] = "N", (48.0, 24.0, 0.0)
    return exif.tobytes()


EXIF = exif_block()
PIXELS_U8 = np.full((30, 40, 3), 120, np.uint8)


def _saved(name: str, **more: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(PIXELS_U8).save(file, name, exif=EXIF, **more)
    return file.getvalue()


def _tiff() -> bytes:
    exif = Image.Exif()
    exif.load(EXIF)
    exif[700] = XMP
    file = io.BytesIO()
    Image.fromarray(PIXELS_U8).save(file, "TIFF", exif=exif, dpi=(300, 300))
    return file.getvalue()


def _png() -> bytes:
    bare = EXIF.removeprefix(b"Exif\0\0")
    late = png_file(PIXELS_U8, [(b"eXIf", bare), (b"pHYs", struct.pack(">IIB", 11811, 11811, 1))])
    text = b"XML:com.adobe.xmp\0\0\0\0\0" + XMP
    # After the pixels, where some writers put it.
    return late[:-12] + png_file(PIXELS_U8, [(b"iTXt", text)])[33 : 33 + 12 + len(text)] + late[-12:]


FILES: dict[str, Callable[[], bytes]] = {
    "JPEG": lambda: _saved("JPEG", xmp=XMP, dpi=(300, 300)),
    "PNG": _png,
    "WEBP": lambda: _saved("WEBP", xmp=XMP),
    "AVIF": lambda: _saved("AVIF", xmp=XMP),
    "TIFF": _tiff,
}


def kept(data: bytes, mode: MetadataMode = "keep") -> FileMetadata:
    metadata = decode_image(data, LOCAL_LIMITS, mode).metadata
    assert metadata is not None
    return metadata


def directories(metadata: FileMetadata) -> tuple[dict[int, Any], dict[int, Any], dict[int, Any]]:
    exif = Image.Exif()
    exif.load(metadata.exif)
    camera, place = dict(exif.get_ifd(ExifTags.IFD.Exif)), dict(exif.get_ifd(ExifTags.IFD.GPSInfo))
    return dict(exif), camera, place


@pytest.mark.parametrize("name", FILES)
def test_date_camera_rights_and_resolution_are_kept_and_nothing_else(name: str) -> None:
    metadata = kept(FILES[name]())
    assert (metadata.text, metadata.left_out) == ("exif, xmp, dpi, srgb", ())
    main, camera, place = directories(metadata)
    assert metadata.dpi == pytest.approx((300, 300), abs=0.01)
    assert (main[Tag.Make], main[Tag.Model], main[Tag.XResolution]) == ("Nikon", "Z 6", pytest.approx(300, abs=0.01))
    # As Pillow writes it into the other two.
    rights = RIGHTS.encode() if name in ("JPEG", "PNG", "WEBP") else RIGHTS.encode("ascii", "replace")
    assert rights in metadata.exif or rights.replace(b"?", b"??") in metadata.exif
    assert (camera[Tag.DateTimeOriginal], camera[Tag.LensModel]) == ("2026:11:24 10:00:00", "50mm")
    assert (camera[Tag.FNumber], camera[Tag.ColorSpace]) == (2.8, 1)
    never = {Tag.BodySerialNumber, Tag.MakerNote, Tag.UserComment, Tag.ExifImageWidth}
    assert not place and not never & set(camera) and not {Tag.Orientation, Tag.ImageDescription} & set(main)
    text = metadata.xmp.decode()
    assert all(word in text for word in (RIGHTS, "A. Müller", "Agency", "Marked"))
    assert not any(word in text for word in ("Ulm", "Thumbnails", "Rating", "Orientation", "GPS"))


@pytest.mark.parametrize("name", FILES)
def test_all_has_the_place_and_comments_but_no_preview_orientation_or_size(name: str) -> None:
    metadata = kept(FILES[name](), "all")
    main, camera, place = directories(metadata)
    assert place[Gps.GPSLatitude] == (48.0, 24.0, 0.0)
    assert main[Tag.ImageDescription] == "a description" and camera[Tag.BodySerialNumber] == "123456"
    assert camera[Tag.UserComment] == b"ASCII\0\0\0private"
    assert not {Tag.MakerNote, Tag.ExifImageWidth} & set(camera) and Tag.Orientation not in main
    text = metadata.xmp.decode()
    assert all(word in text for word in ("Ulm", "Rating", "GPSLatitude")) and "Orientation" not in text
    assert "Thumbnails" not in text and "AAAA" not in text


@pytest.mark.parametrize("image_format", sorted(set(FORMATS.values())))
def test_every_format_carries_it(image_format: ImageFormat) -> None:
    metadata = kept(FILES["JPEG"]())
    file = ENCODERS[image_format](PIXELS_U8, metadata)
    again = kept(file)
    assert directories(again) == directories(metadata)
    assert ET.canonicalize(again.xmp.decode()) == ET.canonicalize(metadata.xmp.decode())
    assert again.dpi == pytest.approx((300, 300), abs=0.01)
    with Image.open(io.BytesIO(file)) as image:
        assert image.getexif().get(Tag.Orientation, 1) == 1
        assert image_format != "png" or image.info["srgb"] == 0
    assert ENCODERS[image_format](PIXELS_U8) != file


def test_the_decoders_process_reads_it() -> None:
    here, there = (decode(FILES["PNG"](), LOCAL_LIMITS, "keep") for decode in (decode_image, decode_in_subprocess))
    assert here.metadata == there.metadata and there.metadata is not None
    assert np.array_equal(here.rgb_u8, there.rgb_u8)
    assert decode_in_subprocess(FILES["PNG"](), LOCAL_LIMITS).metadata is None


def test_a_picture_without_any_says_only_its_colours() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    file = io.BytesIO()
    Image.fromarray(PIXELS_U8).save(file, "JPEG", icc_profile=profile)
    assert kept(file.getvalue()) == FileMetadata()
    assert FileMetadata().text == "srgb"


def _bomb() -> bytes:
    head = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    return XMP.replace(b"<x:xmpmeta", head.encode() + b"<x:xmpmeta").replace(b"Agency", b"&b;")


DAMAGED = {
    "a document type": _bomb(),
    "no XML": b"<x:xmpmeta",
    "other XML": b"<html/>",
    "deep": b"<a>" * 5000,
    "wide": b"<a>" + b"<b/>" * 5000 + b"</a>",
    "large": XMP + b" " * 65_536,
    "control characters": XMP.replace(b"Agency", b"A\x01"),
    "no UTF-8": XMP.replace(b"Agency", b"\xff\xfe\xff"),
    "another encoding": b'<?xml version="1.0" encoding="rot13"?><a/>',
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_packet_is_left_out_and_the_picture_stays(name: str) -> None:
    with pytest.raises(ValueError):
        kept_packet(DAMAGED[name].strip(), "all") if name != "large" else kept_packet(DAMAGED[name], "all")
    metadata = kept(png_file(PIXELS_U8, [(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + DAMAGED[name])]))
    assert (metadata.xmp, metadata.text) == (b"", "srgb; left out: xmp")


def test_every_damage_of_a_block_leaves_a_block_or_none() -> None:
    bare = EXIF.removeprefix(b"Exif\0\0")
    random, refused = np.random.default_rng(3), 0
    for _ in range(600):
        data = bytearray(bare)
        for at in random.integers(0, len(data), 4):
            data[at] = int(random.integers(256))
        try:
            block = read_block(bytes(data))
            made = kept_block(block, "all", None)
        except ValueError:
            refused += 1
            continue
        assert len(made) < 40_000 and (not made or read_block(made).main)
    for end in range(len(bare)):
        try:
            read_block(bare[:end])
        except ValueError:
            refused += 1
    assert refused > len(bare) // 2
    assert kept(png_file(PIXELS_U8, [(b"eXIf", bare[:60])])).text == "srgb; left out: exif"


def test_directories_whose_offsets_have_their_own_type_are_read() -> None:
    bare = EXIF.removeprefix(b"Exif\0\0")
    order = ">" if bare[:2] == b"MM" else "<"
    for tag in (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo):
        bare = bare.replace(struct.pack(f"{order}HH", tag, 4), struct.pack(f"{order}HH", tag, 13))
    _, camera, place = directories(kept(png_file(PIXELS_U8, [(b"eXIf", bare)]), "all"))
    assert (camera[Tag.LensModel], place[Gps.GPSLatitudeRef]) == ("50mm", "N")


def test_a_resolution_beyond_jfifs_stands_in_exif_only() -> None:
    file = ENCODERS["jpeg"](PIXELS_U8, kept(_saved("PNG", dpi=(70_000, 70_000))))
    with Image.open(io.BytesIO(file)) as image:
        assert image.getexif()[Tag.XResolution] == pytest.approx(70_000, abs=0.1)
        assert "jfif_density" not in image.info or image.info["jfif_density"] == (1, 1)


def test_a_directory_that_points_to_itself_and_a_large_value_are_bounded() -> None:
    entries = struct.pack("<HHII", 0x8769, 4, 1, 8) + struct.pack("<HHII", 33432, 2, 60_000, 8)
    data = b"II*\0" + struct.pack("<IH", 8, 2) + entries + bytes(60_000)
    block = read_block(data)
    assert 33432 not in block.main and set(block.exif) == {0x8769}
    assert len(kept_block(block, "all", (72.0, 72.0))) < 400


def test_a_compressed_packet_is_unpacked_within_its_bound() -> None:
    def packed(data: bytes) -> bytes:
        return png_file(PIXELS_U8, [(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(data))])

    assert "xmp" in kept(packed(XMP)).text
    assert kept(packed(bytes(50_000_000))).text == "srgb; left out: xmp"
