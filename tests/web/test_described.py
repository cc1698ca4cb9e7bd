"""The API does what its description says, for what a machine thinks of; `benchmarks/fuzz_api.py` asks longer."""

import warnings

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

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
