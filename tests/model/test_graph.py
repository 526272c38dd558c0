"""A graph of a stranger is a list of standard operations, or it is refused before ONNX Runtime sees it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cancernet.common.errors import UserError
from cancernet.model.bundle import shipped
from cancernet.model.graph import check_graph
from hostile import graphs

V1 = Path(__file__).parents[1] / "fixtures" / "bundle_v1" / "model.onnx"


def field(number: int, content: bytes | int) -> bytes:
    """A field of protobuf: a message, or a small number."""
    if isinstance(content, int):
        return bytes([number << 3]) + bytes([content]) if number < 16 else varint(number << 3) + bytes([content])
    return varint(number << 3 | 2) + varint(len(content)) + content


def varint(value: int, pad: int = 0) -> bytes:
    """A number, with bytes more than it needs."""
    found = b""
    while value > 0x7F or pad > 0:
        found += bytes([value & 0x7F | 0x80])
        pad -= value <= 0x7F
        value >>= 7
    return found + bytes([value])


def graph(content: bytes) -> bytes:
    return field(1, 8) + field(7, content)


def node(content: bytes) -> bytes:
    return graph(field(1, field(4, b"Relu") + content))


TENSORS = {
    "of the graph": lambda tensor: graph(field(5, tensor)),
    "of a constant": lambda tensor: node(field(5, field(5, tensor))),
    "of constants": lambda tensor: node(field(5, field(10, tensor))),
    "in a second graph, which is merged with the first": lambda tensor: graph(b"") + graph(field(5, tensor)),
}


@pytest.mark.parametrize("path", [shipped() / "model.onnx", V1], ids=["shipped", "tiny"])
def test_our_own_graphs_pass(path: Path) -> None:
    check_graph(path.read_bytes())


@pytest.mark.parametrize("where", TENSORS)
@pytest.mark.parametrize(
    "outside",
    [
        field(13, field(1, b"location") + field(2, b"w")),
        field(13, b""),
        field(14, 1),
        varint(13 << 3 | 2, pad=2) + varint(0, pad=3),
    ],
    ids=["named", "without a name", "by the flag alone", "in padded numbers"],
)
def test_weights_in_another_file_are_found_wherever_and_however_they_are_named(where: str, outside: bytes) -> None:
    check_graph(TENSORS[where](field(2, 1) + field(14, 0)))
    with pytest.raises(UserError, match="keeps its weights in another file"):
        check_graph(TENSORS[where](field(2, 1) + outside))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (node(field(5, field(6, b""))), "a graph within its graph"),
        (node(field(5, field(11, b""))), "a graph within its graph"),
        (node(field(5, field(22, b""))), "sparse tensors"),
        (node(field(5, field(23, b""))), "sparse tensors"),
        (graph(field(15, b"")), "sparse tensors"),
        (graph(b"") + field(25, b""), "functions of its own"),
        (graph(b"") + field(20, b""), "steps of training"),
        (node(field(7, b"com.microsoft")), "operations other than those of the ONNX standard"),
        (node(field(7, b"ai.onnx.ml")), "operations other than those of the ONNX standard"),
    ],
)
def test_what_is_more_than_a_list_of_operations_is_refused(content: bytes, says: str) -> None:
    with pytest.raises(UserError, match=f"^the model graph .*{says}"):
        check_graph(content)


def test_the_domain_of_the_standard_may_be_named() -> None:
    check_graph(node(field(7, b"")) + node(field(7, b"ai.onnx")))


@pytest.mark.parametrize(
    "content",
    [
        b"\x3a\xff\xff\xff\xff\x07",  # longer than the file
        b"\x3a\x05",
        b"\x08",
        b"\x08" + b"\x80" * 20,
        b"\x00\x00",  # number 0
        b"\x3b",  # a group, which protobuf no longer writes
        b"\x38\x01",  # a number in the place of the graph
        varint((1 << 32) + (7 << 3 | 2)) + b"\x00",  # of which protobuf would drop the upper part
        b"\x08\x00" * 300_000,
    ],
)
def test_what_is_no_protobuf_is_one_line(content: bytes) -> None:
    with pytest.raises(UserError, match=r"it is (damaged|cut short),? or no ONNX file"):
        check_graph(content)


@given(st.binary(max_size=300))
def test_any_bytes_pass_or_are_told_to_the_user(content: bytes) -> None:
    for each in (content, b"\x3a\x7f" + content):
        with suppress(UserError):
            check_graph(each)


@pytest.mark.train
@pytest.mark.parametrize("make", [graphs.outside, graphs.endless(), graphs.endless("If")])
def test_what_the_onnx_package_writes_is_seen(make: graphs.Graph) -> None:
    pytest.importorskip("onnx")
    check_graph(graphs.constant(0.5)())
    with pytest.raises(UserError, match=r"the model graph (keeps|has)"):
        check_graph(make())
