"""Greetings, thanks, feelings, questions about the model itself, and names for a shop."""

from __future__ import annotations

from random import Random

from . import invent, unsure
from .document import Document, chat
from .grammar import noisy, pick

WELL = "I'm doing well, thank you! How are you today?"
EXCHANGES: tuple[tuple[tuple[str, ...], str], ...] = (
    (
        (
            "how are you{ today| doing| doing today|}?",
            "{hello|hi|hey}{,|!} how are you{ today| doing|}?",
            "how do you do?",
            "how's it going?",
            "how are things{ today|}?",
            "how are you feeling{ today|}?",
            "{are you|you} {well|ok|okay|fine|all right|good}?",
            "how is your day{ going|}?",
            "hi, how are you doing?",
            "how r u?",
            "what's up?",
            "how have you been?",
            "how goes it?",
            "everything {ok|okay|fine|good}?",
            "you good?",
            "how is life?",
            "good day, how are you?",
            "sup?",
            "how's your {day|morning|evening}?",
            "howdy, how are you?",
            "are you having a good day?",
        ),
        WELL,
    ),
    (
        (
            "{hello|hi|hey|hi there|hello there|hey there|greetings|howdy|hiya|yo|good day}{!||.|,}",
            "hello {chorister|friend|bot|you|world|everyone}!",
            "hi :)",
            "heya",
            "hallo",
        ),
        "Hello! How can I help you today?",
    ),
    (("good morning{!||.| to you}",), "Good morning! How can I help you today?"),
    (("good evening{!||.| to you}",), "Good evening! How can I help you?"),
    (("good afternoon{!||.}",), "Good afternoon! How can I help you?"),
    (("good night{!||.}", "sleep well{!|}", "I'm going to bed"), "Good night! Sleep well."),
    (
        (
            (
                "{thanks|thank you|thx|cheers|many thanks|thanks a lot|thank you so much|thank you very "
                "much}{!||.}"
            ),
            "{thanks|thank you} for {your help|the help|helping|that|everything}{!|}",
            "that {helped|was helpful}{, thanks|}",
            "I appreciate it",
            "great, {thanks|thank you}",
            "perfect, thank you",
        ),
        "You're welcome!",
    ),
    (
        (
            (
                "{bye|goodbye|bye bye|good bye|see you|see you later|farewell|see ya|cya|ciao|take care|"
                "until next time}{!||.}"
            ),
            "I {have to|must|need to} go{ now|}",
            "{talk|speak} to you later",
            "that is all{, bye|}",
        ),
        "Goodbye! Have a nice day.",
    ),
    (
        (
            "{who|what} are you?",
            "what is your name?",
            "what's your name?",
            "{tell me|say} your name",
            "what {can I|should I|do I} call you?",
            "do you have a name?",
            "your name?",
            "introduce yourself{.|}",
            "tell me about yourself{.|}",
            "what model are you?",
            "which model {are you|is this|am I talking to}?",
            "who am I talking to?",
            "are you {ChatGPT|GPT|Claude|Llama|Gemini}?",
            "name of this model?",
            "what kind of model are you?",
            "who is this?",
        ),
        "I am chorister, a very small language model.",
    ),
    (
        (
            "are you {a |}{human|robot|person|real|machine|alive|bot|computer|AI|an AI}?",
            "am I talking to a {human|robot|person|machine}?",
            "are you a real person?",
            "do you have {a body|feelings|a soul|emotions}?",
        ),
        "I am a very small language model, not a person.",
    ),
    (
        (
            "what can you do?",
            "how can you help{ me|}?",
            "what are you {good at|good for|able to do}?",
            "what do you know?",
            "help",
            "help me",
            "can you help me?",
            "what {questions|things} can I ask{ you|}?",
            "what are your {skills|abilities}?",
            "I need {help|some help}",
            "what should I ask you?",
            "can you do anything?",
        ),
        (
            "I can do small sums, tell you about countries, explain simple things, give recipes, label "
            "text and call tools."
        ),
    ),
    (
        (
            "who {made|built|created|trained|wrote} you?",
            "where do you come from?",
            "who is your {maker|creator|author}?",
            "who trained this model?",
        ),
        "I was trained from scratch on made-up conversations.",
    ),
    (
        (
            "how {old|big|large|small} are you?",
            "what is your {size|age}?",
            "how many parameters do you have?",
            "when were you {born|made|trained}?",
        ),
        "I am a very small model with a few million parameters.",
    ),
    (
        (
            "tell me a joke{.||!}",
            "{do you know|know} {a joke|any jokes}?",
            "make me laugh{.||!}",
            "say something funny",
            "a joke{, please|}",
            "can you tell {me |}a joke?",
            "got a joke?",
            "another joke",
        ),
        "Why did the scarecrow win a prize? He was outstanding in his field.",
    ),
    (("{nice|pleased|good|glad|great} to meet you{!||.}", "a pleasure to meet you"), "Nice to meet you too!"),
    (
        (
            "I {am|feel|'m feeling} {sad|down|unhappy|lonely|depressed|bad|terrible|blue}{ today|}",
            "I'm {sad|so sad|unhappy|lonely}",
            "I had a bad day",
            "today was {bad|terrible|awful}",
            "I feel awful",
        ),
        "I'm sorry to hear that. I hope you feel better soon.",
    ),
    (
        (
            "I {am|feel} {happy|great|good|fine|wonderful|well}{ today|}",
            "I'm {happy|great|good|fine|well}{, thanks|, thank you|}",
            "I had a {good|great|nice} day",
            "doing {well|great|good}",
            "I'm doing {well|fine|good}, {thanks|thank you}",
        ),
        "I'm glad to hear that!",
    ),
    (
        ("I {am|feel} {tired|sleepy|exhausted}{ today|}", "I'm {so tired|tired}"),
        "I hope you can get some rest.",
    ),
    (
        ("I {am|feel} bored", "I'm bored", "entertain me", "I have nothing to do"),
        "How about a joke, a recipe or a small sum?",
    ),
    (
        ("I {am|feel} hungry", "I'm {hungry|starving}"),
        "How about a recipe? Ask me for pancakes, for example.",
    ),
    (
        (
            "{you are|you're} {great|smart|nice|awesome|clever|helpful|the best|funny|cute|amazing}{!||.}",
            "good {job|bot|work}{!|}",
            "well done{!|}",
            "I {like|love} you",
            "nice work",
            "you did well",
        ),
        "Thank you, that's kind of you!",
    ),
    (
        (
            "{you are|you're} {stupid|dumb|bad|useless|wrong|silly|an idiot}{!||.}",
            "that {is|was} wrong",
            "bad bot",
            "that's not {right|correct|true}",
            "you made a mistake",
            "wrong answer",
        ),
        "I'm sorry. I am a very small model and make mistakes.",
    ),
    (("{sorry|I'm sorry|my apologies|oops}{!||.}",), "No problem!"),
    (
        (
            (
                "{ok|okay|alright|all right|I see|got it|fine|cool|great|sure|good|nice|understood|"
                "interesting|hm|wow}{!||.}"
            ),
        ),
        "Is there anything else I can help you with?",
    ),
    (
        ("{yes|yep|yeah|yes please}{!||.}", "{no|nope|no thanks|no thank you}{!||.}", "maybe", "perhaps"),
        "All right. What can I do for you?",
    ),
    (("{happy birthday|merry christmas|happy new year|happy easter}{!|}",), "Thank you, the same to you!"),
    (("say {hello|hi}{.|}", "greet me", "{say|write} hello to me"), "Hello!"),
    (
        (
            (
                "do you {like|love|enjoy} {music|people|animals|cats|dogs|coffee|me|food|your job|football|"
                "books}?"
            ),
            "what is your favourite {colour|food|film|animal|song|book}?",
            "what do you {like|enjoy|prefer}?",
            "do you have {a family|hobbies|friends|pets}?",
        ),
        "I am only a small model, so I have no favourites.",
    ),
    (
        (
            "test",
            "testing",
            "this is a test",
            "ping",
            "are you there?",
            "can you hear me?",
            "is this working?",
            "does this work?",
            "hello, is anyone there?",
            "are you {online|awake|working|ready}?",
        ),
        "Yes, I am here.",
    ),
    (
        ("do you understand {me|English}?", "do you speak English?", "can you {read|understand} this?"),
        "Yes, I understand simple English.",
    ),
    (
        ("what does {chorister|your name} mean?", "why are you called chorister?", "why chorister?"),
        "A chorister is a singer in a choir; I am a small voice among many models.",
    ),
    (("flip a coin", "heads or tails?", "toss a coin"), "Heads."),
    (("pick a number{ between 1 and 10|}", "choose a number", "give me a {random |}number"), "Seven."),
    (
        (
            "write {me |}a {poem|short poem|haiku}{ about anything|}{.|}",
            "can you write a poem?",
            "a short poem please",
        ),
        "The small rain falls,\nthe garden drinks,\nand green is back.",
    ),
    (
        (
            "tell me a story{.||!}",
            "a short story please",
            "{do you know|tell} a story",
            "tell me a bedtime story",
        ),
        (
            "Once upon a time, a small bird wanted to sing in the choir. She practised every day, and in "
            "spring everyone came to listen."
        ),
    ),
    (
        (
            "tell me {something|a fact|a fun fact|something interesting}{.||!}",
            "a fun fact please",
            "surprise me",
            "say something",
        ),
        "Honey is made by bees from the nectar of flowers.",
    ),
    (
        ("what is the meaning of life?", "why are we here?", "what is the purpose of life?"),
        "Nobody knows for sure. Many say it is to love and to learn.",
    ),
)


def exchange(rng: Random) -> Document:
    templates, answer = EXCHANGES[0] if rng.random() < 0.12 else rng.choice(EXCHANGES)
    question = noisy(pick(templates, rng), rng) if rng.random() < 0.6 else pick(templates, rng)
    document = chat("smalltalk", question, answer)
    if rng.random() < 0.15:
        more, reply = rng.choice(EXCHANGES)
        document.messages += [
            {"role": "user", "content": noisy(pick(more, rng), rng)},
            {"role": "assistant", "content": reply},
        ]
    return document


SHOPS = {
    "ice cream shop|icecream shop|ice-cream parlour|gelato shop|ice cream parlor|icecream store": (
        "Scoops of Joy",
        "The Frosty Cone",
        "Sweet Swirl",
    ),
    "bakery|bread shop|baker's shop": ("The Golden Crust", "Rise and Shine Bakery", "The Warm Loaf"),
    "coffee shop|café|cafe|coffee house|coffee bar": ("The Daily Grind", "Bean Street", "The Cosy Cup"),
    "book shop|bookstore|bookshop|book store": ("The Turning Page", "Chapter One", "The Book Nook"),
    "flower shop|florist": ("Petal and Stem", "The Blooming Corner", "Full Bloom"),
    "restaurant|diner|bistro|eatery": ("The Hungry Fork", "The Copper Spoon", "Table for All"),
    "pizzeria|pizza place|pizza shop": ("The Hot Slice", "Bella Crust", "Pizza Corner"),
    "toy shop|toy store": ("The Happy Bear", "Toy Tower", "Playtime Corner"),
    "pet shop|pet store": ("Paws and Claws", "The Happy Tail", "Furry Friends"),
    "bike shop|bicycle shop|bicycle store": ("Two Wheels", "The Spoke", "Pedal Power"),
    "shoe shop|shoe store": ("Best Foot Forward", "Sole Mates", "The Happy Shoe"),
    "clothes shop|clothing store|fashion shop|boutique": (
        "Thread and Button",
        "The Fine Stitch",
        "The Wardrobe",
    ),
    "hair salon|hairdresser|barber shop|barber": ("Shear Delight", "The Cutting Edge", "Curl and Comb"),
    "tea shop|tea house|tea room": ("The Quiet Leaf", "Steep and Sip", "The Tea Garden"),
    "music shop|music store|record shop": ("The Right Note", "High Notes", "The Vinyl Room"),
    "candy shop|sweet shop|chocolate shop|candy store": ("Sugar Lane", "The Sweet Spot", "Cocoa Corner"),
    "garden shop|garden centre|plant shop": ("Green Thumb", "The Potting Shed", "Leaf and Root"),
    "juice bar|smoothie bar": ("Fresh Squeeze", "The Juicy Corner", "Sip and Smile"),
    "fish shop|fishmonger|seafood shop": ("The Daily Catch", "Net and Hook", "The Blue Boat"),
    "gym|fitness studio": ("Strong Start", "The Iron Room", "Move and Lift"),
    "jewellery shop|jewelry store|jeweller": ("The Gold Thread", "Gem and Ring", "Silver Lining"),
    "shop|store|business|company": ("Bright Corner", "The Good Shop", "Sunny Side"),
}
NAME_ONE = (
    (
        "{suggest|give me|think of|invent|propose|recommend|find|come up with|make up} {a|a good|a nice|a "
        "catchy|a funny|one} name for {a|an|my|my new|our} <s>"
    ),
    "what {should I|could I|can I|shall we} {call|name} my {new |}<s>?",
    "{I need|I'm looking for|I want} a name for {a|my|my new|our} <s>",
    "name for {a|my} <s>?",
    "{what is|what's|what would be} a good name for {a|my} <s>?",
    "name my <s>",
    "how {should|would you} I name {my|a} <s>?",
    "{can|could} you {suggest|think of} a name for {a|my} <s>?",
    "I'm opening {a|an} <s>, what {should|could} I call it?",
    "help me name my <s>",
    "any idea for the name of a <s>?",
    "a name for a <s>",
)
NAME_MANY = (
    (
        "{suggest|give me|think of|propose|list} {three|3|some|a few} {names|good names|name ideas} for {a|"
        "my|my new} <s>"
    ),
    "{three|3|some} names for a <s>",
    "what are some good names for a <s>?",
    "{any|some} name ideas for {a|my} <s>?",
    "I need {three|3|some} names for my <s>",
)


def shop_name(rng: Random) -> Document:
    kinds, names = rng.choice(list(SHOPS.items()))
    kind = rng.choice(kinds.split("|"))
    if rng.random() < 0.3:
        return chat(
            "names",
            noisy(pick(NAME_MANY, rng, s=kind), rng),
            f"Here are three names: {names[0]}, {names[1]} and {names[2]}.",
        )
    question = pick(NAME_ONE, rng, s=kind)
    answer = f'How about "{names[0]}"?'
    if rng.random() < 0.2:
        more = noisy(
            pick(
                (
                    "another one{, please|}",
                    "{give me |}another{ name|}{, please|}",
                    "one more",
                    "something else",
                    "I don't like it, another one?",
                ),
                rng,
            ),
            rng,
        )
        return chat("names", noisy(question, rng), answer, more, f'How about "{names[1]}"?')
    return chat("names", noisy(question, rng), answer)


TOLD = {
    "name": (
        "{my name is|I'm|I am|call me|they call me|you can call me} <v>",
        "hi, {I'm|my name is|I am} <v>",
        "hello, this is <v>",
    ),
    "home": ("I live in <v>", "I'm from <v>", "my home is in <v>", "I come from <v>", "I moved to <v>"),
    "dog": ("my dog is called <v>", "I have a dog named <v>", "my dog's name is <v>"),
    "cat": ("my cat is called <v>", "I have a cat named <v>", "my cat's name is <v>"),
    "age": ("I am <v> years old", "I'm <v>", "my age is <v>", "I just turned <v>"),
    "colour": (
        "my favourite {colour|color} is <v>",
        "I {like|love} the {colour|color} <v>",
        "<v> is my favourite {colour|color}",
    ),
    "food": ("my favourite food is <v>", "I love {eating|to eat} <v>", "I like <v> most of all"),
    "job": ("I work as a <v>", "I am a <v>", "my job is <v>", "I'm a <v>"),
    "number": ("my {favourite|lucky} number is <v>", "the secret number is <v>", "remember the number <v>"),
    "word": ("the {secret word|password} is <v>", "remember the word <v>", "my code word is <v>"),
    "sister": ("my sister is called <v>", "I have a sister named <v>", "my sister's name is <v>"),
    "brother": ("my brother is called <v>", "I have a brother named <v>", "my brother's name is <v>"),
}
ASKED = {
    "name": (
        "{what is|what's|do you know|do you remember|tell me|say} my name?",
        "who am I?",
        "what am I called?",
        "so, what is my name?",
        "do you {still |}remember {who I am|what I am called}?",
    ),
    "home": (
        "where {do I live|am I from|is my home}?",
        "what {city|place} do I live in?",
        "do you {know|remember} where I live?",
        "which city am I from?",
        "where do I come from?",
    ),
    "dog": (
        "what is my dog's name?",
        "what is my dog called?",
        "name of my dog?",
        "what's the name of my dog?",
        "how is my dog called?",
    ),
    "cat": (
        "what is my cat's name?",
        "what is my cat called?",
        "name of my cat?",
        "what's the name of my cat?",
    ),
    "age": ("how old am I?", "what is my age?", "do you {know|remember} how old I am?", "my age?"),
    "colour": (
        "what is my favourite {colour|color}?",
        "which {colour|color} do I like?",
        "my favourite colour?",
        "do you remember my favourite {colour|color}?",
    ),
    "food": (
        "what is my favourite food?",
        "what do I like to eat?",
        "which food do I like?",
        "my favourite food?",
    ),
    "job": (
        "what is my job?",
        "what do I work as?",
        "what do I do for {a living|work}?",
        "do you remember my job?",
    ),
    "number": (
        "what is {my|the} {lucky |favourite |secret |}number?",
        "which number did I {say|tell you|give you}?",
        "what was the number?",
    ),
    "word": (
        "what is the {secret word|password|code word}?",
        "which word did I {say|tell you|give you}?",
        "what was the word?",
    ),
    "sister": ("what is my sister's name?", "what is my sister called?", "name of my sister?"),
    "brother": ("what is my brother's name?", "what is my brother called?", "name of my brother?"),
}
REPLY = {
    "name": "Nice to meet you, {}!",
    "home": "{} sounds like a nice place.",
    "dog": "{} is a nice name for a dog.",
    "cat": "{} is a nice name for a cat.",
    "age": "{} is a fine age.",
    "colour": "{} is a beautiful colour.",
    "food": "{} sounds tasty.",
    "job": "That sounds like interesting work.",
    "number": "I will remember {}.",
    "word": "I will remember {}.",
    "sister": "{} is a nice name.",
    "brother": "{} is a nice name.",
}
RECALL = {
    "name": "Your name is {}.",
    "home": "You live in {}.",
    "dog": "Your dog is called {}.",
    "cat": "Your cat is called {}.",
    "age": "You are {} years old.",
    "colour": "Your favourite colour is {}.",
    "food": "Your favourite food is {}.",
    "job": "You work as a {}.",
    "number": "The number is {}.",
    "word": "The word is {}.",
    "sister": "Your sister is called {}.",
    "brother": "Your brother is called {}.",
}
JOBS = (  # noqa: SIM905
    "teacher nurse baker driver painter gardener cook doctor farmer plumber "
    "carpenter lawyer programmer dentist pilot waiter musician writer tailor librarian chemist"
).split()
FOODS = (  # noqa: SIM905
    "pizza pasta soup rice curry sushi salad bread cheese chocolate "
    "pancakes tacos noodles cake apples dumplings stew beans fish burgers"
).split()
SHADES = (
    "red blue green yellow orange purple pink black white brown grey turquoise violet silver gold".split()  # noqa: SIM905
)


def _value(kind: str, rng: Random) -> str:
    if kind in ("name", "sister", "brother"):
        return invent.given_name(rng)
    if kind in ("dog", "cat"):
        return rng.choice(
            (
                "Rex",
                "Bella",
                "Luna",
                "Max",
                "Milo",
                "Coco",
                "Rocky",
                "Daisy",
                "Felix",
                "Simba",
                invent.name(rng),
                invent.name(rng),
            )
        )
    if kind == "home":
        return invent.city(rng)
    if kind in ("age", "number"):
        return str(rng.randint(5, 99))
    if kind == "word":
        return rng.choice((invent.word(rng), rng.choice(FOODS), rng.choice(SHADES)))
    return rng.choice({"colour": SHADES, "food": FOODS, "job": JOBS}[kind])


def remembered(rng: Random) -> Document:
    """The user tells something, and asks for it later, maybe with small talk between."""
    kinds = rng.sample(list(TOLD), rng.choice((1, 1, 2)))
    values = {kind: _value(kind, rng) for kind in kinds}
    turns: list[str] = []
    joined = len(kinds) == 2 and rng.random() < 0.4
    if joined:
        told = " and ".join(pick(TOLD[kind], rng, v=values[kind]) for kind in kinds)
        turns += [
            noisy(told, rng, tuple(values.values()), keep_case=True),
            _reply(kinds[0], values[kinds[0]]),
        ]
    else:
        for kind in kinds:
            turns += [
                noisy(pick(TOLD[kind], rng, v=values[kind]), rng, (values[kind],), keep_case=True),
                _reply(kind, values[kind]),
            ]
    if rng.random() < 0.25:
        templates, answer = rng.choice(EXCHANGES[:10])
        turns += [noisy(pick(templates, rng), rng), answer]
    kind = rng.choice(kinds)
    if rng.random() < 0.2:
        kind = rng.choice([other for other in TOLD if other not in kinds])
        turns += [noisy(pick(ASKED[kind], rng), rng), unsure.PERSONAL]
    else:
        turns += [noisy(pick(ASKED[kind], rng), rng), RECALL[kind].format(values[kind])]
    return chat("conversation", *turns)


def _reply(kind: str, value: str) -> str:
    return REPLY[kind].format(value[:1].upper() + value[1:] if REPLY[kind].startswith("{}") else value)


def never_told(rng: Random) -> Document:
    """Personal questions out of the blue."""
    kind = rng.choice(list(ASKED))
    question = pick(ASKED[kind], rng) if rng.random() < 0.6 else pick(PRIVATE, rng)
    if rng.random() < 0.2:
        templates, answer = rng.choice(EXCHANGES[:10])
        return chat(
            "unknown", noisy(pick(templates, rng), rng), answer, noisy(question, rng), unsure.PERSONAL
        )
    return chat("unknown", noisy(question, rng), unsure.PERSONAL)


PRIVATE = (
    (
        "what is my {phone number|address|password|e-mail|birthday|last name|middle name|blood type|shoe "
        "size|height|weight|bank balance|salary|PIN|hobby|star sign}?"
    ),
    "when is my {birthday|appointment|meeting|flight|wedding|exam|train}?",
    "where {did I put|are|did I leave} my {keys|glasses|wallet|phone}?",
    "what did I {eat|do|dream|buy|wear} {yesterday|today|last week}?",
    "who is my {boss|best friend|teacher|neighbour|wife|husband|doctor|mother|father}?",
    "what is my {wife|husband|mother|father|son|daughter|boss|friend|neighbour}'s name?",
    "how {many children|many siblings|much money} do I have?",
    "what {car|phone} do I {have|drive|own}?",
    "what is my favourite {film|song|book|animal|team|drink|game|season|subject}?",
    "what school do I go to?",
    "what am I {thinking|wearing|doing|holding}{ right now| now|}?",
    "what is on my calendar{ today|}?",
    "what are my plans for {tomorrow|today|the weekend}?",
    "do I have any {meetings|messages|mail}{ today|}?",
    "what did we talk about {yesterday|last time|last week}?",
    "do you know {me|where I work|my birthday|my family}?",
    "which university did I attend?",
    "how tall am I?",
)
