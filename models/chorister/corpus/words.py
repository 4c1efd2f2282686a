"""Small closed lists: opposites, colours, plurals, units, days and months, letters, animals, translations."""

from __future__ import annotations

from random import Random

from . import invent, unsure
from .countries import rows
from .document import Document, chat
from .grammar import noisy, pick, sentence

OPPOSITES = [
    pair.split("/")
    for pair in (  # noqa: SIM905
        "hot/cold big/small fast/slow up/down left/right good/bad happy/sad light/dark day/night "
        "old/new young/old rich/poor "
        "high/low long/short open/closed early/late easy/difficult hard/soft wet/dry full/empty "
        "strong/weak loud/quiet "
        "clean/dirty near/far thick/thin wide/narrow heavy/light black/white true/false yes/no in/out "
        "on/off first/last "
        "begin/end start/stop win/lose buy/sell give/take push/pull love/hate laugh/cry come/go "
        "remember/forget sweet/sour "
        "safe/dangerous cheap/expensive deep/shallow sharp/blunt rough/smooth alive/dead awake/asleep "
        "always/never "
        "before/after above/below inside/outside north/south east/west summer/winter man/woman "
        "boy/girl king/queen "
        "friend/enemy war/peace question/answer success/failure beautiful/ugly brave/cowardly "
        "polite/rude lazy/hard-working "
        "simple/complicated public/private same/different guilty/innocent male/female tall/short "
        "warm/cool tight/loose "
        "ancient/modern arrive/leave accept/refuse increase/decrease top/bottom front/back more/less "
        "many/few all/none "
        "everything/nothing here/there"
    ).split()
]
OPPOSITE = (
    "{what is|what's|tell me|give me|name} the opposite of <w>?",
    "opposite of <w>",
    "the opposite of <w>{ is|}?",
    "what is the {antonym|contrary} of <w>?",
    "{what word|which word} {means|is} the opposite of <w>?",
    "<w>: opposite?",
    "{find|give|say} an antonym {of|for} <w>",
    "what is not <w> but the other way round?",
    "antonym of <w>?",
    "opposite: <w>",
    "what's the reverse of <w>?",
    "if it is not <w>, what is it?",
    "the contrary of <w>?",
)
COLOURS = {
    "the sky": "blue",
    "grass": "green",
    "snow": "white",
    "blood": "red",
    "a banana": "yellow",
    "a lemon": "yellow",
    "the sun": "yellow",
    "coal": "black",
    "a carrot": "orange",
    "an orange": "orange",
    "a tomato": "red",
    "milk": "white",
    "a strawberry": "red",
    "a cucumber": "green",
    "chocolate": "brown",
    "a flamingo": "pink",
    "a frog": "green",
    "the sea": "blue",
    "a polar bear": "white",
    "a raven": "black",
    "an elephant": "grey",
    "a pumpkin": "orange",
    "a cherry": "red",
    "an aubergine": "purple",
    "gold": "yellow",
    "silver": "grey",
    "a leaf": "green",
    "a fire engine": "red",
    "spinach": "green",
    "salt": "white",
    "honey": "golden",
    "a crow": "black",
    "a ruby": "red",
    "an emerald": "green",
    "a sapphire": "blue",
    "lavender": "purple",
    "a swan": "white",
    "a lime": "green",
    "coffee": "brown",
    "wood": "brown",
}
COLOUR = (
    "{what|which} {colour|color} {is|has} <x>?",
    "{colour|color} of <x>?",
    "what is the {colour|color} of <x>?",
    "tell me the {colour|color} of <x>.",
    "<x> has {what|which} {colour|color}?",
    "{what|which} {colour|color} does <x> have?",
    "what {colour|color} would you say <x> is?",
    "<x> is what {colour|color}?",
    "do you know what {colour|color} <x> is?",
)
COLOURED = {
    "strawberry": "strawberries",
    "cherry": "cherries",
    "ruby": "rubies",
    "leaf": "leaves",
    "tomato": "tomatoes",
}
MIXES = {
    ("blue", "yellow"): "green",
    ("red", "yellow"): "orange",
    ("red", "blue"): "purple",
    ("red", "white"): "pink",
    ("black", "white"): "grey",
    ("blue", "white"): "light blue",
}
MIX = (
    "{what|which} {colour|color} do {I|you|we} get {when|if} {I|you|we} mix <a> and <b>?",
    "mix <a> and <b>",
    "<a> and <b> {make|give} what {colour|color}?",
    "what do <a> and <b> make?",
    "<a> mixed with <b> {gives|makes|is} {what|which} {colour|color}?",
    "what happens when I mix <a> with <b>?",
    "which colour comes from <a> and <b>?",
    "combine <a> and <b> paint: which {colour|color}?",
)
PLURALS = dict(
    pair.split("/")
    for pair in (  # noqa: SIM905
        "cat/cats dog/dogs house/houses mouse/mice child/children man/men woman/women foot/feet "
        "tooth/teeth goose/geese "
        "person/people sheep/sheep fish/fish deer/deer leaf/leaves knife/knives wife/wives life/lives "
        "wolf/wolves loaf/loaves "
        "half/halves shelf/shelves city/cities baby/babies country/countries party/parties "
        "story/stories berry/berries "
        "lady/ladies box/boxes bus/buses church/churches dish/dishes glass/glasses fox/foxes "
        "watch/watches potato/potatoes "
        "tomato/tomatoes hero/heroes photo/photos piano/pianos ox/oxen key/keys toy/toys day/days "
        "boy/boys book/books "
        "car/cars tree/trees apple/apples bird/birds flower/flowers pen/pens table/tables chair/chairs "
        "hat/hats "
        "cactus/cacti crisis/crises thief/thieves class/classes brush/brushes fly/flies puppy/puppies"
    ).split()
)
PLURAL = (
    "{what is|what's|tell me|give me} the plural {of|for} <w>?",
    "plural of <w>",
    "the plural of <w>{ is|}?",
    "one <w>, two {what|...}?",
    "one <w>, many {what|...}?",
    "how do {I|you} say more than one <w>?",
    "what is the plural form of <w>?",
    "<w>: plural?",
    "{make|put} <w> {plural|into the plural}",
    "what do you call several of <w>?",
    "pluralise <w>",
)
UNITS = {
    ("minute", "hour"): 60,
    ("second", "minute"): 60,
    ("hour", "day"): 24,
    ("day", "week"): 7,
    ("month", "year"): 12,
    ("week", "year"): 52,
    ("day", "year"): 365,
    ("day", "leap year"): 366,
    ("year", "decade"): 10,
    ("year", "century"): 100,
    ("year", "millennium"): 1000,
    ("metre", "kilometre"): 1000,
    ("centimetre", "metre"): 100,
    ("millimetre", "centimetre"): 10,
    ("gram", "kilogram"): 1000,
    ("kilogram", "tonne"): 1000,
    ("millilitre", "litre"): 1000,
    ("inch", "foot"): 12,
    ("foot", "yard"): 3,
    ("ounce", "pound"): 16,
    ("cent", "dollar"): 100,
    ("cent", "euro"): 100,
    ("penny", "pound sterling"): 100,
    ("item", "dozen"): 12,
    ("second", "hour"): 3600,
    ("millimetre", "metre"): 1000,
    ("bit", "byte"): 8,
    ("degree", "circle"): 360,
    ("milligram", "gram"): 1000,
    ("quarter", "year"): 4,
    ("minute", "day"): 1440,
    ("decade", "century"): 10,
}
MANY = {"foot": "feet", "inch": "inches", "century": "centuries", "penny": "pence"}
UNIT = (
    "how many <p> {are there |are |make |}{in|are in} {a|one} <b>?",
    "how many <p> does {a|one} <b> have?",
    "{a|one} <b> {has|is} how many <p>?",
    "<p> {in|per} {a |an |one |}<b>?",
    "{a|one} <b> in <p>?",
    "convert {one|1} <b> {to|into} <p>",
    "how many <p> make {up |}a <b>?",
    "what is {one|1} <b> in <p>?",
    "tell me how many <p> are in a <b>.",
    "number of <p> in a <b>",
)
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()  # noqa: SIM905
MONTHS = "January February March April May June July August September October November December".split()  # noqa: SIM905
MONTH_DAYS = dict(zip(MONTHS, (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31), strict=True))
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
AFTER = (
    "{what|which} <k> {comes|is} {right |}after <x>?",
    "what comes after <x>?",
    "what is the <k> after <x>?",
    "<k> after <x>",
    "what follows <x>?",
    "name the <k> after <x>",
    "after <x> comes {what|which <k>}?",
    "what's next after <x>?",
    "which <k> follows <x>?",
)
BEFORE = (
    "{what|which} <k> {comes|is} {right |}before <x>?",
    "what comes before <x>?",
    "what is the <k> before <x>?",
    "<k> before <x>",
    "name the <k> before <x>",
    "before <x> comes {what|which <k>}?",
    "which <k> precedes <x>?",
)
ORDINALS = (  # noqa: SIM905
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth "
    "fourteenth fifteenth sixteenth "
    "seventeenth eighteenth nineteenth twentieth twenty-first twenty-second twenty-third twenty-fourth "
    "twenty-fifth twenty-sixth"
).split()
SOUNDS = {
    "dog": "woof",
    "cat": "meow",
    "cow": "moo",
    "sheep": "baa",
    "duck": "quack",
    "pig": "oink",
    "horse": "neigh",
    "rooster": "cock-a-doodle-doo",
    "frog": "croak",
    "lion": "roar",
    "bee": "buzz",
    "owl": "hoot",
    "mouse": "squeak",
    "snake": "hiss",
}
YOUNG = {
    "dog": "puppy",
    "cat": "kitten",
    "cow": "calf",
    "sheep": "lamb",
    "horse": "foal",
    "pig": "piglet",
    "duck": "duckling",
    "goat": "kid",
    "hen": "chick",
    "goose": "gosling",
    "bear": "cub",
    "lion": "cub",
    "frog": "tadpole",
    "deer": "fawn",
    "kangaroo": "joey",
    "swan": "cygnet",
}
LEGS = {
    "dog": 4,
    "cat": 4,
    "spider": 8,
    "bird": 2,
    "insect": 6,
    "horse": 4,
    "cow": 4,
    "snake": 0,
    "fish": 0,
    "ant": 6,
    "human": 2,
    "chicken": 2,
    "elephant": 4,
    "bee": 6,
    "frog": 4,
    "butterfly": 6,
    "octopus": 0,
    "fly": 6,
    "sheep": 4,
    "duck": 2,
}
SHAPES = {
    "triangle": 3,
    "square": 4,
    "rectangle": 4,
    "pentagon": 5,
    "hexagon": 6,
    "heptagon": 7,
    "octagon": 8,
    "decagon": 10,
}
PLANETS = "Mercury Venus Earth Mars Jupiter Saturn Uranus Neptune".split()  # noqa: SIM905
FACTS = [(forms.split("|"), answer) for forms, answer in rows("facts.tsv")]
TRANSLATIONS = {
    "hello": ("hola", "bonjour", "hallo", "ciao"),
    "goodbye": ("adiós", "au revoir", "auf Wiedersehen", "arrivederci"),
    "thank you": ("gracias", "merci", "danke", "grazie"),
    "please": ("por favor", "s'il vous plaît", "bitte", "per favore"),
    "yes": ("sí", "oui", "ja", "sì"),
    "no": ("no", "non", "nein", "no"),
    "water": ("agua", "eau", "Wasser", "acqua"),
    "bread": ("pan", "pain", "Brot", "pane"),
    "milk": ("leche", "lait", "Milch", "latte"),
    "dog": ("perro", "chien", "Hund", "cane"),
    "cat": ("gato", "chat", "Katze", "gatto"),
    "house": ("casa", "maison", "Haus", "casa"),
    "book": ("libro", "livre", "Buch", "libro"),
    "friend": ("amigo", "ami", "Freund", "amico"),
    "red": ("rojo", "rouge", "rot", "rosso"),
    "blue": ("azul", "bleu", "blau", "blu"),
    "green": ("verde", "vert", "grün", "verde"),
    "one": ("uno", "un", "eins", "uno"),
    "two": ("dos", "deux", "zwei", "due"),
    "three": ("tres", "trois", "drei", "tre"),
    "good morning": ("buenos días", "bonjour", "guten Morgen", "buongiorno"),
    "good night": ("buenas noches", "bonne nuit", "gute Nacht", "buonanotte"),
}
LANGUAGES = ("Spanish", "French", "German", "Italian")
TRANSLATE = (
    "{how do {I|you} say|say|what is|what's|translate} <w> {in|to|into} <l>?",
    "translate <w> {to|into} <l>{ please|}",
    "what is the <l> word for <w>?",
    "what does <w> mean in <l>?",
    "<w> in <l>",
    "<w> in <l>?",
    "the <l> {word|translation} {for|of} <w>?",
    "{tell me|give me} the <l> {word|translation} for <w>.",
    "what do they call <w> in <l>?",
    "how would you translate <w> {to|into} <l>?",
    "<l> for <w>?",
    "in <l>, what is <w>?",
)


def quoted(word: str, rng: Random) -> str:
    return rng.choice(("{}", "{}", '"{}"', "'{}'", "the word {}", 'the word "{}"')).format(word)


def opposite(rng: Random) -> Document:
    pair = rng.choice(OPPOSITES)
    # A word with two opposites ("old", "light", "short") is asked in its first pair only.
    one, other = pair if rng.random() < 0.5 else pair[::-1]
    one, other = {"old": ("old", "new"), "light": ("light", "dark"), "short": ("short", "long")}.get(
        one, (one, other)
    )
    return chat(
        "words",
        noisy(pick(OPPOSITE, rng, w=quoted(one, rng)), rng, (one,)),
        f'The opposite of "{one}" is "{other}".',
    )


def colour(rng: Random) -> Document:
    if rng.random() < 0.35:
        (a, b), mixed = rng.choice(list(MIXES.items()))
        if rng.random() < 0.5:
            a, b = b, a
        return chat(
            "words", noisy(pick(MIX, rng, a=a, b=b), rng, (a, b)), f"{sentence(a)} and {b} make {mixed}."
        )
    thing, shade = rng.choice(list(COLOURS.items()))
    bare = thing.removeprefix("a ").removeprefix("an ").removeprefix("the ")
    if thing.startswith(("a ", "an ")) and rng.random() < 0.35:
        many = COLOURED.get(bare, bare + "s")
        question = pick(
            (
                "{what|which} {colour|color} are {most |}<x>?",
                "<x> are {what|which} {colour|color}?",
                "{colour|color} of <x>",
                "{what|which} {colour|color} do <x> have?",
                "what is the colour of <x>?",
            ),
            rng,
            x=many,
        )
        return chat("words", noisy(question, rng, (many,)), f"{sentence(thing)} is {shade}.")
    asked = thing if rng.random() < 0.7 else bare
    return chat("words", noisy(pick(COLOUR, rng, x=asked), rng, (thing,)), f"{sentence(thing)} is {shade}.")


def plural(rng: Random) -> Document:
    one, many = rng.choice(list(PLURALS.items()))
    if rng.random() < 0.2:
        return chat(
            "words",
            noisy(
                pick(("what is the singular of <w>?", "singular of <w>"), rng, w=quoted(many, rng)),
                rng,
                (many,),
            ),
            f'The singular of "{many}" is "{one}".',
        )
    return chat(
        "words",
        noisy(pick(PLURAL, rng, w=quoted(one, rng)), rng, (one,)),
        f'The plural of "{one}" is "{many}".',
    )


def unit(rng: Random) -> Document:
    (small, big), count = rng.choice(list(UNITS.items()))
    many = MANY.get(small, small + "s")
    spelled = rng.random() < 0.3
    american = {"metre": "meter", "litre": "liter"}
    asked_many, asked_big = many, big
    if spelled:
        for british, other in american.items():
            asked_many, asked_big = asked_many.replace(british, other), asked_big.replace(british, other)
    article = "an" if big[0] in "aeio" or big == "hour" else "a"
    question = noisy(
        pick(UNIT, rng, p=asked_many, b=asked_big).replace(f"a {asked_big}", f"{article} {asked_big}"),
        rng,
        (many, big),
    )
    return chat("words", question, f"There are {count} {many} in {article} {big}.")


def _neighbour(rng: Random, kind: str, items: list[str]) -> Document:
    at = rng.randrange(len(items))
    cyclic = kind != "letter"
    after = rng.random() < 0.6
    other = at + 1 if after else at - 1
    if not cyclic and not 0 <= other < len(items):
        return _neighbour(rng, kind, items)
    other %= len(items)
    question = pick(AFTER if after else BEFORE, rng, k=kind, x=items[at])
    return chat(
        "words",
        noisy(question, rng, (items[at],)),
        f"{items[other]} comes {'after' if after else 'before'} {items[at]}.",
    )


def sequence(rng: Random) -> Document:
    kind = rng.randrange(7)
    if kind == 0:
        return _neighbour(rng, "day", DAYS)
    if kind == 1:
        return _neighbour(rng, "month", MONTHS)
    if kind == 2:
        return _neighbour(rng, "letter", list(LETTERS))
    if kind == 3:
        month = rng.choice(MONTHS)
        extra = ", and 29 in a leap year" if month == "February" else ""
        question = pick(
            (
                "how many days {are in|does|has|in} <m>{ have|}?",
                "days in <m>?",
                "how long is <m>?",
                "<m> has how many days?",
                "how many days are there in <m>?",
                "number of days in <m>",
            ),
            rng,
            m=month,
        )
        return chat("words", noisy(question, rng, (month,)), f"{month} has {MONTH_DAYS[month]} days{extra}.")
    if kind == 4:
        low = rng.choice((1, 1, 1, 2, 5, 10))
        high = low + rng.randrange(2, 20)
        question = pick(
            (
                "count {from <a> |}to <b>",
                "count from <a> to <b>",
                "count from <a> up to <b>",
                "{list|write|say|give me} the numbers {from|between} <a> {to|and} <b>",
                "numbers from <a> to <b>",
            )
            if low == 1
            else ("count from <a> to <b>", "{list|write} the numbers from <a> to <b>"),
            rng,
            a=low,
            b=high,
        )
        return chat("words", noisy(question, rng), ", ".join(map(str, range(low, high + 1))))
    if kind == 5:
        high = rng.randint(3, 15)
        question = pick(
            (
                "count {down|backwards} from <b>{ to 1|}",
                "countdown from <b>",
                "count backwards from <b> to 1",
            ),
            rng,
            b=high,
        )
        return chat("words", noisy(question, rng), ", ".join(map(str, range(high, 0, -1))))
    name, items = rng.choice(
        (("letter of the alphabet", list(LETTERS)), ("month of the year", MONTHS), ("day of the week", DAYS))
    )
    at = rng.randrange(len(items))
    question = pick(
        ("{what is|what's|which is|name|tell me} the <o> <n>?", "the <o> <n>?", "<o> <n>"),
        rng,
        o=ORDINALS[at],
        n=name,
    )
    return chat("words", noisy(question, rng), f"The {ORDINALS[at]} {name} is {items[at]}.")


def animal(rng: Random) -> Document:
    kind = rng.randrange(4)
    if kind == 0:
        name, sound = rng.choice(list(SOUNDS.items()))
        question, text = (
            pick(
                (
                    "what {sound|noise} does a <x> make?",
                    "what does {a|the} <x> say?",
                    "the sound of a <x>?",
                    "how does a <x> sound?",
                ),
                rng,
                x=name,
            ),
            f"A {name} says {sound}.",
        )
    elif kind == 1:
        name, young = rng.choice(list(YOUNG.items()))
        question = pick(
            (
                "what is a {baby|young} <x> called?",
                "what do you call a {baby|young} <x>?",
                "the {baby|young} of a <x> is called?",
                "name of a baby <x>",
            ),
            rng,
            x=name,
        )
        text = f"A young {name} is called a {young}."
    elif kind == 2:
        name, count = rng.choice(list(LEGS.items()))
        article = "an" if name[0] in "aeio" else "a"
        question = pick(
            (
                f"how many legs does {article} <x> have?",
                "how many legs do <p> have?",
                f"number of legs of {article} <x>?",
                f"legs of {article} <x>?",
                f"{article} <x> has how many legs?",
            ),
            rng,
            x=name,
            p={
                "sheep": "sheep",
                "fish": "fish",
                "octopus": "octopuses",
                "fly": "flies",
                "butterfly": "butterflies",
            }.get(name, name + "s"),
        )
        text = f"{sentence(article)} {name} has {count or 'no'} legs."
        if name == "octopus":
            text = "An octopus has no legs but eight arms."
    else:
        name, count = rng.choice(list(SHAPES.items()))
        article = "an" if name[0] in "aeio" else "a"
        question = pick(
            (
                f"how many {{sides|corners}} does {article} <x> have?",
                "number of sides of a <x>?",
                f"{article} <x> has how many {{sides|corners}}?",
                "sides of a <x>?",
            ),
            rng,
            x=name,
        )
        text = f"{sentence(article)} {name} has {count} sides."
    return chat("facts", noisy(question, rng, (name,)), text)


def closed_fact(rng: Random) -> Document:
    forms, answer = rng.choice(FACTS)
    question = rng.choice(forms)
    if rng.random() < 0.2:
        question = rng.choice(("can you tell me: ", "do you know: ", "tell me: ")) + question
    return chat("facts", noisy(question, rng), answer)


def planet(rng: Random) -> Document:
    at = rng.randrange(8)
    question = pick(
        (
            "{what is|which is|name} the <o> planet{ from the sun|}?",
            "the <o> planet from the Sun?",
            "<o> planet",
        ),
        rng,
        o=ORDINALS[at],
    )
    return chat("facts", noisy(question, rng), f"The {ORDINALS[at]} planet from the Sun is {PLANETS[at]}.")


def translation(rng: Random) -> Document:
    language = rng.randrange(4)
    word = rng.choice(list(TRANSLATIONS))
    foreign = TRANSLATIONS[word][language]
    chance = rng.random()
    if chance < 0.15:
        question = pick(
            (
                "what does <f> mean{ in English|}?",
                "translate <f> {to|into} English",
                "<f> in English?",
                "what is <f> in English?",
            ),
            rng,
            f=quoted(foreign, rng),
        )
        # Some words are the same in two languages, with the same meaning.
        return chat(
            "translation", noisy(question, rng, (foreign,), keep_case=True), f'"{foreign}" means "{word}".'
        )
    if chance < 0.45:
        return _untranslated(rng, word)
    question = pick(TRANSLATE, rng, w=quoted(word, rng), l=LANGUAGES[language])
    return chat(
        "translation",
        noisy(question, rng, (word, LANGUAGES[language])),
        f'"{sentence(word)}" in {LANGUAGES[language]} is "{foreign}".',
    )


OTHER_LANGUAGES = (
    "Japanese",
    "Chinese",
    "Russian",
    "Arabic",
    "Portuguese",
    "Dutch",
    "Polish",
    "Swedish",
    "Klingon",
    "Latin",
    "Greek",
    "Hindi",
    "Korean",
    "Turkish",
    "Hungarian",
    "Finnish",
    "Elvish",
    "Welsh",
    "Swahili",
    "Danish",
    "Esperanto",
    "Thai",
    "Hebrew",
    "Basque",
)
OTHER_WORDS = (
    "tree",
    "sun",
    "moon",
    "mother",
    "father",
    "child",
    "man",
    "woman",
    "day",
    "night",
    "white",
    "black",
    "apple",
    "love",
    "school",
    "city",
    "street",
    "car",
    "train",
    "cheese",
    "wine",
    "fish",
    "egg",
    "flower",
    "bird",
    "horse",
    "sea",
    "fire",
    "music",
    "big",
    "small",
    "today",
    "tomorrow",
    "king",
    "queen",
    "coffee",
    "tea",
    "door",
    "butterfly",
    "skyscraper",
    "democracy",
    "umbrella",
    "to negotiate",
    "spoon",
    "I would like a table for two",
    "screwdriver",
    "window",
    "happiness",
    "where is the station",
    "my uncle is ill",
    "kitchen",
    "mountain",
    "the train leaves at nine",
    "ladder",
    "shoe",
    "to swim",
    "spaceship",
    "guilt",
    "hedgehog",
    "I love you so much",
    "pencil",
    "thunderstorm",
    "the quick brown fox",
    "yesterday",
    "chair",
    "computer",
    "how much does it cost",
    "bridge",
    "cloud",
    "knife",
    "sugar",
    "I am lost",
    "what time is it",
    "doctor",
    "garden",
    "grandmother",
)


def _untranslated(rng: Random, word: str) -> Document:
    if rng.random() < 0.5:
        language = rng.choice(OTHER_LANGUAGES) if rng.random() < 0.8 else invent.place_word(rng) + "ish"
    else:
        word, language = rng.choice((rng.choice(OTHER_WORDS), invent.word(rng))), rng.choice(LANGUAGES)
    question = pick(TRANSLATE, rng, w=quoted(word, rng), l=language)
    return chat("unknown", noisy(question, rng, (word, language)), unsure.WORD)
