"""A bundle is untrusted input: whole and as listed, or one line that says what is wrong."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cancernet.common import limits
from cancernet.common.errors import UserError
from cancernet.common.output import Output
from cancernet.model import bundle as bundle_module
from cancernet.model.bundle import (
    GRAPH,
    MANIFEST,
    WEIGHTS,
    encode_manifest,
    list_files,
    read_file,
    read_manifest,
    write_bundle,
)
from cancernet.model.manifest import FORMAT, Calibration, Manifest
from cancernet.model.model import load_model

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
    model = load_model(V1)
    assert model.manifest.format == 1
    assert model.name == "tiny"
    assert model.threshold == model.thresholds["target_recall"] == pytest.approx(0.2219174802)
    assert model.predict(plain_patches()) == pytest.approx(ANSWERS, abs=1e-5)


def test_the_floor_in_a_bundle_of_format_1_can_still_be_read() -> None:
    probability = read_manifest(V1).floor.model.predict(plain_patches())
    assert ((probability >= 0) & (probability <= 1)).all()


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    files = {GRAPH: b"graph", WEIGHTS: b"weights"}
    manifest = msgspec.structs.replace(read_manifest(V1), files=list_files(files))
    with Output(tmp_path / "a", "train") as out:
        assert write_bundle(out, manifest, files) == tmp_path / "a"
    assert read_manifest(tmp_path / "a") == manifest
    assert {name: read_file(tmp_path / "a", manifest, name) for name in files} == files


def test_the_manifest_comes_last_so_that_a_killed_write_leaves_no_bundle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(manifest: Manifest) -> bytes:
        raise KeyboardInterrupt

    files = {GRAPH: b"graph", WEIGHTS: b"weights"}
    manifest = msgspec.structs.replace(read_manifest(V1), files=list_files(files))
    with Output(tmp_path / "a", "train") as out:
        write_bundle(out, manifest, files)
    monkeypatch.setattr(bundle_module, "encode_manifest", killed)
    with pytest.raises(KeyboardInterrupt), Output(tmp_path / "a", "train") as out:
        write_bundle(out, manifest, {GRAPH: b"other", WEIGHTS: b"others"})
    with pytest.raises(UserError, match="is no model"):
        read_manifest(tmp_path / "a")


@pytest.mark.parametrize("name", [GRAPH, WEIGHTS])
def test_one_changed_byte_is_found(folder: Path, name: str) -> None:
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(UserError, match="SHA-256 differs") as error:
        load_model(folder).read(name)
    assert name in one_line(error)


def test_a_changed_graph_is_never_run(folder: Path) -> None:
    graph = folder / GRAPH
    graph.write_bytes(graph.read_bytes()[::-1])
    with pytest.raises(UserError, match="SHA-256 differs"):
        _ = load_model(folder).session


def test_a_short_file_is_found(folder: Path) -> None:
    (folder / GRAPH).write_bytes((folder / GRAPH).read_bytes()[:-1])
    with pytest.raises(UserError, match=r"26873 bytes, not 26874; copy the bundle again"):
        load_model(folder).read(GRAPH)


def test_a_missing_file_is_named(folder: Path) -> None:
    (folder / GRAPH).unlink()
    with pytest.raises(UserError, match=GRAPH) as error:
        _ = load_model(folder).session
    assert "No such file" in one_line(error)


def test_a_file_the_manifest_does_not_list_is_not_read(folder: Path) -> None:
    (folder / "extra.bin").write_bytes(b"x")
    with pytest.raises(UserError, match="lists no file"):
        load_model(folder).read("extra.bin")


def test_a_path_outside_the_bundle_is_not_read(folder: Path) -> None:
    (folder.parent / "secret").write_bytes(b"x")
    with pytest.raises(UserError, match="lists no file"):
        load_model(folder).read("../secret")


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "a/b", ".hidden", "..", "", "C:\\x", "a\0b"])
def test_a_file_name_that_is_a_path_is_refused(spoil: Callable[..., Path], name: str) -> None:
    def change(manifest: dict) -> None:
        manifest["files"][name] = {"bytes": 1, "sha256": "0" * 64}

    with pytest.raises(UserError, match=r"not a valid manifest: .*in `\$.files`"):
        read_manifest(spoil(change))


def test_a_newer_format_says_to_upgrade(spoil: Callable[..., Path]) -> None:
    with pytest.raises(UserError, match=r"newer CancerNet \(format 2\); upgrade"):
        read_manifest(spoil(lambda m: m.update(format=FORMAT + 1)))


@pytest.mark.parametrize("value", [0, -1, 1.5, "1", None, True, [1]])
def test_a_format_that_never_was_is_refused(spoil: Callable[..., Path], value: Any) -> None:
    with pytest.raises(UserError, match=r"not a valid manifest: .* `\$\.format`"):
        read_manifest(spoil(lambda m: m.update(format=value)))


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff\xfe{}", b'{"a": ' + b"[" * 100_000, b'{"format": 1', b"not json", b"\0" * 64]
)
def test_a_manifest_that_is_not_json_is_one_line(folder: Path, content: bytes) -> None:
    (folder / MANIFEST).write_bytes(content)
    with pytest.raises(UserError, match=r"cannot read .*manifest\.json") as error:
        read_manifest(folder)
    one_line(error)


@pytest.mark.parametrize("content", ["[]", "[" * 100_000, "1", "null", '"text"', "{}"])
def test_json_that_is_no_manifest_is_refused(folder: Path, content: str) -> None:
    (folder / MANIFEST).write_text(content)
    with pytest.raises(UserError, match="not a valid manifest"):
        read_manifest(folder)


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "9" * 5000, "1" + "0" * 400])
def test_a_threshold_that_is_no_number_cannot_slip_past_the_limits(folder: Path, constant: str) -> None:
    text = (folder / MANIFEST).read_text()
    threshold = json.dumps(load_model(folder).threshold)
    (folder / MANIFEST).write_text(text.replace(threshold, constant))
    with pytest.raises(UserError, match=r"manifest\.json") as error:
        read_manifest(folder)
    one_line(error)


@pytest.mark.parametrize("place", ["deep in a part", "in what is not known", "in what is kept as it is"])
def test_nesting_without_end_is_one_line(folder: Path, place: str) -> None:
    deep = "[" * 100_000 + "]" * 100_000
    text = (folder / MANIFEST).read_text()
    context = {"method": "gaussian", "sigma_px": 1, "scale": 1, "offset": 0}
    context |= {"thresholds": json.loads(text)["thresholds"], "fitted_on": {"a": "HERE"}}
    spoilt = {
        "deep in a part": text.replace('"S001": "train"', f'"S001": {deep}'),
        "in what is not known": f'{{"more": {deep}, {text[text.index("{") + 1 :]}',
        "in what is kept as it is": f'{{"context": {json.dumps(context)}, {text[text.index("{") + 1 :]}'.replace(
            '"HERE"', deep
        ),
    }[place]
    assert deep in spoilt
    (folder / MANIFEST).write_text(spoilt)
    with pytest.raises(UserError, match=r"cannot read .*manifest\.json: .*recursion") as error:
        read_manifest(folder)
    one_line(error)


def test_a_huge_whole_number_is_one_line(folder: Path) -> None:
    text = (folder / MANIFEST).read_text()
    (folder / MANIFEST).write_text(text.replace('"seed": 1', '"seed": ' + "9" * 5000))
    with pytest.raises(UserError, match=r"out of range .*\$\.seed") as error:
        read_manifest(folder)
    one_line(error)


def test_an_endless_manifest_is_not_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits.read_bytes, "__defaults__", (1000,))
    with pytest.raises(UserError, match="larger than"):
        read_manifest(folder)


@pytest.mark.parametrize("field", ["format", "name", "seed", "data", "split", "thresholds", "floor", "files"])
def test_every_required_field_is_asked_for(spoil: Callable[..., Path], field: str) -> None:
    with pytest.raises(UserError, match=f"missing required field `{field}`"):
        read_manifest(spoil(lambda m: m.pop(field)))


VIOLATIONS: dict[str, Callable[[dict], Any]] = {
    "$.name": lambda m: m.update(name="../elsewhere"),
    "$.thresholds.default": lambda m: m["thresholds"].update(default=1.5),
    "$.thresholds.best_f1": lambda m: m["thresholds"].update(best_f1="high"),
    "missing required field `target_recall` - at `$.thresholds`": lambda m: m["thresholds"].pop("target_recall"),
    "$.floor.thresholds": lambda m: m["floor"]["thresholds"].pop("default"),
    "$.recipe.input_size": lambda m: m["recipe"].update(input_size=10**9),
    "$.classes[0]": lambda m: m["classes"].reverse(),
    "$.split.patients[...]": lambda m: m["split"]["patients"].update(x="everywhere"),
    "$.data.synthetic": lambda m: m["data"].update(synthetic="no"),
    "$.files[...].bytes": lambda m: m["files"][GRAPH].update(bytes=-1),
    "$.files[...].sha256": lambda m: m["files"][GRAPH].update(sha256="0" * 63),
    "it lists no weights.safetensors": lambda m: m["files"].pop(WEIGHTS),
    "it lists no model.onnx": lambda m: m["files"].pop(GRAPH),
    "$.training": lambda m: m["training"].pop("minutes"),
    "$.target_recall": lambda m: m.update(target_recall=0),
    "missing required field `width` - at `$.selective[0]`": lambda m: m.update(
        selective=[{"threshold": 0.5, "target": 0.1}]
    ),
    "$.selective[0].width": lambda m: m.update(selective=[{"threshold": 0.5, "width": -1, "target": 0.1}]),
    "a band of abstention lies about 0.5, and the threshold is 0.221917": lambda m: m.update(
        selective=[{"threshold": 0.5, "width": 1, "target": 0.1}]
    ),
    "$.calibration.temperature": lambda m: m.update(calibration={"temperature": 1e-320}),
    "other than 51 features": lambda m: m["floor"]["model"]["coef"].pop(),
}


@pytest.mark.parametrize("where", VIOLATIONS)
def test_a_breach_of_the_schema_says_where(spoil: Callable[..., Path], where: str) -> None:
    with pytest.raises(UserError) as error:
        read_manifest(spoil(VIOLATIONS[where]))
    text = one_line(error)
    assert "not a valid manifest: " in text
    assert where in text


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.data())
def test_any_value_anywhere_is_read_or_is_a_user_error(data: st.DataObject) -> None:
    manifest = json.loads((V1 / MANIFEST).read_text())
    at = manifest
    while True:
        key = data.draw(st.sampled_from(sorted(at)))
        if not isinstance(at[key], dict) or not at[key] or data.draw(st.booleans()):
            break
        at = at[key]
    at[key] = data.draw(JSON)
    try:
        read = msgspec.json.decode(json.dumps(manifest), type=Manifest)
    except (msgspec.DecodeError, RecursionError):
        return
    assert 0 <= read.thresholds.target_recall <= 1
    assert msgspec.json.decode(encode_manifest(read), type=Manifest) == read


def test_patches_of_another_size_than_is_read_are_refused(spoil: Callable[..., Path]) -> None:
    with pytest.raises(UserError, match="takes patches of 64 px, and CancerNet gives 50 px"):
        read_manifest(spoil(lambda m: m["input"].update(size_px=64)))


@pytest.mark.parametrize("make", ["absent", "file", "empty"])
def test_a_place_without_a_model_says_what_to_name(tmp_path: Path, make: str) -> None:
    place = tmp_path / "place"
    if make == "file":
        place.write_text("x")
    elif make == "empty":
        place.mkdir()
    with pytest.raises(UserError, match=r"is no model.*name the folder that holds one"):
        read_manifest(place)


def test_a_folder_in_place_of_the_manifest_is_one_line(tmp_path: Path) -> None:
    (tmp_path / MANIFEST).mkdir()
    with pytest.raises(UserError, match="is a folder") as error:
        read_manifest(tmp_path)
    one_line(error)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
def test_a_pipe_in_place_of_the_manifest_is_one_line_and_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / MANIFEST)
    with pytest.raises(UserError, match="a device or a pipe"):
        read_manifest(tmp_path)


def test_a_band_about_the_operating_threshold_is_read(spoil: Callable[..., Path]) -> None:
    def change(manifest: dict) -> None:
        threshold = manifest["thresholds"]["target_recall"]
        manifest["selective"] = [{"threshold": threshold, "width": 1, "target": 0.1}]

    [band] = read_manifest(spoil(change)).selective
    assert band.width == 1
    assert read_manifest(V1).selective == ()


def test_the_calibration_is_a_scale_and_an_offset_of_the_logit(spoil: Callable[..., Path]) -> None:
    stated = {"method": "temperature", "temperature": 2.0}
    read = read_manifest(spoil(lambda m: m.update(calibration=stated))).calibration
    assert read.to_dict() == {"scale": 0.5, "offset": 0.0}
    assert Calibration().to_dict() == {"scale": 1.0, "offset": 0.0}
