"""A bundle made by hand, without Keras: what it answers, and that nothing but what was exported is ever used."""

import io
import json
import os
import random
import re
import shutil
import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from raravis.errors import BundleError, DataError, RunError, UsageError
from raravis.judge import novelty, sets
from raravis.judge.calibration import Calibration
from raravis.judge.novelty import Known, Seen, unit
from raravis.judge.trust import Trust
from raravis.lineages import Taxonomy
from raravis.serve import folder
from raravis.serve.bundle import open_bundle
from raravis.serve.folder import entry
from raravis.serve.predictor import open_predictor

FAMILIES = ("canidae", "felidae", "strigidae")
SIZE = 8
KERNEL = np.array([[4.0, -1, -2], [-1, 5, -1], [-2, -1, 6]], np.float32)


def softmax(logits):
    grown = np.exp(logits - logits.max(1, keepdims=True))
    return (grown / grown.sum(1, keepdims=True)).astype(np.float32)


def network(kernel=KERNEL, *, evidence=True, size=SIZE, dtype=TensorProto.UINT8):
    """Mean colour → logits; each quarter of the image adds its share."""
    nodes = [
        helper.make_node("Cast", ["image"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["float", "scale"], ["scaled"]),
        helper.make_node("Transpose", ["scaled"], ["nchw"], perm=[0, 3, 1, 2]),
        helper.make_node("AveragePool", ["nchw"], ["pooled"], kernel_shape=[size // 2] * 2, strides=[size // 2] * 2),
        helper.make_node("Transpose", ["pooled"], ["quarters"], perm=[0, 2, 3, 1]),
        helper.make_node("MatMul", ["quarters", "kernel"], ["each"]),
        helper.make_node("Mul", ["each", "quarter"], ["evidence"]),
        helper.make_node("ReduceMean", ["quarters", "axes"], ["embedding"], keepdims=0),
        helper.make_node("MatMul", ["embedding", "kernel"], ["logits"]),
    ]
    weights = {"scale": np.float32(1 / 255), "kernel": kernel, "quarter": np.float32(0.25), "axes": np.array([1, 2])}
    told = {"logits": ["B", 3], "embedding": ["B", 3], "evidence": ["B", 2, 2, 3]}
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("image", dtype, ["B", size, size, 3])],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
            for name, shape in told.items()
            if evidence or name != "evidence"
        ],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9).SerializeToString()


def trust():
    classes = np.arange(300) % 3
    features = unit(np.eye(3)[classes] + np.random.default_rng(0).normal(0, 0.3, (300, 3)))
    logits = (features @ KERNEL).astype(np.float32)
    known = Known(features, classes, 3, Seen(features, logits))
    taxonomy = Taxonomy.of(FAMILIES, {})[0]
    probabilities = softmax(logits)
    nothing = Calibration("none", np.ones((), np.float32), np.zeros(3, np.float32))
    return Trust(
        FAMILIES, taxonomy, nothing, sets.fit(probabilities, classes), novelty.fit("knn", known), probabilities, classes
    )


def remembered(pictures):
    ends = np.cumsum([len(p) for p in pictures]).astype(np.int64)
    return {
        "rows": np.eye(3).astype(np.float16),
        "scale": np.ones(3, np.float32),
        "classes": np.array([0, 1, 2], np.int32),
        "ids": np.arange(96, dtype=np.uint8).reshape(3, 32),
        "license": np.array([0, 1, 1], np.int32),
        "rights_holder": np.array([0, 0, 2], np.int32),
        "names": np.array(["", "CC BY 4.0", "Ada"]),
        "ends": ends,
    }


def sealed(path, **changes):
    """Write `bundle.json` for what lies in a folder."""
    about = {
        "format": folder.FORMAT,
        "version": folder.VERSION,
        "families": list(FAMILIES),
        "taxonomy": Taxonomy.of(FAMILIES, {})[0].record(),
        "preprocessing": {"size": SIZE, "fit": "pad"},
        "outputs": {},
        "digests": {file.name: entry(file) for file in sorted(path.iterdir()) if file.name != folder.ABOUT},
        **changes,
    }
    (path / folder.ABOUT).write_text(json.dumps(about))
    return path


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    path = tmp_path_factory.mktemp("bundle")
    (path / folder.MODEL).write_bytes(network())
    trust().save(path / folder.TRUST)
    pictures = [b"\xff\xd8\xff" + name.encode() for name in FAMILIES]
    np.savez(path / folder.NEIGHBOURS, **remembered(pictures))
    (path / folder.THUMBNAILS).write_bytes(b"".join(pictures))
    (path / folder.LITERT).write_bytes(b"the network for phones")
    (path / folder.CARD).write_text("read me first")
    return sealed(path)


@pytest.fixture
def copy(whole, tmp_path):
    return shutil.copytree(whole, tmp_path / "copy")


def plain(path, **changes):
    """A bundle of a network alone."""
    path.mkdir()
    (path / folder.MODEL).write_bytes(network(evidence=False))
    return sealed(path, **changes)


def colours(*rgb):
    return np.array(rgb, np.uint8)[:, None, None, :].repeat(SIZE, 1).repeat(SIZE, 2)


@pytest.mark.parametrize("count", [0, 1, 2, 5, 37])
@pytest.mark.parametrize(("threads", "served"), [(1, False), (1, True), (4, False), (4, True)])
def test_it_answers_like_the_network_that_it_holds(whole, threads, served, count):
    made = open_bundle(whole, threads=threads)
    if served:
        made.prepare()
    batch = np.random.default_rng(0).integers(0, 256, (count, SIZE, SIZE, 3), np.uint8)
    found = made.answer(batch)
    features = batch.mean((1, 2)) / 255
    np.testing.assert_allclose(found.probabilities, softmax(features @ KERNEL), atol=1e-5)
    np.testing.assert_allclose(found.features, features, atol=1e-5)
    assert found.features.dtype == found.probabilities.dtype == np.float32
    assert found.verdicts is not None
    assert (made.families, made.size, made.fit) == (FAMILIES, SIZE, "pad")
    assert made.lineage("felidae")["order"] == "carnivora"
    with pytest.raises(DataError, match="ursidae"):
        made.lineage("ursidae")


def test_threads_take_images_of_their_own_and_share_layers_only_of_a_few_in_a_service(whole):
    network = open_bundle(whole, threads=3).network
    sessions = {"own": network.session}
    asked = []

    class Watched:
        def __init__(self, name):
            self.name = name

        def run(self, wanted, given, options):
            asked.append((self.name, len(given["image"])))
            return sessions[self.name].run(wanted, given, options)

    network.session = Watched("own")

    def shares(count):
        asked.clear()
        network(np.zeros((count, SIZE, SIZE, 3), np.uint8), ("logits",))
        return sorted(asked)

    assert shares(2) == [("own", 1)] * 2
    assert shares(7) == [("own", 1)] + [("own", 2)] * 3
    network.prepare()
    sessions["shared"], network.shared = network.shared, Watched("shared")
    assert shares(2) == [("shared", 2)]
    assert shares(3) == [("own", 1)] * 3


def test_a_black_photograph_is_unfamiliar_however_sure_the_network_is(whole):
    batch = np.random.default_rng(0).integers(0, 256, (2, SIZE, SIZE, 3), np.uint8)
    batch[1] = 0
    found = open_bundle(whole).answer(batch).verdicts
    assert found.verdict[1] == 2
    assert "nothing is to be seen" in found.reason[1]
    assert "nothing is to be seen" not in found.reason[0]


def test_several_may_ask_at_once(whole):
    made = open_bundle(whole, threads=2)
    made.prepare()
    batches = [np.random.default_rng(n).integers(0, 256, (n % 7, SIZE, SIZE, 3), np.uint8) for n in range(40)]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(made.answer, batches))
    for batch, found in zip(batches, together, strict=True):
        np.testing.assert_allclose(found.probabilities, softmax(batch.mean((1, 2)) / 255 @ KERNEL), atol=1e-5)


def test_a_fault_on_one_of_the_threads_is_one_error(whole):
    network = open_bundle(whole, threads=3).network

    class Faulty:
        def run(self, wanted, given, options):
            raise RuntimeError("no\nmemory")

    network.session = Faulty()
    with pytest.raises(BundleError, match=r"does not run: no memory\.\nExport"):
        network(np.zeros((9, SIZE, SIZE, 3), np.uint8), ("logits",))


def test_the_one_door_opens_bundles_and_passes_promises_on(whole):
    few, many = (open_predictor(whole, coverage=share) for share in (0.5, 0.99))
    batch = np.random.default_rng(1).integers(0, 256, (50, SIZE, SIZE, 3), np.uint8)
    assert few.answer(batch).verdicts.members.sum() < many.answer(batch).verdicts.members.sum()
    with pytest.raises(UsageError, match="coverage is 2"):
        open_bundle(whole, coverage=2)
    with pytest.raises(UsageError, match="--int8"):
        open_predictor(whole, int8=True)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("none", "none is not there; a folder that `raravis train` or"),
        ("empty", "empty holds no run and no bundle (no bundle.json); a folder that `raravis train` or"),
        (
            "bundle.zip",
            "bundle.zip is a file; a folder that `raravis train` or `raravis export` made was expected.\nGive",
        ),
        ("torn", "torn is an incomplete bundle: it holds model.onnx, but no bundle.json.\n"),
    ],
)
def test_where_no_model_is_it_says_what_is_there(tmp_path, name, told):
    (tmp_path / "empty").mkdir()
    (tmp_path / "bundle.zip").write_bytes(b"PK")
    plain(tmp_path / "torn")
    (tmp_path / "torn" / folder.ABOUT).unlink()
    with pytest.raises(RunError, match=re.escape(told)):
        open_predictor(tmp_path / name)
    with pytest.raises(BundleError, match=re.escape(told.partition(";")[0].replace("no run and ", ""))):
        open_bundle(tmp_path / name)


def test_without_trust_it_answers_and_promises_nothing(tmp_path):
    made = open_bundle(plain(tmp_path / "plain"))
    found = made.answer(colours((255, 0, 0)))
    assert found.verdicts is None
    assert found.probabilities.argmax() == 0
    assert made.nearest(found.features, 3) == []
    assert made.heat(colours((255, 0, 0)), np.array([0])) is None
    with pytest.raises(UsageError, match="--accept"):
        open_bundle(tmp_path / "plain", accept=0.9)


def test_its_digest_names_the_model(whole, tmp_path):
    import hashlib

    assert open_bundle(whole).digest == hashlib.sha256((whole / folder.ABOUT).read_bytes()).hexdigest()
    other = plain(tmp_path / "other", name="other")
    assert open_bundle(other).digest != open_bundle(whole).digest


class TestHeat:
    def test_it_lies_where_the_evidence_for_the_family_is(self, whole):
        image = np.full((2, SIZE, SIZE, 3), 90, np.uint8)
        image[:, :4, 4:] = (255, 0, 0)  # top right: speaks for the first family
        image[:, 4:, :4] = (0, 255, 0)  # bottom left: for the second
        first, second = open_bundle(whole).heat(image, np.array([0, 1]))
        assert np.unravel_index(first.argmax(), (2, 2)) == (0, 1)
        assert np.unravel_index(second.argmax(), (2, 2)) == (1, 0)
        assert first.max() == second.max() == 1
        assert first[1, 0] == 0, "what speaks against it is nothing"

    def test_an_image_of_one_colour_has_none(self, whole):
        assert not open_bundle(whole).heat(colours((255, 0, 0), (9, 9, 9)), np.array([0, 1])).any()

    def test_a_family_that_there_is_not(self, whole):
        with pytest.raises(UsageError, match="0 … 2"):
            open_bundle(whole).heat(colours((1, 2, 3)), np.array([3]))


class TestNearest:
    def test_the_most_alike_come_first_with_whose_they_are(self, whole):
        made = open_bundle(whole)
        ((first, second),) = made.nearest(np.array([[0, 1, 5]], np.float32), 2)
        assert (first.family, first.license, first.rights_holder) == ("strigidae", "CC BY 4.0", "Ada")
        assert (second.family, second.license, second.rights_holder) == ("felidae", "CC BY 4.0", "")
        assert first.similarity == pytest.approx(5 / 26**0.5, abs=1e-3)
        assert first.thumbnail == b"\xff\xd8\xffstrigidae"
        assert first.image_id == bytes(range(64, 96)).hex()
        assert len(made.nearest(np.ones((2, 3), np.float32), 9)[1]) == 3

    def test_features_of_another_network(self, whole):
        with pytest.raises(UsageError, match=r"\(B, 3\) were expected"):
            open_bundle(whole).nearest(np.ones((1, 4), np.float32), 1)

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("rows", np.eye(4).astype(np.float16)),
            ("rows", np.eye(3)),
            ("classes", np.array([0, 1, 3], np.int32)),
            ("license", np.array([0, -1, 0], np.int32)),
            ("ends", np.array([1, 2, 3], np.int64)),
            ("ends", np.array([12, 24, 999], np.int64)),
            ("names", np.arange(3)),
        ],
    )
    def test_what_does_not_belong_together_is_told(self, copy, name, value):
        arrays = dict(np.load(copy / folder.NEIGHBOURS)) | {name: value}
        np.savez(copy / folder.NEIGHBOURS, **arrays)
        sealed(copy)
        made = open_bundle(copy)
        for use in (made.prepare, lambda: made.nearest(np.ones((1, 3), np.float32), 1)):
            with pytest.raises(BundleError, match=folder.NEIGHBOURS):
                use()


class TestDamage:
    def test_a_file_that_is_changed_after_opening_is_not_used(self, copy):
        made = open_bundle(copy)
        file = copy / folder.NEIGHBOURS
        file.write_bytes(file.read_bytes()[:-1] + b"?")
        with pytest.raises(BundleError, match=f"{folder.NEIGHBOURS} was changed"):
            made.nearest(np.ones((1, 3), np.float32), 1)

    @pytest.mark.parametrize("name", [name for name in folder.LARGEST if name != folder.ABOUT])
    @pytest.mark.parametrize("how", ["flipped", "cut", "longer", "gone", "empty", "a folder"])
    def test_a_file_that_is_not_the_one_that_was_exported(self, copy, name, how):
        (copy / folder.INT8).write_bytes(network())
        sealed(copy)
        file, content = copy / name, bytearray((copy / name).read_bytes())
        if how == "flipped":
            content[random.Random(name).randrange(len(content))] ^= 1
        file.unlink()
        if how == "a folder":
            file.mkdir()
        elif how != "gone":
            file.write_bytes({"cut": content[:-1], "longer": content + b"\0", "empty": b""}.get(how, content))
        with pytest.raises(BundleError) as caught:
            open_bundle(copy)
        assert len(str(caught.value).splitlines()) <= 2
        assert name in str(caught.value)

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"{",
            b"[]",
            b"null",
            b"[" * 100_000,
            b'{"format": "raravis bundle"}',
            b'{"format": "raravis bundle", "version": 99}',
            b"\xff\xfe\x00",
        ],
    )
    def test_a_description_that_is_none(self, copy, content):
        (copy / folder.ABOUT).write_bytes(content)
        with pytest.raises(BundleError, match=folder.ABOUT):
            open_bundle(copy)

    @pytest.mark.parametrize(
        "changes",
        [
            {"families": []},
            {"families": list(reversed(FAMILIES))},
            {"families": [*FAMILIES, "strigidae"]},
            {"families": ["canidae", "felidae", "x" * 300]},
            {"families": ["canidae", "felidae", "stri\ngidae"]},
            {"families": "canidae"},
            {"families": ["canidae", "felidae", 3]},
            {"families": [f"{n:07}" for n in range(100_001)]},
            {"preprocessing": {"size": 10**9, "fit": "pad"}},
            {"preprocessing": {"size": True, "fit": "pad"}},
            {"preprocessing": {"size": 8.0, "fit": "pad"}},
            {"preprocessing": {"size": 8, "fit": "../../etc"}},
            {"preprocessing": {"size": float("nan"), "fit": "pad"}},
            {"digests": {}},
            {"digests": ["model.onnx"]},
            {"digests": {"../../etc/passwd": {"bytes": 1, "sha256": ""}}},
            {"digests": {"model.onnx": {"bytes": "1", "sha256": ""}}},
            {"digests": {"model.onnx": None}},
            {"taxonomy": {}},
            {"taxonomy": []},
            {"taxonomy": [{"family": 3}] * 3},
            {"outputs": None},
        ],
        ids=lambda changes: str(changes)[:40],
    )
    def test_a_description_that_makes_no_sense(self, copy, changes):
        sealed(copy, **changes)
        with pytest.raises(BundleError) as caught:
            open_bundle(copy)
        assert len(str(caught.value)) < 1000

    @pytest.mark.parametrize("what", ["missing", "empty folder", "file", "run"])
    def test_what_is_no_bundle(self, tmp_path, what):
        path = tmp_path / "x"
        {"missing": lambda: 0, "empty folder": path.mkdir, "run": path.mkdir, "file": lambda: path.write_text("x")}[
            what
        ]()
        with pytest.raises(BundleError, match="raravis export"):
            open_bundle(path)

    def test_a_bundle_error_is_what_callers_of_runs_catch(self):
        assert issubclass(BundleError, RunError)


class TestStrangers:
    """Whoever makes a bundle writes its digests too: what they vouch for is checked for sense all the same."""

    @pytest.mark.parametrize(
        "content",
        [
            b"no network",
            network(size=16),
            network(dtype=TensorProto.FLOAT),
            network(np.ones((3, 4), np.float32)),
        ],
        ids=["noise", "another size", "another dtype", "more families"],
    )
    def test_a_network_that_does_not_suit(self, copy, content):
        (copy / folder.MODEL).write_bytes(content)
        sealed(copy)
        with pytest.raises(BundleError):
            open_bundle(copy)

    def test_a_network_with_weights_in_another_file(self, copy):
        import onnx

        model = onnx.load_from_string(network())
        tensor = model.graph.initializer[1]
        secret = copy.parent / "secret"
        secret.write_bytes(tensor.raw_data)
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        found = tensor.external_data.add()
        found.key, found.value = "location", "../secret"
        (copy / folder.MODEL).write_bytes(model.SerializeToString())
        sealed(copy)
        with pytest.raises(BundleError, match="weights in another file"):
            open_bundle(copy)

    def test_a_network_that_gives_no_numbers(self, copy):
        (copy / folder.MODEL).write_bytes(network(KERNEL * np.float32("nan")))
        sealed(copy)
        with pytest.raises(BundleError, match="no finite numbers"):
            open_bundle(copy).answer(colours((1, 2, 3)))

    def test_arrays_that_would_execute_are_not_read(self, copy):
        ran = copy.parent / "ran"

        class Evil:
            def __reduce__(self):
                return os.mkdir, (str(ran),)

        arrays = dict(np.load(copy / folder.TRUST))
        np.savez(copy / folder.TRUST, **(arrays | {"classes": np.array([Evil()], object)}))
        sealed(copy)
        with pytest.raises(BundleError, match=folder.TRUST):
            open_bundle(copy)
        assert not ran.exists()

    def test_arrays_that_would_grow_when_opened_are_not_opened(self, copy):
        arrays = dict(np.load(copy / folder.TRUST))
        np.savez_compressed(copy / folder.TRUST, **arrays, more=np.zeros(10**7))
        sealed(copy)
        with pytest.raises(BundleError, match="compressed"):
            open_bundle(copy)

    def test_arrays_that_claim_more_than_they_hold(self, copy):
        held = io.BytesIO()
        np.lib.format.write_array_header_1_0(held, {"descr": "<f8", "fortran_order": False, "shape": (10**12,)})
        with zipfile.ZipFile(copy / folder.NEIGHBOURS, "w") as packed:
            packed.writestr("rows.npy", held.getvalue())
        sealed(copy)
        with pytest.raises(BundleError, match=folder.NEIGHBOURS):
            open_bundle(copy).nearest(np.ones((1, 3), np.float32), 1)

    def test_trust_of_another_network(self, copy):
        arrays = dict(np.load(copy / folder.TRUST))
        for change in ({"novelty/kept/rows": np.ones((5, 7), np.float32)}, {"probabilities": np.ones((300, 9))}):
            np.savez(copy / folder.TRUST, **(arrays | change))
            sealed(copy)
            with pytest.raises(BundleError, match=folder.TRUST):
                open_bundle(copy)

    def test_a_link_that_leads_nowhere_good(self, copy):
        (copy / folder.THUMBNAILS).unlink()
        os.mkfifo(copy / folder.THUMBNAILS)  # reading it would wait for ever
        with pytest.raises(BundleError, match="no regular file"):
            open_bundle(copy)

    @pytest.mark.parametrize("name", [folder.MODEL, folder.NEIGHBOURS])
    def test_a_file_that_is_too_large_is_not_read(self, copy, monkeypatch, name):
        monkeypatch.setitem(folder.LARGEST, name, 100)
        with pytest.raises(BundleError, match=rf"{name} has more than the 100 bytes"):
            open_bundle(copy)


def test_wrong_images_are_told(whole):
    made = open_bundle(whole)
    for batch in (np.zeros((1, 4, 4, 3), np.uint8), np.zeros((1, SIZE, SIZE, 3), np.float32)):
        with pytest.raises(UsageError, match=r"uint8 \(B, 8, 8, 3\)"):
            made.answer(batch)


def test_no_engine_is_loaded_to_answer(whole):
    code = (
        "import sys, numpy as np; from raravis.serve.bundle import open_bundle; "
        f"made = open_bundle({str(whole)!r}); made.answer(np.zeros((1, 8, 8, 3), np.uint8)); "
        "print(sorted({'keras', 'tensorflow', 'onnx', 'matplotlib', 'pydantic', 'raravis.run'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr
