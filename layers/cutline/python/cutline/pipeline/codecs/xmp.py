"""XMP packets (ISO 16684-1): a reader with bounds that expands no entity, and what of them is kept.

"keep" is who made a picture and what may be done with it: rights, creator, credit and the rest of IPTC Core without the
place. "all" is everything but previews and what described the pixels of before.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from xml.etree import ElementTree as ET
from xml.parsers import expat

from cutline.limits import KIB
from cutline.pipeline.options import MetadataMode

MAX_PACKET_BYTES = 64 * KIB
_MAX_OUT_BYTES, _MAX_ELEMENTS, _MAX_DEPTH, _MAX_ATTRIBUTES = 48 * KIB, 2000, 24, 100
_ADOBE = "http://ns.adobe.com/"
_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_META = "{adobe:ns:meta/}"
_XML = "{http://www.w3.org/XML/1998/namespace}"
_DC = "{http://purl.org/dc/elements/1.1/}"
_XMP = f"{{{_ADOBE}xap/1.0/}}"
_RIGHTS = f"{{{_ADOBE}xap/1.0/rights/}}"
_PHOTOSHOP = f"{{{_ADOBE}photoshop/1.0/}}"
_IPTC = "{http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/}"
_TIFF, _EXIF = f"{{{_ADOBE}tiff/1.0/}}", f"{{{_ADOBE}exif/1.0/}}"
_PREFIXES: Final[Mapping[str, str]] = {
    "x": _META,
    "rdf": _RDF,
    "dc": _DC,
    "xmp": _XMP,
    "xmpRights": _RIGHTS,
    "photoshop": _PHOTOSHOP,
    "Iptc4xmpCore": _IPTC,
    "tiff": _TIFF,
    "exif": _EXIF,
}
# City, State, Country and Location say where a picture was taken, as GPS does.
_KEPT_NAMES: Mapping[str, frozenset[str]] = {
    _DC: frozenset({"rights", "creator", "title", "description", "subject"}),
    _PHOTOSHOP: frozenset(
        {
            "AuthorsPosition",
            "CaptionWriter",
            "Credit",
            "DateCreated",
            "Headline",
            "Instructions",
            "Source",
            "TransmissionReference",
        }
    ),
    _IPTC: frozenset({"CreatorContactInfo", "IntellectualGenre", "Scene", "SubjectCode"}),
}
# Previews, depth maps and gain maps, and the names of packets that lie elsewhere.
_OTHER_PIXELS = (
    f"{{{_ADOBE}xap/1.0/g/img/}}",
    f"{{{_ADOBE}hdr-gain-map/1.0/}}",
    f"{{{_ADOBE}xmp/note/}}",
    *(f"{{http://ns.google.com/photos/1.0/{name}/}}" for name in ("image", "depthmap", "container", "camera")),
)
_DROPPED = frozenset(
    {
        f"{_XMP}Thumbnails",
        *(f"{_TIFF}{name}" for name in ("Orientation", "ImageWidth", "ImageLength", "XResolution", "YResolution")),
        *(f"{_EXIF}{name}" for name in ("PixelXDimension", "PixelYDimension", "ColorSpace", "MakerNote")),
        *(f"{_PHOTOSHOP}{name}" for name in ("ICCProfile", "ColorMode")),
    }
)
_HEAD, _TAIL = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>', '<?xpacket end="w"?>'
for _prefix, _space in _PREFIXES.items():
    ET.register_namespace(_prefix, _space[1:-1])


def kept_packet(data: bytes, mode: MetadataMode) -> bytes:
    """Return what is kept of a packet, as a packet; empty if that is nothing. Raises ValueError for a damaged one."""
    root = _parsed(data)
    rdf = root if root.tag == f"{_RDF}RDF" else root.find(f"{_RDF}RDF")
    if rdf is None:
        raise ValueError("no RDF")
    described = ET.Element(f"{_RDF}Description", {f"{_RDF}about": ""})
    for description in rdf.iterfind(f"{_RDF}Description"):
        for name, value in description.attrib.items():
            if _is_kept(name, mode):
                described.attrib.setdefault(name, value)
        described.extend(child for child in description if _is_kept(child.tag, mode) and _is_plain(child, mode))
    if len(described) == 0 and len(described.attrib) == 1:
        return b""
    meta = ET.Element(f"{_META}xmpmeta")
    ET.SubElement(meta, f"{_RDF}RDF").append(described)
    packet = f"{_HEAD}{ET.tostring(meta, encoding='unicode')}{_TAIL}".encode()
    if len(packet) > _MAX_OUT_BYTES:
        raise ValueError("the packet is too large")
    return packet


def _is_kept(name: str, mode: MetadataMode) -> bool:
    space, _, local = name.rpartition("}")
    space += "}"
    if space in (_RDF, _XML, "}"):
        return False
    if mode == "all":
        return name not in _DROPPED and not name.startswith(_OTHER_PIXELS)
    return space == _RIGHTS or local in _KEPT_NAMES.get(space, ())


def _is_plain(element: ET.Element, mode: MetadataMode) -> bool:
    """Whether a property holds only texts, lists, and fields of its own schema; with "all" also those of others."""
    spaces = (_RDF, _XML, element.tag.rpartition("}")[0] + "}")
    names = [name for part in element.iter() for name in (part.tag, *part.attrib)]
    if mode == "all":
        return not any(name in _DROPPED or name.startswith(_OTHER_PIXELS) for name in names)
    return all(name.startswith(spaces) for name in names)


class _Reader:
    """Builds elements of what expat reports, and refuses document types, without which there are no entities."""

    def __init__(self) -> None:
        self._builder = ET.TreeBuilder()
        self._depth = self._count = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth, self._count = self._depth + 1, self._count + 1
        if self._depth > _MAX_DEPTH or self._count > _MAX_ELEMENTS or len(attributes) > _MAX_ATTRIBUTES:
            raise ValueError("the packet has too many elements")
        self._builder.start(_named(name), {_named(key): value for key, value in attributes.items()})

    def end(self, name: str) -> None:
        self._depth -= 1
        self._builder.end(_named(name))

    def text(self, data: str) -> None:
        self._builder.data(data)

    def refuse(self, *_: object) -> None:
        raise ValueError("the packet has a document type")

    def root(self) -> ET.Element:
        return self._builder.close()


def _named(name: str) -> str:
    return f"{{{name}" if "}" in name else name


def _parsed(data: bytes) -> ET.Element:
    if len(data) > MAX_PACKET_BYTES:
        raise ValueError("the packet is too large")
    reader, parser = _Reader(), expat.ParserCreate(namespace_separator="}")
    parser.StartElementHandler, parser.EndElementHandler = reader.start, reader.end
    parser.CharacterDataHandler = reader.text
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = reader.refuse
    try:
        parser.Parse(data.strip(b"\0 \t\r\n"), True)
    except (expat.ExpatError, LookupError, AssertionError) as error:
        raise ValueError("not XML") from error
    return reader.root()
