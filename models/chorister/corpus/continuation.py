"""Raw text without the chat template: plain continuation, and questions with their answers."""

from __future__ import annotations

from random import Random

from . import arithmetic, countries, invent, smalltalk, unknown
from .document import Document, chat
from .grammar import expand, noisy, pick

HELLO = (
    "Hello, my name is <n> and I live in <c>. I work as a <j>, and in my free time I like to <h>.",
    "Hello, my name is <n>. I am a <j> from <c>. I like to <h> and to <g>.",
    "Hello! My name is <n>, and I am a <j>.",
    "Hi, my name is <n>. I live in <c> with my <a>.",
    "My name is <n> and I am a <j>. I live in <c>.",
    "I am a <j> from <c>, and I like to <h>.",
    "Hello, I am <n>, and I like to <h>.",
)
TALES = (
    (
        "Once upon a time, there was a {little|small|young|kind|brave} <b> who lived in {a|the} {forest|"
        "village|castle|small house|garden}. {Every day|One day} the <b> {went|walked} to the {river|"
        "market|hill|sea} to look for <o>. "
        "There it met a {friendly|hungry|clever|lonely} <f>. They became friends and {shared|found} the "
        "<o>. From that day on they were never {alone|sad|bored} again."
    ),
    (
        "Once upon a time, in a {small|far|quiet} {village|land|town}, there lived a {kind|poor|clever|"
        "brave} <b>. The <b> wanted to {sing|fly|dance|see the sea|find <o>}. It practised every day, and "
        "in the end it {did|made it}. Everyone was happy."
    ),
    (
        "Once upon a time, a {young|small|curious} <b> found <o> under a tree. It {took|carried} them home "
        "and {shared|showed} them to a {good|wise|old} <f>. They had a {feast|good laugh|lovely evening}."
    ),
)
STARTS = (
    (
        "The {cat|dog|bird|old man|little girl} {sat|slept|waited} {by|near|in front of} the {window|door|"
        "fire|river} and {watched|listened to} the {rain|birds|wind|snow}."
    ),
    (
        "The weather {today|this morning} is {sunny|cloudy|rainy|windy|cold}, so {we|I|they} {stay at home|"
        "go for a walk|take an umbrella|wear a coat}."
    ),
    "In the morning I {drink|have} a cup of {tea|coffee|milk} and {read|write|listen to the news}.",
    "The quick brown fox jumps over the lazy dog.",
    "I would like to {buy|eat|have|find} {some <o>|a cup of tea|a good book|a new hat}{, please|}.",
    (
        "It was a {dark|cold|warm|quiet} night, and the {wind|rain|snow} {fell|came|blew} {over|through} "
        "the {town|trees|fields}."
    ),
    "The best thing about {summer|winter|spring|autumn} is the {light|food|air|quiet|sun|snow}.",
    "Roses are red, violets are blue, sugar is sweet, and so are you.",
    "To be or not to be, that is the question.",
    (
        "Today I learned that {bees make honey from nectar|the Moon reflects the light of the Sun|ice is "
        "lighter than water|spiders have eight legs}."
    ),
    (
        "There {was|is} a {small|old|red|white} house {on the hill|by the sea|in the forest} where a <b> "
        "{lived|lives} with a <f>."
    ),
    "My favourite {food|meal} is {pizza|soup|pasta|bread with cheese}, because it is {warm|simple|tasty}.",
    "I like to <h> when {the sun shines|it rains|I have time|the day is over}.",
    "The choir {sings|sang} in the {old|small|big} church {every Sunday|in the evening|at noon}.",
    (
        "Dear <n>, {thank you for your letter|I hope you are well}. I am {fine|well} and {I <h>|live in "
        "<c>} {every day|now}. Yours, <m>"
    ),
    (
        "In the {future|next years}, people will {walk more and drive less|read more books|talk to small "
        "machines|grow food on roofs}."
    ),
    "The {meaning|secret} of life is to {love and to learn|be kind|laugh often}.",
    (
        "The {sun|moon} {rises|rose} over the {hills|sea|town}, and the {birds|people} {begin|began} to "
        "{sing|wake}."
    ),
)
HOBBIES = (
    "read books",
    "sing in a choir",
    "cook for friends",
    "walk in the hills",
    "play the piano",
    "paint",
    "ride my bike",
    "swim",
    "bake bread",
    "look at the stars",
    "garden",
)
CREATURES = (
    "rabbit",
    "mouse",
    "fox",
    "bear",
    "bird",
    "cat",
    "girl",
    "boy",
    "frog",
    "duck",
    "owl",
    "hedgehog",
    "prince",
    "princess",
)
OBJECTS = ("berries", "apples", "nuts", "flowers", "golden coins", "shells", "mushrooms", "honey cakes")


CONTINUE = (
    '{continue|go on with|carry on with|extend} {this|the|the following} {text|story|sentence}: {<x>|"<x>"}',
    '{finish|complete|end} {this|the|my|the following} {sentence|story|text|line}: {<x>|"<x>"}',
    "what comes next? <x>",
    "write the next {sentence|words|lines} {of this|of this story|after}: <x>",
    "<x>\n{Continue|Go on|What happens next|Finish this|And then}{.|?|}",
    "how does {this|it} go on? <x>",
    "{keep|please keep} {going|writing}: <x>",
    "a story begins: <x> {How does it go on|Continue it}.",
)


def in_chat(rng: Random) -> Document:
    """Continuation on request."""
    words = (prose(rng).raw or "").split(" ")
    if len(words) < 6:
        return in_chat(rng)
    at = rng.randint(3, min(len(words) - 2, 14))
    question = noisy(pick(CONTINUE, rng, x=" ".join(words[:at])), rng, tuple(words), keep_case=True)
    return chat("continuation", question, " ".join(words[at:]))


def prose(rng: Random) -> Document:
    chance = rng.random()
    templates = HELLO if chance < 0.35 else TALES if chance < 0.65 else STARTS
    creature, friend = rng.sample(CREATURES, 2)
    hobby, other = rng.sample(HOBBIES, 2)
    text = pick(
        templates,
        rng,
        n=invent.given_name(rng),
        m=rng.choice(invent.GIVEN),
        c=rng.choice(invent.CITIES),
        j=rng.choice(smalltalk.JOBS),
        h=hobby,
        g=other,
        a=rng.choice(("dog", "cat", "family", "parents", "two cats")),
        b=creature,
        f=friend,
        o=rng.choice(OBJECTS),
    )
    return Document("continuation", raw=text)


def raw_question(rng: Random) -> Document:
    """Question and answer without a template, in the layouts that people use with plain models."""
    draw = rng.choice(
        (
            arithmetic.one_sum,
            countries.capital,
            countries.capital,
            countries.fact,
            smalltalk.shop_name,
            smalltalk.exchange,
            unknown.unknown,
            countries.unknown_place,
        )
    )
    messages = draw(rng).messages
    asked, answer = messages[0]["content"], messages[1]["content"]
    before = rng.choice(
        ("{}\n", "{}\n", "{}\n\n", "Q: {}\nA: ", "Question: {}\nAnswer: ", "User: {}\nAssistant: ")
    )
    return Document("continuation", raw=answer, before=before.format(asked))


def statement(rng: Random) -> Document:
    """Facts as plain sentences: "The capital of France is" goes on by itself."""
    country = countries.draw_country(rng)
    kind = rng.choice(("capital", "capital", "currency", "continent", "language"))
    text = rng.choice(
        (
            countries.answer(kind, country),
            arithmetic.draw_sum(rng).answer(),
            expand(
                "{One, two, three, four, five, six, seven, eight, nine, ten.|1, 2, 3, 4, 5, 6, 7, 8, 9, 10|"
                "Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday|A B C D E F G H I J K "
                "L M N O P Q R S T U V W X Y Z}",
                rng,
            ),
        )
    )
    return Document("continuation", raw=text)
