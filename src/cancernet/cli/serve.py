"""`cancernet serve`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cancernet.cli.options import PATH, echo, with_model
from cancernet.common.errors import UserError
from cancernet.common.threads import available_cpus

if TYPE_CHECKING:
    from cancernet.model.model import Model

EXTRA = ("fastapi", "uvicorn", "httptools", "multipart", "prometheus_client")


@click.command()
@with_model
@click.option("--slides", type=PATH, help="Folder of slides that can be mapped from the page; needs cancernet[slide].")
@click.option(
    "--host", default="127.0.0.1", help="Address to listen at; another than this machine's own needs --token."
)
@click.option("--port", type=click.IntRange(0, 65535), default=8050, help="Port; 0 takes a free one.")
@click.option(
    "--token",
    help="Text that every request must bear, as `Authorization: Bearer TEXT`; the page asks for it. Better given as "
    "CANCERNET_TOKEN, which no list of processes shows.",
)
@click.option("--insecure", is_flag=True, help="Let other machines in without a token.")
@click.option(
    "--name", "names", multiple=True, metavar="HOST[:PORT]", help="Further name it is reached by, as behind a proxy."
)
@click.option(
    "--state",
    type=PATH,
    default=Path("cancernet-serve"),
    help="Folder of jobs, their results and the judgements of readers.",
)
@click.option(
    "--scheduler", metavar="ADDRESS", default="", help="Have slides mapped by the workers of a Dask scheduler."
)
def command(
    model: Model,
    slides: Path | None,
    host: str,
    port: int,
    token: str | None,
    insecure: bool,
    names: tuple[str, ...],
    state: Path,
    scheduler: str,
) -> bool:
    """Serve a page to drop patches, fields and slides on, and an API beside it. Needs cancernet[serve], no TensorFlow.

    Opens to this machine alone unless --host says otherwise. What is sent is gone with the answer, unless a reader
    judges it; results of slides and judgements are kept in --state. Ctrl+C ends it in good order; a job that was at
    work goes on when it is started again.
    """
    _check_extra()
    from cancernet.serve.server import serve
    from cancernet.serve.settings import Settings, check_exposure, token_of

    settings = Settings(
        host=host,
        port=port,
        token=token_of(token),
        names=names,
        slides=slides,
        state=state,
        scheduler=scheduler,
        threads=model.threads or available_cpus(),
    )
    check_exposure(settings, insecure=insecure)
    serve(settings, model, say=lambda line: echo(line, err=True))
    return False


def _check_extra() -> None:
    import importlib.util

    lacking = [name for name in EXTRA if importlib.util.find_spec(name) is None]
    if lacking:
        raise UserError(f"serving needs {', '.join(lacking)}; pip install 'cancernet[serve]'")
