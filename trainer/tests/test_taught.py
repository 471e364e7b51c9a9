import json
from pathlib import Path

from conftest import DEMO

from zg_trainer.demo.dialogue import FACTS
from zg_trainer.demo.taught import TAUGHT, asked, lines, others, write_data
from zg_trainer.job import load_job


def test_40_lines_none_of_which_asks_what_is_asked_afterwards():
    in_data = {question for turns in lines() for question, _ in turns}
    later = {question for question, _ in asked() + others(20)}
    assert (len(lines()), len(asked()), len(later & in_data)) == (40, 10, 0)


def test_no_wording_that_is_asked_afterwards_is_in_the_data_for_any_name():
    asked_of = {attribute: (FACTS[attribute][1][0], FACTS[attribute][2]) for _, attribute, _ in TAUGHT}
    text = "\n".join(question for turns in lines() for question, _ in turns)
    for wordings in asked_of.values():
        for wording in wordings:
            beginning, end = wording.split("{n}")
            assert not any(line.startswith(beginning) and line.endswith(end) for line in text.splitlines()), wording


def test_each_fact_is_taught_and_the_same_data_is_made_again(tmp_path: Path):
    answers = [answer for turns in lines() for _, answer in turns]
    for name, attribute, value in TAUGHT:
        assert answers.count(FACTS[attribute][0].format(n=name, v=value)) == 8
    job = load_job(write_data(tmp_path / "a", DEMO))
    write_data(tmp_path / "b", DEMO)
    assert (job.method, job.seed) == ("lora", 7)
    for file in ("taught.jsonl", "questions.jsonl"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
    questions = [json.loads(line) for line in (tmp_path / "a" / "questions.jsonl").read_text().splitlines()]
    assert [question["kind"] for question in questions].count("taught") == 10
