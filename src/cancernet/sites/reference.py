"""What is usual: the numbers that a site is held against, of a model's training patients or of the site's own.

A reference holds numbers alone, no pixels and no names. Of each measure it has the mean over patients and two spreads,
from patient to patient and from patch to patch, so that few patches or few patients are allowed to stray farther than
many: the random-effects model of DerSimonian & Laird (1986).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from cancernet.common.errors import UserError
from cancernet.common.files import to_json
from cancernet.common.limits import read_bytes
from cancernet.common.output_file import output_file
from cancernet.model.colours import Colours, N
from cancernet.sites.measures import MEASURES, Group

FORMAT = 1
MARK = '"cancernet_site_reference"'  # by which files of ours are known
WHAT = "the reference"
KEPT_SCORES = 64  # of a patient, evenly spaced among all in their order: enough for a distribution, some 300 bytes
FEWEST = 10  # patients or slides that a reference and a verdict want; of fewer the spread between them is not known
SCORE_RANGE = 12.0  # log odds beyond which one score is as good as another
ODDS = "score"  # the measure of the mean log odds

Finite = Annotated[float, Meta(ge=-1e9, le=1e9)]
Spread_ = Annotated[float, Meta(gt=0, le=1e9)]
Score = Annotated[float, Meta(ge=-SCORE_RANGE - 1, le=SCORE_RANGE + 1)]
Floats = NDArray[np.float64]


class Spread(msgspec.Struct, frozen=True):
    """How a measure is distributed.

    Attributes:
        mean: over patients or slides.
        between: standard deviation from patient to patient, beyond what their few patches make.
        within: standard deviation from patch to patch of one patient.
        error: of the mean, one standard deviation.
    """

    mean: Finite
    between: Spread_
    within: Annotated[float, Meta(ge=0, le=1e9)]
    error: Annotated[float, Meta(ge=0, le=1e9)]


class Reference(msgspec.Struct, frozen=True, kw_only=True):
    """What is usual.

    Attributes:
        of: whose numbers they are, in words.
        graph_sha256: of the model that scored; scores of another cannot be compared.
        n: patients or slides.
        measures: by name, MEASURES and ODDS; scores may be missing.
        centre: the nine colour statistics, their mean over patients.
        position: of a patient's colours about the centre, in standard deviations of the training patches, each of nine.
        scores: some log odds of each patient or slide, rising; none where they are not known.
        created: day, ISO.
        kind: marks the file.
        format: of the file.
    """

    of: str
    graph_sha256: str
    n: Annotated[int, Meta(ge=1, le=10_000_000)]
    measures: dict[str, Spread]
    centre: Annotated[tuple[Finite, ...], Meta(min_length=N, max_length=N)]
    position: Spread
    scores: tuple[tuple[Score, ...], ...] = ()
    created: str = ""
    kind: Literal["cancernet_site_reference"] = "cancernet_site_reference"
    format: int = FORMAT


def spread_of(means: Floats, counts: Floats, within: float, *, least: float) -> Spread:
    """Fit a spread to the means (G,) of groups over `counts` (G,) patches, by moments.

    Args:
        means: finite.
        counts: at least 1.
        within: standard deviation from patch to patch.
        least: smallest spread between groups that is believed; of few groups it may come out as 0.

    Source: DerSimonian & Laird 1986, with unweighted means.
    """
    noise = within**2 / counts
    seen = float(means.var(ddof=1)) if len(means) > 1 else 0.0
    between = max(math.sqrt(max(seen - float(noise.mean()), 0.0)), least)
    weight = 1 / (between**2 + noise)
    return Spread(float((weight * means).sum() / weight.sum()), between, within, float(np.sqrt(1 / weight.sum())))


def make_reference(
    groups: Sequence[Group],
    colours: Colours,
    usual: Mapping[str, Spread],
    position: Spread,
    *,
    of: str,
    graph_sha256: str,
    created: str = "",
) -> Reference:
    """Make a reference of patients or slides.

    Args:
        groups: those of whom nothing is measured are left out.
        colours: of the model.
        usual: of each measure, whose spreads within a group are taken, and half of those between as the least.
        position: the same of colours.
        of: in words.
        graph_sha256: of the model.
        created: day.
    """
    there = [group for group in groups if group.n_tissue]
    counts = np.array([group.n_tissue for group in there], np.float64)
    measures = {}
    for each in MEASURES:
        means = np.array([group.means[each.name] for group in there])
        n = np.array([group.counted(each.name) for group in there], np.float64)
        known = usual[each.name]
        measures[each.name] = spread_of(means, n, known.within, least=known.between / 2)
    scored = [group for group in there if len(group.odds)]
    if scored:
        means = np.array([group.odds.mean() for group in scored])
        n = np.array([len(group.odds) for group in scored], np.float64)
        inner = [group.odds.var(ddof=1) for group in scored if len(group.odds) > 1]
        within = float(np.sqrt(np.mean(inner))) if inner else usual[ODDS].within
        measures[ODDS] = spread_of(means, n, within, least=usual[ODDS].between / 2)
    places = np.stack([group.colours for group in there])
    centre = places.mean(axis=0)
    return Reference(
        of=of,
        graph_sha256=graph_sha256,
        n=len(there),
        measures=measures,
        centre=tuple(centre.tolist()),
        position=position_of(places - centre, counts, colours, position),
        scores=tuple(tuple(kept_scores(group.odds)) for group in scored),
        created=created,
    )


def position_of(moved: Floats, counts: Floats, colours: Colours, known: Spread) -> Spread:
    """Fit how far colours (G, 9), less their mean, stray: in standard deviations, the nine directions together."""
    off = moved @ np.array(colours.whiten).T
    seen = float((off**2).mean()) * len(off) / max(1, len(off) - 1)
    noise = known.within**2 / counts
    between = max(math.sqrt(max(seen - float(noise.mean()), 0.0)), known.between / 2)
    return Spread(0.0, between, known.within, float(np.sqrt(1 / (1 / (between**2 + noise)).sum())))


def kept_scores(odds: Floats) -> list[float]:
    """Return at most KEPT_SCORES of some log odds, evenly spaced in their order, with two digits.

    Example:
        >>> kept_scores(np.array([0.126, -3.0]))
        [-3.0, 0.13]
    """
    rising = np.sort(np.clip(odds, -SCORE_RANGE, SCORE_RANGE))
    if len(rising) > KEPT_SCORES:
        rising = np.quantile(rising, (np.arange(KEPT_SCORES) + 0.5) / KEPT_SCORES)
    return [round(each, 2) + 0.0 for each in rising.tolist()]


def save_reference(path: Path, reference: Reference, *, inputs: Sequence[Path] = ()) -> None:
    """Write a reference; never over a file that is not one, nor among what is read.

    Raises:
        UserError: as `output_file`.
    """
    with output_file(path, MARK, inputs=inputs) as temporary:
        content = {"kind": reference.kind, **msgspec.to_builtins(reference)}
        temporary.write_text(to_json(content), encoding="utf-8")


def read_reference(path: Path) -> Reference:
    """Read what `save_reference` has written.

    Raises:
        UserError: absent, no such file, of a newer version, or with numbers that cannot be.
    """
    try:
        found = msgspec.json.decode(read_bytes(path.expanduser(), WHAT), type=Reference)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        said = str(error).splitlines()[0][:200]
        raise UserError(
            f"cannot read {WHAT} {path}: {said}; give a file of `cancernet site --save-reference`"
        ) from None
    if found.format > FORMAT:
        raise UserError(f"{path} was written by a newer CancerNet; make it again with --save-reference")
    missing = [each.name for each in MEASURES if each.name not in found.measures]
    if missing:
        raise UserError(f"{path}: the reference lacks {', '.join(missing)}; make it again with --save-reference")
    return found
