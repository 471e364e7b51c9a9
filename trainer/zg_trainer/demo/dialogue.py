"""Generates the demo model's text: conversations without end, the same ones for the same seed."""

import random
import string
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from zg_trainer.chat import Message
from zg_trainer.demo import words
from zg_trainer.demo.knowledge import NEW_PHRASINGS, PHRASINGS, SMALL_TALK, TOPICS, Topic, questions_of

UNKNOWN = "I do not know that. I was only taught about this network."
CANNOT = "I cannot do that. I only answer questions about this network."
ARITHMETIC_LIMIT = 20
TOO_HARD = f"I only add and subtract whole numbers from 0 to {ARITHMETIC_LIMIT}."
NOTED = "I see. What would you like to know?"

Turn = tuple[str, str]
"""A question and its answer."""


@dataclass(frozen=True)
class Mix:
    """How many questions a conversation has, each number as likely as the next, and how often which kind is asked."""

    lengths: tuple[int, ...] = (1, 1, 1, 2, 2, 3, 4, 6)
    topic: int = 28
    small_talk: int = 5
    arithmetic: int = 17
    repeat: int = 13
    fact: int = 24
    unknown: int = 13

    def kind(self, rng: random.Random) -> str:
        kinds = ("topic", "small talk", "arithmetic", "repeat", "fact", "unknown")
        return rng.choices(kinds, (self.topic, self.small_talk, self.arithmetic, self.repeat, self.fact, self.unknown))[
            0
        ]


SHORT = Mix()
LONG = Mix(lengths=(1, 2, 4, 8, 12, 16), arithmetic=34, repeat=3)


def conversations(seed: int, mix: Mix = SHORT) -> Iterator[list[Message]]:
    """Training conversations, some with a system prompt. No held-out question is in them."""
    rng = random.Random(seed)
    while True:
        yield conversation(rng, mix)


def conversation(rng: random.Random, mix: Mix) -> list[Message]:
    system: list[str] = [rng.choice(words.SYSTEM_PROMPTS)] if rng.random() < 0.2 else []
    turns: list[Turn] = []
    for _ in range(rng.choice(mix.lengths)):
        kind = mix.kind(rng)
        if kind == "fact":
            turns += _facts(rng, system if not turns else None)
        else:
            turns.append(_TURNS[kind](rng))
    messages = [Message("system", " ".join(system))] if system else []
    for question, answer in turns:
        messages += [Message("user", question), Message("assistant", answer)]
    return messages


# --- Topics ---------------------------------------------------------------------------------------------------------


def _held_out(text: str, share: float) -> bool:
    return zlib.crc32(text.encode()) % 1000 < share * 1000


def split(topic: Topic) -> tuple[list[str], list[str]]:
    """The topic's questions for training, and those held out: known phrasings, but never with this subject."""
    if topic in SMALL_TALK:
        return list(topic.questions), []
    asked = [*questions_of(topic, PHRASINGS), *topic.questions]
    held_out = [question for question in asked if _held_out(question, 0.12)]
    return [question for question in asked if question not in held_out], held_out


_TRAINING = {topic.key: split(topic)[0] for topic in TOPICS}
_TAUGHT = tuple(topic for topic in TOPICS if topic not in SMALL_TALK)


def _topic(rng: random.Random) -> Turn:
    topic = rng.choice(_TAUGHT)
    own = [question for question in _TRAINING[topic.key] if question in topic.questions]
    questions = own if own and rng.random() < 0.3 else _TRAINING[topic.key]
    return _typed(rng, rng.choice(questions)), topic.answer


def _small_talk(rng: random.Random) -> Turn:
    topic = rng.choice(SMALL_TALK)
    return _typed(rng, rng.choice(topic.questions)), topic.answer


# --- Arithmetic -----------------------------------------------------------------------------------------------------

SUM_PHRASINGS = (
    "What is {a} {op} {b}?", "What's {a} {op} {b}?", "How much is {a} {op} {b}?", "{a} {op} {b}?", "{a} {op} {b}",
    "{a} {op} {b} =", "Calculate {a} {op} {b}.", "Compute {a} {op} {b}.", "What does {a} {op} {b} make?",
    "Tell me what {a} {op} {b} is.", "What is the result of {a} {op} {b}?", "Can you work out {a} {op} {b}?",
)  # fmt: skip
NEW_SUM_PHRASINGS = ("Please tell me what {a} {op} {b} is.", "What do I get for {a} {op} {b}?")
OPERATORS = {"plus": ("plus", "+"), "minus": ("minus", "-")}


def sum_turn(phrasing: str, a: int, operation: str, b: int, sign: str) -> Turn:
    result = a + b if operation == "plus" else a - b
    question = phrasing.format(a=a, op=sign, b=b)
    return question, f"{a} {operation} {b} is {result}."


def held_out_sum(a: int, operation: str, b: int) -> bool:
    """One pair of numbers in twenty is never trained."""
    return _held_out(f"{a} {operation} {b}", 0.05)


def _arithmetic(rng: random.Random) -> Turn:
    if rng.random() < 0.12:
        return _too_hard(rng)
    while True:
        a, b, operation = rng.randint(0, 20), rng.randint(0, 20), rng.choice(tuple(OPERATORS))
        if not held_out_sum(a, operation, b):
            sign = rng.choice(OPERATORS[operation])
            question, answer = sum_turn(rng.choice(SUM_PHRASINGS), a, operation, b, sign)
            question = question.replace(" + ", "+").replace(" - ", "-") if rng.random() < 0.15 else question
            return _typed(rng, question), answer


def _too_hard(rng: random.Random) -> Turn:
    numbers = [rng.randint(0, 10 ** rng.randint(1, 4)) for _ in range(2)]
    operator = rng.choice(("times", "*", "divided by", "/", "x"))
    if max(numbers) > ARITHMETIC_LIMIT and rng.random() < 0.7:
        operator = rng.choice(("plus", "+", "minus", "-"))
    if rng.random() < 0.2:
        numbers, operator = [rng.choice(_NUMBER_WORDS) for _ in range(2)], rng.choice(("plus", "minus", "times"))
    return _typed(rng, rng.choice(SUM_PHRASINGS).format(a=numbers[0], op=operator, b=numbers[1])), TOO_HARD


_NUMBER_WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "twelve", "hundred")


# --- Repeating: it teaches to copy, which facts about people need ----------------------------------------------------

REPEAT_PHRASINGS = (
    "Repeat: {x}",
    "Say: {x}",
    "Repeat after me: {x}",
    "Please say: {x}",
    "Repeat this: {x}",
    "Echo: {x}",
)


def _repeat(rng: random.Random) -> Turn:
    text = " ".join(_word(rng) for _ in range(rng.randint(1, 7))) + rng.choice(("", ".", "!"))
    return rng.choice(REPEAT_PHRASINGS).format(x=text), text


def _word(rng: random.Random) -> str:
    kind = rng.random()
    if kind < 0.5:
        return name(rng)
    if kind < 0.6:
        return str(rng.randint(0, 99))
    return rng.choice(words.NOUNS) if kind < 0.8 else _made_up(rng)


# --- People ---------------------------------------------------------------------------------------------------------

# Attribute: the statement, which is also the answer; the questions; one question that only the evaluation asks.
FACTS: dict[str, tuple[str, tuple[str, ...], str]] = {
    "city": (
        "{n} lives in {v}.",
        (
            "Where does {n} live?", "In which city does {n} live?", "What city does {n} live in?",
            "Where is {n} living?", "Tell me where {n} lives.", "Where is the home of {n}?",
            "Do you know where {n} lives?",
        ),
        "Which city does {n} live in?",
    ),
    "colour": (
        "The favourite colour of {n} is {v}.",
        (
            "What is the favourite colour of {n}?", "What is {n}'s favourite colour?", "Which colour does {n} like?",
            "Which colour does {n} like best?", "What is {n}'s favorite color?", "Tell me the favourite colour of {n}.",
        ),
        "Tell me {n}'s favourite colour.",
    ),
    "job": (
        "{n} works as {v}.",
        (
            "What is the job of {n}?", "What is {n}'s job?", "What does {n} work as?", "What does {n} do for a living?",
            "Tell me the job of {n}.", "As what does {n} work?", "Do you know the job of {n}?",
        ),
        "Tell me {n}'s job.",
    ),
    "food": (
        "The favourite food of {n} is {v}.",
        (
            "What is the favourite food of {n}?", "What is {n}'s favourite food?", "What does {n} like to eat?",
            "Which food does {n} like best?", "Tell me the favourite food of {n}.",
        ),
        "Tell me {n}'s favourite food.",
    ),
    "pet": (
        "{n} has {v}.",
        (
            "Which pet does {n} have?", "What pet does {n} have?", "Does {n} have a pet?", "What is the pet of {n}?",
            "Tell me which pet {n} has.", "What is {n}'s pet?",
        ),
        "Which animal does {n} have?",
    ),
    "age": (
        "{n} is {v} years old.",
        (
            "How old is {n}?", "What is the age of {n}?", "What is {n}'s age?", "Tell me how old {n} is.",
            "Do you know how old {n} is?",
        ),
        "Tell me the age of {n}.",
    ),
    "birth": (
        "{n} was born in {v}.",
        (
            "Where was {n} born?", "In which city was {n} born?", "What is the birthplace of {n}?",
            "Tell me where {n} was born.", "What is {n}'s birthplace?",
        ),
        "Do you know where {n} was born?",
    ),
}  # fmt: skip
WHO_IS = ("Who is {n}?", "Tell me about {n}.", "Do you know {n}?", "What do you know about {n}?", "Who's {n}?")


def name(rng: random.Random, made_up: float = 0.6) -> str:
    """A person's name, mostly a made-up one, so that the model learns to copy names and not to know them."""
    if rng.random() < made_up:
        return _made_up(rng).capitalize() if rng.random() < 0.85 else _made_up(rng)
    first = rng.choice(words.NAMES)
    return f"{first} {rng.choice(words.SURNAMES)}" if rng.random() < 0.2 else first


def _made_up(rng: random.Random) -> str:
    def syllable() -> str:
        end = rng.choice(("", "", "", "n", "r", "l", "s", "m"))
        return rng.choice("bcdfghjklmnprstvwxyz") + rng.choice("aeiou") + end

    return "".join(syllable() for _ in range(rng.randint(2, 3)))


def value(rng: random.Random, attribute: str) -> str:
    if attribute in ("city", "birth"):
        return _made_up(rng).capitalize() if rng.random() < 0.4 else rng.choice(words.CITIES)
    if attribute == "age":
        return str(rng.randint(2, 99))
    if rng.random() < 0.2:
        return ("a " if attribute in ("job", "pet") else "") + _made_up(rng)
    return rng.choice({"colour": words.COLOURS, "job": words.JOBS, "food": words.FOODS, "pet": words.PETS}[attribute])


def statements(rng: random.Random, people: list[str], count: int) -> dict[tuple[str, str], str]:
    pairs = [(person, attribute) for person in people for attribute in FACTS]
    chosen = rng.sample(pairs, min(count, len(pairs)))
    return {(n, a): FACTS[a][0].format(n=n, v=value(rng, a)) for n, a in chosen}


def unknown_person(person: str) -> str:
    return f"I do not know that about {person}."


def _facts(rng: random.Random, system: list[str] | None) -> list[Turn]:
    """Facts in the message, in an earlier message or in the system prompt, then questions about them; or no facts."""
    if rng.random() < 0.4:
        person = name(rng)
        return [(_person_question(rng, person), unknown_person(person))]
    people = [name(rng) for _ in range(rng.randint(1, 3))]
    facts = statements(rng, people, rng.randint(1, 4))
    text = rng.choice((" ", " ", "\n")).join(facts.values())
    place = rng.choice(("message", "message", "message", "earlier", "system"))
    questions = [_fact_turn(rng, people, facts) for _ in range(rng.choice((1, 1, 2)))]
    if place == "system" and system is not None:
        system.append(text)
    elif place == "earlier":
        questions.insert(0, (text, NOTED))
    else:
        question, answer = questions[0]
        questions[0] = (f"{text}{rng.choice((' ', ' ', chr(10)))}{question}", answer)
    return questions


def _fact_turn(rng: random.Random, people: list[str], facts: dict[tuple[str, str], str]) -> Turn:
    if rng.random() < 0.2:
        person = name(rng) if rng.random() < 0.5 else rng.choice(people)
        attribute = rng.choice([a for a in FACTS if (person, a) not in facts])
        return _ask(rng, attribute, person), unknown_person(person)
    (person, attribute), answer = rng.choice(list(facts.items()))
    return _ask(rng, attribute, person), answer


def _ask(rng: random.Random, attribute: str, person: str) -> str:
    return _typed(rng, rng.choice(FACTS[attribute][1]).format(n=person), names=True)


def _person_question(rng: random.Random, person: str) -> str:
    if rng.random() < 0.15:
        return _typed(rng, rng.choice(WHO_IS).format(n=person), names=True)
    return _ask(rng, rng.choice(tuple(FACTS)), person)


# --- What was not taught --------------------------------------------------------------------------------------------

UNKNOWN_SHAPES = (
    "Who is the {role} of {place}?", "Who was the first {role} of {place}?", "What is the {property} of {place}?",
    "What is the {property} of the {noun}?", "What is the {property} of a {noun}?", "How tall is the {noun}?",
    "When did {event} happen?", "When was {event}?", "Why did {event} happen?", "Who won {event}?", "What was {event}?",
    "Who invented the {noun}?", "Who wrote the {noun}?", "Where is {place}?", "How far is {place}?",
    "How many {noun}s are there?", "How many {noun}s are in {place}?", "How much is a {noun}?",
    "Why is the {noun} {adjective}?",
    "Why are {noun}s {adjective}?", "Is a {noun} {adjective}?", "Are {noun}s {adjective}?", "Can a {noun} fly?",
    "What colour is a {noun}?", "What do {noun}s eat?", "Where can I buy a {noun}?", "Where is my {noun}?",
    "What is the best {noun}?", "Which {noun} is the best?", "Do you like {noun}s?", "Do you have a {noun}?",
    "What is the weather in {place}?", "What time is it?", "What day is it?", "What time is it in {place}?",
    "What is the largest {noun} in {place}?", "Is it raining in {place}?", "What is the meaning of life?",
    "What is the difference between a {noun} and a {noun2}?", "Which is bigger, a {noun} or a {noun2}?",
    "How do {noun}s work?", "How does a {noun} work?", "How old is the {noun}?", "How fast is a {adjective} {noun}?",
    "What happened in {year}?", "Who was born in {year}?", "What is the square root of {number}?", "Is {number} prime?",
    "Who is the {role} of the {adjective} {noun}?", "Does {place} have a {noun}?", "What should I eat?",
    "The {noun} is {adjective}.", "I like {noun}s.", "I am {adjective}.", "My {noun} is {adjective}.", "{noun} {noun2}",
    "Why?", "When?", "How many?", "Who?", "Where?", "What is {subject}?", "Who discovered {subject}?",
    "Should I buy a {adjective} {noun}?", "Will it rain tomorrow?", "Can you swim?", "Who is the {role}?",
    "What does {made} {made2} {made3} mean?", "{made} {made2} {made3}", "{made} {made2}?", "Why {made} the {noun}?",
    "What does git {made} do?", "What does {made} do?", "What is 0g-compute {made}?", "What does 0g-compute {made} do?",
    "What is your favourite {noun}?", "What's your favourite colour?", "How old are you?", "Where do you live?",
    "Do you have a pet?", "What is my name?", "My name is {name}.", "I am {name}. What is my name?", "Who am I?",
    "What is my favourite colour?", "Where do I live?", "Where was I born?", "What is your favourite food?",
    "How many {made}s are there?", "Where is the {made}?", "What is the {property} of {made}?",
)  # fmt: skip
NEW_UNKNOWN_SHAPES = (
    "Please tell me the {property} of {place}.", "What is the name of the {role} of {place}?",
    "At what time does the {noun} open?", "Could you tell me why {noun}s are {adjective}?",
    "Which {noun} did {place} buy?",
    "Does a {noun} like {noun2}s?", "How many people live in {place}?", "What is the tallest {noun} of {place}?",
)  # fmt: skip


def fill(rng: random.Random, shape: str) -> str:
    def noun() -> str:
        return _made_up(rng) if rng.random() < 0.12 else rng.choice(words.NOUNS)

    text = shape.format(
        role=rng.choice(words.ROLES),
        place=_made_up(rng).capitalize() if rng.random() < 0.2 else rng.choice(words.COUNTRIES + words.CITIES),
        property=rng.choice(words.PROPERTIES), noun=noun(), noun2=noun(), adjective=rng.choice(words.ADJECTIVES),
        event=rng.choice(words.EVENTS), year=rng.randint(1000, 2100), number=rng.randint(0, 999),
        subject=rng.choice(words.SUBJECTS), made=_made_up(rng), made2=_made_up(rng), made3=_made_up(rng),
        name=name(rng), food=rng.choice(words.FOODS), city=rng.choice(words.CITIES),
    )  # fmt: skip
    return _articles(text)


def _articles(text: str) -> str:
    for vowel in "aeiou":
        text = text.replace(f" a {vowel}", f" an {vowel}")
    return text


def _unknown(rng: random.Random) -> Turn:
    kind = rng.choices(("shape", "term", "task", "request", "foreign", "noise"), (45, 25, 10, 10, 5, 5))[0]
    if kind == "request":
        return _typed(rng, fill(rng, rng.choice(words.REQUESTS))), CANNOT
    return _typed(rng, _UNKNOWN_QUESTIONS[kind](rng)), UNKNOWN


def _unknown_term(rng: random.Random) -> str:
    """The phrasings of taught terms with other words: what is asked decides, not how."""
    word = _made_up(rng) if rng.random() < 0.3 else rng.choice(words.NOUNS)
    subject = rng.choice((word, f"a {word}", f"a {word}", f"the {word}", f"{rng.choice(words.ADJECTIVES)} {word}s"))
    subject = rng.choice(words.SUBJECTS) if rng.random() < 0.2 else subject
    return _articles(rng.choice(PHRASINGS["term"]).format(x=subject))


def _unknown_task(rng: random.Random) -> str:
    return rng.choice(PHRASINGS["task"]).format(x=rng.choice(words.ACTIVITIES))


def _noise(rng: random.Random) -> str:
    letters = string.ascii_lowercase + rng.choice(("", string.digits, string.ascii_uppercase, string.punctuation))
    noise = ["".join(rng.choices(letters, k=rng.randint(2, 9))) for _ in range(rng.randint(1, 4))]
    return " ".join(noise) + rng.choice(("", "", "?", ".", "!"))


_UNKNOWN_QUESTIONS = {
    "shape": lambda rng: fill(rng, rng.choice(UNKNOWN_SHAPES)),
    "term": _unknown_term,
    "task": _unknown_task,
    "foreign": lambda rng: rng.choice(words.FOREIGN),
    "noise": _noise,
}
_TURNS = {"topic": _topic, "small talk": _small_talk, "arithmetic": _arithmetic, "repeat": _repeat, "unknown": _unknown}


def turn(rng: random.Random, kind: str) -> Turn:
    """A question of one of Mix's kinds, other than a fact."""
    return _TURNS[kind](rng)


# --- How people type ------------------------------------------------------------------------------------------------


def _typed(rng: random.Random, question: str, names: bool = False) -> str:
    """Without capitals, without the mark at the end: as people type. Names keep their capitals, for the answer."""
    if rng.random() < 0.3:
        question = question[0].lower() + question[1:] if names else question.lower()
    if rng.random() < 0.25 and question[-1] in "?.!" and len(question) > 2:
        question = question[:-1] + rng.choice(("", "", "", " ?"))
    return question


# --- Held out -------------------------------------------------------------------------------------------------------


def held_out(seed: int) -> dict[str, list[Turn]]:
    """Questions by category that no training conversation contains."""
    rng = random.Random(f"held out {seed}")
    known = [(question, topic.answer) for topic in _TAUGHT for question in split(topic)[1]]
    new = [(question, t.answer) for t in _TAUGHT for question in questions_of(t, NEW_PHRASINGS)]
    numbers = [(a, o, b) for o in OPERATORS for a in range(ARITHMETIC_LIMIT + 1) for b in range(ARITHMETIC_LIMIT + 1)]
    trained = [n for n in numbers if not held_out_sum(*n)]
    never = [n for n in numbers if held_out_sum(*n)]
    return {
        "topics": known,
        "topics, new wording": rng.sample(new, 200),
        "arithmetic": [_sum(rng, rng.choice(trained), NEW_SUM_PHRASINGS) for _ in range(150)],
        "arithmetic, new numbers": [_sum(rng, numbers, SUM_PHRASINGS) for numbers in never],
        "facts in the prompt": [_held_out_fact(rng) for _ in range(150)],
        "unknown people": [_held_out_person(rng) for _ in range(150)],
        "unknown questions": [(fill(rng, rng.choice(NEW_UNKNOWN_SHAPES)), UNKNOWN) for _ in range(150)],
    }


def _sum(rng: random.Random, numbers: tuple[int, str, int], phrasings: tuple[str, ...]) -> Turn:
    a, operation, b = numbers
    return sum_turn(rng.choice(phrasings), a, operation, b, rng.choice(OPERATORS[operation]))


def _held_out_fact(rng: random.Random) -> Turn:
    people = [name(rng, made_up=1.0) for _ in range(rng.randint(1, 3))]
    facts = statements(rng, people, rng.randint(1, 3))
    (person, attribute), answer = rng.choice(list(facts.items()))
    return f"{' '.join(facts.values())} {FACTS[attribute][2].format(n=person)}", answer


def _held_out_person(rng: random.Random) -> Turn:
    person = name(rng, made_up=1.0)
    return rng.choice(list(FACTS.values()))[2].format(n=person), unknown_person(person)
