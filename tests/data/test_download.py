import os
import shutil
import sys
import types
from collections import namedtuple

import pytest

from cancernet.common.errors import UserError
from cancernet.data import download as module
from cancernet.data.download import PARTIAL, PATCHES, download, patches_in

Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def room(monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**12, 0, 10**12))


def pretend_kagglehub(monkeypatch, fetch):
    monkeypatch.setitem(sys.modules, "kagglehub", types.SimpleNamespace(dataset_download=fetch))


def unpack_archive(name, *, copies=(PATCHES, ".")):
    """Do what kagglehub does: put the unpacked archive in its cache folder and return that."""
    assert name == module.DATASET
    root = module.Path(os.environ["KAGGLEHUB_CACHE"]) / "datasets" / "1"
    for copy in copies:
        patch = root / copy / "8863" / "0" / "8863_idx5_x1_y1_class0.png"
        patch.parent.mkdir(parents=True)
        patch.write_bytes(b"x")
    return str(root)


def test_patches_arrive_under_their_public_name_and_only_once(tmp_path, monkeypatch, room):
    pretend_kagglehub(monkeypatch, unpack_archive)
    folder = download(tmp_path / "idc")
    assert folder == tmp_path / "idc" / PATCHES
    assert len(list((tmp_path / "idc").rglob("*.png"))) == 1
    assert not (tmp_path / "idc" / PARTIAL).exists()


def test_archive_with_patients_at_its_top_is_accepted(tmp_path, monkeypatch, room):
    pretend_kagglehub(monkeypatch, lambda name: unpack_archive(name, copies=(".",)))
    assert (download(tmp_path / "idc") / "8863" / "0").is_dir()


def test_second_call_downloads_nothing(tmp_path, monkeypatch, room):
    pretend_kagglehub(monkeypatch, unpack_archive)
    first = download(tmp_path / "idc")
    pretend_kagglehub(monkeypatch, lambda name: pytest.fail("downloaded again"))
    assert download(tmp_path / "idc") == first


def test_broken_download_is_continued_in_the_same_place(tmp_path, monkeypatch, room):
    class ConnectionError(Exception):  # requests' error has this name and is not Python's own
        pass

    def breaks(name):
        partial = module.Path(os.environ["KAGGLEHUB_CACHE"])
        partial.mkdir(parents=True)
        (partial / "half.archive").write_bytes(b"half")
        raise ConnectionError("connection reset")

    pretend_kagglehub(monkeypatch, breaks)
    with pytest.raises(UserError, match=r"kaggle.com.*network.*By hand"):
        download(tmp_path / "idc")
    assert (tmp_path / "idc" / PARTIAL / "half.archive").exists()
    pretend_kagglehub(monkeypatch, unpack_archive)
    assert download(tmp_path / "idc").is_dir()


def test_environment_is_as_it_was_after_a_download(tmp_path, monkeypatch, room):
    pretend_kagglehub(monkeypatch, unpack_archive)
    monkeypatch.setenv("KAGGLEHUB_CACHE", "mine")
    download(tmp_path / "a")
    assert os.environ["KAGGLEHUB_CACHE"] == "mine"
    monkeypatch.delenv("KAGGLEHUB_CACHE")
    download(tmp_path / "b")
    assert "KAGGLEHUB_CACHE" not in os.environ


def test_missing_kagglehub_is_named_with_its_install_and_the_way_by_hand(tmp_path, monkeypatch, room):
    monkeypatch.setitem(sys.modules, "kagglehub", None)
    with pytest.raises(UserError, match=r"pip install 'cancernet\[download\]'.*By hand"):
        download(tmp_path / "idc")


def test_refusal_is_one_line_with_the_reason(tmp_path, monkeypatch, room):
    def refuses(name):
        raise RuntimeError("403 Forbidden\nsee the terms")

    pretend_kagglehub(monkeypatch, refuses)
    with pytest.raises(UserError) as caught:
        download(tmp_path / "idc")
    assert "403 Forbidden see the terms" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert module.PAGE in str(caught.value)


def test_folder_in_use_is_left_alone(tmp_path, monkeypatch, room):
    pretend_kagglehub(monkeypatch, lambda name: pytest.fail("downloaded into a folder in use"))
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(UserError, match="in use"):
        download(tmp_path)
    with pytest.raises(UserError, match="in use"):
        download(tmp_path / "thesis.txt")
    assert (tmp_path / "thesis.txt").read_text() == "mine"


def test_small_disk_is_found_before_the_download(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**10, 0, 10**9))
    pretend_kagglehub(monkeypatch, lambda name: pytest.fail("downloaded onto a full disk"))
    with pytest.raises(UserError, match=r"1\.0 GB free"):
        download(tmp_path / "not" / "there" / "yet")


def test_archive_without_patches_is_an_error(tmp_path):
    (tmp_path / "readme.txt").write_text("moved")
    with pytest.raises(UserError, match="no patches"):
        patches_in(tmp_path)
