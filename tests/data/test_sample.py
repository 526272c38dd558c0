import hashlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from cancernet.common import defaults
from cancernet.common.defaults import SYNTHETIC_MARKER
from cancernet.common.errors import UserError
from cancernet.data.names import parse_name
from cancernet.data.sample import patient_section, write_sample


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    """Eight patients of the default sample's size: enough to fit a line through their colours."""
    return write_sample(tmp_path_factory.mktemp("sample") / "s", patients=8, seed=defaults.SEED)


def patches(folder):
    return sorted(folder.rglob("*.png"))


def digest(folder):
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_same_arguments_give_the_same_files(tmp_path):
    first = write_sample(tmp_path / "a", patients=2, patches_per_patient=6, seed=7)
    second = write_sample(tmp_path / "b", patients=2, patches_per_patient=6, seed=7)
    assert digest(first) == digest(second)


def test_another_seed_gives_other_pixels(tmp_path):
    first = write_sample(tmp_path / "a", patients=1, patches_per_patient=4, seed=1)
    second = write_sample(tmp_path / "b", patients=1, patches_per_patient=4, seed=2)
    assert set(digest(first).values()).isdisjoint(digest(second).values())


def test_patient_is_the_same_whatever_the_number_of_others(tmp_path):
    few = digest(write_sample(tmp_path / "few", patients=1, patches_per_patient=5))
    more = digest(write_sample(tmp_path / "more", patients=2, patches_per_patient=5))
    few.pop(SYNTHETIC_MARKER)
    assert few.items() <= more.items()


def test_layout_and_names_are_those_of_the_public_set(sample):
    for path in patches(sample):
        name = parse_name(path.as_posix())
        patient, label, _ = path.relative_to(sample).parts
        assert (name.patient, str(name.label)) == (patient, label)
        assert name.x is not None
        assert name.y is not None
        assert name.x % defaults.PATCH_SIZE == name.y % defaults.PATCH_SIZE == 1


def test_patches_are_rgb_and_whole(sample):
    for path in patches(sample)[::50]:
        assert cv2.imread(str(path), cv2.IMREAD_UNCHANGED).shape == (50, 50, 3)


def test_patches_stitch_back_into_the_section(tmp_path):
    folder = write_sample(tmp_path / "s", patients=1, patches_per_patient=9, seed=3)
    _, section, _ = patient_section(1, 9, 3)
    for path in patches(folder):
        name = parse_name(path.name)
        there = section.image[name.y - 1 : name.y + 49, name.x - 1 : name.x + 49]
        np.testing.assert_array_equal(cv2.imread(str(path))[..., ::-1], there)


def test_number_of_patches_is_about_what_was_asked(sample):
    for patient in (p for p in sample.iterdir() if p.is_dir()):
        assert 0.8 * defaults.SAMPLE_PATCHES_PER_PATIENT <= len(patches(patient)) <= defaults.SAMPLE_PATCHES_PER_PATIENT


def test_marker_says_synthetic_and_not_evidence(sample):
    text = (sample / SYNTHETIC_MARKER).read_text(encoding="utf-8")
    assert "SYNTHETIC" in text
    assert "not evidence" in text


def test_prevalence_is_near_that_of_the_public_set(sample):
    share = np.mean([path.parent.name == "1" for path in patches(sample)])
    assert 0.15 < share < 0.5


def test_every_twelfth_patient_has_no_tumour():
    _, section, annotation = patient_section(12, 20, 1)
    assert not section.malignant.any()
    assert not annotation.any()


def test_annotation_is_coarse_but_about_the_tumour():
    _, section, annotation = patient_section(1, 60, 1)
    overlap = (annotation & section.malignant).sum() / (annotation | section.malignant).sum()
    assert 0.6 < overlap < 0.97


def colour_statistics(folder):
    files = patches(folder)
    pixels = np.stack([cv2.imread(str(path)) for path in files]).reshape(len(files), -1, 3).astype(np.float32)
    label = np.array([int(path.parent.name) for path in files])
    patient = np.array([path.parent.parent.name for path in files])
    return np.hstack([pixels.mean(1), pixels.std(1)]), label, patient


def test_colour_alone_helps_a_little_on_unseen_patients(sample):
    features, label, patient = colour_statistics(sample)
    unseen = np.isin(patient, ["S002", "S005", "S007"])
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    model.fit(features[~unseen], label[~unseen])
    auc = roc_auc_score(label[unseen], model.predict_proba(features[unseen])[:, 1])
    assert 0.6 < auc < 0.93


def test_stain_varies_between_patients(sample):
    features, label, patient = colour_statistics(sample)
    names = np.unique(patient)
    mean = np.array([[features[(patient == p) & (label == c), :3].mean(0) for c in (0, 1)] for p in names])
    between_patients = mean.mean(axis=1).std(axis=0)
    assert np.all(between_patients > 4)  # grey levels


def test_the_same_sample_is_left_as_it_is(tmp_path):
    folder = write_sample(tmp_path / "s", patients=1, patches_per_patient=4)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    assert write_sample(folder, patients=1, patches_per_patient=4) == folder
    assert before == {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


@pytest.mark.parametrize("content", ["my thesis", None])
def test_other_files_are_never_overwritten(tmp_path, content):
    if content is None:  # another sample
        write_sample(tmp_path / "s", patients=1, patches_per_patient=4, seed=5)
    else:
        (tmp_path / "s").mkdir()
        (tmp_path / "s" / "thesis.txt").write_text(content)
    before = digest(tmp_path)
    with pytest.raises(UserError, match="folder of its own"):
        write_sample(tmp_path / "s", patients=1, patches_per_patient=4, seed=6)
    assert digest(tmp_path) == before


def test_a_file_in_the_way_is_a_clear_error(tmp_path):
    (tmp_path / "s").write_text("a file")
    with pytest.raises(UserError, match="is a file"):
        write_sample(tmp_path / "s")


@pytest.mark.parametrize(("patients", "count"), [(0, 10), (3, 3), (-1, 100)])
def test_too_small_a_sample_is_refused(tmp_path, patients, count):
    with pytest.raises(UserError, match="at least"):
        write_sample(tmp_path / "s", patients=patients, patches_per_patient=count)


def test_nothing_is_left_when_drawing_fails(tmp_path, monkeypatch):
    def full(*_):
        raise OSError("No space left on device")

    monkeypatch.setattr(cv2, "imencode", full)
    with pytest.raises(OSError, match="space"):
        write_sample(tmp_path / "s", patients=1, patches_per_patient=4)
    assert list(Path(tmp_path).iterdir()) == []


def test_a_folder_whose_name_is_not_utf8_is_no_obstacle(tmp_path: Path) -> None:
    try:
        folder = write_sample(tmp_path / "caf\udce9", patients=1, patches_per_patient=4)
    except OSError:
        pytest.skip("this file system allows UTF-8 names only")
    assert list(folder.rglob("*.png"))
