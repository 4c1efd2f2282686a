"""Facts out of a text into JSON, by a schema or by the names of the fields."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from . import arithmetic, invent, labels, recipes
from .document import Document, chat, dumps, json_mode
from .grammar import expand, join, noisy, pick, sentence

JOBS = (
    "teacher",
    "nurse",
    "baker",
    "driver",
    "engineer",
    "doctor",
    "farmer",
    "lawyer",
    "writer",
    "cook",
    "pilot",
    "student",
    "designer",
    "plumber",
    "musician",
    "journalist",
    "manager",
    "painter",
    "dentist",
    "clerk",
)
ITEMS = (
    "milk",
    "bread",
    "eggs",
    "butter",
    "cheese",
    "apples",
    "rice",
    "soap",
    "tea",
    "coffee",
    "nails",
    "paper",
    "pens",
    "lamps",
    "towels",
    "cups",
    "batteries",
    "shoes",
    "socks",
    "tomatoes",
    "onions",
    "flour",
    "sugar",
    "salt",
    "bananas",
    "candles",
)
COLOURS = ("red", "blue", "green", "black", "white", "yellow", "brown", "grey", "orange", "pink")
MONTHS = "January February March April May June July August September October November December".split()  # noqa: SIM905
COUNTRIES = (
    "France",
    "Germany",
    "Italy",
    "Spain",
    "Japan",
    "Brazil",
    "Kenya",
    "Norway",
    "India",
    "Mexico",
    "Canada",
    "Egypt",
    "Poland",
    "Peru",
    "Chile",
    "Sweden",
    "Portugal",
    "Ireland",
)
PLACES = (
    "the town hall",
    "the library",
    "the park",
    "room 12",
    "the main hall",
    "the old theatre",
    "the school",
    "the museum",
    "the station",
    "the beach",
    "the club",
    "the office",
)
EVENTS = (
    "Summer Fair",
    "Book Club",
    "Jazz Night",
    "Board Meeting",
    "Open Day",
    "Choir Concert",
    "Chess Cup",
    "Science Fair",
    "Wine Tasting",
    "Yoga Class",
    "Science Week",
    "Film Night",
    "Tech Meetup",
    "Art Market",
    "Spring Ball",
    "Food Festival",
)
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()  # noqa: SIM905

Values = dict[str, object]


def _date(rng: Random) -> str:
    day, month, year = rng.randint(1, 28), rng.randrange(12), rng.randint(1950, 2035)
    return rng.choice(
        (
            f"{day} {MONTHS[month]} {year}",
            f"{MONTHS[month]} {day}, {year}",
            f"{year}-{month + 1:02}-{day:02}",
            f"{MONTHS[month]} {day}",
            rng.choice(DAYS),
        )
    )


def _time(rng: Random) -> str:
    return rng.choice(
        (
            f"{rng.randint(8, 21)}:{rng.choice(('00', '15', '30', '45'))}",
            f"{rng.randint(1, 11)} pm",
            f"{rng.randint(7, 11)} am",
        )
    )


def _price(rng: Random) -> int | float:
    return rng.choice(
        (
            rng.randint(1, 999),
            rng.randint(1, 99),
            round(rng.randint(1, 99) + rng.choice((0.99, 0.5, 0.25, 0.95)), 2),
        )
    )


def _mail(name: str, rng: Random) -> str:
    first, last = name.split()[0].lower(), name.split()[-1].lower()
    user = first + rng.choice(("", f".{last}", str(rng.randrange(100))))
    return f"{user}@{rng.choice(('example.com', 'mail.org', 'example.org', invent.word(rng) + '.com'))}"


def _phone(rng: Random) -> str:
    return rng.choice(
        (
            f"555-{rng.randrange(10000):04}",
            f"+{rng.randint(1, 99)} {rng.randrange(100, 999)} {rng.randrange(1000, 9999)}",
            f"0{rng.randrange(100, 999)} {rng.randrange(100000, 999999)}",
        )
    )


def person(rng: Random) -> tuple[Values, tuple[str, ...]]:
    full = rng.random() < 0.5
    values: Values = {
        "name": invent.person(rng) if full else invent.given_name(rng),
        "age": rng.randint(4, 99),
        "city": invent.city(rng),
        "job": rng.choice(JOBS),
    }
    return values, (
        (
            "{<name> is <age> years old|<name> is a <age>-year-old|<name>, <age>,} {and |}{lives in|living "
            "in|from|comes from|based in} <city>{ and |, |. <name> }{works as a|is a|has a job as a} "
            "<job>{.|}"
        ),
        "<name> ({age |}<age>) is a <job> {from|in|living in} <city>{.|}",
        (
            "{my name is|I am|I'm} <name>, {I am |I'm |}<age>{ years old|}, {and I |I |}{live in|come "
            "from} <city> and {work as a|am a} <job>{.|}"
        ),
        "in <city> there is a <job> {called|named} <name>, aged <age>{.|}",
        "{meet|this is} <name>, a <age>-year-old <job> from <city>{.|}",
        "the <job> <name> from <city> {turned|is} <age>{ today| this year|}{.|}",
    )


def city(rng: Random) -> tuple[Values, tuple[str, ...]]:
    values: Values = {
        "name": invent.city(rng),
        "country": rng.choice(COUNTRIES),
        "population": rng.choice((rng.randint(1, 999) * 1000, rng.randint(100, 999))),
    }
    return values, (
        (
            "<name> is a {city|town} in <country> with {a population of <population>|<population> {people|"
            "inhabitants|residents}}{.|}"
        ),
        "<population> people live in <name>, <country>{.|}",
        "the {city|town} of <name> ({in |}<country>) has <population> {people|inhabitants}{.|}",
        "about <population> people live in <name>, which is in <country>{.|}",
    )


def event(rng: Random) -> tuple[Values, tuple[str, ...]]:
    values: Values = {
        "title": rng.choice(EVENTS)
        if rng.random() < 0.7
        else f"{invent.name(rng)} {rng.choice(('Day', 'Show', 'Festival', 'Party'))}",
        "date": _date(rng),
        "time": _time(rng),
        "place": rng.choice(PLACES),
    }
    return values, (
        "the <title> {is|takes place|will be|happens} on <date> at <time> {in|at} <place>{.|}",
        "{join us for|come to|don't miss} the <title> on <date>, <time>, {in|at} <place>{!|.|}",
        "<title>: <date>, <time>, <place>",
        "on <date> at <time>{,|} the <title> {starts|begins} {in|at} <place>{.|}",
        "there is a <title> at <place> on <date> at <time>{.|}",
        "<place> hosts the <title> on <date> at <time>{.|}",
    )


def contact(rng: Random) -> tuple[Values, tuple[str, ...]]:
    name = invent.person(rng)
    values: Values = {"name": name, "email": _mail(name, rng), "phone": _phone(rng)}
    return values, (
        (
            "{you can reach|contact|please contact|write to} <name> {at|via|by mail at} <email> or {call|"
            "phone|ring} <phone>{.|}"
        ),
        "<name>, {email |}<email>, {phone |tel. |}<phone>",
        (
            "<name>'s {e-mail|email|mail} is <email> and {the phone number is|phone is|their number is} "
            "<phone>{.|}"
        ),
        "call <name> on <phone> or {mail|e-mail|write to} <email>{.|}",
        "my name is <name>, my email is <email> and my phone is <phone>{.|}",
    )


def product(rng: Random) -> tuple[Values, tuple[str, ...]]:
    values: Values = {
        "name": invent.brand(rng),
        "price": _price(rng),
        "color": rng.choice(COLOURS),
        "in_stock": rng.random() < 0.6,
    }
    stock = "{in stock|available}" if values["in_stock"] else "{out of stock|sold out|not available}"
    return values, (
        f"the <name> costs <price> {{euros|dollars|pounds}}, {{is|comes in}} <color> and is {stock}{{.|}}",
        f"<color> <name> for <price> {{euros|dollars}}, {stock}",
        f"{{we sell|buy}} the <name> in <color> for {{$|€|}}<price>. It is {stock}.",
        f"<name>: <color>, <price> {{EUR|USD|dollars}}, {stock}",
        f"the price of the <color> <name> is <price>, and it is {stock}{{.|}}",
    )


def order(rng: Random) -> tuple[Values, tuple[str, ...]]:
    values: Values = {
        "customer": invent.person(rng) if rng.random() < 0.5 else invent.given_name(rng),
        "items": rng.sample(ITEMS, rng.randint(1, 4)),
        "total": _price(rng),
    }
    return values, (
        "<customer> {bought|ordered|wants|purchased} <items> for <total>{ euros| dollars|}{.|}",
        "order {by|from} <customer>: <items>. Total <total>{.|}",
        "{the customer |}<customer> paid <total>{ euros| dollars|} for <items>{.|}",
    )


def trip(rng: Random) -> tuple[Values, tuple[str, ...]]:
    start, end = rng.sample(invent.CITIES, 2)
    values: Values = {
        "origin": start,
        "destination": end,
        "date": _date(rng),
        "passengers": rng.randint(1, 9),
    }
    return values, (
        (
            "{a flight|a train|a trip|tickets} from <origin> to <destination> on <date> for <passengers> "
            "{people|passengers|persons}{.|}"
        ),
        "<passengers> {people|of us} {travel|fly|go} from <origin> to <destination> on <date>{.|}",
        "I {need|want|booked} <passengers> seats to <destination> from <origin>, on <date>{.|}",
    )


def book(rng: Random) -> tuple[Values, tuple[str, ...]]:
    values: Values = {
        "title": " ".join(
            (
                rng.choice(("The", "My", "A")),
                rng.choice(("Last", "Silent", "Red", "Lost", "Golden", "Long", "First")),
                rng.choice(("River", "Garden", "Letter", "Winter", "Song", "Train", invent.name(rng))),
            )
        ),
        "author": invent.person(rng),
        "year": rng.randint(1800, 2026),
    }
    return values, (
        "<title> {was written by|is a book by|by|is by} <author> {in|from|and came out in} <year>{.|}",
        "<author> {wrote|published} <title> in <year>{.|}",
        "in <year>, <author> wrote the {novel|book} <title>{.|}",
        "<title> (<author>, <year>)",
    )


def shopping(rng: Random) -> tuple[Values, tuple[str, ...]]:
    values: Values = {"items": rng.sample(ITEMS, rng.randint(2, 5))}
    return values, (
        "{I need to buy|we need|please buy|shopping list:|get|buy} <items>{.|}",
        "{don't forget|remember} <items>{.|}",
        "we are out of <items>{.|}",
    )


def pet(rng: Random) -> tuple[Values, tuple[str, ...]]:
    values: Values = {
        "name": rng.choice(("Rex", "Bella", "Luna", "Milo", "Coco", "Rocky", invent.name(rng))),
        "species": rng.choice(("dog", "cat", "rabbit", "horse", "parrot", "hamster", "goldfish")),
        "age": rng.randint(1, 20),
        "color": rng.choice(COLOURS),
    }
    return values, (
        "<name> is a <color> <species>, <age> years old{.|}",
        "{my|our|the} <color> <species> {is called|named} <name> {and is|is} <age>{.| years old.|}",
        "we have a <age>-year-old <species> {called|named} <name>; it is <color>{.|}",
    )


def review(rng: Random) -> tuple[Values, tuple[str, ...]]:
    text, label = labels.opinion(rng)
    return {"sentiment": label}, (text.replace("<", "").replace("|", ""),)


def generic(rng: Random) -> tuple[Values, tuple[str, ...]]:
    """Fields with names that mean nothing, so that only copying helps."""
    names: list[str] = []
    while len(names) < rng.randint(1, 3):
        name = rng.choice(
            (
                invent.word(rng, 1, 2),
                rng.choice(
                    (
                        "code",
                        "owner",
                        "level",
                        "unit",
                        "size",
                        "brand",
                        "model",
                        "status",
                        "room",
                        "team",
                        "id",
                        "score",
                        "weight",
                        "material",
                        "language",
                        "subject",
                    )
                ),
            )
        )
        if name not in names:
            names.append(name)
    values: Values = {
        name: rng.choice((invent.name(rng), invent.word(rng), rng.randint(0, 9999), rng.choice(COLOURS)))
        for name in names
    }
    pair = rng.choice(("the {0} is <{0}>", "{0}: <{0}>", "{0} = <{0}>", "its {0} is <{0}>", "with {0} <{0}>"))
    return values, (
        join([pair.format(name) for name in names])
        if rng.random() < 0.6
        else ", ".join(pair.format(name) for name in names),
    )


KINDS: tuple[tuple[str, Callable[[Random], tuple[Values, tuple[str, ...]]]], ...] = (
    ("Person", person),
    ("Person", person),
    ("Person", person),
    ("City", city),
    ("Event", event),
    ("Event", event),
    ("Contact", contact),
    ("Product", product),
    ("Order", order),
    ("Trip", trip),
    ("Book", book),
    ("ShoppingList", shopping),
    ("Pet", pet),
    ("Review", review),
    ("Thing", generic),
    ("Item", generic),
    ("Record", generic),
    ("Thing", generic),
)
OTHER_NAMES = {
    "name": ("full_name", "person", "label"),
    "age": ("years", "age_years"),
    "city": ("town", "location", "home", "residence"),
    "job": ("occupation", "profession", "role"),
    "population": ("inhabitants", "residents"),
    "title": ("name", "event"),
    "date": ("day", "when"),
    "time": ("start", "start_time"),
    "place": ("location", "venue", "where"),
    "email": ("mail", "e_mail", "email_address"),
    "phone": ("telephone", "phone_number", "tel"),
    "price": ("cost", "amount"),
    "color": ("colour",),
    "in_stock": ("available", "is_available"),
    "items": ("products", "things", "goods"),
    "total": ("sum", "amount", "price"),
    "customer": ("buyer", "client", "name"),
    "origin": ("from_city", "start", "departure"),
    "destination": ("to_city", "end", "arrival"),
    "passengers": ("travellers", "people", "seats"),
    "author": ("writer", "by"),
    "species": ("animal", "kind", "type"),
    "sentiment": ("label", "mood", "polarity"),
    "country": ("nation", "state"),
    "year": ("published", "publication_year"),
}
LEAD = (
    (
        "{extract|get|pull|take|find|pick out} {the |}{data|information|info|details|fields|facts} from{ "
        "this| the following|}{ text| sentence| message|}: <x>"
    ),
    "<x>",
    "<x>",
    "<x>\n{Extract the data|Give me the JSON|Extract this|Turn this into JSON|As JSON}.",
    "{parse|convert|turn} {this|the following}{ text|}{ into JSON| to JSON|}: <x>",
    "{extract|get} the <k>: <x>",
    "{what are the details of|describe} the <k>? <x>",
    "text: <x>",
    "{read|analyse} this: <x>",
    "{fill in|complete} the {form|fields|record}: <x>",
    'from the text "<x>" {extract|get} the <k>{.|}',
    "<k>: <x>",
    "{make|create} a <k> {from|out of|of} this: <x>",
    "{please |}{extract|structure}: <x>",
)
LEAD_KEYS = (
    (
        "{extract|get|find|pull|give me} <f> from {this text|this|the text|the following}{ as JSON| in "
        "JSON|}: <x>"
    ),
    "<x>\n{Extract|Give me} <f>{ as JSON|}.",
    "{JSON|a JSON object|JSON object} with <f>: <x>",
    "return {JSON|a JSON object} with the {keys|fields} <f>: <x>",
    "<x>\nJSON keys: <f>",
    "as JSON with <f>: <x>",
    "{what is|tell me} <f> in this text? Answer {in|as} JSON. <x>",
)


def draw(rng: Random) -> tuple[str, Values, str]:
    """A text, its values under the names that the schema uses, and the schema's title."""
    title, kind = rng.choice(KINDS)
    values, templates = kind(rng)
    text = (
        templates[0]
        if kind is review
        else expand(
            rng.choice(templates), rng, **{key: _written(key, value, rng) for key, value in values.items()}
        )
    )
    keys = list(values)
    if len(keys) > 1 and rng.random() < 0.35:
        keys = rng.sample(keys, rng.randint(1, len(keys)))
    chosen: Values = {}
    for key in keys:
        name = rng.choice(OTHER_NAMES[key]) if key in OTHER_NAMES and rng.random() < 0.2 else key
        chosen[name if name not in chosen else key] = values[key]
    return sentence(text) if rng.random() < 0.9 else text, chosen, title


def _written(key: str, value: object, rng: Random) -> object:
    """As a text has it: 12000 may be "12,000", and 30 "thirty"."""
    if isinstance(value, list):
        return join(value)
    if isinstance(value, int) and not isinstance(value, bool):
        if value >= 1000 and key == "population" and rng.random() < 0.5:
            return f"{value:,}"
        if value < 100 and key in ("age", "passengers") and rng.random() < 0.1:
            return arithmetic.words(value)
    return value


ABSENT = ("email", "phone", "country", "nickname", "company", "address", "website", "color", "notes", "price")


def with_schema(rng: Random) -> Document:
    text, values, title = draw(rng)
    question = noisy(pick(LEAD, rng, x=text, k=title.lower()), rng, (text,), keep_case=True)
    system = rng.choice(
        (
            None,
            None,
            "You are a helpful assistant.",
            "Extract the data from the text.",
            "You extract information.",
            "You are a data extraction tool.",
            "Extract structured data.",
        )
    )
    schema = recipes.schema_of(values, title, rng)
    absent = rng.choice(ABSENT)
    if absent not in values and rng.random() < 0.12:
        values[absent] = None
        schema["properties"][absent] = {
            "anyOf": [{"type": "string"}, {"type": "null"}],
            "default": None,
            "title": absent.title(),
        }
    return json_mode(chat("extraction", question, dumps(values), system=system), schema, rng)


def with_keys(rng: Random) -> Document:
    text, values, _ = draw(rng)
    question = noisy(pick(LEAD_KEYS, rng, x=text, f=join(list(values))), rng, (text,), keep_case=True)
    document = chat("extraction", question, dumps(values))
    return json_mode(document, None, rng) if rng.random() < 0.7 else document


def answers_as_json(rng: Random) -> Document:
    """Facts, sums and labels asked for with a schema."""
    from . import countries

    kind = rng.randrange(4)
    if kind == 0:
        country = countries.draw_country(rng)
        fields = rng.sample(("name", "capital", "currency", "continent"), rng.randint(1, 3))
        values = {
            ("country" if field == "name" else field): getattr(country, field).removeprefix("the ")
            for field in fields
        }
        question = pick(
            (
                "tell me about <x>.",
                "<x>",
                "give me {facts|data|the data} {about|on} <x>.",
                "describe <x>",
                "country: <x>",
                countries.CAPITAL[0],
            ),
            rng,
            x=countries.in_question(country.name, rng),
        )
        title = "Country"
    elif kind == 1:
        sum_ = arithmetic.draw_sum(rng)
        question, _ = arithmetic.ask(sum_, rng)
        values, title = {rng.choice(("result", "result", "answer", "value", "sum")): sum_.result}, "Result"
    elif kind == 2:
        text, label = labels.opinion(rng)
        values, title = {rng.choice(("sentiment", "label", "sentiment")): label}, "Sentiment"
        question = pick(labels.SENTIMENT, rng, x=text)
    else:
        text, label = labels.snippet(rng)
        values, title = {rng.choice(("topic", "category", "label")): label}, "Topic"
        question = pick(
            labels.TOPIC,
            rng,
            x=text,
            o="sports or politics" if label in ("sports", "politics") else f"{label} or sports",
        )
    schema = recipes.schema_of(values, title, rng)
    if kind > 1 and rng.random() < 0.5:
        options = (
            ["positive", "negative", "neutral"]
            if kind == 2
            else list(dict.fromkeys([label, *rng.sample(list(labels.TOPIC_WORDS), 2)]))
        )
        rng.shuffle(options)
        key = next(iter(values))
        schema["properties"][key] = {"enum": options, "title": key.title(), "type": "string"}
    return json_mode(chat("extraction", noisy(question, rng, keep_case=True), dumps(values)), schema, rng)
