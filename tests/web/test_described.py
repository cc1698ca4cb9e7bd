"""The API does what its description says, for what a machine thinks of; `benchmarks/fuzz_api.py` asks longer."""

import warnings

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from raravis.web import answers, api
from raravis.web.limits import Limits

schemathesis = pytest.importorskip("schemathesis")
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance  # noqa: E402


@pytest.fixture(scope="module")
def schema(small_app):
    return schemathesis.openapi.from_asgi("/openapi.json", small_app)


@pytest.fixture(scope="module")
def small_app(tmp_path_factory, quick):
    app, kept = quick(tmp_path_factory.mktemp("described"))
    yield app
    kept.close()


@pytest.mark.parametrize("path", ["/api/v1/identify", "/api/v1/corrections", "/api/v1/corrections/{number}"])
def test_every_call_does_what_is_described(schema, path, draw):
    photos = {"files": [draw()], "file": draw()}
    for operation in schema.get_all_operations():
        call = operation.ok()
        if call.path != path or call.method == "get":
            continue

        @settings(
            max_examples=15,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=call.as_strategy(), real=st.booleans())
        def tried(case, real):
            without = [positive_data_acceptance]  # no schema says what a photograph is
            if real and isinstance(case.body, dict):  # by itself it thinks of none
                case.body |= {name: some for name, some in photos.items() if name in case.body}
                without.append(negative_data_rejection)
            case.call_and_validate(excluded_checks=without)

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # its own, of what it could not generate
            tried()


def _asked(node):
    """Every schema that a description of calls refers to."""
    if isinstance(node, dict):
        yield from [node["$ref"]] if "$ref" in node else []
        node = list(node.values())
    if isinstance(node, list):
        for one in node:
            yield from _asked(one)


def test_every_answer_has_examples_that_are_whole_answers(small_app):
    described = small_app.openapi()
    names = {where.rpartition("/")[2] for where in _asked(described["paths"])}
    assert names == {"About", "Corrected", "Health", "Identified", "Kept", "Problem"}
    for name in names:
        examples = described["components"]["schemas"][name].get("examples")
        assert examples, name
        for one in examples:
            assert getattr(answers, name).model_validate(one).model_dump(mode="json") == one
    limits = described["components"]["schemas"]["About"]["examples"][0]["limits"]
    assert limits == {name: getattr(Limits(), name) for name in limits}


def test_every_word_that_a_call_takes_has_an_example_that_it_takes(small_app):
    calls = [call for methods in small_app.openapi()["paths"].values() for call in methods.values()]
    bodies = [
        call["requestBody"]["content"]["multipart/form-data"]["schema"] for call in calls if "requestBody" in call
    ]
    fields = [field for body in bodies for field in body["properties"].values()]
    words = [field for field in fields if field["type"] == "string" and "format" not in field]
    assert len(words) == 2
    for schema in words:
        assert schema.get("minLength", 0) <= len(schema["examples"][0]) <= schema["maxLength"]
    (number,) = [one["schema"] for call in calls for one in call.get("parameters", ())]
    assert TypeAdapter(api.Number).validate_python(number["examples"][0], strict=True) == 12


@settings(max_examples=40, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(body=st.binary(max_size=300), cut=st.integers(0, 400))
def test_bodies_that_are_nearly_forms_are_refused_in_words(small_client, body, cut):
    head = b'--e\r\nContent-Disposition: form-data; name="files"; filename="a.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'
    whole = head + body + b"\r\n--e--\r\n"
    for sent in (whole, whole[:cut], body):
        answer = small_client(sent)
        assert answer.status_code in (400, 413, 415)
        assert set(answer.json()) == {"detail"}


@pytest.fixture(scope="module")
def small_client(small_app):
    import asyncio

    import httpx

    def post(body):
        async def work():
            transport = httpx.ASGITransport(app=small_app)
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
                head = {"Content-Type": "multipart/form-data; boundary=e"}
                return await client.post("/api/v1/identify", content=body, headers=head)

        return asyncio.run(work())

    return post
