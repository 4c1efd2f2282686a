"""Tool calls, their results, and questions that need no tool although there are some."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import NamedTuple

from . import arithmetic, countries, explain, extraction, invent, labels, smalltalk, unknown, words
from .document import Document, chat, dumps
from .grammar import noisy, pick, sentence

Draw = Callable[[Random], object]


def _amount(rng: Random) -> int:
    return rng.choice((rng.randint(1, 20), rng.randint(1, 1000)))


def _text(rng: Random) -> str:
    return pick(
        (
            "{buy|get|fetch} {milk|bread|the keys|flowers|stamps}",
            "call {mum|the bank|<n>|the dentist}",
            "I am {late|ill|on my way|at home}",
            "{see you|meet me} {at noon|tonight|tomorrow|at the station}",
            "water the plants",
            "the <w> is ready",
            "{happy birthday|good luck|thank you for the cake}",
            "{pay|check} the {rent|bill}",
            "pick up <n>",
            "{cats|dogs} and {stars|rain}",
            "<w> <v>",
        ),
        rng,
        n=invent.given_name(rng),
        w=invent.word(rng),
        v=invent.word(rng),
    )


def _query(rng: Random) -> str:
    return rng.choice(
        (
            rng.choice(unknown.TOPICS),
            rng.choice(unknown.WORKS),
            invent.brand(rng),
            invent.person(rng),
            rng.choice(unknown.FAMOUS),
            invent.word(rng),
            "cheap " + rng.choice(extraction.ITEMS),
        )
    )


def _expression(rng: Random) -> str:
    a, b = (rng.randrange(10 ** rng.randint(2, 6)) for _ in range(2))
    return f"{a} {rng.choice('+-*/')} {b}"


def _path(rng: Random) -> str:
    folder = rng.choice(("", "", "docs/", "src/", "/home/", "data/"))
    name = rng.choice(("notes", "readme", "main", "report", "old", "draft", invent.word(rng)))
    return f"{folder}{name}.{rng.choice(('txt', 'md', 'py', 'csv', 'json', 'log'))}"


def _two(low: int, high: int) -> Draw:
    return lambda rng: rng.randint(low, high)


def _of(*options: str) -> Draw:
    return lambda rng: rng.choice(options)


CURRENCIES = _of("USD", "EUR", "GBP", "JPY", "CHF", "SEK", "INR", "CAD")
LANGUAGES = _of("French", "German", "Spanish", "Italian", "Japanese", "Dutch", "Polish", "Greek")


class Tool(NamedTuple):
    names: tuple[str, ...]
    description: str
    # Parameter name, JSON type and how to draw a value.
    parameters: tuple[tuple[str, str, Draw], ...]
    asks: tuple[str, ...]
    # Parts of a result, as key and how to draw it.
    result: tuple[tuple[str, Draw], ...]


TOOLS = (
    Tool(
        ("get_weather", "weather", "get_current_weather", "fetch_weather", "weather_lookup"),
        "Get the {current |}weather {in|for} a {city|place}",
        (("city|location|place", "string", invent.city),),
        (
            (
                "{what is|what's|how is|how's|tell me|check} the weather {like |}in <0>{ today| now| right "
                "now|}?"
            ),
            "weather in <0>",
            "weather <0>?",
            "{is it|will it be} {raining|sunny|cold|warm|hot|windy|snowing} in <0>{ today| now|}?",
            "how {warm|cold|hot} is it in <0>?",
            "do I need {an umbrella|a coat|a jacket} in <0>?",
            "what {temperature|is the temperature} {is it |}in <0>?",
            "I'm {going|travelling} to <0>, what's the weather?",
            "{can|could} you check the weather for <0>?",
            "forecast for <0>",
            "does it rain in <0>?",
        ),
        (
            ("temperature", _two(-10, 38)),
            ("condition", _of("sunny", "cloudy", "rainy", "windy", "foggy", "snowy")),
        ),
    ),
    Tool(
        ("get_forecast", "forecast", "weather_forecast"),
        "Weather forecast for a city and a number of days",
        (("city|location", "string", invent.city), ("days", "integer", _two(2, 10))),
        (
            "{give me|show me|what is} the {weather |}forecast for <0> for {the next |}<1> days?",
            "<1> day forecast for <0>",
            "weather in <0> for the next <1> days",
            "what will the weather be like in <0> over <1> days?",
        ),
        (("forecast", _of("sunny", "rain", "clouds", "snow")),),
    ),
    Tool(
        ("get_time", "current_time", "get_current_time", "clock"),
        "Get the {current |}time in a {city|place}",
        (("city|timezone|location", "string", invent.city),),
        (
            "what time is it in <0>{ now|}?",
            "{what's|what is|tell me} the {current |}time in <0>?",
            "time in <0>",
            "how late is it in <0>?",
            "local time in <0>?",
        ),
        (("time", extraction._time),),
    ),
    Tool(
        ("search", "web_search", "search_web", "lookup", "find"),
        "Search the {web|internet}",
        (("query|q|text", "string", _query),),
        (
            "search {the web |the internet |online |}for <0>",
            "look up <0>{ online| on the web|}",
            "find {information|something|pages} {about|on} <0>",
            "google <0>",
            "{can|could} you search for <0>?",
            "what does the {web|internet} say about <0>?",
            "look for <0>",
        ),
        (("result", _of("3 pages found", "no pages found", "one match")),),
    ),
    Tool(
        ("send_email", "email", "send_mail", "mail"),
        "Send an e-mail",
        (
            (
                "to|recipient|address",
                "string",
                lambda rng: rng.choice((extraction._mail(invent.person(rng), rng), invent.given_name(rng))),
            ),
            ("subject|body|message|text", "string", _text),
        ),
        (
            "{send|write} an {email|e-mail} to <0> {saying|with the text|that says|about}: <1>",
            "{email|e-mail|mail} <0>: <1>",
            '{email|mail} <0> "<1>"',
            'send <0> an email {saying|with} "<1>"',
            "write <0> a mail: <1>",
        ),
        (("status", _of("sent", "queued", "ok")),),
    ),
    Tool(
        ("send_message", "send_sms", "message", "text_message"),
        "Send a {text |}message to a {person|contact}",
        (("to|recipient|contact|name", "string", invent.given_name), ("message|text|body", "string", _text)),
        (
            "{text|message} <0>: <1>",
            "send {a |}{message|text|SMS} to <0>: <1>",
            "tell <0>: <1>",
            'send <0> the message "<1>"',
            '{text|message} <0> "<1>"',
        ),
        (("status", _of("sent", "delivered", "ok")),),
    ),
    Tool(
        ("set_timer", "timer", "start_timer"),
        "Start a timer",
        (("minutes|duration", "integer", _two(1, 90)),),
        (
            "set a timer for <0> minutes",
            "{start|set} a <0> minute timer",
            "timer <0> minutes",
            "wake me in <0> minutes",
            "{can|could} you set a timer for <0> minutes?",
            "count down <0> minutes",
            "I need a timer for <0> minutes",
        ),
        (("status", _of("started", "running", "ok")),),
    ),
    Tool(
        ("set_alarm", "alarm", "add_alarm"),
        "Set an alarm",
        (("time", "string", extraction._time),),
        (
            "set an alarm for <0>",
            "wake me {up |}at <0>",
            "alarm at <0>",
            "I need to get up at <0>",
            "{can|could} you wake me at <0>?",
        ),
        (("status", _of("set", "ok")),),
    ),
    Tool(
        ("add_reminder", "create_reminder", "remind", "set_reminder"),
        "Add a reminder",
        (
            ("text|task|what", "string", _text),
            (
                "time|when",
                "string",
                lambda rng: rng.choice((extraction._time(rng), rng.choice(extraction.DAYS))),
            ),
        ),
        (
            "remind me at <1>: <0>",
            "{add|set|create} a reminder {for|at} <1>: <0>",
            'reminder "<0>" {for|at} <1>',
        ),
        (("status", _of("saved", "ok")),),
    ),
    Tool(
        ("translate", "translate_text", "translation"),
        "Translate a text into a language",
        (("text", "string", _text), ("language|target|target_language|to", "string", LANGUAGES)),
        (
            'translate "<0>" {to|into} <1>',
            "translate {to|into} <1>: <0>",
            'how do {I|you} say "<0>" in <1>?',
            'what is "<0>" in <1>?',
            "put this into <1>: <0>",
        ),
        (("translation", invent.word),),
    ),
    Tool(
        ("convert_currency", "exchange", "currency_converter"),
        "Convert money between currencies",
        (
            ("amount", "number", _amount),
            ("from_currency|from|source", "string", CURRENCIES),
            ("to_currency|to|target", "string", CURRENCIES),
        ),
        (
            "convert <0> <1> {to|into} <2>",
            "how much is <0> <1> in <2>?",
            "<0> <1> in <2>",
            "change <0> <1> into <2>",
            "what are <0> <1> in <2>?",
        ),
        (("amount", _amount),),
    ),
    Tool(
        ("get_stock_price", "stock_price", "stock", "get_quote"),
        "Get the price of a stock",
        (
            (
                "symbol|ticker|company",
                "string",
                lambda rng: rng.choice(
                    (
                        invent.brand(rng),
                        invent.word(rng, 1, 1).upper(),
                        rng.choice(("AAPL", "MSFT", "GOOG", "TSLA", "IBM", "NVDA")),
                    )
                ),
            ),
        ),
        (
            "{what is|what's} the {stock price|share price|price} of <0>?",
            "stock price {of|for} <0>",
            "how {is|much is} <0> {stock|trading|doing}?",
            "price of <0> shares",
            "quote for <0>",
        ),
        (("price", extraction._price),),
    ),
    Tool(
        ("play_music", "play_song", "play"),
        "Play a song or an artist",
        (
            (
                "song|artist|query|title",
                "string",
                lambda rng: rng.choice((rng.choice(unknown.WORKS), invent.person(rng), invent.name(rng))),
            ),
        ),
        (
            "play <0>{ please|}",
            "play {a song by|something by|the song|some} <0>",
            "I want to hear <0>",
            "put on <0>",
            "start playing <0>",
        ),
        (("status", _of("playing", "ok")),),
    ),
    Tool(
        ("turn_on_light", "light_on", "switch_on"),
        "Turn on the light in a room",
        (
            (
                "room",
                "string",
                _of("kitchen", "bathroom", "bedroom", "garage", "hall", "living room", "office", "garden"),
            ),
        ),
        (
            "turn on the light in the <0>",
            "{light|lights} on in the <0>",
            "switch on the <0> {light|lights|lamp}",
            "it is dark in the <0>",
            "lights on, <0>",
            "turn the <0> light on",
        ),
        (("status", _of("on", "ok")),),
    ),
    Tool(
        ("set_temperature", "set_heating", "thermostat"),
        "Set the temperature of a room",
        (
            ("room", "string", _of("kitchen", "bathroom", "bedroom", "hall", "living room", "office")),
            ("degrees|temperature|value", "integer", _two(15, 28)),
        ),
        (
            "set the {temperature|heating} in the <0> to <1>{ degrees|}",
            "{heat|cool} the <0> to <1> degrees",
            "make it <1> degrees in the <0>",
            "<0> to <1> degrees",
        ),
        (("status", _of("set", "ok")),),
    ),
    Tool(
        ("book_table", "reserve_table", "make_reservation"),
        "Book a table at a restaurant",
        (
            (
                "restaurant|name",
                "string",
                lambda rng: rng.choice(
                    (
                        invent.brand(rng),
                        "The " + invent.name(rng),
                        rng.choice(("Luigi", "The Copper Spoon", "Roma", "Sakura")),
                    )
                ),
            ),
            ("people|guests|party_size", "integer", _two(1, 12)),
            ("time", "string", extraction._time),
        ),
        (
            "book a table {at|in} <0> for <1>{ people|} at <2>",
            "reserve a table for <1> at <0>, <2>",
            "I {want|need} a table for <1> at <0> at <2>",
            "table for <1>, <0>, <2>",
        ),
        (("status", _of("confirmed", "booked", "full")),),
    ),
    Tool(
        ("book_flight", "search_flights", "find_flights"),
        "Find flights between two cities",
        (
            ("origin|from|from_city|departure", "string", invent.city),
            ("destination|to|to_city|arrival", "string", invent.city),
        ),
        (
            "{find|search|book|show me|get} {flights|a flight|me a flight} from <0> to <1>",
            "I want to fly from <0> to <1>",
            "flights from <0> to <1>?",
            "flight <0> to <1>",
            "how can I fly from <0> to <1>?",
        ),
        (("price", _two(40, 900)), ("airline", invent.name)),
    ),
    Tool(
        ("get_route", "directions", "navigate", "get_directions"),
        "Get the way from one place to another",
        (("start|origin|from", "string", invent.city), ("end|destination|to", "string", invent.city)),
        (
            "how do I get from <0> to <1>?",
            "directions from <0> to <1>",
            "{show me|what is} the way from <0> to <1>?",
            "route from <0> to <1>",
            "navigate from <0> to <1>",
        ),
        (("distance_km", _two(5, 900)), ("minutes", _two(5, 600))),
    ),
    Tool(
        ("calculator", "calculate", "compute", "evaluate"),
        "Evaluate {a sum|an expression}",
        (
            (
                "expression|formula",
                "string",
                _expression,
            ),
        ),
        (
            "{what is|calculate|compute|evaluate|how much is|work out} <0>{?|}",
            "use the {tool|calculator}: <0>",
            "<0>",
            "<0> = ?",
        ),
        (("result", _two(0, 99999)),),
    ),
    Tool(
        ("add", "sum_numbers", "add_numbers"),
        "Add two numbers",
        (("a|x|first", "number", _amount), ("b|y|second", "number", _amount)),
        (
            "add <0> and <1>",
            "what is <0> plus <1>?",
            "<0> + <1>",
            "the sum of <0> and <1>",
            "how much is <0> + <1>?",
        ),
        (("result", _two(2, 2000)),),
    ),
    Tool(
        ("multiply", "product", "multiply_numbers"),
        "Multiply two numbers",
        (("a|x|first", "number", _amount), ("b|y|second", "number", _amount)),
        ("multiply <0> {by|and} <1>", "what is <0> times <1>?", "<0> * <1>", "the product of <0> and <1>"),
        (("result", _two(2, 20000)),),
    ),
    Tool(
        ("create_event", "add_event", "schedule_meeting", "add_to_calendar"),
        "Add an event to the calendar",
        (
            ("title|name|event", "string", lambda rng: rng.choice(extraction.EVENTS)),
            ("date|day|when", "string", extraction._date),
        ),
        (
            "{add|put} <0> {to|on|in} my calendar {on|for} <1>",
            "schedule <0> {for|on} <1>",
            "create an event <0> on <1>",
            "plan <0> on <1>",
            "calendar: <0>, <1>",
        ),
        (("status", _of("added", "ok")),),
    ),
    Tool(
        ("get_user", "find_user", "lookup_user", "get_customer"),
        "Get a user by {name|id}",
        (("user_id|id", "integer", _two(1, 9999)),),
        (
            "{who is|show|get|find|look up|load} user <0>{?|}",
            "user <0>",
            "{show|give} me the {data|profile} of user <0>",
            "details for customer <0>",
        ),
        (("name", invent.person), ("age", _two(18, 90))),
    ),
    Tool(
        ("get_order", "order_status", "track_order", "check_order"),
        "Get the status of an order",
        (
            (
                "order_id|id|number",
                "string",
                lambda rng: rng.choice(
                    (f"{rng.choice('ABCDEFX')}{rng.randint(100, 9999)}", f"{rng.randint(1000, 99999)}")
                ),
            ),
        ),
        (
            "where is my order <0>?",
            "{what is|check|show} the status of order <0>{?|}",
            "track order <0>",
            "order <0>?",
            "has order <0> {shipped|arrived}?",
            "when does order <0> arrive?",
        ),
        (("status", _of("shipped", "delivered", "delayed", "packed")),),
    ),
    Tool(
        ("add_item", "add_to_list", "add_to_cart"),
        "Add an item to the {shopping list|cart}",
        (
            ("item|product|name", "string", lambda rng: rng.choice(extraction.ITEMS)),
            ("quantity|count|amount", "integer", _two(1, 20)),
        ),
        (
            "add <1> <0> to {my|the} {shopping list|list|cart}",
            "put <1> <0> {on|in} {my|the} {list|cart}",
            "I need <1> <0>{ on the list|}",
            "buy <1> <0>",
        ),
        (("status", _of("added", "ok")),),
    ),
    Tool(
        ("roll_dice", "dice", "throw_dice"),
        "Roll dice",
        (("sides", "integer", _two(4, 100)),),
        (
            "roll a <0>-sided {die|dice}",
            "roll a d<0>",
            "throw a die with <0> sides",
            "{give me a roll of|roll} a <0> sided dice",
        ),
        (("result", _two(1, 20)),),
    ),
    Tool(
        ("read_file", "open_file", "cat_file", "load_file"),
        "Read a file",
        (
            (
                "path|file|filename",
                "string",
                _path,
            ),
        ),
        (
            "{read|open|show|load|print} {the file |}<0>{ for me|}",
            "what is in {the file |}<0>?",
            "show me the {content|contents} of <0>",
            "display <0>",
        ),
        (("content", _text),),
    ),
    Tool(
        ("delete_file", "remove_file"),
        "Delete a file",
        (
            (
                "path|file|filename",
                "string",
                _path,
            ),
        ),
        ("{delete|remove|erase} {the file |}<0>", "get rid of <0>", "I don't need <0> any more, delete it"),
        (("status", _of("deleted", "ok")),),
    ),
    Tool(
        ("get_capital", "capital_of"),
        "Get the capital of a country",
        (
            (
                "country",
                "string",
                lambda rng: rng.choice((rng.choice(extraction.COUNTRIES), invent.place_word(rng))),
            ),
        ),
        ("what is the capital of <0>?", "capital of <0>", "tell me the capital of <0>"),
        (("capital", invent.city),),
    ),
    Tool(
        ("get_population", "population"),
        "Get the population of a {country|city}",
        (
            (
                "place|country|city|name",
                "string",
                lambda rng: rng.choice((rng.choice(extraction.COUNTRIES), invent.city(rng))),
            ),
        ),
        (
            "how many people live in <0>?",
            "{what is|what's} the population of <0>?",
            "population of <0>",
            "how many inhabitants does <0> have?",
        ),
        (("population", _two(1000, 9000000)),),
    ),
    Tool(
        ("get_news", "news", "latest_news"),
        "Get the latest news on a topic",
        (
            (
                "topic|subject|category",
                "string",
                lambda rng: rng.choice((*labels.TOPIC_WORDS, invent.brand(rng))),
            ),
        ),
        (
            "{what is|what's|tell me|show me|get} the {latest |}news {about|on} <0>?",
            "news about <0>",
            "{latest|any} <0> news?",
            "what is new in <0>?",
        ),
        (("headline", _text),),
    ),
    Tool(
        ("get_price", "price_lookup", "product_price"),
        "Get the price of a product",
        (
            (
                "product|item|name",
                "string",
                lambda rng: rng.choice((invent.brand(rng), rng.choice(extraction.ITEMS))),
            ),
        ),
        (
            "how much {is|are|does} {the |}<0>{ cost|}?",
            "{what is|what's} the price of {the |}<0>?",
            "price of <0>",
            "what do I pay for {the |}<0>?",
        ),
        (("price", extraction._price),),
    ),
    Tool(
        ("define_word", "dictionary", "define"),
        "Look up a word in the dictionary",
        (
            (
                "word|term",
                "string",
                lambda rng: rng.choice((invent.word(rng), rng.choice(unknown.OTHER_NOUNS))),
            ),
        ),
        (
            "{define|look up} {the word |}<0>",
            "what does <0> mean?",
            "what is the {meaning|definition} of <0>?",
            "definition of <0>",
            'meaning of "<0>"?',
        ),
        (("definition", _text),),
    ),
    Tool(
        ("query_database", "run_query", "get_record", "db_lookup"),
        "Get a record from a table",
        (
            ("table", "string", _of("users", "orders", "products", "invoices", "books", "songs")),
            ("id", "integer", _two(1, 999)),
        ),
        (
            "{get|show|find|fetch} record <1> {from|in|of} {the table |}<0>",
            "{load|fetch} <1> from <0>",
            "row <1> of <0>",
            "look up id <1> in <0>",
        ),
        (("name", invent.name),),
    ),
    Tool(
        ("get_random_number", "random_number", "random"),
        "Get a random number between two limits",
        (("min|low|minimum", "integer", _two(0, 10)), ("max|high|maximum", "integer", _two(11, 1000))),
        (
            "{give me|pick|draw|choose} a random number {between|from} <0> {and|to} <1>",
            "random number {between|from} <0> {and|to} <1>",
            "a number between <0> and <1>{ please|}",
        ),
        (("number", _two(0, 100)),),
    ),
    Tool(
        ("set_volume", "volume"),
        "Set the volume",
        (("level|percent|value", "integer", _two(0, 100)),),
        (
            "set the volume to <0>{ percent|}",
            "volume <0>",
            "turn the {volume|sound|music} {up|down} to <0>{ percent|}",
            "make it <0> percent loud",
        ),
        (("status", _of("set", "ok")),),
    ),
    Tool(
        ("get_joke", "tell_joke", "random_joke"),
        "Get a random joke",
        (),
        ("tell me a joke", "{I want|give me|get me} a joke", "a random joke please", "make me laugh"),
        (("joke", _text),),
    ),
    Tool(
        ("list_files", "ls", "list_directory"),
        "List the files of a folder",
        (
            (
                "folder|path|directory",
                "string",
                _of("docs", "src", "/tmp", "images", "home", "music", "photos", "data"),
            ),
        ),
        (
            "{list|show} {me |}the files in <0>",
            "what {files are|is} in the {folder|directory} <0>?",
            "which files does <0> have?",
            "ls <0>",
        ),
        (("files", _two(0, 99)),),
    ),
)

VERBS = (
    "get",
    "find",
    "check",
    "start",
    "stop",
    "open",
    "close",
    "update",
    "fetch",
    "load",
    "create",
    "show",
    "print",
    "scan",
    "test",
    "lock",
    "reset",
    "count",
    "move",
    "ping",
)
NOUNS = (
    "door",
    "invoice",
    "server",
    "sensor",
    "robot",
    "ticket",
    "lamp",
    "garden",
    "account",
    "printer",
    "engine",
    "recipe",
    "license",
    "package",
    "window",
    "project",
    "task",
    "vehicle",
    "badge",
    "camera",
    "queue",
    "report",
    "playlist",
    "shelf",
)
FIELDS = (
    "name",
    "id",
    "code",
    "label",
    "level",
    "owner",
    "color",
    "size",
    "mode",
    "zone",
    "target",
    "value",
    "key",
    "number",
    "type",
)


def invented(rng: Random) -> Tool:
    """A tool that nobody has seen: "lock_door", "fetch_brulo", with one or two fields."""
    verb, noun = rng.choice(VERBS), rng.choice(NOUNS) if rng.random() < 0.8 else invent.word(rng)
    fields = []
    for name in rng.sample(FIELDS, rng.choice((1, 1, 2))):
        number = rng.random() < 0.35 or name in ("number", "level")
        fields.append(
            (
                name,
                "integer" if number else "string",
                _two(0, 999)
                if number
                else rng.choice(
                    (
                        invent.name,
                        invent.word,
                        lambda rng: f"{rng.choice('ABCDXYZ')}{rng.randint(1, 99)}",
                        _of(*extraction.COLOURS),
                    )
                ),
            )
        )
    name = rng.choice((f"{verb}_{noun}", f"{verb}_{noun}", f"{noun}_{verb}", verb + noun.capitalize()))
    asked = rng.choice(
        (
            f"{verb} {{the |}}{noun}",
            f"please {verb} the {noun}",
            f"{{can|could}} you {verb} the {noun}",
            f"I want to {verb} a {noun}",
        )
    )
    with_fields = [
        f"with {field} <{at}>" if rng.random() < 0.4 else f"{field} <{at}>"
        for at, (field, _, _) in enumerate(fields)
    ]
    asks = (
        f"{asked} {' and '.join(with_fields)}",
        f"{asked}, {', '.join(with_fields)}",
        f"{asked} <0>" + (f" {with_fields[1]}" if len(fields) == 2 else ""),
    )
    return Tool(
        (name,),
        rng.choice(
            (f"{sentence(verb)} a {noun}", f"{sentence(verb)}s the {noun}", f"{sentence(verb)} {noun}", "")
        ),
        tuple(fields),
        asks,
        (("status", _of("ok", "done", "failed")),),
    )


# Parameters that nobody asked for stay out of the call.
OPTIONAL = (
    ("unit", {"type": "string", "enum": ["celsius", "fahrenheit"]}),
    ("unit", {"enum": ["celsius", "fahrenheit"], "type": "string"}),
    ("format", {"type": "string"}),
    ("lang", {"type": "string"}),
    ("limit", {"type": "integer"}),
    ("verbose", {"type": "boolean"}),
    ("units", {"type": "string", "enum": ["metric", "imperial"]}),
    ("timeout", {"type": "integer", "description": "Seconds to wait"}),
)


class Instance(NamedTuple):
    """A tool with its names drawn."""

    tool: Tool
    name: str
    names: list[str]
    schema: dict


def instance(tool: Tool, rng: Random) -> Instance:
    name = rng.choice(tool.names)
    names = [rng.choice(parameter.split("|")) for parameter, _, _ in tool.parameters]
    described = rng.random() < 0.25
    properties = {}
    for key, (_, kind, _) in zip(names, tool.parameters, strict=True):
        properties[key] = {"type": kind}
        if described:
            properties[key]["description"] = rng.choice(
                (f"The {key.replace('_', ' ')}", sentence(key.replace("_", " ")), f"{sentence(key)} to use")
            )
        elif rng.random() < 0.15:
            properties[key] = {"title": key.replace("_", " ").title(), "type": kind}
        if key in ("city", "location", "place") and rng.random() < 0.3:
            properties[key] = {
                "type": kind,
                "description": rng.choice(
                    (
                        "The city and state, e.g. San Francisco, CA",
                        "City name",
                        "The name of the city",
                        "e.g. Paris, France",
                    )
                ),
            }
    if properties and rng.random() < 0.2:
        option, value = rng.choice(OPTIONAL)
        properties.setdefault(option, value)
    function: dict = {
        "name": name,
        "parameters": {"type": "object", "properties": properties, "required": names},
    }
    description = pick((tool.description,), rng)
    if description and rng.random() < 0.9:
        function["description"] = rng.choice((description, description + ".", description.lower()))
    return Instance(tool, name, names, {"type": "function", "function": function})


def toolbox(rng: Random) -> list[Instance]:
    """One to four tools with different names."""
    chosen: list[Instance] = []
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3))):
        tool = instance(invented(rng) if rng.random() < 0.2 else rng.choice(TOOLS), rng)
        if all(
            tool.tool.description != other.tool.description and tool.name != other.name for other in chosen
        ):
            chosen.append(tool)
    return chosen


def request(tool: Instance, rng: Random) -> tuple[str, dict]:
    values = [draw(rng) for _, _, draw in tool.tool.parameters]
    question = rng.choice(tool.tool.asks)
    for at in range(len(values)):
        question = question.replace(f"<{at}>", f"<v{at}>")
    question = pick((question,), rng, **{f"v{at}": value for at, value in enumerate(values)})
    return noisy(question, rng, tuple(map(str, values)), keep_case=True), dict(
        zip(tool.names, values, strict=True)
    )


def call(name: str, arguments: dict) -> dict:
    return {"type": "function", "function": {"name": name, "arguments": dumps(arguments)}}


def result(tool: Instance, rng: Random) -> tuple[str, str]:
    """What the tool gives back, and the answer made of it: "The temperature is 18 and the condition "
    "is sunny."."""
    if rng.random() < 0.08:
        error = rng.choice(
            (
                "not found",
                "timeout",
                "no permission",
                "unknown " + (tool.names[0] if tool.names else "error"),
                "service unavailable",
            )
        )
        return rng.choice((f"error: {error}", dumps({"error": error}))), f"That did not work: {error}."
    fields = {key: draw(rng) for key, draw in tool.tool.result}
    extra = rng.random()
    if extra < 0.25:
        fields[rng.choice(("unit", "source", "note", "code", "level", "owner", "wind", "humidity"))] = (
            rng.choice((invent.word(rng), rng.randint(1, 99)))
        )
    elif extra < 0.45:
        fields = {
            rng.choice((rng.choice(FIELDS), invent.word(rng))): rng.choice(
                (invent.name(rng), rng.randint(1, 999), _text(rng))
            )
        }
    if rng.random() < 0.3:
        text = rng.choice(("{}", "{}", "{}.")).format(
            rng.choice(
                (
                    str(next(iter(fields.values()))),
                    _text(rng),
                    f"{rng.randint(-5, 35)} degrees and {rng.choice(('sunny', 'cloudy', 'rainy', 'windy'))}",
                    f"{rng.randint(1, 500)} {rng.choice(extraction.ITEMS)}",
                )
            )
        )
        return text, f"The result is: {text.rstrip('.')}."
    parts = [f"the {key.replace('_', ' ')} is {value}" for key, value in fields.items()]
    return dumps(fields), sentence(" and ".join(parts)) + "."


def calls(rng: Random) -> Document:
    """A request that needs a tool; often with the result and the answer, and a second request."""
    box = toolbox(rng)
    tools = [tool.schema for tool in box]
    messages: list[dict] = []
    if rng.random() < 0.08:
        question, answer = no_tool_question(rng)
        messages += [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    for _ in range(rng.choice((1, 1, 1, 2))):
        tool = rng.choice(box)
        question, arguments = request(tool, rng)
        made = [(tool, arguments)]
        if (
            len(tool.tool.parameters) == 1
            and tool.tool.parameters[0][2] is invent.city
            and rng.random() < 0.2
        ):
            other = invent.city(rng)
            first = str(arguments[tool.names[0]])
            if other != first:
                question = question.replace(first, f"{first} and {other}")
                made.append((tool, {tool.names[0]: other}))
        messages += [
            {"role": "user", "content": question},
            {"role": "assistant", "content": None, "tool_calls": [call(t.name, a) for t, a in made]},
        ]
        if rng.random() < 0.35:
            break
        results = [result(t, rng) for t, _ in made]
        messages += [{"role": "tool", "content": text} for text, _ in results]
        messages.append({"role": "assistant", "content": " ".join(answer for _, answer in results)})
    return Document("tools", messages, tools)


def no_tool_question(rng: Random) -> tuple[str, str]:
    draw = rng.choice(
        (
            arithmetic.one_sum,
            countries.capital,
            countries.fact,
            smalltalk.exchange,
            smalltalk.exchange,
            explain.explanation,
            words.opposite,
            unknown.unknown,
            unknown.unknown,
            smalltalk.shop_name,
            words.colour,
        )
    )
    while (document := draw(rng)).raw is not None or len(document.messages) != 2:
        pass
    return document.messages[0]["content"], document.messages[1]["content"]


# Questions that one of these tools might answer are left out when the tool is there.
COVERED = {
    "get_weather",
    "get_forecast",
    "get_time",
    "search",
    "calculator",
    "add",
    "multiply",
    "get_capital",
    "get_population",
    "get_joke",
    "translate",
    "get_news",
    "get_price",
    "define_word",
    "get_stock_price",
    "play_music",
    "send_email",
    "set_timer",
    "set_alarm",
    "add_reminder",
    "turn_on_light",
    "book_table",
    "book_flight",
    "get_route",
    "send_message",
    "get_user",
    "create_event",
    "add_item",
    "get_random_number",
    "read_file",
}
HARMLESS = {
    "get_weather",
    "get_forecast",
    "get_time",
    "set_timer",
    "set_alarm",
    "convert_currency",
    "turn_on_light",
    "roll_dice",
    "get_order",
    "set_volume",
    "delete_file",
    "get_stock_price",
}


def no_call(rng: Random) -> Document:
    """Tools are there, but the question needs none of them."""
    box = [tool for tool in toolbox(rng) if tool.tool.names[0] not in COVERED]
    draws: tuple = (
        arithmetic.one_sum,
        countries.capital,
        countries.fact,
        smalltalk.exchange,
        smalltalk.exchange,
        explain.explanation,
        words.opposite,
        smalltalk.shop_name,
        words.colour,
        countries.unknown_place,
        countries.unknown_of_country,
    )
    if rng.random() < 0.6 or not box:
        tool = rng.choice([tool for tool in TOOLS if tool.names[0] in HARMLESS])
        box.append(instance(tool, rng))
        draws = draws[:-1]
    while (document := rng.choice(draws)(rng)).raw is not None or any(
        "weather" in m["content"].lower() or "time" in m["content"].lower() for m in document.messages
    ):
        pass
    rng.shuffle(box)
    document.skill, document.tools = "tools", [tool.schema for tool in box]
    return document


def no_fit(rng: Random) -> Document:
    """A request for a tool that is not there."""
    wanted = instance(
        rng.choice(
            [
                tool
                for tool in TOOLS
                if tool.names[0]
                in (
                    "get_weather",
                    "set_timer",
                    "send_message",
                    "book_flight",
                    "turn_on_light",
                    "get_order",
                    "send_email",
                    "play_music",
                    "get_stock_price",
                )
            ]
        ),
        rng,
    )
    box = [tool for tool in toolbox(rng) if tool.tool.names[0] not in COVERED]
    if not box:
        box = [instance(invented(rng), rng)]
    question, _ = request(wanted, rng)
    from .unsure import CURRENT, GENERAL

    answer = CURRENT if wanted.tool.names[0] in ("get_weather", "get_stock_price") else GENERAL
    if rng.random() < 0.3:
        return chat("unknown", question, answer)
    return chat("tools", question, answer, tools=[tool.schema for tool in box])
