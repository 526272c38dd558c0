"""Reviews and slides as the page expects them of a server, kept in memory: the page is tested against its contract."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlparse

from playwright.sync_api import Page, Route

PREFIX = "urn:cancernet:problem:"
PIXEL = bytes.fromhex(  # one white pixel, as a thumbnail
    "89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b550000000a49444154789c63f80f0001010100"
    "1bb6ee560000000049454e44ae426082"
)


def answer(route: Route, body: object, status: int = 200) -> None:
    route.fulfill(status=status, content_type="application/json", body=json.dumps(body))


def problem(route: Route, kind: str, status: int, detail: str) -> None:
    answer(route, {"type": PREFIX + kind, "title": kind, "status": status, "detail": detail}, status)


def form_of(route: Route) -> dict[str, str]:
    """Return the fields of a form; what is in its file, the browser tells nobody."""
    content = route.request.post_data_buffer or b""
    boundary = content[: content.find(b"\r\n")]
    found = {}
    for part in content.split(boundary)[1:-1]:
        head, _, body = part.partition(b"\r\n\r\n")
        name = re.search(rb'name="([^"]+)"', head)
        assert name
        value = body.removesuffix(b"\r\n")
        if b"filename=" not in head:
            found[name[1].decode()] = value.decode()
    return found


@dataclass
class Reviews:
    """POST, GET and DELETE /v1/reviews, and the agreement."""

    kept: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)

    def install(self, page: Page) -> None:
        page.route(re.compile(r"/v1/reviews"), self._handle)

    def _handle(self, route: Route) -> None:
        url = urlparse(route.request.url)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        if url.path.endswith("/agreement"):
            readers = sorted({reader for _, reader in self.kept})
            numbers = {
                "patches": len(self.kept),
                "patients": 2,
                "unsure": 0,
                "agreement": 0.5,
                "kappa": 0.25,
                "low": -0.1,
                "high": 0.6,
            }
            said = [{"reader": reader, **numbers} for reader in readers]
            lacking = {**numbers, "kappa": None, "low": None, "high": None, "reason": "one patient"}
            between = [{"first": a, "second": b, **lacking} for a in readers for b in readers if a < b]
            answer(route, {"readers": readers, "with_model": said, "between": between, "note": "by patient"})
        elif route.request.method == "POST":
            form = form_of(route)
            asked = {"decision": "malignant", "probability": 0.9, "reason": ""}
            review = {"hash": hashlib.sha256(form["path"].encode()).hexdigest(), "note": "", **asked, **form}
            self.kept[review["hash"], review["reader"]] = review
            answer(route, review)
        elif route.request.method == "DELETE":
            self.kept.pop((unquote(url.path.rpartition("/")[2]), query["reader"]))
            route.fulfill(status=204)
        else:
            reader = query.get("reader")
            answer(route, {"reviews": [r for r in self.kept.values() if reader in (None, r["reader"])], "next": None})


@dataclass
class Slides:
    """/v1/slides and /v1/jobs: two slides, of which one does not say its scale; a job is done when it was looked at."""

    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[dict[str, Any]] = field(default_factory=list)
    looks: int = 0

    def install(self, page: Page) -> None:
        page.add_init_script("const wait = setTimeout; window.setTimeout = (does, ms) => wait(does, ms / 20)")  # looks
        page.route(re.compile(r"/v1/(slides|jobs)"), self._handle)
        page.route("**/v1/model", self._model)

    def _model(self, route: Route) -> None:
        answer(route, {**route.fetch().json(), "slides": True})

    def _handle(self, route: Route) -> None:
        parts = urlparse(route.request.url).path.split("/")[2:]
        match parts, route.request.method:
            case ["slides"], _:
                kept = [
                    {"id": i, "name": f"{i}.svs", "patient": i, "bytes": 10**9, "job": None} for i in ("one", "two")
                ]
                answer(route, {"slides": kept, "errors": [{"path": "x.txt", "reason": "no slide"}], "next": None})
            case ["slides", _, "thumbnail"], _:
                route.fulfill(content_type="image/png", body=PIXEL)
            case ["slides", slide, "jobs"], "POST":
                self.asked.append(json.loads(route.request.post_data or ""))
                answer(route, self._begun(slide), 202)
            case ["slides", "two"], _:
                problem(route, "scale-unknown", 422, "two.svs does not say")
            case ["slides", slide], _:
                size = {"width_px": 90_000, "height_px": 70_000, "mpp_x": 0.25, "mpp_y": 0.25}
                answer(route, {"id": slide, "name": slide, **size, "mpp_source": "aperio.MPP", "kind": "svs"})
            case ["jobs"], _:
                self._work()
                answer(route, {"jobs": list(self.jobs.values()), "next": None})
            case ["jobs", job], "DELETE":
                if self.jobs[job]["state"] in ("queued", "running"):
                    self.jobs[job]["state"] = "canceled"
                else:
                    del self.jobs[job]
                route.fulfill(status=204)
            case _:
                route.fulfill(content_type="text/html", body="<!doctype html><title>viewer</title>")

    def _begun(self, slide: str) -> dict[str, Any]:
        job = f"job-{len(self.jobs)}"
        nothing = {"started": None, "ended": None, "attempts": 1, "error": "", "summary": None, "viewer": None}
        made = {"id": job, "slide": slide, "name": f"{slide}.svs", "state": "queued", "created": "2026-01-01T00:00:00Z"}
        self.jobs[job] = {**made, **nothing, "model": "0", "progress": None}
        return self.jobs[job]

    def _work(self) -> None:
        for each in self.jobs.values():
            if each["state"] == "running":
                areas = {"malignant_mm2": 1.5, "analysed_mm2": 30.0, "malignant_share": 0.05}
                counts = {"patches": 750, "patches_unsure": 7, "refused": "", "alarms": [], "warnings": ["narrow"]}
                viewer = f"/v1/jobs/{each['id']}/files/viewer.html"
                each |= {"state": "done", "progress": None, "viewer": viewer, "summary": {**areas, **counts}}
            elif each["state"] == "queued":
                each |= {"state": "running", "progress": {"stage": "patches", "share": 0.4}}
