"""Patches of a folder or zip, sorted by patient and put back where they were cut."""

import os
import shutil
import zipfile

import cv2
import numpy as np
import pytest

from cancernet.common.errors import UserError
from cancernet.context.grid import Grid
from cancernet.data.stream import PatchStream
from cancernet.maps.specimens import holes, list_specimens, read_specimen, stitch


def write(folder, patient, x, y, colour, *, label=None, size=(50, 50)):
    """One patch of one colour (RGB)."""
    name = f"{patient}_idx5_x{x}_y{y}" + ("" if label is None else f"_class{label}") + ".png"
    place = folder / patient / str(label) if label is not None else folder
    place.mkdir(parents=True, exist_ok=True)
    image = np.full((size[1], size[0], 3), colour[::-1], np.uint8)
    image[0, 0] = (x % 251, y % 241, 7)  # no two alike
    assert cv2.imwrite(str(place / name), image)


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "data"
    write(folder, "A", 1, 1, (200, 10, 10), label=0)
    write(folder, "A", 51, 1, (10, 200, 10), label=1)
    write(folder, "A", 51, 51, (10, 10, 200), label=1)
    write(folder, "A", 101, 51, (90, 90, 90), label=0, size=(30, 50))
    write(folder, "B", 301, 451, (50, 60, 70), label=0)
    return folder


def read(path, patient):
    stream = PatchStream([path], plain=True)
    listed = list_specimens(stream)
    return read_specimen(stream, patient, listed[patient]), stream.errors


def test_files_are_sorted_by_patient(data):
    stream = PatchStream([data], plain=True)
    listed = list_specimens(stream)
    bad = stream.errors
    assert {patient: len(files) for patient, files in listed.items()} == {"A": 4, "B": 1}
    assert bad == []


def test_two_slides_of_a_patient_are_two_sections(tmp_path):
    for slide in ("DX1", "DX2"):
        write(tmp_path, f"TCGA-A7-A0D9-01Z-00-{slide}", 1, 1, (200, 10, 10))
    listed = list_specimens(PatchStream([tmp_path], plain=True))
    assert list(listed) == ["TCGA-A7-A0D9-01Z-00-DX1", "TCGA-A7-A0D9-01Z-00-DX2"]


def test_folders_that_say_no_class_leave_it_to_the_names(tmp_path):
    for label in (0, 1):
        write(tmp_path, "A", 1 + 50 * label, 1, (200, 10, 10), label=label)
    flat = tmp_path / "IDC"
    flat.mkdir()
    for file in tmp_path.rglob("*.png"):
        shutil.copy(file, flat)
    assert read(flat, "A")[0].table["label"].tolist() == [0, 1]


def test_files_without_a_position_are_listed_with_the_reason(data):
    shutil.copy(next((data / "B" / "0").iterdir()), data / "B" / "0" / "holiday.png")
    stream = PatchStream([data], plain=True)
    listed = list_specimens(stream)
    [(path, reason)] = stream.errors
    assert path == "B/0/holiday.png"
    assert "PATIENT_idx5_xX_yY" in reason
    assert len(listed["B"]) == 1


def test_the_copy_in_the_public_zip_is_left_out(data, tmp_path):
    path = tmp_path / "twice.zip"
    with zipfile.ZipFile(path, "w") as packed:
        for file in sorted(data.rglob("*.png")):
            for top in ("", "IDC_regular_ps50_idx5/"):
                packed.write(file, top + file.relative_to(data).as_posix())
    stream = PatchStream([path], plain=True)
    listed = list_specimens(stream)
    assert len(listed["A"]) == 4


def test_labels_come_from_the_folder(data):
    specimen, bad = read(data, "A")
    assert bad == []
    assert dict(
        zip(
            specimen.table["x"].astype(str) + "," + specimen.table["y"].astype(str),
            specimen.table["label"],
            strict=True,
        )
    ) == {"1,1": 0, "51,1": 1, "51,51": 1, "101,51": 0}
    assert specimen.labelled.all()


def test_patches_without_a_class_have_no_label(tmp_path):
    write(tmp_path, "C", 1, 1, (1, 2, 3))
    specimen, _ = read(tmp_path, "C")
    assert specimen.table["label"].tolist() == [-1]
    assert not specimen.labelled.any()


def test_a_file_that_contradicts_its_folder_is_listed(data):
    (data / "A" / "0" / "A_idx5_x1_y1_class0.png").rename(data / "A" / "1" / "A_idx5_x1_y1_class0.png")
    specimen, [(path, reason)] = read(data, "A")
    assert path.endswith("A_idx5_x1_y1_class0.png")
    assert "contradicts" in reason
    assert len(specimen.table) == 3


def test_a_damaged_file_is_listed_and_the_rest_is_read(data):
    broken = data / "A" / "1" / "A_idx5_x51_y1_class1.png"
    broken.write_bytes(broken.read_bytes()[:60])
    specimen, [(path, reason)] = read(data, "A")
    assert path == "A/1/A_idx5_x51_y1_class1.png"
    assert reason == "truncated"
    assert len(specimen.table) == 3


def test_the_stitched_section_has_every_pixel_in_its_place(data):
    section = stitch(read(data, "A")[0])
    assert section.shape == (100, 130, 3)  # the last patch is 30 px wide
    assert section[25, 25].tolist() == [200, 10, 10]
    assert section[25, 75].tolist() == [10, 200, 10]
    assert section[75, 75].tolist() == [10, 10, 200]
    assert section[75, 115].tolist() == [90, 90, 90]
    assert (section[60:, :50] == 255).all()
    assert (section[:50, 100:] == 255).all()


def test_the_section_begins_at_its_first_patch(data):
    assert stitch(read(data, "B")[0]).shape == (50, 50, 3)


def test_areas_are_those_of_the_files(data):
    specimen, _ = read(data, "A")
    assert specimen.area_mm2.sum() == pytest.approx((3 * 2500 + 1500) * 16e-6)


def test_the_grid_is_in_pixels_of_the_stitched_section(data):
    specimen, _ = read(data, "B")
    grid = specimen.grid([0.5])
    assert (grid.x0, grid.y0, grid.step) == (0, 0, 50)
    assert grid.values.tolist() == [[0.5]]


def test_two_patches_at_one_place_are_refused(data):
    write(data, "A", 1, 1, (9, 9, 9), label=1)
    specimen, _ = read(data, "A")
    with pytest.raises(UserError, match="two patches"):
        specimen.grid(np.zeros(5))


def test_names_with_spaces_and_accents_are_read(tmp_path):
    write(tmp_path, "Müller 3", 1, 1, (1, 2, 3), label=1)
    specimen, _ = read(tmp_path, "Müller 3")
    assert len(specimen.table) == 1


def test_holes_are_gaps_that_patches_surround():
    values = np.zeros((5, 6), "float32")
    values[2, 2] = values[0, 0] = np.nan
    assert holes(Grid(values)) == 1


def test_a_patch_beside_the_class_folders_has_the_label_of_its_name(data):
    file = data / "A" / "1" / "A_idx5_x51_y1_class1.png"
    file.rename(data / "A" / file.name)
    specimen, bad = read(data, "A")
    assert bad == []
    assert specimen.table.set_index("path")["label"]["A/A_idx5_x51_y1_class1.png"] == 1


def test_names_that_are_no_text_are_listed(data):
    try:
        with open(os.fsencode(data) + b"/\xff_idx5_x1_y1_class0.png", "wb") as file:  # noqa: PTH123
            file.write(b"x")
    except OSError:
        pytest.skip("this file system takes text only")
    stream = PatchStream([data], plain=True)
    assert list_specimens(stream)
    [(path, reason)] = stream.errors
    assert "UTF-8" in reason
    path.encode()
