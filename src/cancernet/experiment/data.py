"""Labelled patches as every job opens them: packed, described, split, and checked for leaks."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from cancernet.common.output import Output
from cancernet.common.text import utf8
from cancernet.data.layout import Labels
from cancernet.data.pack import Pack, default_cache_dir, pack
from cancernet.data.sides import SIDES, Split, assign, count_patients, write_split
from cancernet.data.split import SplitChoice, choose_split
from cancernet.evaluation.leakage import Leakage, audit_leakage

Say = Callable[[str], None]

NAMES = ("catalog.csv", "quarantine.csv", "duplicates.csv", "split.csv")


@dataclass(frozen=True, repr=False)
class DataCheck:
    """What `check_data` found: the packed patches, a split of them, and what leaks across its sides."""

    pack: Pack
    split: Split
    leakage: Leakage

    @property
    def lines(self) -> list[str]:
        """What was found, in lines for a person."""
        table, quarantine = self.pack.table, self.pack.quarantine
        kinds = quarantine["reason"].str.replace(r"(?s) (\(|of ).*", "", regex=True)  # without the details
        return [
            *(f"set aside {count:,}: {kind}" for kind, count in kinds.value_counts().items()),
            f"padded to 50x50: {int(table['padded'].sum()):,}; near-white: {int(table['near_white'].sum()):,}",
            f"data hash {self.pack.data_hash}",
            describe_leakage(self.leakage, by_patient=self.split.patient_safe),
        ]

    def __repr__(self) -> str:
        return "\n".join((describe_pack(self.pack), describe_split(self.pack, self.split), *self.lines))

    def _repr_html_(self) -> str:
        from html import escape

        return "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in repr(self).splitlines()) + "</ul>"


def check_data(
    data: Path | str,
    *,
    labels: Labels | None = None,
    split: SplitChoice | Path | str = "grouped",
    out: Path | str | None = None,
    cache: Path | None = None,
    say: Say = print,
) -> DataCheck:
    """Read a labelled folder or zip, list what cannot be used and why, and try a split. Nothing of it is changed.

    Args:
        data: folder or zip; see `cancernet.data.layout` for how it can be laid out.
        labels: what is to be said of classes and patients that folders and names do not; see `Labels`.
        split: `grouped`, `official`, the path of a CSV, or a `SplitChoice`.
        out: folder for catalog.csv, quarantine.csv, split.csv and duplicates.csv.
        cache: folder for packed patches; by default the user's cache.
        say: where lines for the user go.

    Raises:
        UserError: there are no usable patches, they cannot be split so, or `out` cannot be written.
    """
    with Output(Path(out), "data check", inputs=[Path(data)], names=NAMES) if out else nullcontext() as output:
        packed = open_pack(Path(data), cache, say, labels)
        made = make_split(packed, split, say)
        leakage = audit_leakage(packed.images, packed.table, assign(made, packed.table))
        if output:
            tables = {"catalog": packed.table, "quarantine": packed.quarantine, "duplicates": leakage.near}
            for name, table in tables.items():
                output.write_csv(f"{name}.csv", table)
            write_split(made, output.path("split.csv"))
    return DataCheck(packed, made, leakage)


def open_pack(data: Path, cache: Path | None, say: Say, labels: Labels | None = None) -> Pack:
    """Pack a labelled folder or zip and say what was found."""
    packed = pack(data, labels=labels, cache_dir=cache or default_cache_dir())
    say(describe_pack(packed))
    if packed.synthetic:
        say("These patches are SYNTHETIC: what follows is no evidence of anything.")
    for warning in packed.warnings:
        say(f"WARNING: {warning}")
    return packed


def make_split(packed: Pack, choice: SplitChoice | Path | str, say: Say) -> Split:
    """Make a split and say what it is; raises UserError as `choose_split`."""
    split = choose_split(packed.table, SplitChoice.of(choice))
    if not split.patient_safe:
        say("WARNING: NOT SPLIT BY PATIENT. Every score will be too high.")
    say(f"split {split.name} ({split.hash[:12]}): {describe_split(packed, split)}")
    for note in split.notes:
        say(f"  {note}")
    return split


def describe_pack(packed: Pack) -> str:
    """Say in one line what a folder or zip holds."""
    table = packed.table
    return (
        f"{utf8(str(packed.root))}: layout {packed.layout}, {len(table):,} patches, {name_patients(table)}, "
        f"{table['label'].mean():.1%} malignant, {len(packed.quarantine)} files set aside"
    )


def name_patients(table: pd.DataFrame) -> str:
    """Say of how many patients the rows of a table are."""
    known = count_patients(table)
    return f"{known} patients" if known else "unknown patients"


def describe_split(packed: Pack, split: Split) -> str:
    """Say in one line how large the sides are."""
    table = packed.table.assign(split=assign(split, packed.table).to_numpy())
    parts = []
    for name in SIDES:
        rows = table[table["split"] == name]
        share = f", {rows['label'].mean():.0%} malignant" if len(rows) else ""
        parts.append(f"{name} {len(rows):,} patches of {name_patients(rows)}{share}")
    return "; ".join(parts)


def describe_leakage(leakage: Leakage, *, by_patient: bool = True) -> str:
    """Say in one line what the audit across the sides of a split, made by patient or not, found."""
    exact, near = len(leakage.exact), len(leakage.near)
    patients = f"{len(leakage.patients_shared)} patients on two sides" if by_patient else "patients not kept apart"
    return f"leak audit: {patients}, {exact} exact and {near} near duplicates across sides"
