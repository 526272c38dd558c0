"""Slides that are no TIFF: 3DHISTECH MIRAX, Hamamatsu VMS, Zeiss CZI, Sakura."""

from __future__ import annotations

import sqlite3
import struct
from pathlib import Path

import numpy as np

from slide.vendors import scene
from slide.vendors.scene import HEIGHT, MACRO, MPP, WIDTH, Image, Made, blank, draw, reduced

REDUCTIONS = (1, 4, 16)
TILE = 256


def vms(folder: Path) -> Made:
    """Two JPEGs side by side, a map, a macro, and a text file that names them."""
    height = 2432  # a multiple of 8 px of the map: OpenSlide leaves out a last row of blocks that is not whole
    image, cut = draw(height=height), 1600
    parts = {"a.jpg": (image[:, :cut], 50), "a(1,0).jpg": (image[:, cut:], 50), "a_map2.jpg": (reduced(image, 16), 25)}
    for name, (part, restart) in parts.items():
        (folder / name).write_bytes(scene.jpeg(part, restart=restart))
    (folder / "a_macro.jpg").write_bytes(scene.jpeg(blank(320, 240, MACRO)))
    said = {
        **{"NoLayers": 1, "NoJpegColumns": 2, "NoJpegRows": 1, "ImageFile": "a.jpg", "ImageFile(1,0)": "a(1,0).jpg"},
        **{"MapFile": "a_map2.jpg", "MacroImage": "a_macro.jpg", "SourceLens": 40},
        **{"PhysicalWidth": round(WIDTH * MPP * 1000), "PhysicalHeight": round(height * MPP * 1000)},
        **{"XOffsetFromSlideCentre": 1_000_000, "YOffsetFromSlideCentre": -2_000_000},
    }
    path = folder / "hamamatsu.vms"
    path.write_text(_ini({"Virtual Microscope Specimen": said}))
    return Made(path, size=(WIDTH, height), level=4)


def _ini(sections: dict[str, dict[str, object]]) -> str:
    return "".join(
        f"[{name}]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items()) for name, keys in sections.items()
    )


def sakura(folder: Path) -> Made:
    """A database of grey JPEGs, one for each colour of a tile; tiles of bare glass are left out."""
    path = folder / "sakura.svslide"
    image = draw()
    base = sqlite3.connect(path)
    base.execute("CREATE TABLE DataManagerSQLiteConfigXPO (TableName TEXT)")
    base.execute("INSERT INTO DataManagerSQLiteConfigXPO VALUES ('tiles')")
    base.execute("CREATE TABLE tiles (id TEXT PRIMARY KEY, data BLOB)")
    header = struct.pack("<5I", TILE, WIDTH, HEIGHT, 0, 1)
    rows: list[tuple[str, object]] = [("++MagicBytes", "SVGigaPixelImage"), ("Header", header)]
    for by in REDUCTIONS:
        small = reduced(image, by)
        whole = scene.padded(small, -(-small.shape[1] // TILE) * TILE, -(-small.shape[0] // TILE) * TILE)
        for y in range(0, whole.shape[0], TILE):
            for x in range(0, whole.shape[1], TILE):
                tile = whole[y : y + TILE, x : x + TILE]
                if tile.min() < 255:
                    names = [f"T;{x * by}|{y * by};{by};{colour};0" for colour in range(3)]
                    rows += [(name, scene.jpeg(tile[..., i])) for i, name in enumerate(names)]
    base.executemany("INSERT INTO tiles VALUES (?, ?)", rows)
    macro = scene.jpeg(blank(320, 240, MACRO))
    base.execute(
        "CREATE TABLE SVSlideDataXPO (OID, SlideId, Date, Description, Creator, DiagnosisCode, Keywords, "
        "m_labelScan, m_overviewScan)"
    )
    base.execute("INSERT INTO SVSlideDataXPO VALUES (1, 's', 'd', 'd', 'c', 'd', 'k', 1, 1)")
    base.execute(
        "CREATE TABLE SVHRScanDataXPO (OID, ParentSlide, ScanId, Date, Name, Description, "
        "ResolutionMmPerPix REAL, NominalLensMagnification REAL, FocussingMethod, ThumbnailImage BLOB)"
    )
    base.execute("INSERT INTO SVHRScanDataXPO VALUES (1, 1, 's', 'd', 'n', 'd', ?, 40, 'f', ?)", (MPP / 1000, macro))
    base.execute("CREATE TABLE SVScannedImageDataXPO (OID, Image BLOB)")
    base.execute("INSERT INTO SVScannedImageDataXPO VALUES (1, ?)", (macro,))
    base.commit()
    base.close()
    return Made(path)


def zeiss(folder: Path, *, compression: int = 0, second: bool = True) -> Made:
    """A CZI of uncompressed tiles, its coordinates from below zero; two scenes of different place and size."""
    left, top = -1237, -433  # where the stage's coordinates begin
    image = draw()
    scenes = [(0, 0, 1750, HEIGHT), (1770, 200, WIDTH, HEIGHT)] if second else [(0, 0, WIDTH, HEIGHT)]
    blocks, entries = bytearray(), []
    begin = 544  # after the file's header
    for number, (x0, y0, x1, y1) in enumerate(scenes):
        for by in REDUCTIONS:
            part = reduced(image[y0:y1, x0:x1], by)
            for y in range(0, part.shape[0], 512):
                for x in range(0, part.shape[1], 512):
                    tile = part[y : y + 512, x : x + 512]
                    start = (x0 + x * by + left, y0 + y * by + top)
                    entry = _czi_entry(start, tile, by, number, begin + len(blocks), compression)
                    entries.append(entry)
                    data = np.ascontiguousarray(tile[..., ::-1]).tobytes()
                    body = struct.pack("<iiq", 0, 0, len(data)) + entry
                    blocks += _czi_segment("ZISRAWSUBBLOCK", body.ljust(256, b"\0") + data)
    directory = begin + len(blocks)
    listed = _czi_segment("ZISRAWDIRECTORY", struct.pack("<i", len(entries)) + bytes(124) + b"".join(entries))
    said = CZI_XML.format(w=WIDTH, h=HEIGHT, scenes=len(scenes), metres=MPP / 1e6).encode()
    meta = _czi_segment("ZISRAWMETADATA", struct.pack("<ii", len(said), 0) + bytes(248) + said)
    macro = scene.jpeg(blank(320, 240, MACRO))
    place = directory + len(listed) + len(meta)
    attachment = struct.pack("<2s10xqi16s8s80s", b"A1", place, 0, bytes(16), b"JPG", b"SlidePreview")
    preview = _czi_segment("ZISRAWATTACH", struct.pack("<i12x", len(macro)) + attachment + bytes(112) + macro)
    attached = _czi_segment("ZISRAWATTDIR", struct.pack("<i", 1) + bytes(252) + attachment)
    pointers = struct.pack("<qqiq", directory, directory + len(listed), 0, place + len(preview))
    head = _czi_segment("ZISRAWFILE", (struct.pack("<4i32xi", 1, 0, 0, 0, 0) + pointers).ljust(512, b"\0"))
    path = folder / "zeiss.czi"
    path.write_bytes(head + blocks + listed + meta + preview + attached)
    boxes = Made(path).placed()
    return Made(path, boxes=boxes)


CZI_XML = """<ImageDocument><Metadata><Information><Image><SizeX>{w}</SizeX><SizeY>{h}</SizeY><SizeS>{scenes}</SizeS>
<ObjectiveSettings><ObjectiveRef Id="Objective:1"/></ObjectiveSettings></Image><Instrument><Objectives>
<Objective Id="Objective:1"><NominalMagnification>40</NominalMagnification></Objective></Objectives></Instrument>
</Information><Scaling><Items><Distance Id="X"><Value>{metres}</Value></Distance>
<Distance Id="Y"><Value>{metres}</Value></Distance></Items></Scaling></Metadata></ImageDocument>"""


def _czi_segment(name: str, body: bytes) -> bytes:
    return struct.pack("<16sqq", name.encode(), len(body), len(body)) + body


def _czi_entry(start: tuple[int, int], tile: Image, by: int, number: int, place: int, compression: int) -> bytes:
    height, width = tile.shape[:2]
    bgr = 3
    sides = (("X", start[0], width * by, width), ("Y", start[1], height * by, height))
    axes = [struct.pack("<4siifi", axis.encode(), at, size, at, kept) for axis, at, size, kept in sides]
    axes += [struct.pack("<4siifi", axis, at, 1, 0, 0) for axis, at in ((b"S", number), (b"C", 0))]
    head = struct.pack("<2siqiibx4xi", b"DV", bgr, place, 0, compression, 1 if by > 1 else 0, len(axes))
    return head + b"".join(axes)
