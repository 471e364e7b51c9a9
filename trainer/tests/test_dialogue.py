from itertools import islice

from zg_trainer.demo.dialogue import SUM_PHRASINGS, conversations, held_out, split
from zg_trainer.demo.knowledge import PHRASINGS, SMALL_TALK, TOPICS, questions_of


def test_the_same_seed_gives_the_same_conversations():
    assert list(islice(conversations(7), 300)) == list(islice(conversations(7), 300))
    assert list(islice(conversations(7), 300)) != list(islice(conversations(8), 300))


def test_conversations_alternate_between_user_and_assistant():
    for messages in islice(conversations(1), 300):
        roles = [message.role for message in messages if message.role != "system"]
        assert roles == ["user", "assistant"] * (len(roles) // 2)
        assert all(message.content for message in messages)


def test_no_training_conversation_asks_a_held_out_question():
    held = {_plain(question) for turns in held_out(1).values() for question, _ in turns}
    asked = {_plain(m.content) for messages in islice(conversations(7), 5000) for m in messages if m.role == "user"}
    assert not held & asked


def test_every_topic_has_enough_questions():
    taught = [topic for topic in TOPICS if topic not in SMALL_TALK]
    assert len(taught) >= 40
    assert min(len(split(topic)[0]) for topic in taught) >= 6


def test_no_question_belongs_to_two_topics():
    owners: dict[str, str] = {}
    for topic in TOPICS:
        for question in {*questions_of(topic, PHRASINGS), *topic.questions}:
            assert owners.setdefault(_plain(question), topic.key) == topic.key, question


def test_sums_are_right():
    for messages in islice(conversations(2), 2000):
        for answer in (message.content for message in messages if message.role == "assistant"):
            words = answer.rstrip(".").split()
            if len(words) == 5 and words[1] in ("plus", "minus") and words[3] == "is":
                a, b, result = int(words[0]), int(words[2]), int(words[4])
                assert result == (a + b if words[1] == "plus" else a - b)
    assert all("{a}" in phrasing and "{b}" in phrasing for phrasing in SUM_PHRASINGS)


def _plain(question: str) -> str:
    """Without what varies in how a question is typed."""
    return question.lower().rstrip("?.! ")
