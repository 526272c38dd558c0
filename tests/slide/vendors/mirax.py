"""3DHISTECH MIRAX: a preview that is a JPEG, and beside it a folder with the slide.

The camera takes photos that overlap, each at a place of its own; a photo is cut into 2 x 2 images, and four images
reduced make one of the next level, whatever photos they are from. The plane has room for photos that were never taken.
"""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

from slide.vendors import scene
from slide.vendors.scene import MACRO, MPP, Image, Made, blank, draw

SIDE, DIVISIONS, OVERLAP = 256, 2, 32  # px of an image, images of a photo across, px that photos share
PHOTO = SIDE * DIVISIONS
STEP = PHOTO - OVERLAP
PHOTOS = (16, 12)  # across and down, room for; levels need a power of 2 only where they begin
TAKEN = (range(5, 13), range(3, 9))  # columns and rows of the photos that were taken
LEVELS = 5
IDENTITY = "0123456789ABCDEF0123456789ABCDEF"


def mirax(folder: Path, *, jitter: bool = True) -> Made:
    """Return a slide whose scanned area lies inside a plane that is twice as wide.

    Args:
        folder: for it.
        jitter: whether photos stand a few px off the grid, as a stage leaves them.
    """
    places = _places(jitter)
    taken = [(column, row) for row in TAKEN[1] for column in TAKEN[0]]
    left, top = (min(places[each][axis] for each in taken) for axis in range(2))
    right, bottom = (max(places[each][axis] for each in taken) + PHOTO for axis in range(2))
    shift = (left + 137, top + 91)  # where the scene lies on the plane
    plane = draw(PHOTOS[0] * PHOTO, PHOTOS[1] * PHOTO, shift)
    path = folder / "mirax.mrxs"
    path.write_bytes(scene.jpeg(blank(320, 240, MACRO)))
    inside = folder / "mirax"
    inside.mkdir()
    data, index = bytearray(), []
    mosaic = _mosaic(plane, places, taken)
    for level in range(LEVELS):
        found = []
        for number, image in _images(mosaic, taken, 2**level):
            found.append((number, len(data), image))
            data += image
        index.append([(number, start, len(image), 0) for number, start, image in found])
    positions = b"".join(struct.pack("<Bii", 0, *places[c, r]) for r in range(PHOTOS[1]) for c in range(PHOTOS[0]))
    macro = scene.jpeg(blank(320, 240, MACRO))
    records = [(len(data), len(positions)), (len(data) + len(positions), len(macro))]
    (inside / "Data0000.dat").write_bytes(bytes(data) + positions + macro)
    (inside / "Index.dat").write_bytes(_index(index, records))
    (inside / "Slidedat.ini").write_text(_slidedat(), encoding="utf-8-sig")
    boxes = {c: (a + shift[0], b + shift[1], x + shift[0], y + shift[1]) for c, (a, b, x, y) in scene.BOXES.items()}
    return Made(path, (left, top), (right - left, bottom - top), boxes, level=4)


def _places(jitter: bool) -> dict[tuple[int, int], tuple[int, int]]:
    random = np.random.default_rng(7)
    off = random.integers(-3, 4, (PHOTOS[1], PHOTOS[0], 2)) if jitter else np.zeros((PHOTOS[1], PHOTOS[0], 2), int)
    return {
        (column, row): (column * STEP + int(off[row, column, 0]), row * STEP + int(off[row, column, 1]))
        for row in range(PHOTOS[1])
        for column in range(PHOTOS[0])
    }


def _mosaic(plane: Image, places: dict[tuple[int, int], tuple[int, int]], taken: list[tuple[int, int]]) -> Image:
    """Return the photos side by side, as the images of every level are cut from them; black where none was taken."""
    out = blank(PHOTOS[0] * PHOTO, PHOTOS[1] * PHOTO, (0, 0, 0))
    for column, row in taken:
        x, y = places[column, row]
        out[row * PHOTO :, column * PHOTO :][:PHOTO, :PHOTO] = plane[y : y + PHOTO, x : x + PHOTO]
    return out


def _images(mosaic: Image, taken: list[tuple[int, int]], by: int) -> list[tuple[int, bytes]]:
    """Return the images of a level, each with the number of its first image of the finest level."""
    across, down = (count * DIVISIONS for count in PHOTOS)
    found = []
    for y in range(0, down, by):
        for x in range(0, across, by):
            photos = {((x + i) // DIVISIONS, (y + j) // DIVISIONS) for i in range(by) for j in range(by)}
            if photos.isdisjoint(taken):
                continue
            part = mosaic[y * SIDE : (y + by) * SIDE, x * SIDE : (x + by) * SIDE]
            whole = blank(by * SIDE, by * SIDE, (0, 0, 0))
            whole[: part.shape[0], : part.shape[1]] = part
            found.append((y * across + x, scene.jpeg(scene.reduced(whole, by))))
    return found


def _index(levels: list[list[tuple[int, int, int, int]]], records: list[tuple[int, int]]) -> bytes:
    out = bytearray(b"01.02" + IDENTITY.encode())
    roots = len(out)
    out += bytes(8)

    def table(pages: list[bytes]) -> int:
        """Write a page each, behind a pointer each; return where the pointers stand."""
        pointers = []
        for each in pages:
            start = len(out)
            out.extend(each)
            pointers.append(len(out))
            out.extend(struct.pack("<ii", 0, start))
        place = len(out)
        out.extend(struct.pack(f"<{len(pointers)}i", *pointers))
        return place

    entries = [b"".join(struct.pack("<4i", *each) for each in level) for level in levels]
    of_levels = [struct.pack("<ii", len(level), 0) + data for level, data in zip(levels, entries, strict=True)]
    of_records = [struct.pack("<7i", 1, 0, 0, 0, start, size, 0) for start, size in records]
    struct.pack_into("<ii", out, roots, table(of_levels), table(of_records))
    return bytes(out)


def _slidedat() -> str:
    general = {
        **{"SLIDE_ID": IDENTITY, "IMAGENUMBER_X": PHOTOS[0] * DIVISIONS, "IMAGENUMBER_Y": PHOTOS[1] * DIVISIONS},
        **{"OBJECTIVE_MAGNIFICATION": 40, "CameraImageDivisionsPerSide": DIVISIONS},
    }
    tree: dict[str, object] = {"HIER_COUNT": 1, "NONHIER_COUNT": 2, "INDEXFILE": "Index.dat"}
    tree |= {"HIER_0_NAME": "Slide zoom level", "HIER_0_COUNT": LEVELS}
    tree |= {f"HIER_0_VAL_{i}_SECTION": f"LAYER_0_LEVEL_{i}_SECTION" for i in range(LEVELS)}
    tree |= {"NONHIER_0_NAME": "VIMSLIDE_POSITION_BUFFER", "NONHIER_0_COUNT": 1, "NONHIER_0_VAL_0": "default"}
    tree |= {"NONHIER_1_NAME": "Scan data layer", "NONHIER_1_COUNT": 1}
    tree |= {"NONHIER_1_VAL_0": "ScanDataLayer_SlideThumbnail", "NONHIER_1_VAL_0_SECTION": "NONHIER_1_SECTION"}
    parts: dict[str, dict[str, object]] = {"GENERAL": general, "HIERARCHICAL": tree}
    parts |= {"DATAFILE": {"FILE_COUNT": 1, "FILE_0": "Data0000.dat"}}
    for level in range(LEVELS):
        by = 2**level
        parts[f"LAYER_0_LEVEL_{level}_SECTION"] = {
            **{"OVERLAP_X": OVERLAP / by, "OVERLAP_Y": OVERLAP / by, "IMAGE_CONCAT_FACTOR": min(level, 1)},
            **{"MICROMETER_PER_PIXEL_X": MPP * by, "MICROMETER_PER_PIXEL_Y": MPP * by, "IMAGE_FORMAT": "JPEG"},
            **{"IMAGE_FILL_COLOR_BGR": 0xFFFFFF, "DIGITIZER_WIDTH": SIDE, "DIGITIZER_HEIGHT": SIDE},
        }
    parts["NONHIER_1_SECTION"] = {"THUMBNAIL_IMAGE_TYPE": "JPEG"}
    text = "".join(f"[{name}]\n" + "".join(f"{k} = {v}\n" for k, v in keys.items()) for name, keys in parts.items())
    return text.replace(" = ", "=")
