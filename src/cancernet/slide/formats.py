"""Which library reads a slide: decided by the file's content."""

from __future__ import annotations

from pathlib import Path

from cancernet.data.source import irregular
from cancernet.slide import dicom, pictures
from cancernet.slide.extra import need
from cancernet.slide.openslide_reader import GENERIC, OpenSlideReader
from cancernet.slide.parts import named_by
from cancernet.slide.reader import first_line, reading
from cancernet.slide.scale import BadSlide
from cancernet.slide.tiff_images import choose_image, read_images
from cancernet.slide.vips_reader import VipsReader, format_of
from cancernet.slide.wsidicom_reader import WsiDicomReader

Reader = OpenSlideReader | VipsReader | WsiDicomReader
HEAD = 16  # bytes that tell a PNG, a JPEG or a TIFF
DICOM = "dicom"  # OpenSlide's word
SCANNERS = {  # endings that a scanner gives, and what has to lie beside the file
    ".svs": "", ".ndpi": "", ".scn": "", ".bif": "", ".czi": "", ".svslide": "", ".dcm": "",
    ".mrxs": "its folder of the same name", ".vms": "all that it names", ".vmu": "all that it names",
}  # fmt: skip


def open_slide(path: Path, *, threads: int, series: int | None = None) -> Reader:
    """Open a slide or a plain image of any size.

    Formats of scanners and tiled pyramids go to OpenSlide, DICOM that it cannot decode to wsidicom; PNG, JPEG and
    whatever else a TIFF holds to libvips, which reads them in strips. The content decides and not the name, but a
    scanner's ending on what is not that scanner's is refused: what would be read is the preview in it.

    Args:
        path: the file.
        threads: threads that decode.
        series: which image of a file with several, from 0 on; None finds the slide among them.

    Raises:
        BadSlide: not there, a folder, empty, no image, damaged, too large, or several images and none surely the
            slide; says which.
        UserError: the extra is not installed.
    """
    if path.is_dir():
        raise BadSlide("a folder; name the slides in it (for example FOLDER/*.svs)")
    openslide = need("openslide")
    with reading("cannot be read"):
        if what := irregular(path.stat().st_mode):  # to open a pipe is to wait for ever
            raise BadSlide(f"{what}, not a file")
        with path.open("rb") as file:
            head = file.read(HEAD)
        if not head:
            raise BadSlide("empty")
        of_dicom = dicom.is_dicom(path)
        vendor = openslide.OpenSlide.detect_format(str(path))
    format_name = format_of(head)
    if series and (of_dicom or format_name != "TIFF" or vendor not in (None, GENERIC)):
        raise BadSlide(f"it holds one image, and --series {series} is asked for; leave that out")
    if of_dicom:
        return _open_dicom(path, threads)
    if vendor not in (None, GENERIC):
        return OpenSlideReader(path, vendor, threads=threads)
    ending = path.suffix.lower()
    if ending in SCANNERS:
        beside = SCANNERS[ending]
        missing = f"is {beside} there" if beside else f"is it damaged, or a plain {format_name or 'file'} to be renamed"
        raise BadSlide(f"named {ending}, and OpenSlide does not take it for one; {missing}?")
    if not format_name:
        raise BadSlide("not a slide that OpenSlide knows, nor a PNG, JPEG or TIFF")
    if format_name == "TIFF":
        return _open_tiff(path, vendor, threads, series)
    if format_name == "JPEG" and (whole := named_by(path)):
        raise BadSlide(f"a part of {whole}, perhaps its map or macro; name that file")
    found = pictures.png_scale(path) if format_name == "PNG" else pictures.jpeg_scale(path)
    return VipsReader(path, format_name, found)


def _open_tiff(path: Path, vendor: str | None, threads: int, series: int | None) -> Reader:
    """Open the image of a TIFF that is the slide; OpenSlide knows the first alone, and not all levels of each."""
    images = read_images(path)
    image = choose_image(images, series)
    if vendor == GENERIC and image is images[0]:
        reader = OpenSlideReader(path, vendor, threads=threads, found=image.found)
        if len(reader.levels) >= len(image.levels):
            return reader
        reader.close()
    levels = [{"page": each.page} | ({} if each.sub is None else {"subifd": each.sub}) for each in image.levels]
    return VipsReader(path, "TIFF", image.found, levels)


def _open_dicom(path: Path, threads: int) -> Reader:
    slide = dicom.slide_with(path)
    try:
        return OpenSlideReader(slide[0].path, DICOM, threads=threads)
    except BadSlide as error:
        try:
            return WsiDicomReader([each.path for each in slide], threads=threads)
        except BadSlide as second:
            unsaid = "" if slide[0].flavour else "it does not say which image it is (Image Type is absent); "
            said = f"{unsaid}{first_line(error)}; {first_line(second)}"
            raise BadSlide(said.replace(f"Reading {slide[0].path}: ", "")) from second
