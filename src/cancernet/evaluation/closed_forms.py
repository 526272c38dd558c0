"""How many patients by formula: what published rules say, and what patches of one patient add to them.

Each is exact under its own assumptions and approximate here; `plan` simulates, and shows these beside it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from cancernet.evaluation.ranking import Floats

LEAST_PATIENTS = 2  # of one, nothing can be known of others


def likeness(patient: ArrayLike, called: ArrayLike) -> float:
    """Return rho, how alike the patches of a patient are: by how much their share that is called varies too much.

    It is what makes Kish's 1 + (b - 1) rho the design effect that is there, within [0, 1].

    Args:
        patient: (N,) names or codes, of patches of one class.
        called: bool (N,), whether a threshold calls them right.

    Raises:
        ValueError: fewer than two patients, no patient with two patches, or all called alike: nothing can be told.
    """
    code = np.unique(np.asarray(patient), return_inverse=True)[1]
    size = np.bincount(code).astype(np.float64)
    right = np.asarray(called, np.float64)
    share = float(right.mean())
    b = float((size**2).sum() / size.sum())
    if len(size) < LEAST_PATIENTS or b <= 1 or not 0 < share < 1:
        raise ValueError("too few patients, or all patches called alike: how alike they are cannot be told")
    return float(np.clip((design_effect(size, np.bincount(code, right).astype(np.float64)) - 1) / (b - 1), 0, 1))


def design_effect(size: Floats, found: Floats) -> float:
    """Return by how much patients multiply the variance of a share of patches.

    Args:
        size: (P,) patches of each patient.
        found: (P,) how many of them count.

    Source: Kish 1965, section 8.2; variance of a ratio by linearisation, Cochran 1977, section 2.11.
    """
    n, m = len(size), size.sum()
    share = found.sum() / m
    return float(n / (n - 1) * ((found - share * size) ** 2).sum() / m / (share * (1 - share)))


def least_worth(target: float, assurance: float) -> float:
    """Return how many independent patches, all found, put the lower bound at the target."""
    from scipy.optimize import brentq
    from scipy.special import betainc

    return float(brentq(lambda n: betainc(n + 0.5, 0.5, target) - (1 - assurance), 0, 1e6))


def least_exact(target: float, assurance: float) -> float:
    """Return how many patches of a patient each, all found, tell a recall with no assumption on how alike they are."""
    return float(np.log(1 - assurance) / np.log(target))


def least_in_expectation(target: float) -> float:
    """Return how many patients, all found, hold a recall on average over samples, with no assumption at all.

    Source: conformal risk control, Angelopoulos et al. 2024, theorem 1: (n miss + 1) / (n + 1) <= 1 - target.
    """
    return target / (1 - target)


def patches_for_share(share: float, half_width: float, confidence: float) -> float:
    """Return how many independent patches of a class put an interval of that half-width around a share of them.

    Source: Buderer 1996, "Incorporating the prevalence of disease into the sample size calculation for sensitivity and
    specificity", Academic Emergency Medicine 3:895-900.
    """
    from scipy.stats import norm

    return float(norm.ppf((1 + confidence) / 2) ** 2 * share * (1 - share) / half_width**2)


def patches_for_auc(auc: float, prevalence: float, half_width: float, confidence: float) -> float:
    """Return how many independent patches put an interval of that half-width around the AUC.

    Source: Riley et al. 2021, "Minimum sample size for external validation of a clinical prediction model with a binary
    outcome", Statistics in Medicine 40:4230-4251, for the C-statistic, with the standard error of Newcombe 2006.
    """
    from scipy.optimize import brentq
    from scipy.stats import norm

    wanted = half_width / norm.ppf((1 + confidence) / 2)

    def excess(n: float) -> float:
        half = n / 2 - 1
        spread = 1 + half * (1 - auc) / (2 - auc) + half * auc / (1 + auc)
        return float(np.sqrt(auc * (1 - auc) * spread / (n**2 * prevalence * (1 - prevalence))) - wanted)

    return float(brentq(excess, 2, 1e9))


def patients_for_difference(spread: float, difference: float, confidence: float, power: float) -> float:
    """Return how many patients tell a difference from none, whose estimate from one patient would have that spread.

    Args:
        spread: square root of n times the variance of the paired difference estimated from n patients.
        difference: in the same unit.
        confidence: of the two-sided interval that must exclude 0.
        power: share of samples in which it does.

    Source: the normal approximation for paired data; Chow, Shao & Wang 2008, section 3.1.
    """
    from scipy.stats import norm

    return float(((norm.ppf((1 + confidence) / 2) + norm.ppf(power)) * spread / difference) ** 2)
