"""The official Python client against broker and proxy. Started by scripts/test/interop.ts, which says where they are."""

import json
import os

import openai
import pytest
from openai import OpenAI
from pydantic import BaseModel

SCENES = json.loads(os.environ["INTEROP_SCENES"])
CHAT = {"model": "demo", "messages": [{"role": "user", "content": "Once upon a time"}], "max_tokens": 8}
TOOLS = [{"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}}]


class Mood(BaseModel):
    sure: bool


def client(endpoint: dict, key: str | None = None) -> OpenAI:
    return OpenAI(base_url=endpoint["baseURL"], api_key=key or endpoint["key"], max_retries=0)


@pytest.fixture(params=sorted(SCENES))
def scene(request: pytest.FixtureRequest) -> dict:
    return SCENES[request.param]


def test_chat(scene: dict) -> None:
    answer = client(scene["demo"]).chat.completions.create(**CHAT)
    assert answer.choices[0].message.content
    assert answer.usage.prompt_tokens + answer.usage.completion_tokens == answer.usage.total_tokens


def test_stream(scene: dict) -> None:
    chunks = list(client(scene["demo"]).chat.completions.create(**CHAT, stream=True, stream_options={"include_usage": True}))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert [chunk.usage for chunk in chunks if chunk.usage][-1].completion_tokens > 0


def test_stream_helper(scene: dict) -> None:
    with client(scene["demo"]).chat.completions.stream(**{**CHAT, "max_tokens": 200}) as stream:
        assert stream.get_final_completion().choices[0].message.content


def test_completions(scene: dict) -> None:
    assert client(scene["demo"]).completions.create(model="demo", prompt="Once", max_tokens=8).choices[0].text


def test_embeddings(scene: dict) -> None:
    answer = client(scene["demo"]).embeddings.create(model="demo", input=["one", "two"])
    assert [len(entry.embedding) > 16 for entry in answer.data] == [True, True]


def test_tool_calls(scene: dict) -> None:
    answer = client(scene["assistant"]).chat.completions.create(**{**CHAT, "model": "assistant"}, tools=TOOLS)
    call = answer.choices[0].message.tool_calls[0].function
    assert (call.name, json.loads(call.arguments)) == ("get_weather", {"city": "Paris"})


def test_structured_output(scene: dict) -> None:
    answer = client(scene["demo"]).chat.completions.parse(**{**CHAT, "max_tokens": 40}, response_format=Mood)
    assert isinstance(answer.choices[0].message.parsed, Mood)


def test_reasoning(scene: dict) -> None:
    answer = client(scene["assistant"]).chat.completions.create(**{**CHAT, "model": "assistant"}, reasoning_effort="low")
    assert answer.choices[0].message.reasoning_content == "first, then"


def test_max_completion_tokens(scene: dict) -> None:
    limited = {"model": "demo", "messages": CHAT["messages"], "max_completion_tokens": 3}
    assert client(scene["demo"]).chat.completions.create(**limited).usage.completion_tokens == 3


def test_models(scene: dict) -> None:
    assert "demo" in [model.id for model in client(scene["demo"]).models.list()]


def test_headers(scene: dict) -> None:
    raw = client(scene["demo"]).chat.completions.with_raw_response.create(**CHAT)
    assert raw.headers.get("zg-res-key") or raw.headers.get("x-0g-verdict") == "accepted"


def test_abort(scene: dict) -> None:
    stream = client(scene["demo"]).chat.completions.create(**{**CHAT, "max_tokens": 500}, stream=True)
    next(iter(stream))
    stream.close()
    assert client(scene["demo"]).chat.completions.create(**CHAT).choices


@pytest.mark.parametrize(
    ("change", "kind", "status"),
    [
        ({"max_tokens": -1}, openai.BadRequestError, 400),
        ({"model": "no-such-model"}, openai.NotFoundError, 404),
    ],
)
def test_errors(scene: dict, change: dict, kind: type[openai.APIStatusError], status: int) -> None:
    with pytest.raises(kind) as caught:
        client(scene["demo"]).chat.completions.create(**{**CHAT, **change})
    assert caught.value.status_code == status
    assert caught.value.code


def test_authentication(scene: dict) -> None:
    with pytest.raises(openai.AuthenticationError):
        client(scene["demo"], scene["keys"]["wrong"]).chat.completions.create(**CHAT)


def test_server_error(scene: dict) -> None:
    with pytest.raises(openai.InternalServerError):
        client(scene["assistant"]).chat.completions.create(**{**CHAT, "model": "broken"})


def test_rate_limit() -> None:
    scene = SCENES["broker"]
    limited = client(scene["demo"], scene["keys"]["limited"])
    limited.chat.completions.create(**CHAT)
    with pytest.raises(openai.RateLimitError):
        limited.chat.completions.create(**CHAT)


def test_payment() -> None:
    scene = SCENES["broker"]
    with pytest.raises(openai.APIStatusError) as caught:
        client(scene["demo"], scene["keys"]["poor"]).chat.completions.create(**CHAT)
    assert caught.value.status_code == 402
