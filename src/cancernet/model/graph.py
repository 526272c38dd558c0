"""What an ONNX file of a stranger may hold, read from its bytes before ONNX Runtime sees them.

A graph that this package exports is a list of standard operations, each done once. Whatever makes a graph more than
that is refused: operations that hold a graph and so may go on without end (Loop, Scan, If), functions, operations of
other makers, and weights in other files, which would be read from whatever folder this process runs in.

The file is a protobuf: fields, each a number, a kind and a value, and messages within messages. Only what matters here
is looked into; `onnx.proto3` of the ONNX project has the numbers of the fields.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from cancernet.common.errors import UserError

MOST_FIELDS = 200_000  # looked at; the graph that ships has 756
MOST_KEY = 2**32  # a field's number and kind; protobuf drops what lies above, and would read another field
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5  # kinds of values

OUTSIDE = "keeps its weights in another file: export it in one"
NESTED = "has a graph within its graph, which may go on without end"
SPARSE = "has sparse tensors, which CancerNet does not write"
FUNCTIONS = "brings functions of its own"
TRAINING = "holds steps of training"
FOREIGN = "has operations other than those of the ONNX standard"


class Message(NamedTuple):
    """Which fields of a message are looked into, which must be absent or 0, and which empty or the standard's name."""

    parts: dict[int, Message]
    refused: dict[int, str]
    domain: int = 0


TENSOR = Message({}, {13: OUTSIDE, 14: OUTSIDE})
ATTRIBUTE = Message({5: TENSOR, 10: TENSOR}, {6: NESTED, 11: NESTED, 22: SPARSE, 23: SPARSE})
NODE = Message({5: ATTRIBUTE}, {}, domain=7)
GRAPH = Message({1: NODE, 5: TENSOR}, {15: SPARSE})
MODEL = Message({7: GRAPH}, {20: TRAINING, 25: FUNCTIONS})


def check_graph(content: bytes) -> None:
    """Refuse an ONNX file that is more than a list of standard operations.

    Raises:
        UserError: it holds what it must not, or is no such file.
    """
    try:
        for count, refused in enumerate(_walk(memoryview(content), MODEL)):
            if refused:
                raise UserError(f"the model graph {refused}")
            if count > MOST_FIELDS:
                raise ValueError("more parts than any network has")
    except IndexError as error:
        raise UserError("cannot run the model graph: it is cut short or no ONNX file; copy the bundle again") from error
    except ValueError as error:
        raise UserError(f"cannot run the model graph: it is damaged, or no ONNX file ({error})") from error


def _walk(data: memoryview, message: Message) -> Iterator[str]:
    """Yield of each field of a message, and of those within it, why it is refused, or ""."""
    for number, value in _fields(data):
        refused = message.refused.get(number, "") if value != 0 else ""
        if number == message.domain and value not in (b"", b"ai.onnx"):
            refused = FOREIGN
        yield refused
        if number in message.parts:
            if isinstance(value, int):
                raise ValueError("a number in the place of a part")
            yield from _walk(value, message.parts[number])


def _fields(data: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Yield number and value of each field of a message; bytes for a value that is no whole number."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        number, kind = key >> 3, key & 7
        if key >= MOST_KEY or not number:
            raise ValueError("a part without a number")
        if kind == VARINT:
            value, at = _varint(data, at)
            yield number, value
            continue
        if kind == BYTES:
            size, at = _varint(data, at)
        elif kind in (FIXED64, FIXED32):
            size = 8 if kind == FIXED64 else 4
        else:
            raise ValueError("a part of no known kind")
        if at + size > len(data):
            raise IndexError
        yield number, data[at : at + size]
        at += size


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    """Return a number of seven bits a byte, the lowest first, and where the next begins."""
    value = 0
    for shift in range(0, 70, 7):
        byte = data[at + shift // 7]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at + shift // 7 + 1
    raise ValueError("a number without an end")
