"""Patches that decode well and cannot be judged, to every command that answers, with the model that ships."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from hostile.case import Case
from hostile.made import tissue

Patches = Callable[[], list[np.ndarray]]

N = 9  # patches, a section of three by three
COMMANDS = {
    "predict": ("predict", "HERE/in", "--out", "OUT/p.csv"),
    "explain": ("explain", "HERE/in", "--max-images", "0", "--out", "OUT"),
    "map": ("map", "HERE/in", "--out", "OUT"),
    "evaluate": ("evaluate", "--data", "HERE/in", "--out", "OUT"),
    "slide": ("slide", "HERE/slide.png", "--mpp", "4", "--out", "OUT"),
}


def sound() -> list[np.ndarray]:
    """Patches of the colours that the model knows."""
    return [tissue(seed) for seed in range(N)]


def all_of(spoil: Callable[[np.ndarray], np.ndarray]) -> Patches:
    """Spoil them all."""
    return lambda: [spoil(image) for image in sound()]


def one_of(spoil: Callable[[np.ndarray], np.ndarray]) -> Patches:
    """Spoil one in the middle."""
    return lambda: [spoil(image) if at == N // 2 else image for at, image in enumerate(sound())]


def grey(image: np.ndarray) -> np.ndarray:
    """Take the colour away."""
    return np.repeat(image.mean(axis=2, keepdims=True), 3, axis=2).astype(np.uint8)


def noise(image: np.ndarray) -> np.ndarray:
    """Put noise in its place."""
    return np.random.default_rng(int(image.sum())).integers(0, 256, image.shape, dtype=np.uint8)


def blurred(image: np.ndarray) -> np.ndarray:
    """Blur it by 2 px, 8 um."""
    return np.asarray(cv2.GaussianBlur(image, (0, 0), 2), np.uint8)


CALLED = {  # how a decision would stand in a table
    "predict": (",benign,", ",malignant,"),
    "explain": (",benign,,", ",malignant,,"),
    "map": (",benign,", ",malignant,"),
    "slide": (",benign,", ",malignant,"),
}
NO_TISSUE = "no stained tissue"
SPOILT: dict[str, tuple[Callable[[np.ndarray], np.ndarray], str]] = {
    "black": (np.zeros_like, NO_TISSUE),
    "white": (lambda image: np.full_like(image, 255), NO_TISSUE),
    "of one grey": (lambda image: np.full_like(image, 128), NO_TISSUE),
    "without colour": (grey, NO_TISSUE),
    "inverted": (lambda image: 255 - image, NO_TISSUE),
    "with red and green changed over": (lambda image: image[..., [1, 0, 2]], NO_TISSUE),
    "out of focus": (blurred, "out of focus"),
    "of one pink": (lambda image: np.full_like(image, (225, 180, 205)), "out of focus, or of one even colour"),
    "half as bright": (lambda image: image // 2, "stained or scanned unlike"),
    "with red and blue changed over": (lambda image: image[..., ::-1], "stained or scanned unlike"),
    "noise": (noise, ""),
}


def write(patches: Patches) -> Callable[[Path], None]:
    """Write patches as files of one patient that the model does not know, of both classes, and as a slide."""

    def make(here: Path) -> None:
        made = patches()
        for at, image in enumerate(made):
            label = at % 2
            place = here / "in" / "P1" / str(label) / f"P1_idx5_x{1 + at % 3 * 50}_y{1 + at // 3 * 50}_class{label}.png"
            place.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(place), np.ascontiguousarray(image[..., ::-1]))
        section = np.concatenate([np.concatenate(made[row : row + 3], axis=1) for row in (0, 3, 6)])
        cv2.imwrite(str(here / "slide.png"), np.ascontiguousarray(section[..., ::-1]))

    return make


def case(command: str, name: str, patches: Patches, code: int, says: tuple[str, ...], *not_says: str) -> Case:
    """A command on patches."""
    return Case(f"{command}: {name}", write(patches), COMMANDS[command], code, says, not_says)


CASES = [case(command, "sound patches are answered", sound, 0, (), ",unsure,") for command in COMMANDS]
CASES += [
    case(command, f"patches {name} are not", all_of(spoil), 2, (reason, "cancernet: "), *CALLED[command])
    for command in COMMANDS
    for name, (spoil, reason) in SPOILT.items()
    if command != "evaluate"
]
CASES += [
    case("evaluate", f"patches {name} are not", all_of(spoil), 2, (reason, "not one of 9 patches can be judged"))
    for name, (spoil, reason) in SPOILT.items()
    if name in ("without colour", "out of focus", "half as bright")  # the judge is the same, and its report takes long
]
CASES += [
    case(command, f"one patch {name} is not", one_of(spoil), 1, (reason, "patches that cannot be judged: 1"))
    for command in COMMANDS
    for name, (spoil, reason) in SPOILT.items()
    if reason in (NO_TISSUE, "out of focus")
    and not (command == "slide" and reason == NO_TISSUE)  # what shows no tissue is not cut
    and not (command == "evaluate" and name != "black")  # see above
]
