"""Recipes: every fault names its field; what is written reads back the same."""

import pytest

from raravis import recipe
from raravis.errors import RecipeError


@pytest.mark.parametrize("name", recipe.names())
def test_every_named_recipe_is_valid_described_and_reads_back(name, tmp_path):
    wanted = recipe.load(name)
    assert wanted.description
    file = tmp_path / "recipe.toml"
    file.write_text(wanted.toml(), encoding="utf-8")
    assert recipe.load(file) == wanted


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("model.dropout=1.3", "model.dropout"),
        ("model.dropot=0.3", "Did you mean 'dropout'"),
        ("train.epocs=3", "Did you mean 'epochs'"),
        ("model.name=basic_cn", "Did you mean 'basic_cnn'"),
        ("augment.pipeline=on", "augment.pipeline"),
        ("data.size=-3", "data.size"),
        ("data.fit=stretch", "data.fit"),
        ("train.patience=many", "train.patience"),
        ("trian.epochs=3", "Did you mean 'train'"),
        ("split.fractions=[0.7, 0.3]", "split.fractions"),
        ("epochs", "section.field=value"),
        ("seed.of=1", "seed: input should be a valid integer"),
    ],
)
def test_a_fault_names_its_field(change, named):
    with pytest.raises(RecipeError, match="(?s).*" + named.replace("(", r"\(")):
        recipe.load("basic_cnn", [change])


def test_set_changes_numbers_texts_and_lists():
    changed = recipe.load("basic_cnn", ["model.dropout=0.3", "data.fit=pad", "model.filters=[8, 16]"], seed=7)
    assert (changed.model.dropout, changed.model.filters) == (0.3, (8, 16))
    assert (changed.data.fit, changed.seed) == ("pad", 7)


def test_one_name_is_a_list_of_one():
    made = recipe.load("probe", ["model.heads=knn", "model.backbones=bioclip"]).model
    assert (made.heads, [source.name for source in made.backbones]) == (("knn",), ["bioclip"])


def test_a_value_with_equals_sign_and_blanks_is_kept():
    assert recipe.load("frozen", ["model.weights=/a b/x=1.h5"]).model.weights == "/a b/x=1.h5"


def test_an_unknown_recipe_lists_the_known_ones():
    with pytest.raises(RecipeError, match="basic_cnn"):
        recipe.load("basik_cnn")


def test_a_missing_or_broken_file_is_one_clear_error(tmp_path):
    with pytest.raises(RecipeError, match=r"gone\.toml"):
        recipe.load(tmp_path / "gone.toml")
    broken = tmp_path / "broken.toml"
    broken.write_text("[model\n")
    with pytest.raises(RecipeError, match="no valid TOML"):
        recipe.load(broken)


def test_a_file_that_notepad_saved_is_read(tmp_path):
    """It puts a byte order mark first."""
    file = tmp_path / "mine.toml"
    file.write_text('\ufeff[model]\nname = "basic_cnn"\n', encoding="utf-8")
    assert recipe.load(file).model.name == "basic_cnn"


def test_a_recipe_without_a_model_says_so(tmp_path):
    empty = tmp_path / "empty.toml"
    empty.write_text("")
    with pytest.raises(RecipeError, match="model"):
        recipe.load(empty)


def test_the_study_settings_of_basic_cnn():
    study = recipe.load("basic_cnn")
    assert (study.data.size, study.train.batch_size, study.augment.pipeline) == (224, 64, "one")
    assert (study.train.optimizer, study.train.monitor, study.train.patience) == ("adam", "val_accuracy", 3)
    assert study.split.fractions == (0.7, 0.15, 0.15)
    assert study.model.dropout == 0.5


def test_defaults_learn_as_ever():
    plain = recipe.load("basic_cnn").train
    assert (plain.schedule, plain.warmup, plain.ema, plain.accumulate, plain.loss) == (
        "exponential",
        0.0,
        0.0,
        1,
        "cross_entropy",
    )
    assert (plain.auxiliary, plain.sizes, plain.precision, plain.weight_decay_on) == (0.0, (), "float32", "all")


@pytest.mark.parametrize(
    ("name", "changes", "told"),
    [
        ("basic_cnn", {"train.warmup": 30}, "warmup takes all of the 30 epochs"),
        ("basic_cnn", {"train.schedule": "cosine", "train.decay": 0.9}, "leave it out with cosine"),
        ("basic_cnn", {"train.loss": "balanced_softmax", "train.class_weights": True}, "choose one"),
        ("basic_cnn", {"train.sizes": [32] * 31}, "31 sizes for 30 epochs"),
        ("basic_cnn", {"train.sizes": [256]}, "256 is more than data.size, 224"),
        ("basic_cnn", {"train.sizes": [8]}, "train.sizes.0: input should be greater than or equal to 16"),
        ("frozen", {"train.sizes": [96]}, "built for one size"),
        ("frozen", {"train.auxiliary": 0.1}, "nothing before the embedding learns"),
        ("frozen", {"finetune.layers": "most"}, "finetune.layers"),
        ("frozen", {"finetune.layers": "all", "finetune.warmup": 5}, "finetune.warmup: it takes all of the 5 epochs"),
        ("frozen", {"finetune.pipeline": "flop"}, "Did you mean 'flip'"),
        ("frozen", {"finetune.layer_decay": 1.5}, "finetune.layer_decay"),
        ("modern_cnn", {"model.blocks": [1]}, "filters has 3 stages and blocks 1"),
    ],
)
def test_what_contradicts_itself_is_told(name, changes, told):
    with pytest.raises(RecipeError) as raised:
        recipe.load(name, changes)
    assert told in str(raised.value)


def test_the_second_phase_is_the_first_but_for_what_it_states():
    wanted = recipe.load("finetuned", {"train.patience": 7, "finetune.schedule": "exponential"})
    second = wanted.finetuning
    assert (second.epochs, second.learning_rate, second.warmup, second.schedule) == (12, 3e-4, 1, "exponential")
    assert (second.patience, second.ema, second.optimizer) == (4, wanted.train.ema, "adamw")
    silent = recipe.load("frozen", {"train.patience": 7, "finetune.layers": 3, "finetune.epochs": 5})
    assert silent.finetuning.patience == 7
    assert wanted.epochs == wanted.train.epochs + 12
