"""CLIP networks of open_clip on keras-hub: the same features, the same tokens, and nothing that could execute is read.

The fixture was made by `make_open_clip_fixture.py`: random weights of the smallest sizes, and what open_clip makes of
images and tokens with them.
"""

import json
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest

from raravis import backbones, engine, runtimes
from raravis.backbones import _open_clip, bioclip
from raravis.backbones._tokenizer import Tokenizer
from raravis.errors import OfflineError, UsageError

pytest.importorskip("keras_hub", reason="the extra 'hub' is not installed")
pytestmark = pytest.mark.engine

FIXTURE = Path(__file__).parent / "fixtures" / "open_clip"


@pytest.fixture
def folder(tmp_path):
    return Path(shutil.copytree(FIXTURE, tmp_path / "bioclip"))


@pytest.fixture(scope="module")
def clip():
    return _open_clip.read_config(FIXTURE / _open_clip.CONFIG)


@pytest.fixture(scope="module")
def tensors():
    return _open_clip.read_tensors(FIXTURE / _open_clip.WEIGHTS)


@pytest.fixture(scope="module")
def expected():
    return np.load(FIXTURE / "expected.npz")


def test_both_towers_give_what_open_clip_gives(clip, tensors, expected):
    image = _open_clip.image_tower(clip, size=32, tensors=tensors)
    text = _open_clip.text_tower(clip, tensors)
    np.testing.assert_allclose(image.predict(expected["images"], verbose=0), expected["image_features"], atol=1e-5)
    np.testing.assert_allclose(text.predict(expected["tokens"], verbose=0), expected["text_features"], atol=1e-5)


def test_it_is_a_backbone_with_its_preprocessing_inside(folder, clip, tensors):
    images = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3)).astype(np.uint8)
    made = backbones.extractor("bioclip", size=32, weights=str(folder)).predict(images, verbose=0)
    mean, spread = np.array([0.48145466, 0.4578275, 0.40821073]), np.array([0.26862954, 0.26130258, 0.27577711])
    scaled = ((images / 255 - mean) / spread).astype(np.float32)
    tower = _open_clip.image_tower(clip, size=32, tensors=tensors)
    np.testing.assert_allclose(made, tower.predict(scaled, verbose=0), atol=1e-4)


def test_the_file_and_its_folder_are_the_same_and_the_folder_of_weights_is_looked_into(folder, monkeypatch):
    assert bioclip.located("bioclip", str(folder)) == folder / _open_clip.WEIGHTS
    assert bioclip.located("bioclip", str(folder / _open_clip.WEIGHTS)) == folder / _open_clip.WEIGHTS
    assert "bioclip" not in backbones.at_hand()
    monkeypatch.setenv("RARAVIS_WEIGHTS", str(folder.parent))
    assert "bioclip" in backbones.at_hand()
    assert bioclip.located("bioclip", "imagenet") == folder / _open_clip.WEIGHTS


def test_settings_that_change_nothing_are_read(folder, clip):
    config("vision_cfg", pool_type="tok", attentional_pool=False, patch_dropout=0.5, timm_model_name=None)(folder)
    config("text_cfg", pool_type="argmax", no_causal_mask=False)(folder)
    assert _open_clip.read_config(folder / _open_clip.CONFIG) == clip


def test_images_are_scaled_as_the_checkpoint_says(folder, clip, tensors):
    about = json.loads((folder / _open_clip.CONFIG).read_text())
    about["preprocess_cfg"] = {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.25, 0.5]}
    (folder / _open_clip.CONFIG).write_text(json.dumps(about))
    images = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3)).astype(np.uint8)
    made = backbones.extractor("bioclip", size=32, weights=str(folder)).predict(images, verbose=0)
    scaled = ((images / 255 - 0.5) / np.array([0.5, 0.25, 0.5])).astype(np.float32)
    tower = _open_clip.image_tower(clip, size=32, tensors=tensors)
    np.testing.assert_allclose(made, tower.predict(scaled, verbose=0), atol=1e-4)


def test_another_size_resizes_the_places(clip, tensors, expected):
    larger = _open_clip.image_tower(clip, size=64, tensors=tensors)
    images = np.repeat(np.repeat(expected["images"], 2, axis=1), 2, axis=2)
    made = larger.predict(images, verbose=0)
    assert made.shape == (2, 8)
    assert np.isfinite(made).all()
    with pytest.raises(UsageError, match="take 32"):
        _open_clip.image_tower(clip, size=35, tensors=tensors)


def test_a_saved_image_tower_is_the_same(folder, tmp_path):
    model = backbones.extractor("bioclip", size=32, weights=str(folder))
    images = np.random.default_rng(1).integers(0, 256, (2, 32, 32, 3)).astype(np.uint8)
    before = model.predict(images, verbose=0)
    model.save(tmp_path / "tower.keras")
    again = engine.keras().saving.load_model(tmp_path / "tower.keras", compile=False)
    np.testing.assert_allclose(again.predict(images, verbose=0), before, atol=1e-5)


def test_an_exported_image_tower_is_the_same(folder):
    if "onnxruntime" not in runtimes.at_hand() or engine.keras().backend.backend() != "tensorflow":
        pytest.skip("the runtime onnxruntime is not at hand for this backend")
    model = backbones.extractor("bioclip", size=32, weights=str(folder))
    images = np.random.default_rng(2).integers(0, 256, (3, 32, 32, 3)).astype(np.uint8)
    exported = runtimes.prepare("onnxruntime", model)
    np.testing.assert_allclose(exported(images), model.predict(images, verbose=0), atol=1e-5)


def test_random_weights_have_the_published_sizes(monkeypatch):
    seen = []
    monkeypatch.setattr(bioclip._open_clip, "image_tower", lambda clip, size: seen.append(clip))
    bioclip.build("bioclip", size=224, weights="none")
    bioclip.build("bioclip2", size=224, weights="none")
    assert [(c.image.width, c.image.layers, c.image.patch, c.features) for c in seen] == [
        (768, 12, 16, 512),
        (1024, 24, 14, 768),
    ]


def test_tokens_are_those_of_the_vocabulary():
    tokens = Tokenizer(FIXTURE, length=12)(["Felidae", "  la&amp;no \n rana ", "a" * 40])
    vocabulary = json.loads((FIXTURE / "vocab.json").read_text())
    start, end = vocabulary["<|startoftext|>"], vocabulary["<|endoftext|>"]
    told = [vocabulary[t] for t in ("f", "e", "l", "idae</w>")]
    assert tokens[0].tolist() == [start, *told, end, *[0] * 6]
    assert tokens.shape == (3, 12)
    assert (tokens[2, 0], tokens[2, -1]) == (start, end)
    ampersand = tokens[1].tolist()
    assert ampersand[1:3] == [vocabulary["l"], vocabulary["a</w>"]]


def test_features_of_names_are_means_of_length_one(folder, clip, tensors):
    texts = [["felidae", "a photo of felidae"], ["canidae", "canidae"]]
    found, scale = backbones.text_features("bioclip", str(folder), texts)
    assert found.shape == (2, 8)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    assert scale == pytest.approx(1 / 0.07, rel=1e-4)
    tokens = Tokenizer(folder, length=clip.text.length)(texts[0])
    one = _open_clip.text_tower(clip, tensors).predict(tokens, verbose=0)
    one /= np.linalg.norm(one, axis=1, keepdims=True)
    np.testing.assert_allclose(found[0], one.mean(0) / np.linalg.norm(one.mean(0)), atol=1e-5)


def test_who_does_not_read_is_told(folder):
    with pytest.raises(UsageError, match="reads no names; one of these does: bioclip"):
        backbones.text_features("MobileNetV2", "imagenet", [["felidae"]])
    with pytest.raises(UsageError, match="know no names"):
        backbones.text_features("bioclip", "none", [["felidae"]])


def test_offline_says_what_to_do(monkeypatch):
    def down(*_, **__):
        raise ConnectionError("no network")

    monkeypatch.setattr("huggingface_hub.snapshot_download", down)
    with pytest.raises(OfflineError, match="imageomics/bioclip-2 into the folder bioclip-2 in RARAVIS_WEIGHTS"):
        backbones.build("bioclip2", size=224, weights="imagenet")


class Bomb:
    def __reduce__(self):
        return (Path("/nowhere/boom").touch, ())


@pytest.mark.parametrize("name", ["weights.pt", "weights.bin", "weights.pkl"])
def test_pickles_are_refused_unread(folder, name):
    (folder / name).write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(UsageError, match=r"only \.safetensors"):
        backbones.build("bioclip", size=32, weights=str(folder / name))


def test_a_pickle_that_calls_itself_safetensors_is_refused(folder):
    (folder / _open_clip.WEIGHTS).write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(UsageError, match="damaged or no safetensors"):
        backbones.build("bioclip", size=32, weights=str(folder))


def cut_short(folder):
    file = folder / _open_clip.WEIGHTS
    file.write_bytes(file.read_bytes()[:-100])


def rewritten(change):
    def damage(folder):
        from safetensors.numpy import load_file, save_file

        held = load_file(folder / _open_clip.WEIGHTS)
        change(held)
        save_file(held, folder / _open_clip.WEIGHTS)

    return damage


def other_config(folder):
    about = json.loads((folder / _open_clip.CONFIG).read_text())
    about["model_cfg"]["vision_cfg"]["width"] = 24
    (folder / _open_clip.CONFIG).write_text(json.dumps(about))


def timm_config(folder):
    about = json.loads((folder / _open_clip.CONFIG).read_text())
    about["model_cfg"]["vision_cfg"]["timm_model_name"] = "convnext"
    (folder / _open_clip.CONFIG).write_text(json.dumps(about))


def config(part, *gone, **settings):
    def change(folder):
        about = json.loads((folder / _open_clip.CONFIG).read_text())
        place = about["model_cfg"] if part == "model_cfg" else about["model_cfg"][part]
        place.update(settings)
        for name in gone:
            del place[name]
        (folder / _open_clip.CONFIG).write_text(json.dumps(about))

    return change


def preprocessing(value):
    def change(folder):
        about = json.loads((folder / _open_clip.CONFIG).read_text())
        (folder / _open_clip.CONFIG).write_text(json.dumps({**about, "preprocess_cfg": value}))

    return change


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (rewritten(lambda t: t["visual.ln_pre.bias"].__setitem__(0, np.nan)), "NaN or infinity in visual.ln_pre.bias"),
        (rewritten(lambda t: t["ln_final.bias"].__setitem__(0, np.inf)), "NaN or infinity in ln_final.bias"),
        (config("vision_cfg", pool_type="avg"), "vision_cfg: pool_type = 'avg' is not understood"),
        (config("text_cfg", pool_type="last"), "text_cfg: pool_type"),
        (config("text_cfg", no_causal_mask=True), "text_cfg: no_causal_mask"),
        (config("vision_cfg", attentional_pool=True), "attentional_pool"),
        (config("model_cfg", multimodal_cfg={"width": 8}), "multimodal_cfg"),
        (cut_short, "damaged or no safetensors"),
        (rewritten(lambda t: t.pop("visual.proj")), "no tensor visual.proj"),
        (rewritten(lambda t: t.update({"visual.extra": np.zeros(3, np.float32)})), "no visual.extra"),
        (rewritten(lambda t: t.update({"visual.ln_pre.bias": np.zeros(3, np.float32)})), "ln_pre.bias of shape"),
        (other_config, "of another network"),
        (timm_config, "timm_model_name = 'convnext' is not understood"),
        (lambda folder: (folder / _open_clip.CONFIG).write_text("{"), "does not tell the sizes"),
        (lambda folder: (folder / _open_clip.CONFIG).unlink(), "does not tell the sizes"),
        (lambda folder: (folder / _open_clip.WEIGHTS).unlink(), "is not there"),
    ],
)
def test_a_checkpoint_that_is_damaged_or_another_is_told(folder, damage, told):
    damage(folder)
    with pytest.raises(UsageError, match=told):
        backbones.build("bioclip", size=32, weights=str(folder))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (config("vision_cfg", "head_width"), "vision_cfg: head_width = 64 does not divide width = 16"),
        (config("vision_cfg", patch_size=0), "vision_cfg.patch_size = 0: input should be greater than 0"),
        (config("vision_cfg", layers="2"), "vision_cfg.layers = '2': input should be a valid integer"),
        (config("vision_cfg", layers=[3, 4]), r"vision_cfg.layers = \[3, 4\]: input should be a valid integer"),
        (config("vision_cfg", width=True), "vision_cfg.width = True: input should be a valid integer"),
        (config("vision_cfg", "patch_size"), "vision_cfg.patch_size: field required"),
        (config("vision_cfg", mlp_ratio=0.01), "vision_cfg.mlp_ratio = 0.01: input should be greater"),
        (config("vision_cfg", mlp_ratio=float("inf")), "vision_cfg.mlp_ratio = inf: input should be a finite"),
        (config("text_cfg", heads=3), "text_cfg: heads = 3 does not divide width = 16"),
        (config("text_cfg", vocab_size=-1), "text_cfg.vocab_size = -1: input should be greater than 0"),
        (config("model_cfg", embed_dim="8"), "model_cfg.embed_dim = '8': input should be a valid integer"),
        (config("model_cfg", text_cfg=None), "model_cfg.text_cfg = None"),
        (config("model_cfg", vision_cfg=[]), r"model_cfg.vision_cfg = \[\]"),
        (preprocessing(None), "preprocess_cfg = None"),
        (preprocessing({"mean": [0.5, 0.5]}), r"preprocess_cfg.mean.2: field required"),
        (preprocessing({"std": [0.5, 0, 0.5]}), r"preprocess_cfg.std.1 = 0.*: input should be greater than 0"),
        (lambda folder: (folder / _open_clip.CONFIG).write_text("[]"), r"the file = \[\]: input should be an object"),
        (lambda folder: (folder / _open_clip.CONFIG).write_bytes(b"\xff"), "the file: invalid JSON"),
    ],
)
def test_a_setting_that_cannot_be_is_named_with_its_file(folder, change, told):
    change(folder)
    with pytest.raises(UsageError, match=f"{_open_clip.CONFIG} does not tell .*{told}"):
        backbones.text_features("bioclip", str(folder), [["felidae"]])
    with pytest.raises(UsageError, match=told):
        backbones.build("bioclip", size=32, weights=str(folder))


def test_a_missing_vocabulary_is_told(folder):
    (folder / "merges.txt").unlink()
    with pytest.raises(UsageError, match=r"vocab\.json and merges\.txt"):
        backbones.text_features("bioclip", str(folder), [["felidae"]])
