"""How much damage to a JPEG is noticed, and how often a sound one is called damaged.

python benchmarks/jpeg_damage.py --data DIR

Of real patches, evenly spaced, JPEGs are made in several ways, in memory, and the data of each picture are spoilt: cut
somewhere, cut and ended by an end marker, one byte or ten changed, 64 set to zero.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

import cv2
import numpy as np

from cancernet.data.decode import decode
from cancernet.data.headers import BadImage
from cancernet.data.pack import default_cache_dir, pack

PATCHES = 200
END, SCAN = b"\xff\xd9", b"\xff\xda"
QUALITY, PROGRESSIVE, OPTIMIZE, RESTART, SAMPLING = (
    cv2.IMWRITE_JPEG_QUALITY,
    cv2.IMWRITE_JPEG_PROGRESSIVE,
    cv2.IMWRITE_JPEG_OPTIMIZE,
    cv2.IMWRITE_JPEG_RST_INTERVAL,
    cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
)
WAYS: dict[str, list[int]] = {
    "quality 90": [QUALITY, 90],
    "quality 75": [QUALITY, 75],
    "4:4:4": [QUALITY, 100, SAMPLING, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444],
    "4:2:2": [QUALITY, 85, SAMPLING, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_422],
    "progressive": [QUALITY, 90, PROGRESSIVE, 1],
    "optimised": [OPTIMIZE, 1],
    "restart intervals": [QUALITY, 90, RESTART, 3],
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    data = pack(parser.parse_args().data, cache_dir=default_cache_dir())
    whole = np.flatnonzero(~data.table["padded"].to_numpy())
    images = data.images[whole[np.linspace(0, len(whole) - 1, PATCHES).astype(int)]]
    random = np.random.default_rng(3)
    noticed: Counter[str] = Counter()
    sound = refused = 0
    for way, how in WAYS.items():
        here: Counter[str] = Counter()
        for image in images:
            content = cv2.imencode(".jpg", image[..., ::-1], how)[1].tobytes()
            sound, refused = sound + 1, refused + damaged(content)
            for name, spoilt in spoil(content, random).items():
                here[name] += damaged(spoilt)
        noticed += here
        print(f"{way}: noticed " + ", ".join(f"{name} {count / PATCHES:.1%}" for name, count in here.items()))
    every = PATCHES * len(WAYS)
    print(f"all {every:,}: noticed " + ", ".join(f"{name} {count / every:.1%}" for name, count in noticed.items()))
    print(f"sound ones called damaged: {refused} of {sound:,}")


def spoil(content: bytes, random: np.random.Generator) -> dict[str, bytes]:
    """Return a JPEG spoilt in several ways, behind the header of its first scan."""
    scan = content.index(SCAN)
    start, end = scan + 2 + int.from_bytes(content[scan + 2 : scan + 4], "big"), content.rindex(END)
    cut = content[: random.integers(start, end)]
    one, ten, zeros = bytearray(content), bytearray(content), bytearray(content)
    one[random.integers(start, end)] ^= int(random.integers(1, 256))
    for at in random.integers(start, end, 10).tolist():
        ten[at] ^= int(random.integers(1, 256))
    at = int(random.integers(start, end - 64))
    zeros[at : at + 64] = bytes(64)
    made = {"cut": cut, "cut and ended": cut + END, "one byte": one, "ten bytes": ten, "64 zeros": zeros}
    return {name: bytes(each) for name, each in made.items()}


def damaged(content: bytes) -> bool:
    """Whether a JPEG is refused."""
    try:
        decode(content)
    except BadImage:
        return True
    return False


if __name__ == "__main__":
    main()
