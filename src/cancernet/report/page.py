"""A page from a template: apart from the report, whose figures bring scikit-learn, since most pages need none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jinja2

from cancernet.common.version import __version__


def fill(template: str, context: Mapping[str, Any], *, escape: bool = True) -> str:
    """Return a template of this package filled in.

    Args:
        template: a file of `report/templates`.
        context: all that it names but `version`; what is missing raises rather than leaving a hole.
        escape: for HTML.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("cancernet.report"),
        autoescape=escape,  # noqa: S701
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    return environment.get_template(template).render({"version": __version__, **context})
