"""The plan of the study: what `--set` means, what stands in for what, what is compared with what."""

import pytest

from raravis import recipe
from raravis.errors import RecipeError
from raravis.study import plan


def names(parts):
    return [part.name for part in parts]


def parts(changes=(), at_hand=lambda name: True, stand_in=None):
    return plan.parts(plan.settings(changes), seed=3, at_hand=at_hand, stand_in=stand_in)


def test_with_all_weights_at_hand_every_recipe_runs_as_it_is():
    found = parts()
    assert names(found) == list(plan.RUNS)
    for part in found:
        assert part.recipe == recipe.load(part.name, seed=3)
        assert part.published == part.recipe.published
        assert (part.note, part.counts) == ("", True)


def test_a_stand_in_takes_the_place_and_says_so():
    found = {p.name: p for p in parts(at_hand=lambda name: name != "ResNet50", stand_in="MobileNetV2")}
    part = found["resnet50_as_published_on_mobilenetv2"]
    assert part.recipe.model.backbone == "MobileNetV2"
    assert (part.recipe.model.images, part.recipe.model.preprocess, part.recipe.model.hidden) == ("0-1", False, 256)
    assert "MobileNetV2 in the place of ResNet50" in part.note
    assert "resnet50" not in found
    assert "efficientnet_b3" in found


def test_without_weights_the_network_is_only_checked_and_never_counted():
    found = {p.name: p for p in parts(at_hand=lambda name: False)}
    check = found["resnet50_random"]
    assert check.recipe.model.weights == "none"
    assert (check.recipe.train.epochs, check.recipe.finetune.layers, check.recipe.model.learn) == (2, 0, "all")
    assert not check.counts
    assert check.published is None
    assert "not a result" in check.note
    assert not [name for name in found if "_on_" in name or name == "resnet50"]


def test_every_mistake_has_both_sides():
    found = parts(at_hand=lambda name: False, stand_in="MobileNetV2")
    sides = {mistake: (bad.name, good.name) for mistake, bad, good in plan.pairs(found)}
    assert len(sides) == len(plan.MISTAKES)
    assert ("basic_cnn", "basic_cnn_patient") in sides.values()
    assert ("resnet50_as_published_on_mobilenetv2", "resnet50_on_mobilenetv2") in sides.values()
    assert not plan.pairs(parts(at_hand=lambda name: False, changes=["runs=resnet50,resnet50_as_published"]))


@pytest.mark.parametrize(("bad", "good"), [(bad, good) for _, bad, good in plan.MISTAKES if "as_published" in bad])
def test_a_mended_pretrained_recipe_differs_in_what_the_backbone_is_given_alone(bad, good):
    one, other = (recipe.load(name).model_dump(exclude={"description", "published"}) for name in (bad, good))
    model, mended = one.pop("model"), other.pop("model")
    assert one == other
    assert {key for key in model if model[key] != mended[key]} <= {"images", "preprocess"}
    assert (mended["images"], mended["preprocess"]) == ("0-255", True)


def test_patience_alone_tells_the_patient_recipe_from_the_study_s():
    one, other = (recipe.load(name).model_dump() for name in ("basic_cnn", "basic_cnn_patient"))
    assert (one["train"].pop("patience"), other["train"].pop("patience")) == (3, 10)
    for key in ("model", "train", "augment", "sample", "data"):
        assert one[key] == other[key]


def test_changes_reach_every_recipe_or_one():
    found = {p.name: p.recipe for p in parts(["data.size=64", "basic_cnn.train.epochs=7", "length=0.1"])}
    assert {r.data.size for r in found.values()} == {64}
    assert found["basic_cnn"].train.epochs == 7
    assert found["parallel_cnn"].train.epochs == 2  # a tenth of 15, rounded up
    assert found["resnet50"].finetune.epochs == 1


def test_the_comparison_has_its_own_settings():
    wanted = plan.settings(
        ["compare.pipelines=none,one", "compare.repeats=2", "compare.train.epochs=4", "data.size=32"]
    )
    assert (wanted.pipelines, wanted.repeats) == (("none", "one"), 2)
    assert plan.yardstick(wanted) == {"train.epochs": 4, "finetune.epochs": 5, "data.size": 32}
    assert plan.settings(["compare.pipelines=none"]).without_comparison
    assert not wanted.without_comparison


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("basic_cn.train.epochs=2", "Did you mean 'basic_cnn'"),
        ("runs=basic_cm", "Did you mean 'basic_cnn'"),
        ("compare.pipelines=onne", "Did you mean"),
        ("length=0", "factor above 0"),
        ("length=long", "factor above 0"),
        ("compare.repeats=0", "whole number from 1"),
        ("data", "section.field=value"),
        ("data.size=-1", "data.size"),
        ("basic_cnn.model.dropot=1", "Did you mean 'dropout'"),
    ],
)
def test_faults_are_named(change, named):
    with pytest.raises(RecipeError, match=named):
        parts([change])
