"""A split by a column: whole sites are held out, and patients never cross."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from cancernet.common.errors import UserError
from cancernet.data.sides import assign
from cancernet.data.split import SplitChoice, choose_split

SITES = ("north", "south", "east")


@pytest.fixture
def table() -> pd.DataFrame:
    rows = [(f"p{p:02d}/{i}.png", f"p{p:02d}", i % 2) for p in range(30) for i in range(10)]
    return pd.DataFrame(rows, columns=["path", "patient", "label"])


@pytest.fixture
def cohort(tmp_path: Path) -> Path:
    """Of 30 patients ten a site; the last has none, and one more is not in the folder."""
    rows = [f"p{p:02d},{SITES[p % 3] if p < 29 else ''}" for p in range(30)]
    file = tmp_path / "cohort.csv"
    file.write_text("\n".join(["patient,site", *rows, "p99,west"]))
    return file


def choice(cohort: Path, *values: str, **more: object) -> SplitChoice:
    return SplitChoice(kind="column", split_by=f"{cohort}:site", test_values=values, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("values", [("north",), ("south", "east")])
def test_all_patients_of_the_values_test_and_no_other(table: pd.DataFrame, cohort: Path, values: tuple) -> None:
    split = choose_split(table, choice(cohort, *values))
    site = {f"p{p:02d}": SITES[p % 3] for p in range(29)}
    assert {patient for patient, side in split.assignment.items() if side == "test"} == {
        patient for patient, where in site.items() if where in values
    }
    assert set(split.assignment) == set(site)
    assert split.patient_safe
    assert assign(split, table).groupby(table["patient"]).nunique().max() == 1


def test_the_others_train_and_validate_with_both_classes_in_the_asked_share(table: pd.DataFrame, cohort: Path) -> None:
    side = assign(choose_split(table, choice(cohort, "north", val_fraction=0.2)), table)
    assert (side == "val").mean() == pytest.approx(0.2, abs=0.05)
    assert set(table["label"].groupby(side).nunique()) <= {1, 2}
    assert table["label"][side == "val"].nunique() == 2


def test_it_says_who_tests_and_who_is_left_out(table: pd.DataFrame, cohort: Path) -> None:
    split = choose_split(table, choice(cohort, "north"))
    assert split.name == "column site, test on north, seed 1"
    assert "train and val are patients of east, south" in split.notes[0]
    assert "1 patients have no site in cohort.csv and are left out: p29" in split.notes[1]


def test_another_seed_divides_the_others_otherwise(table: pd.DataFrame, cohort: Path) -> None:
    one, two = (choose_split(table, choice(cohort, "north", seed=seed)) for seed in (1, 2))
    assert one.hash != two.hash
    assert {k for k, v in one.assignment.items() if v == "test"} == {
        k for k, v in two.assignment.items() if v == "test"
    }


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ((), r"--test-value says which site to test on; there are north \(10 patients\)"),
        (("west",), "no patient here has site 'west'"),
        (SITES, "leave some to train on"),
    ],
)
def test_values_that_cannot_be_held_out_are_refused(
    table: pd.DataFrame, cohort: Path, values: tuple, said: str
) -> None:
    with pytest.raises(UserError, match=said):
        choose_split(table, choice(cohort, *values))


def test_options_of_one_kind_are_refused_with_another(table: pd.DataFrame, cohort: Path) -> None:
    with pytest.raises(UserError, match="are of --split column"):
        choose_split(table, SplitChoice(split_by=f"{cohort}:site"))
    with pytest.raises(UserError, match="needs --split-by"):
        choose_split(table, SplitChoice(kind="column", test_values=("north",)))
    with pytest.raises(UserError, match="two splits"):
        choose_split(table, choice(cohort, "north", file=cohort))


def test_unknown_patients_cannot_be_of_a_site(table: pd.DataFrame, cohort: Path) -> None:
    with pytest.raises(UserError, match="is unknown"):
        choose_split(table.assign(patient=""), choice(cohort, "north"))
    with pytest.raises(UserError, match="--split column is by patient"):
        choose_split(table.assign(patient=""), choice(cohort, "north", allow_patch_split=True))
