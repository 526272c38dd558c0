"""A specimen's viewer says what its table of patches says, place by place."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from cancernet.maps.report import map_specimens


def test_the_viewer_shows_the_patches_where_they_lie(sections: Path, model: object, tmp_path: Path) -> None:
    map_specimens(sections, model, out=tmp_path / "out", patients=("S001",), say=lambda _: None)
    folder = tmp_path / "out" / "S001"
    page = (folder / "viewer.html").read_text("utf-8")
    [found] = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    data = json.loads(found)
    shape = (data["cells"]["rows"], data["cells"]["columns"])
    probability, state = (
        np.frombuffer(base64.b64decode(data["cells"][name]), "<u2").reshape(shape) for name in ("probability", "state")
    )
    rows = pd.read_csv(folder / "patches.csv")
    assert data["origin"] == [rows["x"].min(), rows["y"].min()]
    for row in rows.itertuples():
        place = (row.y - data["origin"][1]) // 50, (row.x - data["origin"][0]) // 50
        called = {"benign": 1, "malignant": 2}.get(row.decision)
        assert state[place] == called if called else state[place] >= 3
        if called:
            assert abs(probability[place] / data["cells"]["steps"] - row.probability) < 6e-5
    assert np.isin(state, (1, 2)).sum() == rows["decision"].isin(["benign", "malignant"]).sum()
    sides = [(right - left) * (low - top) for left, top, right, low in data["regions"]]
    assert sum(sides) >= (state == 2).sum()
    assert "not mapped: ;" not in page
    assert ("not mapped (none here)" in page) == rows["reason"].isna().all()
    tiles = data["tiles"]
    overlay = cv2.imread(str(folder / "overlay.png"))
    assert (tiles["height"], tiles["width"]) == overlay.shape[:2]
    assert (folder / "viewer" / "tiles" / "0" / "0_0.jpg").is_file()
    assert not (folder / ".tiles").exists()
    assert 'href="S001/viewer.html"' in (tmp_path / "out" / "index.html").read_text("utf-8")
