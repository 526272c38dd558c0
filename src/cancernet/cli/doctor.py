"""`cancernet doctor`."""

from __future__ import annotations

from pathlib import Path

import click

from cancernet.cli.options import PATH, cache_option


@click.command()
@click.option("--data", type=PATH, help="Folder or zip to look at too.")
@click.option("--weights", default="auto", show_default=True, metavar="imagenet|auto|none|PATH")
@cache_option
@click.pass_context
def command(ctx: click.Context, data: Path | None, weights: str, cache: Path | None) -> None:
    """Check installation, memory, disk, weights and data: PASS, WARN or FAIL, and the fix."""
    from cancernet.cli.examine import examine
    from cancernet.data.pack import default_cache_dir
    from cancernet.training.quiet import import_quietly

    try:
        import_quietly()
    except ImportError:
        click.echo("training is not installed; predicting and evaluating are looked at", err=True)
    findings = examine(data=data, weights=weights, cache=cache or default_cache_dir())
    for finding in findings:
        click.echo(f"{finding.state:<5} {finding.what:<18} {finding.found}")
        if finding.fix:
            click.echo(f"{'':<5} {'':<18} fix: {finding.fix}")
    if any(finding.state == "FAIL" for finding in findings):
        ctx.exit(1)
