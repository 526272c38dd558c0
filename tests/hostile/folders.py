"""Folders as people have them."""

from __future__ import annotations

import os

from hostile import odd_names
from hostile.case import Case
from hostile.trees import (
    ANONYMOUS,
    BARCODES,
    BREAKHIS,
    BY_PATCH,
    CHECK,
    EXPLAIN,
    PREDICT,
    SIX,
    check,
    mirrored,
    named,
    tree,
    twins,
    written,
    zip_copy,
)

LAYOUTS = [
    check("a class below each patient", tree("{p}/{c}/{i}.png"), "layout patient/class, 24 patches, 6 patients, 50.0%"),
    check("patients below each class", tree("{c}/{p}/{i}.png"), "layout class/patient, 24 patches, 6 patients, 50.0%"),
    check("0 and 1 below each patient", tree("{p}/{c}/{i}.png", "01"), "layout patient/class, 24 patches, 6 patients"),
    check("patients below 0 and 1", tree("{c}/{p}/{i}.png", "01"), "layout class/patient, 24 patches, 6 patients"),
    check("patients called 0 to 5 below 0 and 1", tree("{c}/{p}/{i}.png", "01", "012345"), "24 patches, 6 patients"),
    check("patients called 0 to 5 above 0 and 1", tree("{p}/{c}/{i}.png", "01", "012345"), "24 patches, 6 patients"),
    check("the original tree of BreakHis", BREAKHIS, "20 patches, 10 patients, 50.0% malignant", "14-22549"),
    check("IDC(-) and IDC(+)", tree("{p}/{c}/{i}.png", ("IDC(-)", "IDC(+)")), "(benign: IDC(-); malignant: IDC(+))"),
    check("IDC- and IDC+", tree("{c}/{p}/{i}.png", ("IDC-", "IDC+")), "(benign: IDC-; malignant: IDC+), 24 patches"),
    check(
        "class0 and class1", tree("{p}/{c}/{i}.png", ("class0", "class1")), "24 patches, 6 patients, 50.0% malignant"
    ),
    check("Normal and Tumours", tree("{p}/{c}/{i}.png", ("Normal", "Tumours")), "(benign: Normal; malignant: Tumours)"),
    check("non-cancer and cancer", tree("{c}/{p}/{i}.png", ("non cancer", "Cancer")), "24 patches, 6 patients, 50.0%"),
    check(
        "a folder about all says no class", tree("tumor/{p}/{c}/{i}.png", ("benign", "tumor")), "24 patches, 6 patie"
    ),
    check(
        "barcodes in names",
        [f"{c}/{code}_{i}.png" for c in ("normal", "tumor") for i, code in enumerate(BARCODES)],
        "24 patches, 6 patients",
        "TCGA-A7-A0D0",
    ),
    check(
        "barcodes in folders",
        [f"{c}/{code}/1.png" for c in ("benign", "malignant") for code in BARCODES],
        "24 patches, 6 patients",
        "TCGA-A7-A0D5",
    ),
    check(
        "classes in the names of the files alone",
        [f"{p}_idx5_x1_y{c}1_class{c}.png" for p in SIX for c in (0, 1)],
        "layout class in the file name, 12 patches, 6 patients",
    ),
    check(
        "patients called as programs call nothing",
        tree("{p}/{c}/{i}.png", "01", ("NA", "nan", "null", "None", "007", "1e5")),
        "24 patches, 6 patients",
        "NA,",
        "nan,",
        "null,",
        "None,",
        "007,",
        "1e5,",
    ),
    check(
        "sides of a split are no patients",
        tree("{p}/{c}/{i}.png", patients=("train", "val", "test")),
        "unknown patients",
        "The patient of 12 of 12 patches is unknown",
        options=BY_PATCH,
    ),
    check(
        "folds are no patients",
        tree("{p}/{c}/{i}.png", "01", ("fold1", "fold2", "fold3")),
        "unknown patients",
        options=BY_PATCH,
    ),
    check(
        "patients below sides of a split",
        tree("train/{c}/{p}/{i}.png", "01", SIX[:3]) + tree("test/{c}/{p}/{i}.png", "01", SIX[3:]),
        "24 patches, 6 patients",
    ),
    check(
        "kinds of tissue are no patients",
        tree("{c}/{p}/{i}.png", patients=("solid", "cystic", "mixed")),
        "unknown patients",
        options=BY_PATCH,
    ),
    check(
        "slides of patients: neither is taken for certain",
        tree("{p}/{p}s1/{c}/{i}.png") + tree("{p}/{p}s2/{c}/{i}.png"),
        "unknown patients",
        options=BY_PATCH,
    ),
    check("patients that nobody can know", ANONYMOUS, "cancernet: the patient of 40 of 40 patches is unknown", code=2),
]

REFUSED = [
    check(
        "no word for a class",
        tree("{p}/{c}/{i}.png", ("A", "B")),
        "no known layout: no folder says which patches are benign and which malignant; seen: folders A (12 files), "
        "B (12 files), P1 (4 files)",
        "--benign NAME and --malignant NAME",
        code=2,
    ),
    check(
        "both classes above one file",
        ["malignant/normal/1.png", *tree("{c}/{p}/{i}.png")],
        "the classes are not clear: 1 files lie below folders of both, such as malignant/normal/",
        "malignant (13 files)",
        "--benign NAME",
        code=2,
    ),
    check(
        "two levels called 0 and 1",
        tree("{p}/{c}/{i}.png", "01", "01"),
        "two levels of folders could be the classes",
        "seen: folders 0 (6 files), 1 (6 files)",
        code=2,
    ),
    check(
        "words and numbers that contradict each other",
        tree("{c}/{p}/{i}.png", patients="01"),
        "two levels of folders could be the classes",
        code=2,
    ),
    check(
        "a class and others that are none",
        tree("{c}/{i}.png", ("Normal", "InSitu", "Invasive"), ("",)),
        "folders say which patches are benign, and not what the others are; seen: folders InSitu (2 files), Inv",
        code=2,
    ),
    check("no folders at all", ["1.png", "2.png"], "no known layout", "seen: no folders, only files", code=2),
    check(
        "names that no folder has",
        tree("{p}/{c}/{i}.png", ("A", "B")),
        "no folder has one of the names given; seen: folders A",
        code=2,
        options=("--benign", "X", "--malignant", "Y"),
    ),
]

LISTED = (
    "Pattern;Patient ID\nbenign/0*;NA\n*/1*;007\nmalignant/0*;NA\nbenign/[2-9].png;C\nmalignant/[2-9].png;C\nx/*;D\n"
)
SAID = [
    check(
        "folders of a class by their names",
        tree("{p}/{c}/{i}.png", ("A", "b")),
        "(benign: A; malignant: b), 24 patches, 6",
        options=("--benign", "a", "--malignant", "B"),
    ),
    check(
        "several folders of a class",
        tree("{c}/{p}/{i}.png", ("Benign", "Normal", "InSitu", "Invasive")),
        "48 patches, 6 patients, 50.0% malignant",
        options=("--malignant", "InSitu", "--malignant", "Invasive"),
    ),
    check(
        "what was named alone is a class",
        tree("{p}/{c}/{i}.png", ("good", "bad"), "012345"),
        "24 patches, 6 patients",
        options=("--benign", "good", "--malignant", "bad"),
    ),
    Case(
        "a list of patients",
        written("p.csv", LISTED, named(*ANONYMOUS)),
        (*CHECK, "--patients", "HERE/p.csv"),
        0,
        (
            "patients by p.csv, 40 patches, 3 patients",
            "p.csv: 1 of 6 rows fit no patch (such as x/*).",
            ",NA,",
            ",007,",
        ),
    ),
    Case(
        "a list of patients in UTF-16, as a spreadsheet saves it",
        written("p.csv", LISTED.replace(";", "\t").encode("utf-16"), named(*ANONYMOUS)),
        (*CHECK, "--patients", "HERE/p.csv"),
        0,
        ("40 patches, 3 patients",),
    ),
    Case(
        "a list that leaves patches out",
        written("p.csv", "path,patient\nbenign/0.png,A\n", named(*ANONYMOUS)),
        (*CHECK, "--patients", "HERE/p.csv", *BY_PATCH),
        0,
        ("p.csv: 39 of 40 files are in no row (such as benign/1.png).", "The patient of 39 of 40 patches is unknown"),
    ),
    Case(
        "a list of other paths",
        written("p.csv", "path,patient\nx.png,A\n", named(*ANONYMOUS)),
        (*CHECK, "--patients", "HERE/p.csv"),
        2,
        ("p.csv: none of its 1 rows fits a patch (the first is 'x.png')",),
    ),
    Case(
        "a list without a head",
        written("p.csv", "benign/0.png,A\n", named(*ANONYMOUS)),
        (*CHECK, "--patients", "HERE/p.csv"),
        2,
        ("needs the columns path,patient in its first line, and that is 'benign/0",),
    ),
    Case(
        "a list that is not there",
        named(*ANONYMOUS),
        (*CHECK, "--patients", "HERE/q.csv"),
        2,
        ("cannot read the list of patients", "q.csv: No such file"),
    ),
    Case(
        "a split file with other words",
        written(
            "s.csv",
            "Case ID|Subset\nP1|TRAINING\nP2|training\nP3|Validation\nP4|dev\nP5|testing\nP6|Test\n".encode("utf-16"),
            named(*tree("{p}/{c}/{i}.png")),
        ),
        (*CHECK, "--split-file", "HERE/s.csv"),
        0,
        ("train 8 patches of 2 patients, 50% malignant; val 8 patches of 2 patients",),
    ),
]

COPY = "that are there too are left out"
COPIES = [
    Case(
        "a whole copy at the top",
        mirrored("IDC_regular_ps50_idx5"),
        CHECK,
        0,
        ("24 patches, 6 patients", f"Folder IDC_regular_ps50_idx5/ repeats the folder it lies in: 24 files {COPY}"),
        ("duplicate of",),
    ),
    Case(
        "a whole copy deeper",
        mirrored("old/backup 2"),
        CHECK,
        0,
        ("24 patches", "Folder old/backup 2/ repeats"),
        ("duplicate of",),
    ),
    Case(
        "a copy that is short of a file",
        mirrored("copy", 1),
        CHECK,
        0,
        ("24 patches", f"23 files {COPY}"),
        ("duplicate of",),
    ),
    Case(
        "a copy is predicted once",
        mirrored("copy"),
        PREDICT,
        0,
        ("patches: 24,", "WARNING: Folder copy/ repeats"),
        ("copy/P1",),
    ),
    Case(
        "a copy is explained once",
        mirrored("copy", 2),
        EXPLAIN,
        0,
        ("patches: 24 explained", "WARNING: Folder copy/ repeats"),
        ("copy/P1",),
    ),
    Case(
        "a copy in a zip",
        zip_copy,
        ("predict", "HERE/d.zip", *PREDICT[2:]),
        0,
        ("patches: 24,", "WARNING: Folder x/y/ repeats the folder it lies in: 24 files"),
        ("x/y/P1",),
    ),
    Case(
        "duplicates are counted by kind and not told one by one",
        twins,
        CHECK[:3],
        0,
        ("set aside 4: exact duplicate\n", "24 patches"),
        ("again 0",),
    ),
]


CASES = [*LAYOUTS, *REFUSED, *SAID, *COPIES]
if os.name != "nt":  # its file systems take few of these names
    CASES += odd_names.CASES
