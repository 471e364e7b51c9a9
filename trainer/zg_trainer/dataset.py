"""Reads datasets: JSONL in the network's three formats, and CSV or Parquet with named columns.

The formats are `messages`, `instruction`/`input`/`output` and `text`; a file has one of them throughout.
"""

import csv
import hashlib
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zg_trainer.chat import Message
from zg_trainer.errors import BadInput
from zg_trainer.job import FORMATS, DatasetOptions

MOST_PROBLEMS = 20
"""So many problems are listed, and the rest counted."""
ROLES = ("system", "user", "assistant", "tool")


@dataclass(frozen=True)
class Sample:
    """A conversation, or plain text."""

    messages: tuple[Message, ...] = ()
    text: str = ""


def sha256_of(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def read_dataset(options: DatasetOptions, most_examples: int = 0, most_bytes: int = 0) -> list[Sample]:
    """Raises BadInput that names the lines (JSONL, CSV) or rows (Parquet) in error, and nothing of what they say."""
    size = options.file.stat().st_size
    if most_bytes and size > most_bytes:
        raise BadInput(f"the dataset has {size} bytes; the limit is {most_bytes}")
    samples: list[Sample] = []
    problems: list[str] = []
    formats: dict[str, str] = {}
    for place, record in _READERS[_format(options)](options):
        try:
            if isinstance(record, _Broken):
                raise ValueError(record.why)
            kind = _kind(record)
            first = formats.setdefault(kind, place)
            if len(formats) > 1 and first == place:
                raise ValueError(f"has the format {kind}, the lines before it {next(iter(formats))}")
            samples.append(_SAMPLES[kind](record))
        except ValueError as error:
            problems.append(f"{place}: {error}")
    if problems:
        listed = problems[:MOST_PROBLEMS]
        more = f"; and {len(problems) - len(listed)} more" if len(problems) > len(listed) else ""
        raise BadInput(f"the dataset has {len(problems)} errors: {'; '.join(listed)}{more}", listed)
    if not samples:
        raise BadInput("the dataset is empty")
    if most_examples and len(samples) > most_examples:
        raise BadInput(f"the dataset has {len(samples)} examples; the limit is {most_examples}")
    return samples


def _format(options: DatasetOptions) -> str:
    if options.format != "auto":
        return options.format
    ending = options.file.suffix.lower().lstrip(".")
    ending = {"json": "jsonl", "ndjson": "jsonl"}.get(ending, ending)
    if ending not in FORMATS:
        raise BadInput("give dataset.format, or a dataset whose name ends with .jsonl, .csv or .parquet")
    return ending


# --- Files to records -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Broken:
    why: str


Record = tuple[str, "dict[str, Any] | _Broken"]
"""Where it stands, and what it says."""


def _jsonl(options: DatasetOptions) -> Iterator[Record]:
    with options.file.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                yield f"line {number}", _parsed(line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line)


def _parsed(line: bytes) -> dict[str, Any] | _Broken:
    try:
        record = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError:
        return _Broken("is not UTF-8")
    except ValueError:
        return _Broken("is not JSON")
    return record if isinstance(record, dict) else _Broken("is not a JSON object")


def _csv(options: DatasetOptions) -> Iterator[Record]:
    csv.field_size_limit(sys.maxsize)
    try:
        with options.file.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.DictReader(lines, strict=True)
            columns = _columns(options, list(reader.fieldnames or ()))
            for row in reader:
                full = None not in row and None not in row.values()
                record = {name: row[column] for name, column in columns.items()} if full else {}
                yield f"line {reader.line_num}", record if full else _Broken("has more or fewer fields than the header")
    except UnicodeDecodeError as error:
        raise BadInput("the dataset is not UTF-8") from error
    except csv.Error as error:
        raise BadInput("the dataset is not CSV: a quote is never closed, or stands in the wrong place") from error


def _parquet(options: DatasetOptions) -> Iterator[Record]:
    import pyarrow
    import pyarrow.parquet

    try:
        file = pyarrow.parquet.ParquetFile(options.file)
        columns = _columns(options, file.schema_arrow.names)
        number = 0
        for batch in file.iter_batches(columns=list(columns.values())):
            for row in batch.to_pylist():
                number += 1
                yield f"row {number}", {name: row[column] for name, column in columns.items()}
    except (pyarrow.ArrowException, OSError) as error:
        raise BadInput("the dataset is not a Parquet file that can be read") from error


def _columns(options: DatasetOptions, present: list[str]) -> dict[str, str]:
    """From field to column: as the job says, or columns with the fields' own names."""
    for field, column in options.columns.items():
        if column not in present:
            raise BadInput(f"dataset.columns maps {field} to {column}, which the file does not have")
    if options.columns:
        return options.columns
    named = [name for name in ("messages", "instruction", "input", "output", "text", "system") if name in present]
    if not any(name in named for name in ("messages", "instruction", "text")):
        raise BadInput("the dataset has no column messages, instruction or text: map its columns with dataset.columns")
    return {name: name for name in named}


_READERS = {"jsonl": _jsonl, "csv": _csv, "parquet": _parquet}


# --- Records to samples ---------------------------------------------------------------------------------------------


def _kind(record: dict[str, Any]) -> str:
    kinds = [kind for kind in ("messages", "instruction", "text") if kind in record]
    if len(kinds) != 1:
        raise ValueError("must have exactly one of messages, instruction and text")
    return kinds[0]


def _messages(record: dict[str, Any]) -> Sample:
    given = record["messages"]
    if isinstance(given, str):  # a column of CSV or Parquet holds them as JSON
        try:
            given = json.loads(given)
        except ValueError:
            raise ValueError("messages is not JSON") from None
    if not isinstance(given, list) or not given:
        raise ValueError("messages must be a list that is not empty")
    messages = tuple(_message(message) for message in given)
    if not any(message.role == "assistant" for message in messages):
        raise ValueError("messages has no answer: none is of the assistant")
    return Sample(messages=messages)


def _message(given: object) -> Message:
    if not isinstance(given, dict) or given.get("role") not in ROLES:
        raise ValueError(f"a message's role must be one of {', '.join(ROLES)}")
    content = _text(given, "content")
    if given["role"] == "assistant" and not content.strip():
        raise ValueError("an answer is empty")
    return Message(given["role"], content)


def _instruction(record: dict[str, Any]) -> Sample:
    system = _text(record, "system") if record.get("system") else ""
    question = _text(record, "instruction")
    extra = _text(record, "input") if record.get("input") else ""
    answer = _text(record, "output")
    if not question.strip() or not answer.strip():
        raise ValueError("instruction and output must not be empty")
    user = Message("user", f"{question}\n\n{extra}" if extra else question)
    first = (Message("system", system),) if system else ()
    return Sample(messages=(*first, user, Message("assistant", answer)))


def _plain(record: dict[str, Any]) -> Sample:
    text = _text(record, "text")
    if not text.strip():
        raise ValueError("text is empty")
    return Sample(text=text)


def _text(record: dict[str, Any], name: str) -> str:
    if not isinstance(record.get(name), str):
        raise ValueError(f"{name} must be a string")
    return record[name]


_SAMPLES = {"messages": _messages, "instruction": _instruction, "text": _plain}
