"""From patches with positions to maps of sections, and a patch in the light of its neighbours."""

from cancernet.maps.context import Contextual, apply_context, smooth
from cancernet.maps.draw import blend, draw_map
from cancernet.maps.grid import Grid, to_grid

__all__ = ["Contextual", "Grid", "apply_context", "blend", "draw_map", "smooth", "to_grid"]
