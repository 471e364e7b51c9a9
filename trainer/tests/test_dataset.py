import json
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from zg_trainer.chat import Message
from zg_trainer.dataset import Sample, read_dataset
from zg_trainer.errors import BadInput
from zg_trainer.job import DatasetOptions

TURNS = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Hi\nthere"},
    {"role": "assistant", "content": "你好"},
]
CONVERSATION = Sample(messages=tuple(Message(turn["role"], turn["content"]) for turn in TURNS))
ASKED = Sample(messages=(Message("user", "Translate.\n\nbonjour"), Message("assistant", "hello")))
SECRET = "canary-4711"


def read(folder: Path, data: str | bytes, name: str = "data.jsonl", **columns: str) -> list[Sample]:
    file = folder / name
    file.write_bytes(data if isinstance(data, bytes) else data.encode())
    return read_dataset(DatasetOptions(file, columns=columns))


@pytest.mark.parametrize(
    ("record", "sample"),
    [
        ({"messages": TURNS}, CONVERSATION),
        ({"instruction": "Translate.", "input": "bonjour", "output": "hello"}, ASKED),
        ({"instruction": "Translate.\n\nbonjour", "output": "hello"}, ASKED),
        ({"text": "Once upon a time."}, Sample(text="Once upon a time.")),
    ],
)
def test_the_formats_of_jsonl(tmp_path: Path, record: dict, sample: Sample):
    line = json.dumps(record, ensure_ascii=False)
    assert read(tmp_path, f"{line}\n\n{line}\r\n{line}") == [sample] * 3
    assert read(tmp_path, b"\xef\xbb\xbf" + line.encode()) == [sample]


def test_csv_with_its_own_columns_and_with_mapped_ones(tmp_path: Path):
    assert read(tmp_path, 'instruction,input,output\nTranslate.,bonjour,hello\n"a ""b"",\nc",,d\n', "data.csv") == [
        ASKED,
        Sample(messages=(Message("user", 'a "b",\nc'), Message("assistant", "d"))),
    ]
    mapped = read(tmp_path, "id,q,x,a\n1,Translate.,bonjour,hello\n", "b.csv", instruction="q", input="x", output="a")
    assert mapped == [ASKED]


def test_parquet_with_conversations_as_lists_or_as_json(tmp_path: Path):
    file = tmp_path / "data.parquet"
    for messages in (TURNS, json.dumps(TURNS)):
        pyarrow.parquet.write_table(pyarrow.table({"chat": [messages, messages], "id": [1, 2]}), file)
        assert read_dataset(DatasetOptions(file, columns={"messages": "chat"})) == [CONVERSATION] * 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the dataset is empty"),
        ("\n \n", "the dataset is empty"),
        ('{"text":"a"}\n{"text":\n', "line 2: is not JSON"),
        ("[1]\n", "line 1: is not a JSON object"),
        (b'{"text":"a"}\n{"text":"\xff"}\n', "line 2: is not UTF-8"),
        ('{"text":"a"}\n{"instruction":"q","output":"a"}\n', "line 2: has the format instruction"),
        ('{"other":"a"}\n', "line 1: must have exactly one of messages, instruction and text"),
        ('{"text":"a","messages":[]}\n', "line 1: must have exactly one of"),
        ('{"text":" "}\n', "line 1: text is empty"),
        ('{"text":7}\n', "line 1: text must be a string"),
        ('{"instruction":"q","output":""}\n', "line 1: instruction and output must not be empty"),
        ('{"messages":[]}\n', "line 1: messages must be a list that is not empty"),
        ('{"messages":[{"role":"user","content":"q"}]}\n', "line 1: messages has no answer"),
        ('{"messages":[{"role":"robot","content":"q"}]}\n', "line 1: a message's role must be one of"),
        ('{"messages":[{"role":"assistant","content":""}]}\n', "line 1: an answer is empty"),
        ('{"messages":[{"role":"assistant","content":null}]}\n', "line 1: content must be a string"),
    ],
)
def test_bad_lines_are_named(tmp_path: Path, text: str | bytes, message: str):
    with pytest.raises(BadInput) as caught:
        read(tmp_path, text)
    assert message in str(caught.value)


def test_one_broken_line_among_many_is_found_and_says_nothing_of_what_is_in_it(tmp_path: Path):
    lines = ['{"text":"a"}'] * 100_000
    lines[77_777] = f'{{"text":"{SECRET}'
    with pytest.raises(BadInput, match="1 errors: line 77778: is not JSON") as caught:
        read(tmp_path, "\n".join(lines))
    assert SECRET not in repr(caught.value)


def test_many_errors_are_counted_and_the_first_listed(tmp_path: Path):
    with pytest.raises(BadInput, match=r"500 errors.*and 480 more") as caught:
        read(tmp_path, "{\n" * 500)
    assert len(caught.value.problems) == 20


@pytest.mark.parametrize(
    ("name", "text", "columns", "message"),
    [
        ("data.txt", "a", {}, "dataset.format"),
        ("data.csv", "a,b\n1,2\n", {}, "no column messages, instruction or text"),
        ("data.csv", "a,b\n1,2\n", {"text": "c"}, "maps text to c"),
        ("data.csv", "text,b\na,b\na\n", {}, "line 3: has more or fewer fields"),
        ("data.csv", 'text\n"a\n', {}, "not CSV"),
        ("data.csv", b"text\n\xff\n", {}, "not UTF-8"),
        ("data.parquet", "PAR1", {}, "not a Parquet file"),
    ],
)
def test_bad_files(tmp_path: Path, name: str, text: str | bytes, columns: dict[str, str], message: str):
    with pytest.raises(BadInput, match=message):
        read(tmp_path, text, name, **columns)


def test_limits(tmp_path: Path):
    file = tmp_path / "data.jsonl"
    file.write_text('{"text":"a"}\n' * 3)
    with pytest.raises(BadInput, match="3 examples; the limit is 2"):
        read_dataset(DatasetOptions(file), most_examples=2)
    with pytest.raises(BadInput, match="39 bytes; the limit is 38"):
        read_dataset(DatasetOptions(file), most_bytes=38)
