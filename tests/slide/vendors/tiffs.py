"""Slides in TIFF: plain tiled, Aperio, Philips, Leica, Trestle, Ventana, Hamamatsu NDPI."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

from slide.vendors import scene, tiff
from slide.vendors.scene import HEIGHT, MACRO, MPP, WIDTH, Made, blank, draw, reduced
from slide.vendors.tiff import ASCII, DESCRIPTION, FLOAT, LONG, SLONG, SOFTWARE, XMP, Page, page, write_tiff

REDUCTIONS = (1, 4, 16)
TILE = 256
LEICA_XML = """<?xml version="1.0"?>
<scn xmlns="http://www.leica-microsystems.com/scn/2010/10/01"><collection name="s" sizeX="{w}" sizeY="{h}">
{images}</collection></scn>"""
LEICA_IMAGE = """<image name="i"><device model="Leica SCN400" version="1.4"/>
<pixels sizeX="{x}" sizeY="{y}">{dimensions}</pixels>
<view sizeX="{nm_x}" sizeY="{nm_y}" offsetX="{left}" offsetY="{top}"/>
<scanSettings><objectiveSettings><objective>{power}</objective></objectiveSettings><illuminationSettings>
<numericalAperture>0.75</numericalAperture><illuminationSource>brightfield</illuminationSource>
</illuminationSettings></scanSettings></image>"""
PHILIPS_XML = """<?xml version="1.0" encoding="UTF-8" ?><DataObject ObjectType="DPUfsImport">
<Attribute Name="DICOM_MANUFACTURER" Group="0x0008" Element="0x0070" PMSVR="IString">PHILIPS</Attribute>
<Attribute Name="PIM_DP_SCANNED_IMAGES" Group="0x301D" Element="0x1003" PMSVR="IDataObjectArray"><Array>
<DataObject ObjectType="DPScannedImage"><Attribute Name="PIM_DP_IMAGE_TYPE">WSI</Attribute>
<Attribute Name="DICOM_DERIVATION_DESCRIPTION">tiff-useBigTIFF=1-levels=10003,10002,10000</Attribute>
<Attribute Name="DICOM_PIXEL_SPACING" PMSVR="IDoubleArray">{spacing}</Attribute>
<Attribute Name="PIIM_PIXEL_DATA_REPRESENTATION_SEQUENCE" PMSVR="IDataObjectArray"><Array>{levels}</Array></Attribute>
</DataObject></Array></Attribute></DataObject>"""
PHILIPS_LEVEL = """<DataObject ObjectType="PixelDataRepresentation">
<Attribute Name="DICOM_PIXEL_SPACING" PMSVR="IDoubleArray">{spacing}</Attribute></DataObject>"""


def generic(folder: Path, *, absent: Collection[int] = (), size: tuple[int, int] = (WIDTH, HEIGHT)) -> Made:
    """A tiled pyramid of no scanner; `absent` are tiles of each reduced level."""
    image = draw(*size)
    pages = [page(image, TILE, tags=tiff.resolution(MPP))]
    pages += [page(reduced(image, by), TILE // 4, reduced=True, absent=absent) for by in REDUCTIONS[1:]]
    return Made(write_tiff(folder / "generic.tif", pages), size=size, power=None)


def aperio(folder: Path, *, absent: Collection[int] = (), absent_reduced: Collection[int] = ()) -> Made:
    """An SVS with thumbnail, label and macro; `absent` are tiles of its finest level."""
    image = draw()
    text = f"Aperio Image Library v12\r\n{WIDTH}x{HEIGHT} (256x256) JPEG/RGB Q=95|AppMag = 40|MPP = {MPP}"
    pages = [page(image, TILE, tags={DESCRIPTION: (ASCII, text)}, absent=absent)]
    pages.append(tiff.strip(blank(160, 120, MACRO), tags={DESCRIPTION: (ASCII, text)}))
    pages += [
        page(reduced(image, by), TILE // 4, tags={DESCRIPTION: (ASCII, text)}, absent=absent_reduced)
        for by in REDUCTIONS[1:]
    ]
    for kind in ("label", "macro"):
        said = {DESCRIPTION: (ASCII, f"Aperio Image Library v12\r\n{kind} 320x240")}
        pages.append(tiff.strip(blank(320, 240, MACRO), tags=said))
    return Made(write_tiff(folder / "aperio.svs", pages))


def philips(folder: Path, *, absent: Collection[int] = ()) -> Made:
    """Every level is padded to whole tiles and states the padded size, which is no multiple of another's."""
    sides = [-(-side // 512) * 512 for side in (WIDTH, HEIGHT)]
    whole = scene.padded(draw(), *sides)
    spacings = [f'"{MPP * by / 1000:.9f}" "{MPP * by / 1000:.9f}"' for by in REDUCTIONS]
    levels = "".join(PHILIPS_LEVEL.format(spacing=spacing.replace('"', "&quot;")) for spacing in spacings)
    text = PHILIPS_XML.format(spacing=spacings[0].replace('"', "&quot;"), levels=levels)
    head = {SOFTWARE: (ASCII, "Philips DP v1.0"), DESCRIPTION: (ASCII, text)}
    pages = [page(whole, 512, tags=head)]
    for by in REDUCTIONS[1:]:
        small = reduced(whole, by)
        tile = TILE // (4 if by == 16 else 1)
        size = (-(-small.shape[1] // tile) * tile, -(-small.shape[0] // tile) * tile)
        pages.append(page(small, tile, reduced=True, size=size, absent=absent))
    for kind in ("Macro", "Label"):
        pages.append(tiff.strip(blank(320, 240, MACRO), tags={DESCRIPTION: (ASCII, kind)}))
    return Made(write_tiff(folder / "philips.tiff", pages, big=True), size=(sides[0], sides[1]), power=None)


def leica(folder: Path, *, second: bool = False, plane_nm: tuple[int, int] = (1_603_333, 2_001_234)) -> Made:
    """An SCN: the scanned area lies on a whole glass, of which the first image is the macro.

    Args:
        folder: for it.
        second: whether the scene is scanned as two areas with glass between, left and right of x = 1760.
        plane_nm: the glass; by default no multiple of any level's px.
    """
    nm = 1000 * MPP
    left, top = 2000, 2800  # px
    cuts = [(0, 1744), (1776, WIDTH)] if second else [(0, WIDTH)]
    pages = [page(blank(100, 125, MACRO), TILE)]
    images = [_leica_image((0, 0), plane_nm, [(100, 125)], 0, "0.6")]
    for start, stop in cuts:
        area = draw()[:, start:stop]
        parts = [reduced(area, by) for by in REDUCTIONS]
        # a view is as wide as its px are
        view = (round((stop - start) * nm), round(HEIGHT * nm))
        shift = (round((left + start) * nm) + 100, round(top * nm) + 100)  # nm, not at a whole px
        sizes = [(part.shape[1], part.shape[0]) for part in parts]
        images.append(_leica_image(shift, view, sizes, len(pages), "40"))
        pages += [page(part, TILE, tags=tiff.resolution(MPP * by)) for part, by in zip(parts, REDUCTIONS, strict=True)]
    text = LEICA_XML.format(w=plane_nm[0], h=plane_nm[1], images="".join(images))
    pages[0].tags[DESCRIPTION] = (ASCII, text)
    return Made(write_tiff(folder / "leica.scn", pages, big=True), (left, top))


def _leica_image(
    shift: tuple[int, int], view: tuple[int, int], sizes: list[tuple[int, int]], first: int, power: str
) -> str:
    dimensions = "".join(
        f'<dimension sizeX="{x}" sizeY="{y}" r="{i}" ifd="{first + i}"/>' for i, (x, y) in enumerate(sizes)
    )
    place = {"nm_x": view[0], "nm_y": view[1], "left": shift[0], "top": shift[1]}
    return LEICA_IMAGE.format(x=sizes[0][0], y=sizes[0][1], dimensions=dimensions, power=power, **place)


def trestle(folder: Path) -> Made:
    """Tiles overlap their neighbours by other widths at each level; the resolution tags hold um/px."""
    overlaps, pages = [], []
    for by, (over_x, over_y) in zip(REDUCTIONS, ((24, 16), (12, 8), (4, 0)), strict=True):
        image = reduced(draw(), by)
        columns, spread_x = _spread(image.shape[1], over_x)
        rows, spread_y = _spread(image.shape[0], over_y)
        tags = {282: (tiff.RATIONAL, [1, 4]), 283: (tiff.RATIONAL, [1, 4])}
        padding = scene.padded(image, columns[-1] + TILE, rows[-1] + TILE)
        chunks = [scene.jpeg(padding[y : y + TILE, x : x + TILE]) for y in rows for x in columns]
        made = page(blank(spread_x, spread_y), TILE, tags=tags)
        pages.append(Page(made.tags, chunks))
        overlaps += [over_x, over_y]
    said = f"Background Color=E6E6E6;OverlapsXY={' '.join(map(str, overlaps))};Objective Power=40;JPEG Quality=90"
    pages[0].tags |= {SOFTWARE: (ASCII, "MedScan 1.0"), DESCRIPTION: (ASCII, said)}
    path = write_tiff(folder / "trestle.tif", pages)
    path.with_suffix(".Full").write_bytes(scene.jpeg(blank(160, 120, MACRO)))
    return Made(path)


def _spread(side: int, overlap: int) -> tuple[list[int], int]:
    """Return where tiles begin that overlap, and the side of the image with the overlaps counted twice."""
    count = -(-(side - overlap) // (TILE - overlap))
    return [i * (TILE - overlap) for i in range(count)], side + (count - 1) * overlap


def ventana(folder: Path) -> Made:
    """A BIF: two areas of overlapping tiles, numbered from the bottom in a winding line; no bounds are stated."""
    over_x, over_y, tile = 16, 32, 256
    step_x, step_y = tile - over_x, tile - over_y
    # columns and rows of tiles, and where the area lies on the plane
    areas = [((0, 0), (5, 11), (0, 0)), ((5, 0), (8, 11), (5 * step_x + 60, 0))]
    width, height = areas[1][2][0] + 7 * step_x + tile, 10 * step_y + tile
    plane = draw(max(width, WIDTH), max(height, HEIGHT))[:height, :width]
    joined = blank(13 * tile, 11 * tile)
    infos, origins = [], []
    for number, ((column, row), (across, down), (left, top)) in enumerate(areas):
        for i in range(across):
            for j in range(down):
                x, y = left + i * step_x, top + j * step_y
                part = plane[y : y + tile, x : x + tile]
                joined[(row + j) * tile :][:tile, (column + i) * tile :][:, :tile] = part
        joints = "".join(_joints(across, down, over_x, over_y))
        infos.append(
            f'<ImageInfo AOIScanned="1" AOIIndex="{number}" Width="{tile}" Height="{tile}" NumRows="{down}" '
            f'NumCols="{across}" Pos-X="{left}" Pos-Y="0">{joints}</ImageInfo>'
        )
        origins.append(f'<AOI{number} OriginX="{column * tile}" OriginY="{row * tile}"/>')
    info = f"<EncodeInfo Ver='2'><SlideStitchInfo>{''.join(infos)}</SlideStitchInfo><AoiOrigin>{''.join(origins)}"
    iscan = f'<iScan Magnification="40" ScanRes="{MPP}" UnitNumber="2000"/>'
    head = {DESCRIPTION: (ASCII, "Label Image"), XMP: (tiff.BYTE, iscan.encode())}
    pages = [page(blank(320, 240, MACRO), tile, tags=head)]
    for number, by in enumerate(REDUCTIONS):
        said: tiff.Tags = {DESCRIPTION: (ASCII, f"level={number} mag={40 / by:g} quality=90")}
        if by == 1:
            said[XMP] = (tiff.BYTE, f"{info}</AoiOrigin></EncodeInfo>".encode())
        pages.append(page(reduced(joined, by), tile, tags=said))
    boxes = scene.boxes_in(plane)
    return Made(write_tiff(folder / "ventana.bif", pages, big=True), size=(width, height), boxes=boxes)


def _joints(across: int, down: int, over_x: int, over_y: int) -> list[str]:
    def number(column: int, row: int) -> int:
        up = down - 1 - row
        return up * across + (across - 1 - column if up % 2 else column) + 1

    said = '<TileJointInfo FlagJoined="1" Confidence="98" Direction="{}" Tile1="{}" Tile2="{}" {}/>'
    right = f'OverlapX="{over_x}" OverlapY="0"'
    upward = f'OverlapX="0" OverlapY="{over_y}"'
    found = [
        said.format("RIGHT", number(i, j), number(i + 1, j), right) for i in range(across - 1) for j in range(down)
    ]
    found += [said.format("UP", number(i, j), number(i, j - 1), upward) for i in range(across) for j in range(1, down)]
    return found


def ndpi(folder: Path) -> Made:
    """Each level one JPEG, with restart markers where OpenSlide takes it apart; macro and focus map behind."""
    shift = {65422: (SLONG, [1_000_000]), 65423: (SLONG, [-2_000_000])}  # nm from the slide's centre
    pages = []
    for by, restart in zip(REDUCTIONS, (50, 25, 0), strict=True):
        lens = {65420: (LONG, [1]), 65421: (FLOAT, [40 / by]), 65424: (SLONG, [0])}
        made = tiff.strip(reduced(draw(), by), tags=lens | shift | tiff.resolution(MPP * by), restart=restart)
        if restart:
            made.tags[65426] = (LONG, _starts(made.chunks[0]))
        pages.append(made)
    for lens, colour in ((-1.0, MACRO), (-2.0, MACRO)):
        tags = {65420: (LONG, [1]), 65421: (FLOAT, [lens]), 65424: (SLONG, [0])}
        pages.append(tiff.strip(blank(320, 240, colour), tags=tags))
    return Made(write_tiff(folder / "hamamatsu.ndpi", pages), level=4)


def _starts(data: bytes) -> list[int]:
    """Return where the parts of a JPEG between restart markers begin."""
    scan = data.index(b"\xff\xda")
    begin = scan + 2 + int.from_bytes(data[scan + 2 : scan + 4], "big")
    return [begin, *(begin + found.end() for found in re.finditer(rb"\xff[\xd0-\xd7]", data[begin:]))]
