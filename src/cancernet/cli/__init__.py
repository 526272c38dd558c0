"""The command line: one file a verb, each imported only when it is asked for."""

from cancernet.cli.main import main

__all__ = ["main"]
