"""What is usual of a model's training patients: its own colours and held-out scores, and the public set's sharpness.

A bundle knows the colours that its network learned from and the scores of patients held out. How sharp and how full its
patches were it does not know: there the public set's stand in, which the model that ships learned from. A site's own
reference needs neither.
"""

from __future__ import annotations

import math

import numpy as np

from cancernet.model.colours import Colours
from cancernet.model.held_out import read_held_out
from cancernet.model.model import Model
from cancernet.sites.measures import BRIGHTNESS, SHARPNESS, TISSUE, UNSURE
from cancernet.sites.reference import ODDS, Reference, Spread, kept_scores, spread_of

N_PUBLIC = 100  # patients that the following are of
# Of half of the train and val patients of the public set, 100 of 201: benchmarks/site_limits.py prints them
PUBLIC = {
    BRIGHTNESS: Spread(187.3, 12.7, 24.8, 1.3),  # grey levels
    SHARPNESS: Spread(1.283, 0.0661, 0.123, 0.0068),  # logarithm
    TISSUE: Spread(0.8042, 0.0895, 0.212, 0.0094),  # share
    UNSURE: Spread(0.01286, 0.0282, 0.0935, 0.0031),  # share
    ODDS: Spread(-1.598, 0.994, 2.06, 0.1),  # log odds
}
POSITION = Spread(0.0, 0.415, 0.803, 0.043)  # standard deviations of training patches, in each of nine directions


def of_model(model: Model) -> Reference:
    """Return what is usual of the patients that a model learned from.

    Raises:
        UserError: its held-out scores are damaged.
    """
    colours = model.colours
    patients = [patient for patient, side in model.manifest.split.patients.items() if side != "test"]
    n = len(patients) or N_PUBLIC  # of a model that was not trained by patient
    measures = {name: PUBLIC[name] for name in (SHARPNESS, TISSUE, UNSURE)}
    measures[BRIGHTNESS] = brightness_of(colours, n)
    table = read_held_out(model)
    scores: list[np.ndarray] = []
    if table is not None:
        scores = [each.to_numpy(np.float64) for _, each in table.groupby("patient")["logit"]]
        means = np.array([each.mean() for each in scores])
        counts = np.array([len(each) for each in scores], np.float64)
        inner = [each.var(ddof=1) for each in scores if len(each) > 1]
        within = float(np.sqrt(np.mean(inner))) if inner else PUBLIC[ODDS].within
        measures[ODDS] = spread_of(means, counts, within, least=PUBLIC[ODDS].between / 2)
    return Reference(
        of=f"the patients that {model.name} learned from",
        graph_sha256=model.graph_sha256,
        n=n,
        measures=measures,
        centre=colours.mean,
        position=Spread(0.0, POSITION.between, POSITION.within, POSITION.between / math.sqrt(n)),
        scores=tuple(tuple(kept_scores(each)) for each in scores),
    )


def brightness_of(colours: Colours, n: int) -> Spread:
    """Return mean and spread of the brightness of n training patients, from the covariance that a bundle keeps."""
    root = np.linalg.inv(np.array(colours.whiten))
    weight = np.zeros(len(root))
    weight[:3] = 1 / 3  # of the means of R, G and B
    whole = float(np.linalg.norm(weight @ root))
    public = PUBLIC[BRIGHTNESS]
    between = whole * public.between / float(np.hypot(public.between, public.within))
    within = math.sqrt(whole**2 - between**2)
    return Spread(float(np.mean(colours.mean[:3])), between, within, between / math.sqrt(n))
