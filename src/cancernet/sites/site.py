"""Is a site like what the model learned: from unlabelled patches or slides to a verdict, a page and a list."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from cancernet.common.errors import UserError
from cancernet.common.files import real
from cancernet.common.output import Output
from cancernet.common.output_file import check_file
from cancernet.common.provenance import begin, minutes_since
from cancernet.evaluation.verdicts import SKIP
from cancernet.model.bundle import shipped
from cancernet.model.model import Model, load_model
from cancernet.sites import drift, page
from cancernet.sites.compare import compare, compare_with_itself
from cancernet.sites.look import look
from cancernet.sites.reference import MARK, Reference, make_reference, read_reference
from cancernet.sites.reference import save_reference as write_reference
from cancernet.sites.result import Site
from cancernet.sites.standing import standing_out
from cancernet.sites.usual import POSITION, PUBLIC, of_model

NO_SCORES = (
    "This model keeps no scores of patients held out, so scores are not compared; a model trained now keeps them."
)
ELSEWHERE = (
    "Sharpness, stained share and what cannot be judged are held against patients of the public set. If this model "
    "learned from others, keep a reference of those with --save-reference, and compare with that."
)


def site(
    paths: Path | str | Sequence[Path | str],
    model: Model | None = None,
    *,
    out: Path | str,
    mpp: float | None = None,
    patients: Path | str | None = None,
    reference: Path | str | None = None,
    save_reference: Path | str | None = None,
    date: str | None = None,
    threads: int | None = None,
    say: Callable[[str], None] = print,
) -> Site:
    """Tell whether unlabelled patches or slides of a site are like what a model learned from.

    Args:
        paths: files, folders or zips of patches; or slides and fields, and folders of them. 10 to 50 patients suffice.
        model: from `load_model`; by default the one that ships.
        out: folder for site.html, site.json and patients.csv; with a `reference` history.json too, to which each run
            into the same folder adds its point.
        mpp: um/px of slides, as `map_slide` takes it.
        patients: CSV with the columns path,patient; of slides the path is the file's name. By default as names and
            folders of patches say, and each slide counts by itself.
        reference: what `save_reference` of an earlier run wrote; the site is held against it too, for drift.
        save_reference: file to keep this site's own numbers in; no pixels and no names.
        date: day of this run in the chart, YYYY-MM-DD; today by default.
        threads: CPU threads that read files; those this process may use by default.
        say: where lines for the user go.

    Raises:
        UserError: nothing usable, patches and slides at once, a reference of another model, or a place that cannot be
            written.
    """
    facts, day = begin(), drift.day(date)
    model = model or load_model(threads=threads)
    named = [Path(each).expanduser() for each in ([paths] if isinstance(paths, str | Path) else paths)]
    if not named:
        raise UserError("name patches or slides of the site")
    listed = Path(patients).expanduser() if patients is not None else None
    earlier = Path(reference).expanduser() if reference is not None else None
    kept = Path(save_reference).expanduser() if save_reference is not None else None
    before = _reference_of(earlier, model) if earlier else None
    usual = of_model(model)
    inputs = [*named, *(each for each in (listed, earlier) if each is not None)]
    if kept is not None:
        _check_kept(kept, Path(out), inputs)
    with Output(Path(out), "site", inputs=inputs, names=page.FILES) as output:
        found = look(named, model, output, mpp=mpp, patients=listed, threads=threads, say=say)
        synthetic = found.synthetic or model.synthetic
        made = Site(
            model.name,
            found.what,
            tuple(found.groups),
            compare(found.groups, usual, model.colours, what=found.what, synthetic=synthetic),
            odd=tuple(standing_out(found.groups, usual)),
            failed=tuple(found.failed),
            notes=(*found.notes, *_notes(usual, model)),
            synthetic=synthetic,
        )
        if before is not None:
            made = _with_drift(made, before, model, output, day)
        if kept is not None:
            _keep(kept, made, model, day, inputs)
        output.errors = list(made.failed)
        return page.write(output, made, {**facts, "minutes": minutes_since(facts["started"])})


def _reference_of(path: Path, model: Model) -> Reference:
    found = read_reference(path)
    if found.graph_sha256 != model.graph_sha256:
        raise UserError(f"{path}: made with another model than {model.name}; make it again with --save-reference")
    return found


def _check_kept(kept: Path, out: Path, inputs: Sequence[Path]) -> None:
    """Refuse a place for the reference before the work and not after it."""
    if real(kept).is_relative_to(real(out.expanduser())):
        raise UserError(f"--save-reference {kept} lies among the results of --out; keep it elsewhere, for later runs")
    check_file(kept, MARK, inputs=inputs)


def _notes(usual: Reference, model: Model) -> list[str]:
    """What a reader has to know of the reference."""
    return [*([] if usual.scores else [NO_SCORES]), *([] if model.folder == shipped() else [ELSEWHERE])]


def _with_drift(made: Site, before: Reference, model: Model, output: Output, day: str) -> Site:
    """Hold a site against its own reference too, and add the run to the history in the folder."""
    found = compare_with_itself(made.groups, before, model.colours, what=made.what)
    run = drift.make_run(made.groups, before, date=day, verdict=found.verdict)
    history, note = drift.add(output.folder, run, before)
    output.write_json(drift.NAME, drift.plain(history))
    trend = drift.check_trend(history)
    checks = found.checks if trend.state == SKIP and len(history.runs) == 1 else (*found.checks, trend)
    return replace(
        made,
        against_reference=replace(found, checks=checks),
        history=history,
        notes=(*made.notes, *([note] if note else [])),
    )


def _keep(kept: Path, made: Site, model: Model, day: str, inputs: Sequence[Path]) -> None:
    """Keep the site's own numbers.

    Raises:
        UserError: patches are synthetic, or none has tissue: nothing is usual of such a site.
    """
    if not any(group.n_tissue for group in made.groups):
        raise UserError("--save-reference: no patch has stained tissue, so there is nothing to keep")
    found = make_reference(
        made.groups,
        model.colours,
        PUBLIC,
        POSITION,
        of=f"{len(made.groups)} {made.what} of {day}",
        graph_sha256=model.graph_sha256,
        created=day,
    )
    write_reference(kept, found, inputs=inputs)
