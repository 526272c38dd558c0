"""The version of the package: its only place, below all that states it."""

__version__ = "0.2.0.dev0"
