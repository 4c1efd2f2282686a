"""Capitals, currencies, continents and languages, and the questions about countries that have no "
"answer here."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from random import Random
from typing import NamedTuple

from . import invent, unsure
from .document import Document, chat
from .grammar import join, noisy, pick, sentence

DATA = Path(__file__).parent / "data"


class Country(NamedTuple):
    name: str
    capital: str
    currency: str
    continent: str
    languages: str


def rows(name: str) -> list[list[str]]:
    lines = (DATA / name).read_text("utf-8").splitlines()
    return [line.split("\t") for line in lines if line and not line.startswith("#")]


COUNTRIES = [Country(*row) for row in rows("countries.tsv")]
BY_NAME = {country.name: country for country in COUNTRIES}
STATES = [(state, capital) for state, capital in rows("states.tsv")]
# Asked for more often, so learnt better.
COMMON = [
    BY_NAME[name]
    for name in (
        "France",
        "Germany",
        "Italy",
        "Spain",
        "Portugal",
        "Sweden",
        "Norway",
        "Denmark",
        "Finland",
        "Poland",
        "Japan",
        "China",
        "India",
        "Brazil",
        "Argentina",
        "Canada",
        "Mexico",
        "Egypt",
        "Kenya",
        "Nigeria",
        "South Africa",
        "Russia",
        "Australia",
        "New Zealand",
        "Greece",
        "Turkey",
        "Ireland",
        "Austria",
        "Switzerland",
        "Belgium",
        "Hungary",
        "the Netherlands",
        "the United Kingdom",
        "the United States",
        "South Korea",
        "Thailand",
        "Vietnam",
        "Indonesia",
        "Ukraine",
        "the Czech Republic",
        "Peru",
        "Chile",
        "Colombia",
        "Cuba",
        "Morocco",
        "Iceland",
        "Croatia",
        "Romania",
    )
]
ALIASES = {
    "the USA": "the United States",
    "the US": "the United States",
    "America": "the United States",
    "the United States of America": "the United States",
    "the UK": "the United Kingdom",
    "Great Britain": "the United Kingdom",
    "Britain": "the United Kingdom",
    "Czechia": "the Czech Republic",
    "Holland": "the Netherlands",
    "Burma": "Myanmar",
    "Swaziland": "Eswatini",
    "Côte d'Ivoire": "the Ivory Coast",
    "Timor-Leste": "East Timor",
    "the UAE": "the United Arab Emirates",
    "Cabo Verde": "Cape Verde",
    "the DR Congo": "the Democratic Republic of the Congo",
    "the Vatican": "Vatican City",
    "Türkiye": "Turkey",
}
# Capitals that need more than one word of explanation.
CAPITAL_SENTENCES = {
    "South Africa": "South Africa has three capitals: Pretoria, Cape Town and Bloemfontein.",
    "Bolivia": "The capital of Bolivia is Sucre, and the government sits in La Paz.",
    "Nauru": "Nauru has no official capital; its government sits in Yaren.",
    "Switzerland": "The capital of Switzerland is Bern.",
}
NATIONS = {"England": "London", "Scotland": "Edinburgh", "Wales": "Cardiff", "Northern Ireland": "Belfast"}

CAPITAL = (
    (
        "{what is|what's|whats|what city is|which city is|tell me|name|give me|do you know|state} the "
        "capital {city |}of <x>?"
    ),
    "{can|could} you {tell me|name|give me} the capital {city |}of <x>?",
    "<x>'s capital?",
    "<x> capital?",
    "what is <x>'s capital{ city|}?",
    "which city is the capital of <x>?",
    "the capital of <x> {is|is what}?",
    "capital {city |}of <x>?",
    "capital of <x>",
    "{I'd like|I want|I need} to know the capital of <x>.",
    "what {city|town} {serves as|acts as|is} {the|} capital {of|for|in} <x>?",
    "<x>: capital?",
    "capital: <x>",
    "what do {you|they|people} call the capital of <x>?",
    "what is the name of the capital of <x>?",
    "where is the {government|seat of government} of <x>?",
    "name <x>'s capital{ city|}.",
    "if I {go to|visit} <x>, what is the capital?",
    "does <x> have a capital{, and what is it|}?",
    "what {would|do} you say is the capital of <x>?",
    "remind me what the capital of <x> is.",
    "I {forgot|can't remember} the capital of <x>.",
    "tell me what the capital of <x> is.",
    "do you know what the capital of <x> is?",
    "which is the capital of <x>?",
    "<x> has which capital?",
    "what's the main city, the capital, of <x>?",
    "what is the capital city called in <x>?",
    "{what|which} city is <x> {governed|run|ruled} from?",
    "where does the government of <x> sit?",
    "{in which|which|what} city {is the government of <x>|would I find the parliament of <x>}?",
    "I'm {doing a quiz|learning geography|curious}: {what is |}the capital of <x>?",
    "let's {play|practise} capitals: <x>",
    "capital city for <x>?",
    "hm, <x>... what's its capital?",
    "my {friend|teacher} asked {me |}for the capital of <x>.",
)
CURRENCY = (
    "{what is|what's|whats|which is|tell me|name|give me} the {currency|money} {of|in|used in} <x>?",
    (
        "what {currency|money} {is used in|do they use in|does <x> use|do people use in|do people pay with "
        "in} <x>?"
    ),
    "what {currency|money} do I need {in|for} <x>?",
    "<x>{'s|} currency?",
    "currency {of|in} <x>",
    "which currency {does <x> have|is used in <x>}?",
    "how do {you|people|I} pay in <x>?",
    "<x> uses {which|what} currency?",
    "what is <x>'s currency{ called|}?",
    "{can|could} you tell me {<x>'s currency|the currency of <x>}?",
    "what kind of money {does <x> have|is used in <x>}?",
    "what money should I {take|bring} to <x>?",
)
CONTINENT = (
    "{what|which} continent is <x> {in|on|located in|part of}?",
    "where is <x>{ located|}?",
    "<x> is {in|on} which continent?",
    "where {in|on} {the world|earth|the map|the globe} is <x>?",
    "on {what|which} continent {is|do I find|would I find} <x>?",
    "what is the continent of <x>?",
    "tell me {the continent of|where I find} <x>.",
    "continent of <x>",
    "{which|what} part of the world is <x> in?",
    "to which continent does <x> belong?",
    "what continent does <x> belong to?",
    "do you know where <x> is?",
)
LANGUAGE = (
    "{what|which} {language is|languages are} spoken in <x>?",
    "what {do|language do} {people|they} speak in <x>?",
    "{what is|what's|name|tell me} the {official |main |}language of <x>?",
    "language {of|in} <x>?",
    "<x> language?",
    "which language {do people in <x> speak|does <x> use}?",
    "what tongue is spoken in <x>?",
    "what language should I learn for {<x>|a trip to <x>}?",
    "what is spoken in <x>?",
    "how do people talk in <x>?",
    "what language do they use in <x>?",
    "which languages does <x> have?",
)
COUNTRY_OF = (
    "<x> is the capital of {which|what} country?",
    "{which|what} country has <x> as its capital?",
    "what is <x> the capital of?",
    "{what|which} country is <x> the capital of?",
    "which country's capital is <x>?",
    "<x> is the capital of what?",
    "of which country is <x> the capital?",
    "tell me which country has the capital <x>.",
    "{what|which} country is <x> in?",
    "in {what|which} country is <x>?",
    "where is the city {of |}<x>?",
)


def draw_country(rng: Random) -> Country:
    return rng.choice(COMMON if rng.random() < 0.35 else COUNTRIES)


def asked_name(country: Country, rng: Random) -> str:
    """The name or one of its other names; accents are often left out."""
    names = [country.name] * 3 + [alias for alias, name in ALIASES.items() if name == country.name]
    return rng.choice(names)


def plain(text: str, rng: Random) -> str:
    if rng.random() < 0.5:
        return text
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode() or text


def in_question(name: str, rng: Random) -> str:
    name = plain(name, rng)
    return name.removeprefix("the ") if rng.random() < 0.3 else name


def answer(kind: str, country: Country, name: str | None = None) -> str:
    name = name or country.name
    if kind == "capital":
        return CAPITAL_SENTENCES.get(country.name, f"The capital of {name} is {country.capital}.")
    if kind == "currency":
        return f"The currency of {name} is the {country.currency}."
    if kind == "continent":
        return f"{sentence(name)} is in {country.continent}."
    return f"People speak {country.languages} in {name}."


QUESTIONS = {"capital": CAPITAL, "currency": CURRENCY, "continent": CONTINENT, "language": LANGUAGE}


def capital(rng: Random) -> Document:
    chance = rng.random()
    if chance < 0.06:
        name, city = rng.choice(list(NATIONS.items()))
        return chat(
            "capitals", noisy(pick(CAPITAL, rng, x=name), rng, (name,)), f"The capital of {name} is {city}."
        )
    if chance < 0.20:
        name, city = rng.choice(STATES)
        return chat(
            "capitals", noisy(pick(CAPITAL, rng, x=name), rng, (name,)), f"The capital of {name} is {city}."
        )
    country = draw_country(rng)
    if chance < 0.35:
        question = noisy(pick(COUNTRY_OF, rng, x=plain(country.capital, rng)), rng, (country.capital,))
        return chat("capitals", question, f"{country.capital} is the capital of {country.name}.")
    name = asked_name(country, rng)
    question = noisy(pick(CAPITAL, rng, x=in_question(name, rng)), rng, (name,))
    return chat("capitals", question, answer("capital", country, name))


def fact(rng: Random) -> Document:
    country, kind = draw_country(rng), rng.choice(("currency", "continent", "language"))
    name = asked_name(country, rng)
    question = noisy(pick(QUESTIONS[kind], rng, x=in_question(name, rng)), rng, (name,))
    return chat("facts", question, answer(kind, country, name))


FOLLOW = {
    "capital": (
        "{and|what is|what about|and what is|how about|tell me} its capital?",
        "{and |}the capital?",
        "what is the capital there?",
        "which city is its capital?",
    ),
    "currency": (
        "{and|what is|what about|and what is|how about|tell me} its {currency|money}?",
        "{and |}the {currency|money}?",
        "what {money|currency} do they use{ there|}?",
        "how do I pay there?",
        "which currency does it have?",
    ),
    "continent": (
        "{and |}{which|what} continent is {it|that} {in|on}?",
        "{and |}{its|the} continent?",
        "where is {it|that}?",
        "{which|what} continent is that?",
    ),
    "language": (
        "{and |}what {language |}do {they|people} speak{ there|}?",
        "{and|what is} its language?",
        "{and |}the language?",
        "which language is spoken there?",
        "what is spoken there?",
    ),
}
SAME_FOR = (
    "{and |}{what about|how about|for|of|in} <x>?",
    "and <x>?",
    "<x>?",
    "{and |}the same for <x>{, please|}?",
    "now <x>",
    "what about <x>",
    "and {that of|for} <x>?",
    "same question for <x>.",
)


def follow_up(rng: Random) -> Document:
    """A question, then the same of another country or another fact of the same one; up to three turns."""
    country, kind = draw_country(rng), rng.choice(("capital", "capital", "currency", "continent", "language"))
    turns = [
        noisy(pick(QUESTIONS[kind], rng, x=in_question(country.name, rng)), rng, (country.name,)),
        answer(kind, country),
    ]
    for _ in range(rng.choice((1, 1, 2))):
        if rng.random() < 0.5:
            if rng.random() < 0.12:
                turns += [noisy(pick(SAME_FOR, rng, x=invent.place(rng)), rng), unsure.PLACE]
                break
            country = draw_country(rng)
            question = pick(SAME_FOR, rng, x=in_question(country.name, rng))
        else:
            kind = rng.choice([other for other in FOLLOW if other != kind])
            question = pick(FOLLOW[kind], rng)
        turns += [noisy(question, rng, (country.name,)), answer(kind, country)]
    return chat("conversation", *turns)


COMPARE = (
    "is <x> in <c>?",
    "<x> is in <c>, {right|correct|isn't it}?",
    "does <x> lie in <c>?",
    "is <x> {part of|located in} <c>?",
)
IS_CAPITAL = (
    "is <c> the capital of <x>?",
    "<c> is the capital of <x>, {right|correct|isn't it}?",
    "is <x>'s capital <c>?",
)


def yes_no(rng: Random) -> Document:
    country = draw_country(rng)
    other = rng.choice((country, draw_country(rng)))
    if rng.random() < 0.5:
        question = pick(COMPARE, rng, x=in_question(country.name, rng), c=other.continent)
        right = country.continent == other.continent
        return chat(
            "facts",
            noisy(question, rng, (country.name, other.continent)),
            ("Yes, " if right else "No, ") + answer("continent", country),
        )
    question = pick(IS_CAPITAL, rng, x=in_question(country.name, rng), c=other.capital)
    text = answer("capital", country)
    text = text[0].lower() + text[1:] if text.startswith("The ") else text
    return chat(
        "facts",
        noisy(question, rng, (country.name, other.capital)),
        ("Yes, " if country.capital == other.capital else "No, ") + text,
    )


UNKNOWN_OF_COUNTRY = (
    "{what is|what's|tell me|give me} the <a> of <x>?",
    "<x>'s <a>?",
    "what is <x>'s <a>?",
    "<a> of <x>",
    "{can|could} you tell me the <a> of <x>?",
    "do you know the <a> of <x>?",
    "the <a> of <x>?",
)
ATTRIBUTES = (
    "population",
    "president",
    "prime minister",
    "king",
    "queen",
    "area",
    "size",
    "national anthem",
    "flag",
    "history",
    "national dish",
    "tallest mountain",
    "highest mountain",
    "longest river",
    "largest lake",
    "biggest city",
    "second largest city",
    "GDP",
    "national bird",
    "national animal",
    "independence day",
    "literacy rate",
    "unemployment rate",
    "area code",
    "dialling code",
    "time zone",
    "climate",
    "weather",
    "airport",
    "best hotel",
    "most famous singer",
    "football coach",
    "national football team",
    "richest person",
    "oldest university",
    "motto",
    "life expectancy",
    "average income",
    "minimum wage",
    "religion",
    "constitution",
    "main export",
    "army",
    "first president",
    "last king",
    "founder",
    "current ruler",
    "government",
    "parliament",
    "official website",
    "national flower",
    "biggest company",
    "most popular sport",
    "inflation rate",
    "old name",
    "former capital",
)
QUESTIONS_OF_COUNTRY = (
    "how many people live in <x>?",
    "who {is|was} the {first |current |last |} {president|king|queen|leader|prime minister} of <x>?",
    "who {rules|governs|leads|runs|founded|discovered|conquered} <x>?",
    "when {was <x> founded|did <x> become independent}?",
    "how {big|large|old|rich|cold|hot|far away|safe} is <x>?",
    "what {is|was} the weather {like |} in <x>{ today|}?",
    "which countries border <x>?",
    "what {should I see|can I visit|is there to do|do people eat} in <x>?",
    "what is <x> {famous|known} for?",
    "how do I get {to|a visa for} <x>?",
    "what colour is the flag of <x>?",
    "what happened in <x> in <y>?",
    "who won the election in <x>?",
    "when was the war in <x>?",
    "what time is it in <x>?",
    "what is the best {restaurant|beach|hotel|museum|bar} in <x>?",
    "tell me {about|a story about|something about} the history of <x>.",
    "who is the most famous {person|writer|singer|footballer} from <x>?",
    "how much does a {house|coffee|beer} cost in <x>?",
    "how many {states|provinces|islands|lakes|cities} does <x> have?",
    "what is the exchange rate of <x>?",
)


def unknown_of_country(rng: Random) -> Document:
    """A country that the model knows, and a fact that it does not."""
    place = in_question(
        rng.choice((draw_country(rng).name, draw_country(rng).capital, rng.choice(STATES)[0])), rng
    )
    if rng.random() < 0.5:
        question = pick(UNKNOWN_OF_COUNTRY, rng, a=rng.choice(ATTRIBUTES), x=place)
    else:
        question = pick(QUESTIONS_OF_COUNTRY, rng, x=place, y=rng.randrange(1400, 2030))
    current = any(word in question for word in ("weather", "time is", "today", "exchange", "current"))
    return chat("unknown", noisy(question, rng, (place,)), unsure.CURRENT if current else unsure.GENERAL)


def unknown_place(rng: Random) -> Document:
    """A place that does not exist, or one that is no country."""
    kind = rng.choice(("capital", "capital", "capital", "currency", "continent", "language", "of"))
    place = invent.place(rng)
    templates = COUNTRY_OF if kind == "of" else QUESTIONS[kind]
    return chat("unknown", noisy(pick(templates, rng, x=place), rng, (place,)), unsure.PLACE)


def listing(rng: Random) -> Document:
    """Three countries at once."""
    countries = rng.sample(COMMON, 2)
    names = join([in_question(country.name, rng) for country in countries])
    question = pick(
        (
            "{what are|tell me|name|give me} the capitals of <x>?",
            "capitals of <x>",
            "what are <x>'s capitals?",
        ),
        rng,
        x=names,
    )
    return chat(
        "capitals",
        noisy(question, rng, (names,)),
        " ".join(answer("capital", country) for country in countries),
    )
