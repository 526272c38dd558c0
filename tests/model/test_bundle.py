"""A bundle is untrusted input: whole and as listed, or one line that says what is wrong."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cancernet.common.errors import UserError
from cancernet.evaluation import Floor
from cancernet.model import bundle as bundle_module
from cancernet.model.bundle import FORMAT, GRAPH, MANIFEST, WEIGHTS, Bundle, read_bundle, write_bundle
from cancernet.model.inference import predict

V1 = Path(__file__).parents[1] / "fixtures" / "bundle_v1"
COLOURS = ((200, 120, 180), (90, 40, 120), (240, 240, 240), (0, 0, 0))
ANSWERS = (0.27122825, 0.38332811, 0.22668996, 0.46109954)  # of the model as it was made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A bundle of one's own to spoil."""
    return Path(shutil.copytree(V1, tmp_path / "tiny"))


@pytest.fixture
def spoil(folder: Path) -> Callable[[Callable[[dict], None]], Path]:
    """Change the manifest of that bundle; returns the bundle's folder."""

    def change(how: Callable[[dict], None]) -> Path:
        manifest = json.loads((folder / MANIFEST).read_text())
        how(manifest)
        (folder / MANIFEST).write_text(json.dumps(manifest))
        return folder

    return change


def plain_patches() -> np.ndarray:
    return np.stack([np.full((50, 50, 3), colour, "uint8") for colour in COLOURS])


def one_line(error: pytest.ExceptionInfo[UserError]) -> str:
    text = str(error.value)
    assert "\n" not in text
    return text


def test_a_bundle_of_format_1_still_loads_and_gives_the_answers_it_gave() -> None:
    bundle = read_bundle(V1)
    assert bundle.manifest["format"] == 1
    assert bundle.name == "tiny"
    assert bundle.threshold == bundle.thresholds["target_recall"] == pytest.approx(0.2219174802)
    assert predict(bundle.session(), plain_patches()) == pytest.approx(ANSWERS, abs=1e-5)


def test_the_floor_in_a_bundle_of_format_1_can_still_be_read() -> None:
    probability = Floor.from_dict(read_bundle(V1).manifest["floor"]["model"]).predict(plain_patches())
    assert ((probability >= 0) & (probability <= 1)).all()


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    old = read_bundle(V1)
    manifest = {key: value for key, value in old.manifest.items() if key not in ("format", "files")}
    written = write_bundle(tmp_path / "a", manifest, {GRAPH: b"graph", WEIGHTS: b"weights"})
    read = read_bundle(tmp_path / "a")
    assert read == written
    assert read.manifest["format"] == FORMAT
    assert (read.read(GRAPH), read.read(WEIGHTS)) == (b"graph", b"weights")


def test_a_manifest_that_would_not_be_read_back_is_not_written(tmp_path: Path) -> None:
    manifest = {
        key: v for key, v in read_bundle(V1).manifest.items() if key not in ("format", "files", "seed")
    }
    with pytest.raises(UserError, match="seed"):
        write_bundle(tmp_path / "a", manifest, {GRAPH: b"graph", WEIGHTS: b"weights"})
    assert not (tmp_path / "a").exists()


def test_the_manifest_comes_last_so_that_a_killed_write_leaves_no_bundle(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(target: Path, text: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(bundle_module, "write_text", killed)
    manifest = {key: v for key, v in read_bundle(V1).manifest.items() if key not in ("format", "files")}
    with pytest.raises(KeyboardInterrupt):
        write_bundle(folder, manifest, {GRAPH: b"new", WEIGHTS: b"new"})
    with pytest.raises(UserError, match="is no model"):
        read_bundle(folder)


@pytest.mark.parametrize("name", [GRAPH, WEIGHTS])
def test_one_changed_byte_is_found(folder: Path, name: str) -> None:
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(UserError, match="SHA-256 differs") as error:
        read_bundle(folder).read(name)
    assert name in one_line(error)


def test_a_changed_graph_is_never_run(folder: Path) -> None:
    graph = folder / GRAPH
    graph.write_bytes(graph.read_bytes()[::-1])
    with pytest.raises(UserError, match="SHA-256 differs"):
        read_bundle(folder).session()


def test_a_short_file_is_found(folder: Path) -> None:
    (folder / GRAPH).write_bytes((folder / GRAPH).read_bytes()[:-1])
    with pytest.raises(UserError, match=r"26873 bytes, not 26874; copy the bundle again"):
        read_bundle(folder).read(GRAPH)


def test_a_missing_file_is_named(folder: Path) -> None:
    (folder / GRAPH).unlink()
    with pytest.raises(UserError, match=GRAPH) as error:
        read_bundle(folder).session()
    assert "No such file" in one_line(error)


def test_a_file_the_manifest_does_not_list_is_not_read(folder: Path) -> None:
    (folder / "extra.bin").write_bytes(b"x")
    with pytest.raises(UserError, match="lists no file"):
        read_bundle(folder).read("extra.bin")


def test_a_path_outside_the_bundle_is_not_read(folder: Path) -> None:
    (folder.parent / "secret").write_bytes(b"x")
    with pytest.raises(UserError, match="lists no file"):
        read_bundle(folder).read("../secret")


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "a/b", ".hidden", "..", "", "C:\\x", "a\0b"])
def test_a_file_name_that_is_a_path_is_refused(spoil: Callable[..., Path], name: str) -> None:
    def change(manifest: dict) -> None:
        manifest["files"][name] = {"bytes": 1, "sha256": "0" * 64}

    with pytest.raises(UserError, match="not a valid manifest at files"):
        read_bundle(spoil(change))


def test_a_newer_format_says_to_upgrade(spoil: Callable[..., Path]) -> None:
    with pytest.raises(UserError, match=r"newer CancerNet \(format 2\); upgrade"):
        read_bundle(spoil(lambda m: m.update(format=FORMAT + 1)))


@pytest.mark.parametrize("value", [0, -1, 1.5, "1", None, True, [1]])
def test_a_format_that_never_was_is_refused(spoil: Callable[..., Path], value: Any) -> None:
    with pytest.raises(UserError, match="not a valid manifest at format"):
        read_bundle(spoil(lambda m: m.update(format=value)))


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff\xfe{}", b"[" * 100_000, b'{"format": 1', b"not json", b"\0" * 64]
)
def test_a_manifest_that_is_not_json_is_one_line(folder: Path, content: bytes) -> None:
    (folder / MANIFEST).write_bytes(content)
    with pytest.raises(UserError, match=r"cannot read .*manifest\.json") as error:
        read_bundle(folder)
    one_line(error)


@pytest.mark.parametrize("content", ["[]", "1", "null", '"text"', "{}"])
def test_json_that_is_no_manifest_is_refused(folder: Path, content: str) -> None:
    (folder / MANIFEST).write_text(content)
    with pytest.raises(UserError, match="not a valid manifest"):
        read_bundle(folder)


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
def test_a_threshold_that_is_no_number_cannot_slip_past_the_limits(folder: Path, constant: str) -> None:
    text = (folder / MANIFEST).read_text()
    threshold = json.dumps(read_bundle(folder).threshold)
    (folder / MANIFEST).write_text(text.replace(threshold, constant))
    with pytest.raises(UserError, match="is no number"):
        read_bundle(folder)


def test_an_endless_manifest_is_not_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle_module, "MAX_MANIFEST_BYTES", 1000)
    with pytest.raises(UserError, match="too large"):
        read_bundle(folder)


@pytest.mark.parametrize("field", ["format", "name", "seed", "data", "split", "thresholds", "floor", "files"])
def test_every_required_field_is_asked_for(spoil: Callable[..., Path], field: str) -> None:
    with pytest.raises(UserError, match=f"'{field}' is a required property"):
        read_bundle(spoil(lambda m: m.pop(field)))


VIOLATIONS: dict[str, Callable[[dict], Any]] = {
    "name": lambda m: m.update(name="../elsewhere"),
    "thresholds/default": lambda m: m["thresholds"].update(default=1.5),
    "thresholds/best_f1": lambda m: m["thresholds"].update(best_f1="high"),
    "thresholds": lambda m: m["thresholds"].pop("target_recall"),
    "floor/thresholds": lambda m: m["floor"]["thresholds"].pop("default"),
    "recipe/input_size": lambda m: m["recipe"].update(input_size=10**9),
    "classes": lambda m: m["classes"].reverse(),
    "split/patients/x": lambda m: m["split"]["patients"].update(x="everywhere"),
    "data/synthetic": lambda m: m["data"].update(synthetic="no"),
    "files/model.onnx/bytes": lambda m: m["files"][GRAPH].update(bytes=-1),
    "files/model.onnx/sha256": lambda m: m["files"][GRAPH].update(sha256="0" * 63),
    "files": lambda m: m["files"].pop(WEIGHTS),
    "training": lambda m: m["training"].pop("minutes"),
    "target_recall": lambda m: m.update(target_recall=0),
    "selective/0": lambda m: m.update(selective=[{"threshold": 0.5, "target": 0.1}]),
    "selective/0/width": lambda m: m.update(selective=[{"threshold": 0.5, "width": -1, "target": 0.1}]),
}


@pytest.mark.parametrize("where", VIOLATIONS)
def test_a_breach_of_the_schema_says_where(spoil: Callable[..., Path], where: str) -> None:
    with pytest.raises(UserError) as error:
        read_bundle(spoil(VIOLATIONS[where]))
    assert f"not a valid manifest at {where}:" in one_line(error)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.data())
def test_any_value_anywhere_is_read_or_is_a_user_error(data: st.DataObject) -> None:
    manifest = copy.deepcopy(json.loads((V1 / MANIFEST).read_text()))
    at = manifest
    while True:
        key = data.draw(st.sampled_from(sorted(at)))
        if not isinstance(at[key], dict) or not at[key] or data.draw(st.booleans()):
            break
        at = at[key]
    at[key] = data.draw(JSON)
    try:
        bundle_module._check(manifest, Path("m"))
    except UserError:
        return
    assert 0 <= Bundle(Path("m"), manifest).threshold <= 1


@pytest.mark.parametrize("make", ["absent", "file", "empty"])
def test_a_place_without_a_model_says_what_to_name(tmp_path: Path, make: str) -> None:
    place = tmp_path / "place"
    if make == "file":
        place.write_text("x")
    elif make == "empty":
        place.mkdir()
    with pytest.raises(UserError, match=r"is no model.*name the folder that holds one"):
        read_bundle(place)


def test_a_folder_in_place_of_the_manifest_is_one_line(tmp_path: Path) -> None:
    (tmp_path / MANIFEST).mkdir()
    with pytest.raises(UserError, match="cannot read"):
        read_bundle(tmp_path)


def test_a_bundle_of_before_there_were_bands_has_none() -> None:
    assert read_bundle(V1).bands == []


def test_a_band_is_found_by_its_share() -> None:
    manifest = json.loads((V1 / MANIFEST).read_text())
    manifest["selective"] = [{"threshold": 0.4, "width": w, "target": t} for t, w in ((0.1, 1), (0.2, 2))]
    bundle = Bundle(Path("m"), manifest)
    assert bundle.band(0.2)["width"] == 2
    with pytest.raises(UserError, match=r"fitted are: 0.1, 0.2"):
        bundle.band(0.15)


def test_the_calibration_is_a_scale_and_an_offset_of_the_logit() -> None:
    manifest = json.loads((V1 / MANIFEST).read_text())
    manifest["calibration"] = {"method": "temperature", "temperature": 2.0}
    assert Bundle(Path("m"), manifest).calibration == {"scale": 0.5, "offset": 0.0}
    del manifest["calibration"]
    assert Bundle(Path("m"), manifest).calibration == {"scale": 1.0, "offset": 0.0}
