"""The entry point: finds the verb, prints a user's error as one line, sets the exit code.

Exit codes: 0 all done; 1 done, but some input could not be used (it is listed); 2 nothing done, and why;
130 interrupted.
"""

from __future__ import annotations

import errno
import importlib
import io
import os
import signal
import sys

import click

from cancernet.common.errors import UserError
from cancernet.common.provenance import CALLED
from cancernet.common.quiet import keep_fonts, silence
from cancernet.common.text import printable
from cancernet.common.version import __version__

VERBS = {
    "run": "Check, split, train every recipe, evaluate and report: all in one.",
    "train": "Train recipes into models.",
    "evaluate": "Measure a model on a labelled folder and write a report.",
    "compare": "Tell whether one model is better than another, on the same patches.",
    "audit": "Check whether a model can be trusted on a labelled folder: PASS or WARN.",
    "card": "Write a model card from measured files.",
    "predict": "Give patches a probability of malignant.",
    "map": "Stitch patches into sections and map the malignant tissue.",
    "explain": "Show why patches were called what they were.",
    "slide": "Map the tumour on whole slides and other large images.",
    "serve": "Serve a page to drop images on, and an API beside it.",
    "gather": "Put the parts together that jobs of an array made with --shard.",
    "data": "Check, make or download data.",
    "recipes": "List the recipes.",
    "doctor": "Check this installation: PASS, WARN or FAIL, and the fix.",
}
RESUMED = ("run", "train", "slide")  # the verbs that go on where they were stopped
DRAWING = ("run", "evaluate", "audit", "map", "explain", "slide", "serve", "data")  # the verbs that draw figures
NOT_WRITABLE = (
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.EISDIR,
    errno.ENOTDIR,
    errno.EEXIST,
    errno.ENAMETOOLONG,
)  # what a user mends by choosing another folder or file name


class Verbs(click.Group):
    """A group that imports a verb's file only when the verb is used, so that `--help` is quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the verbs in the order a user meets them."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a verb by name."""
        if cmd_name not in VERBS:
            return None
        if cmd_name in DRAWING:
            keep_fonts()
        return getattr(importlib.import_module(f"cancernet.cli.{cmd_name}"), "command")  # noqa: B009

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of verbs without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl(list(VERBS.items()))


@click.group(
    cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "show_default": True, "max_content_width": 100}
)
@click.version_option(__version__, prog_name="cancernet")
def cli() -> None:
    """CancerNet: tell malignant from benign breast tissue in H&E patches. Research use only."""


def main() -> None:
    """Run the command line."""
    CALLED[:] = ["cancernet", *sys.argv[1:]]
    silence()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a name that the screen has no letters for is no reason to end
    signal.signal(signal.SIGTERM, _interrupt)  # a job that is told to end leaves what an interrupted one leaves
    try:
        sys.exit(cli.main(standalone_mode=False))  # what a verb returns: whether some input could not be used
    except UserError as error:
        _fail(str(error), 2)
    except click.ClickException as error:
        error.message = printable(error.message)  # type: ignore[misc]
        error.show()
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        goes_on = any(verb in sys.argv[1:2] for verb in RESUMED) or "from-slides" in sys.argv[2:3]
        _fail("interrupted" + ("; the same command goes on where it stopped" if goes_on else ""), 130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            _fail(f"the disk is full ({error.filename or 'while writing'}); free some space and run this again", 2)
        if error.errno in NOT_WRITABLE:
            place = error.filename2 or error.filename
            _fail(f"cannot write {place}: {error.strerror}; choose another place", 2)
        raise


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _fail(message: str, code: int) -> None:
    click.echo(f"cancernet: {printable(message)}", err=True)
    sys.exit(code)
