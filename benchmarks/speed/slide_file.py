"""A large slide as a scanner writes it, from a drawn section: 0.25 um/px, JPEG tiles, a pyramid; in flat memory.

    PYTHONPATH=src:benchmarks python -m speed.slide_file OUT.svs 3750 2500

The section is drawn at 4 um/px, enlarged 16 times and overlaid with a texture as fine as a cell's, without which JPEG
would have nothing to do: 0.2 bytes a px come of it, as of stained tissue at 40x.
"""

from __future__ import annotations

import shutil
import struct
import sys
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from cancernet.data.synthetic import draw_section

ENLARGED = 16  # times; 4 um/px to 0.25
DRAWN = 1250  # px, side of what is drawn once and repeated: only its amount matters here
TEXTURE, FINE, STRENGTH = 1024, 1.5, 9.0  # px, px and grey levels: its side, its grain, its deviation
QUALITY = 80  # of JPEG
ABOUT = (
    "Aperio Image Library v11\r\n{w}x{h} [0,0 {w}x{h}] (256x256) JPEG/RGB Q={q}|AppMag = 40|MPP = 0.2500"  # as Aperio's
)


def write_slide(path: Path, width: int, height: int) -> Path:
    """Write a slide of `width` x `height` px at 4 um/px, ENLARGED times as many at 0.25, with levels 1, 2, 4, 8, 16...

    60,000 x 40,000 px take half a minute and 0.5 GB.
    """
    import pyvips

    drawn = draw_section(np.random.default_rng(1), DRAWN, DRAWN, malignant_share=0.3).image
    times = (-(-height // DRAWN), -(-width // DRAWN), 1)
    section = np.ascontiguousarray(np.tile(drawn, times)[:height, :width])
    image = pyvips.Image.new_from_memory(section.tobytes(), width, height, 3, "uchar").zoom(ENLARGED, ENLARGED)
    grain = np.random.default_rng(7).standard_normal((TEXTURE, TEXTURE), dtype=np.float32)
    grain = np.asarray(cv2.GaussianBlur(grain, (0, 0), FINE))
    grain = np.clip(grain / grain.std() * STRENGTH, -127, 127).astype(np.int8)
    texture = pyvips.Image.new_from_memory(grain.tobytes(), TEXTURE, TEXTURE, 1, "char")
    texture = texture.replicate(-(-image.width // TEXTURE), -(-image.height // TEXTURE))
    image = image.cast("short") + texture.crop(0, 0, image.width, image.height)
    image = image.cast("uchar").copy(interpretation="srgb")
    image.set_type(pyvips.GValue.gstr_type, "image-description", ABOUT.format(w=image.width, h=image.height, q=QUALITY))
    image.tiffsave(str(path), tile=True, pyramid=True, compression="jpeg", Q=QUALITY, tile_width=256, tile_height=256)
    return path


def keep_levels(slide: Path, copy: Path, levels: Sequence[int]) -> Path:
    """Copy a slide with some of its levels alone: the links between its directories skip the others.

    Args:
        slide: a classic TIFF in Intel's order, as `write_slide` writes it below 4 GB.
        copy: the new file.
        levels: their numbers, rising, 0 first.
    """
    shutil.copyfile(slide, copy)
    with copy.open("r+b") as file:
        magic, place = struct.unpack("<4sI", file.read(8))
        if magic != b"II*\0":
            raise ValueError(f"{slide} is no classic TIFF in Intel's order")
        directories, links = [], []
        while place:
            directories.append(place)
            file.seek(place)
            (entries,) = struct.unpack("<H", file.read(2))
            links.append(place + 2 + 12 * entries)  # bytes: a count, entries of 12, then the link to the next
            file.seek(links[-1])
            (place,) = struct.unpack("<I", file.read(4))
        following = [*(directories[level] for level in levels[1:]), 0]
        for level, then in zip(levels, following, strict=True):
            file.seek(links[level])
            file.write(struct.pack("<I", then))
    return copy


if __name__ == "__main__":
    write_slide(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
