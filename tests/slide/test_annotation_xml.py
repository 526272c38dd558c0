"""XML of three viewers, read safely, in px of the scanned area."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from cancernet.common.errors import UserError
from cancernet.slide import annotation_xml
from cancernet.slide.annotation import Drawn, Frame
from cancernet.slide.annotation_xml import nm_to_px, read_xml

FRAME = Frame(Path("a.svs"), 1000, 800)
PLACE = Path("a.xml")


def vertices(*points: tuple[float, float]) -> str:
    return "".join(f'<Vertex X="{x}" Y="{y}" Z="0"/>' for x, y in points)


SQUARE = vertices((10, 10), (20, 10), (20, 20), (10, 20))


def aperio(regions: str, layer: str = 'Name="Tumor"', attributes: str = "") -> bytes:
    return (
        f'<Annotations MicronsPerPixel="0.25"><Annotation Id="1" {layer}><Attributes>{attributes}</Attributes>'
        f"<Regions><RegionAttributeHeaders/>{regions}</Regions><Plots/></Annotation></Annotations>"
    ).encode()


def read(content: bytes, frame: Frame = FRAME) -> Drawn:
    return read_xml(content, PLACE, frame)


def test_an_imagescope_region_is_an_outline_of_its_layers_class() -> None:
    [found] = read(aperio(f'<Region Type="0" NegativeROA="0"><Vertices>{SQUARE}</Vertices></Region>')).found
    assert (found.name, found.shape.bounds, found.excluded) == ("Tumor", (10, 10, 20, 20), False)


def test_a_negative_region_excludes() -> None:
    assert read(aperio(f'<Region NegativeROA="1"><Vertices>{SQUARE}</Vertices></Region>')).found[0].excluded


@pytest.mark.parametrize(
    ("layer", "attributes", "text", "name"),
    [
        ('Name=""', '<Attribute Name="Description" Value="IDC"/>', "x", "IDC"),
        ("", '<Attribute Name="Pen" Value="IDC"/>', "stroma", "stroma"),
        ("", "", "", ""),
    ],
)
def test_the_class_is_the_layers_name_its_description_or_the_regions_text(
    layer: str, attributes: str, text: str, name: str
) -> None:
    region = f'<Region Text="{text}"><Vertices>{SQUARE}</Vertices></Region>'
    assert read(aperio(region, layer, attributes)).found[0].name == name


def test_rectangles_and_ellipses_are_areas_and_rulers_are_not() -> None:
    two = vertices((0, 0), (10, 20))
    regions = "".join(f'<Region Type="{kind}"><Vertices>{two}</Vertices></Region>' for kind in (1, 2, 3, 4, 9))
    drawn = read(aperio(regions))
    assert [each.shape.area for each in drawn.found] == pytest.approx([200, np.pi * 5 * 10], rel=1e-3)
    assert drawn.left_out == {"arrow": 1, "ruler": 1, "region of type 9": 1}


def test_positions_in_the_slides_plane_become_those_in_the_scanned_area() -> None:
    content = aperio(f"<Region><Vertices>{SQUARE}</Vertices></Region>")
    assert read(content, Frame(Path("a.mrxs"), 1000, 800, (4, 10))).found[0].shape.bounds == (6, 0, 16, 10)


def test_asap_sorts_its_corners_and_takes_the_group_for_the_class() -> None:
    corners = "".join(
        f'<Coordinate Order="{i}" X="{x}" Y="{y}"/>'
        for i, x, y in ((1, 4, 0), (0, 0, 0), (3, "0", "4,5"), (2, 4, "4.5"))
    )
    content = (
        '<?xml version="1.0"?><ASAP_Annotations><Annotations>'
        f'<Annotation Name="A1" Type="Polygon" PartOfGroup="Tumor"><Coordinates>{corners}</Coordinates></Annotation>'
        f'<Annotation Name="A2" Type="Polygon" PartOfGroup="None"><Coordinates>{corners}</Coordinates></Annotation>'
        f'<Annotation Name="A3" Type="Dot" PartOfGroup="Tumor"><Coordinates>{corners}</Coordinates></Annotation>'
        "</Annotations></ASAP_Annotations>"
    )
    drawn = read(content.encode())
    assert [(each.name, each.shape.area) for each in drawn.found] == [("Tumor", 18), ("", 18)]
    assert drawn.left_out == {"dot": 1}


def ndpa(annotation: str, unit: str = "nanometers") -> bytes:
    return (
        '<?xml version="1.0" encoding="utf-8" standalone="yes"?><annotations><ndpviewstate id="1"><title>IDC</title>'
        f"<coordformat>{unit}</coordformat><x>0</x><y>0</y>{annotation}</ndpviewstate></annotations>"
    ).encode()


def points(*found: tuple[float, float]) -> str:
    return "<pointlist>" + "".join(f"<point><x>{x}</x><y>{y}</y></point>" for x, y in found) + "</pointlist>"


@pytest.fixture
def hamamatsu(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slide of 1000 x 800 px at 0.5 um/px whose middle lies 1 mm right of and 2 mm above that of the glass."""

    class Slide:
        dimensions = (1000, 800)

        def __init__(self, path: str) -> None:
            self.properties = {
                "hamamatsu.XOffsetFromSlideCentre": "1000000",
                "hamamatsu.YOffsetFromSlideCentre": "-2000000",
                "openslide.mpp-x": "0.5",
                "openslide.mpp-y": "0.5",
            }

        def __enter__(self):
            return self

        def __exit__(self, *error: object) -> None:
            pass

    monkeypatch.setattr(annotation_xml, "need", lambda _: SimpleNamespace(OpenSlide=Slide))


def test_ndpa_counts_nanometres_from_the_centre_of_the_glass(hamamatsu: None) -> None:
    outline = points((1_000_000, -2_000_000), (1_050_000, -2_000_000), (1_050_000, -1_950_000), (1_000_000, -1_950_000))
    [found] = read(ndpa(f'<annotation type="freehand"><closed>1</closed>{outline}</annotation>')).found
    assert (found.name, found.shape.bounds) == ("IDC", (500, 400, 600, 500))


def test_an_ndpa_circle_is_an_area_and_lines_and_pins_are_not(hamamatsu: None) -> None:
    content = (
        '<annotation type="circle"><x>1000000</x><y>-2000000</y><radius>5000</radius></annotation>'
        f'<annotation type="freehand"><closed>0</closed>{points((0, 0), (1, 1), (2, 0))}</annotation>'
        '<annotation type="pin"><x>0</x><y>0</y></annotation>'
    )
    drawn = read(ndpa(content))
    assert drawn.found[0].shape.bounds == pytest.approx((490, 390, 510, 410))
    assert drawn.left_out == {"open line": 1, "pin": 1}


def test_ndpa_in_another_unit_is_refused(hamamatsu: None) -> None:
    with pytest.raises(UserError, match="'pixels'"):
        read(ndpa(f'<annotation type="freehand">{points((0, 0), (1, 1), (2, 0))}</annotation>', "pixels"))


def test_ndpa_of_a_slide_that_does_not_say_where_its_centre_is_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class Slide:
        def __init__(self, path: str) -> None:
            self.properties, self.dimensions = {"openslide.mpp-x": "1"}, (1, 1)

        __enter__ = lambda self: self  # noqa: E731
        __exit__ = lambda self, *_: None  # noqa: E731

    monkeypatch.setattr(annotation_xml, "need", lambda _: SimpleNamespace(OpenSlide=Slide))
    with pytest.raises(UserError, match="centre of the glass"):
        read(ndpa(f'<annotation type="freehand">{points((0, 0), (1, 1), (2, 0))}</annotation>'))


def test_the_middle_of_an_image_lies_at_its_offset() -> None:
    assert nm_to_px([[7, 9]], (7, 9), (0.25, 0.5), (300, 100)).tolist() == [[150, 50]]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b'<!DOCTYPE a [<!ENTITY b "c">]><Annotations>&b;</Annotations>', "damaged XML"),
        (b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><Annotations/>', "damaged XML"),
        (b"<a>" * 1000, "damaged XML"),
        (b"<a>" * 9000 + b"</a>" * 9000, "neither ImageScope"),
        (b"<Annotations>", "damaged XML"),
        (b"<html></html>", "neither ImageScope"),
        (aperio('<Region><Vertices><Vertex X="a" Y="1"/></Vertices></Region>'), "a.xml"),
        (aperio('<Region><Vertices><Vertex Y="1"/></Vertices></Region>'), "a.xml"),
        (aperio(f"<Region><Vertices>{SQUARE}{vertices(('nan', 1))}</Vertices></Region>"), "no number"),  # type: ignore[arg-type]
    ],
)
def test_what_is_hostile_or_broken_is_one_line(content: bytes, says: str) -> None:
    with pytest.raises(UserError, match=says) as caught:
        read(content)
    assert "\n" not in str(caught.value)
