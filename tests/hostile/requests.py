"""Requests of hostile and odd kinds, and how a server has to answer each."""

from __future__ import annotations

from hostile.asked_files import FILES, NAMES
from hostile.asked_http import HTTP, SLOW, WHO
from hostile.asked_wrong import WHAT

ALL_REQUESTS = [*HTTP, *SLOW, *WHO, *WHAT, *NAMES, *FILES]
