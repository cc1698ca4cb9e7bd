"""An ONNX file from a stranger: what computes on its own weights passes, everything else is refused unread."""

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from raravis.errors import BundleError
from raravis.serve._onnx import check


def network(*nodes, initializer=(), **more):
    graph = helper.make_graph(
        list(nodes) or [helper.make_node("Relu", ["x"], ["y"])],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 2])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 2])],
        initializer=list(initializer),
    )
    return helper.make_model(graph, **more)


def elsewhere():
    tensor = numpy_helper.from_array(np.ones(2, np.float32), "w")
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "../../secret"
    return tensor


def loop():
    body = helper.make_graph([], "body", [], [])
    return helper.make_node("Loop", ["n", "c"], ["y"], body=body)


WEIGHT = numpy_helper.from_array(np.ones(2, np.float32), "w")
FUNCTION = helper.make_function("own", "f", ["a"], ["b"], [helper.make_node("Relu", ["a"], ["b"])], [])
BAD = {
    "external weights": lambda: network(initializer=[elsewhere()]),
    "external weights in an attribute": lambda: network(helper.make_node("Constant", [], ["y"], value=elsewhere())),
    "foreign operators": lambda: network(helper.make_node("Relu", ["x"], ["y"], domain="com.evil")),
    "the runtime's own operators": lambda: network(helper.make_node("Gelu", ["x"], ["y"], domain="com.microsoft")),
    "foreign operators imported": lambda: network(opset_imports=[helper.make_opsetid("com.evil", 1)]),
    "a loop": lambda: network(loop()),
    "a network in an attribute": lambda: network(
        helper.make_node("Odd", ["x"], ["y"], body=helper.make_graph([], "b", [], []))
    ),
    "functions": lambda: network(functions=[FUNCTION]),
}


def test_a_plain_network_passes():
    check(network(helper.make_node("Add", ["x", "w"], ["y"]), initializer=[WEIGHT]).SerializeToString())
    check(
        network(opset_imports=[helper.make_opsetid("", 18), helper.make_opsetid("ai.onnx.ml", 2)]).SerializeToString()
    )


@pytest.mark.parametrize("what", BAD)
def test_what_is_more_than_operators_on_own_weights_is_refused(what):
    with pytest.raises(BundleError, match="asks for"):
        check(BAD[what]().SerializeToString())


def test_weights_elsewhere_without_a_place_are_refused_too():
    tensor = elsewhere()
    del tensor.external_data[:]
    with pytest.raises(BundleError, match="weights in another file"):
        check(network(initializer=[tensor]).SerializeToString())


@pytest.mark.parametrize("content", [b"", b"ORTM", b"\x08\x0a", b"\xff" * 20, b"PK\x03\x04", b"\x0b\x0c", b"{}"])
def test_what_is_no_onnx_file_is_told(content):
    with pytest.raises(BundleError, match="no ONNX file"):
        check(content)


def test_every_beginning_of_a_file_is_refused_or_has_no_operator_left_out():
    whole = network(helper.make_node("Add", ["x", "w"], ["y"]), initializer=[WEIGHT])
    content = whole.SerializeToString()
    for end in range(len(content)):
        try:
            check(content[:end])
        except BundleError:
            continue
        assert onnx.load_from_string(content[:end]).graph.node, "what passes is a whole message"


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400))
def test_noise_never_breaks_the_check(content):
    try:
        check(content)
    except BundleError:
        return
    assert content


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_changed_byte_never_smuggles_weights_from_elsewhere(data):
    content = bytearray(network(initializer=[WEIGHT]).SerializeToString())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] = data.draw(st.integers(0, 255))
    try:
        check(bytes(content))
    except BundleError:
        return
    try:
        read = onnx.load_from_string(bytes(content))
    except Exception:  # the runtime refuses it too
        return
    assert all(
        tensor.data_location == TensorProto.DEFAULT and not tensor.external_data for tensor in read.graph.initializer
    )
