"""A model in another process is the one that was sent, or refused by name."""

from __future__ import annotations

import pickle
from pathlib import Path

import msgspec
import pytest

from cancernet.common.errors import UserError
from cancernet.model.bundle import shipped
from cancernet.model.model import Model, load_model
from cancernet.model.travel import Ticket, ticket

V1 = Path(__file__).parents[1] / "fixtures" / "bundle_v1"


def sent(model: Model) -> Ticket:
    return pickle.loads(pickle.dumps(ticket(model, threads=2)))


def test_here_it_stays_what_it_is() -> None:
    model = load_model(V1)
    assert ticket(model).open() is model


def test_elsewhere_it_is_loaded_once_with_its_threads() -> None:
    found = sent(load_model(V1)).open()
    assert found.describe() == load_model(V1).describe()
    assert found.threads == 2
    assert sent(load_model(V1)).open() is found


def test_its_files_do_not_travel() -> None:
    assert len(pickle.dumps(ticket(load_model()))) < 2000


def test_the_one_that_ships_is_that_of_the_other_process_wherever_it_lies() -> None:
    assert ticket(load_model()).folder == ""
    assert sent(load_model()).open().folder == shipped()


def test_another_model_at_the_path_is_refused_by_name() -> None:
    model = load_model(V1)
    other = Model(model.folder, msgspec.structs.replace(model.manifest, context=None))
    changed = Ticket(str(V1), {**other.describe(), "threshold": 0.123}, 1)
    with pytest.raises(UserError, match=rf"bundle_v1 is not the {model.name} that was asked for"):
        changed.open()


def test_another_version_of_the_package_is_refused_by_name() -> None:
    with pytest.raises(UserError, match=r"has CancerNet .*, and 9\.9 asks it; install the same"):
        Ticket(str(V1), {}, 1, version="9.9").open()
