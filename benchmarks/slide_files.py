"""What `cancernet slide` believes of files: a row a file, as Markdown.

python benchmarks/slide_files.py PATH...

Nothing is mapped. PATHs are files and folders, as for `cancernet slide`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from cancernet.common import defaults
from cancernet.slide.formats import open_slide
from cancernet.slide.gather import gather
from cancernet.slide.inputs import SlideInput
from cancernet.slide.scale import BadSlide, settle
from cancernet.slide.section import plan_section


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("paths", type=Path, nargs="+")
    found = gather(SlideInput(path) for path in parser.parse_args().paths)
    rows = [(slide.path, *believed(slide)) for slide in found.slides]
    rows += [(Path(path), "-", "-", "-", reason) for path, reason in found.failed]
    print(
        "| file | read by | px | um/px believed, from where | or why it is refused |\n| --- | --- | --- | --- | --- |"
    )
    for path, *cells in sorted(rows):
        print(f"| {path.name} | {' | '.join(cells)} |")


def believed(slide: SlideInput) -> tuple[str, str, str, str]:
    """Return what reads a slide, its size, its scale and where that stands; or why it is refused."""
    try:
        reader = open_slide(slide.path, threads=1, series=slide.series)
    except BadSlide as error:
        return "-", "-", "-", str(error)
    about = reader.kind, f"{reader.size[0]}x{reader.size[1]}"
    try:
        scale = settle(reader.found, asked=None, model_mpp=defaults.MPP)
        said = f"{scale.mpp_x:g}, {scale.source}"
        plan_section(reader, scale, defaults.MPP)
    except BadSlide as error:
        return *about, "-", str(error)
    finally:
        reader.close()
    return *about, said, ""


if __name__ == "__main__":
    main()
