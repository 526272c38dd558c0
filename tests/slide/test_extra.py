"""What the extra lacks is told by name, with the command that mends it."""

from __future__ import annotations

import sys

import pytest

from cancernet.common.errors import UserError
from cancernet.common.provenance import versions
from cancernet.slide import extra


@pytest.mark.parametrize("name", extra.MODULES)
def test_a_missing_library_is_one_line_that_names_the_extra(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(UserError, match=rf"needs {name}.*pip install 'cancernet\[slide\]'") as error:
        extra.need_all()
    assert "\n" not in str(error.value)


def test_a_library_without_its_c_part_is_told_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(name: str) -> None:
        raise OSError("cannot load library 'libvips.so.42'\nand more")

    monkeypatch.setattr(extra.importlib, "import_module", broken)
    with pytest.raises(UserError, match=r"libvips\.so\.42"):
        extra.need("pyvips")


def test_versions_name_the_readers_and_not_what_was_not_used() -> None:
    names = set(versions(extra.PACKAGES))
    assert {"onnxruntime", "openslide-python", "pyvips", "shapely"} <= names
    assert not any(name.startswith(("keras", "tensorflow")) for name in names)
