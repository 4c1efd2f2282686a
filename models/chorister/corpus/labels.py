"""Sentiment and topic labels."""

from __future__ import annotations

from random import Random

from . import invent
from .document import Document, chat
from .grammar import noisy, pick, sentence

GOOD = (
    "great",
    "excellent",
    "wonderful",
    "amazing",
    "fantastic",
    "lovely",
    "perfect",
    "delicious",
    "superb",
    "brilliant",
    "very good",
    "a pleasure",
    "outstanding",
    "beautiful",
    "a delight",
    "awesome",
    "first class",
    "really nice",
)
BAD = (
    "terrible",
    "awful",
    "horrible",
    "bad",
    "disappointing",
    "broken",
    "a waste of money",
    "disgusting",
    "very slow",
    "useless",
    "dirty",
    "rude",
    "a disaster",
    "boring",
    "poor",
    "too expensive",
    "really bad",
    "a mess",
    "dreadful",
)
THINGS = (
    "film",
    "movie",
    "food",
    "meal",
    "service",
    "hotel",
    "room",
    "phone",
    "book",
    "staff",
    "product",
    "trip",
    "concert",
    "pizza",
    "waiter",
    "app",
    "game",
    "delivery",
    "course",
    "soup",
    "laptop",
    "show",
    "coffee",
    "support",
    "camera",
    "shop",
    "driver",
    "battery",
    "screen",
    "bed",
)
POSITIVE = (
    "{the|this|that} <t> {is|was} <g>{!|.||, I loved it.|, highly recommended.}",
    "I {love|loved|really like|enjoyed|adore|am very happy with} {the|this|my new} <t>{!|.|}",
    "what a <a> <t>!",
    "{best|nicest} <t> {ever|I ever had}{!|}",
    "I would {buy|visit|recommend|come back to} {this|the} <t> again{!|.|}",
    "{the|this} <t> made {my day|me so happy|me smile}.",
    "five stars for the <t>{!|}",
    "{works|worked} perfectly, {I am|we are} {delighted|thrilled|very happy}.",
    "everyone {was happy with|loved|praised} the <t>.",
    "the <t> exceeded {my|our} expectations{.|}",
    "I'm so {glad|happy|pleased} {I bought|we chose|with} {this|the} <t>.",
    "{can't|cannot} praise the <t> enough",
    "I had a {great|wonderful|lovely} {time|day|evening} with the <t>.",
    "thank you for the <g> <t>!",
)
POSITIVE_WORDS = (
    "love",
    "happy",
    "glad",
    "great",
    "friendly",
    "spotless",
    "fresh",
    "warm",
    "beautiful",
    "thank",
    "best",
    "wonderful",
    "surprise",
    "perfect",
    "smile",
    "fun",
    "enjoyed",
    "helpful",
    "kind",
    "fast",
    "tasty",
    "delighted",
    "proud",
    "excited",
    "brilliant",
    "clean",
    "comfortable",
    "quick",
    "sweet",
    "cheerful",
    "impressive",
    "gorgeous",
    "relaxing",
    "worth it",
    "recommended",
    "easy",
)
NEGATIVE_WORDS = (
    "hate",
    "sad",
    "angry",
    "cold",
    "rude",
    "late",
    "annoyed",
    "broken",
    "dirty",
    "slow",
    "worst",
    "noisy",
    "tired of",
    "refund",
    "complaint",
    "lost",
    "failed",
    "ugly",
    "stale",
    "burnt",
    "expensive",
    "crashed",
    "useless",
    "boring",
    "wait",
    "cheated",
    "missing",
    "smelly",
    "terrible",
    "ruined",
    "damaged",
    "wrong",
    "unhelpful",
    "cancelled",
    "disappointed",
    "ugh",
    "scratched",
    "stuck",
    "nobody helped",
)
FREE = (
    "the <t> {is|was} <w> and the <u> {is|was} <v>",
    "{so|very|really} <w>, {so|very|really} <v>{!|.|}",
    "<w> <t>, <v> <u>{.|!|}",
    "{my|our} <t> {is|was} <w>{ again|, again|}, {so|really} <v>{!|.|}",
    "<w>! <v>! {the <t>|this <t>}{!|.|}",
    "{wow|well|honestly|ok}, the <t> {is|was} <w>{ and <v>|}",
    "{we|I} found the <t> <w>{ and <v>|}{.|!|}",
    "<w> {from start to finish|all day|as always}{!|.|}",
    "the <t> {made me|left us} feel <w>{.|}",
)
NEGATIVE = (
    "{the|this|that} <t> {is|was} <b>{!|.||, I hated it.|, never again.}",
    "I {hate|hated|dislike|regret buying|am very unhappy with|can't stand} {the|this|my new} <t>{!|.|}",
    "what a <d> <t>!",
    "{worst|ugliest} <t> {ever|I ever had}{!|}",
    "I would {never|not} {buy|visit|recommend|come back to} {this|the} <t> again{!|.|}",
    "{the|this} <t> ruined {my day|everything|our evening}.",
    "one star for the <t>{!|}",
    "{the <t>|it} {broke|stopped working|failed|fell apart} after {one day|a week|two hours}.",
    "everyone {complained about|hated} the <t>.",
    "the <t> did not meet {my|our} expectations{.|}",
    "I'm so {sad|angry|annoyed|upset} about {this|the} <t>.",
    "I want my money back for {this|the} <t>{!|.|}",
    "we waited {two hours|forever} for the <t>{ and nobody came|}.",
    "don't {buy|trust|waste money on} {this|the} <t>.",
)
NEUTRAL = (
    (
        "the <t> {is|was} {okay|average|as expected|nothing special|neither good nor bad|so-so|fine, I "
        "guess}{.|}"
    ),
    "the <t> {arrived|came} on {Monday|Tuesday|Friday}.",
    "I {bought|have|saw|used} {a|the} <t> {yesterday|last week|today}.",
    "the <t> is {blue|on the table|made of wood|in the box|from 2019|black and white}.",
    "it is a <t>{.|}",
    "the <t> {opens|starts|begins} at {nine|eight|noon}.",
    "there are two kinds of <t>.",
    "the <t> costs {ten|twenty|five} {euros|dollars}.",
)
ADJECTIVES = {
    "positive": ("great", "wonderful", "lovely", "fantastic", "beautiful", "brilliant", "superb"),
    "negative": ("terrible", "horrible", "dreadful", "boring", "poor", "awful", "disgusting"),
}
SENTIMENT = (
    (
        "{what is|what's|tell me|classify|label|give|determine|find|identify} the sentiment of {this|the "
        'following}{ text| sentence| review| message|}: {<x>|"<x>"}'
    ),
    "sentiment: <x>",
    (
        "is {this|the following} {review |text |sentence |message |}{positive or negative|positive, "
        'negative or neutral|good or bad}? {<x>|"<x>"}'
    ),
    (
        "classify {this|the following} {review|text|sentence|message|comment} as {positive or negative|"
        'positive, negative or neutral}: {<x>|"<x>"}'
    ),
    "<x>\n{Is this positive or negative?|Sentiment?|What is the sentiment?|Positive, negative or neutral?}",
    "{classify the sentiment|sentiment analysis}: <x>",
    '"<x>" - {positive or negative|what sentiment|is that positive or negative}?',
    'does this {sound|seem} {positive or negative|happy or unhappy}? {<x>|"<x>"}',
    'label the sentiment{ (positive, negative, neutral)|}: {<x>|"<x>"}',
    'how does the {writer|author|customer} feel{ about it|}? {<x>|"<x>"}',
    '{decide|say} whether this is positive or negative: {<x>|"<x>"}',
    "review: <x>\nsentiment:",
    "text: <x>\nsentiment:",
    "is the {tone|mood} {positive or negative|good or bad}? <x>",
)
TOPIC_WORDS = {
    "sports": (
        "the team {won|lost} the {match|game|final} {three to one|in the last minute|on Sunday}",
        "<p> scored {two|three} goals",
        "the {runner|swimmer|tennis player|boxer} {won the race|set a new record|trained hard}",
        "the coach {was pleased with|praised|changed} the players",
        "the {football|basketball|hockey|cricket} {season|league|cup} {starts|ends} {today|in May}",
        "fans cheered in the stadium",
        "she won a gold medal",
        "the goalkeeper saved a penalty",
    ),
    "politics": (
        "the {parliament|senate|government} {voted on|passed|rejected} {a new law|the budget}",
        "the {minister|president|mayor|chancellor} {resigned|gave a speech|met voters}",
        "the {election|vote} is {in June|on Sunday|close}",
        "<p> was elected {mayor|president}",
        "the party {lost|won} seats",
        "voters go to the polls",
        "the opposition criticised the government",
    ),
    "technology": (
        "the {company|start-up} {released|presented} a new {phone|chip|laptop|app}",
        "the {software|app|update} {fixes|has} {bugs|a security hole}",
        "a new {processor|robot|computer|browser} {is faster|was shown}",
        "the {server|website|network} was {down|hacked}",
        "engineers {built|trained} a {robot|language model}",
        "the battery of the phone lasts two days",
    ),
    "health": (
        "{doctors|nurses} {treat|help} {patients|people} with {flu|fever|pain}",
        "a new {vaccine|medicine|therapy} {helps against|was tested for} {malaria|the flu|cancer}",
        "{eating vegetables|sleeping well|walking} is good for the {heart|body}",
        "the hospital {opened|needs} {a new ward|more nurses}",
        "she {has a cold|broke her leg|takes medicine}",
    ),
    "business": (
        "the {company|bank|firm} {made a profit|lost money|cut jobs|bought a rival}",
        "{shares|stocks|prices|sales} {rose|fell} {by two percent|sharply|today}",
        "the {bank|central bank} raised interest rates",
        "the {shop|factory} {hired|fired} {workers|fifty people}",
        "investors {worry|are happy}",
        "the merger of two companies",
    ),
    "food": (
        "{the|this} {soup|cake|curry|bread} {needs|has} {more salt|butter|fresh herbs}",
        "bake the {bread|cake} for {an hour|thirty minutes}",
        "the {restaurant|chef} serves {pasta|fresh fish|good pizza}",
        "mix the {flour|eggs} with {milk|sugar}",
        "I {cooked|ate} {noodles|rice|dumplings} for dinner",
    ),
    "travel": (
        "we {flew|took a train|drove} to {the coast|<c>|an island}",
        "the {hotel|hostel|beach} in <c> {was full|was lovely}",
        "pack your {suitcase|passport|bags}",
        "the {flight|train|ferry} to <c> {is delayed|leaves at noon}",
        "tourists visit the {old town|museum|castle}",
        "our holiday in <c>",
    ),
    "weather": (
        "{rain|snow|sun|a storm|fog} is {expected|forecast} {tomorrow|for the weekend}",
        "it will be {cold|warm|windy|cloudy} {tomorrow|tonight|in the north}",
        "temperatures {rise|fall} to {ten|twenty} degrees",
        "the {storm|hurricane} {hit|reached} the coast",
        "sunny spells and light showers",
    ),
    "science": (
        (
            "{scientists|researchers|physicists|biologists} {found|discovered|measured} {a new planet|a "
            "particle|a new species|old bones}"
        ),
        "the {telescope|probe|experiment} {shows|measures} {a distant star|light|cells}",
        "a study of {atoms|cells|stars|whales}",
        "the laboratory {tests|measures} a {new material|theory}",
    ),
    "music": (
        "the {band|singer|orchestra|choir} {played|sang|recorded} {a new song|an album|a concert}",
        "her new {album|song} {is a hit|topped the charts}",
        "he {plays|practises} the {guitar|piano|violin|drums}",
        "the {concert|festival} {was sold out|starts tonight}",
    ),
}
TOPIC = (
    (
        "{what is|what's|tell me|classify|label|give|name} the topic of {this|the following}{ text| "
        'sentence| headline|}: {<x>|"<x>"}'
    ),
    "topic: <x>",
    'what is {this|the following}{ text| sentence|} about? {<x>|"<x>"}',
    (
        "{classify|label|categorise} {this|the following} {text|headline|sentence} {by topic|as one of <o>|"
        'into one of <o>}: {<x>|"<x>"}'
    ),
    'which {topic|category|subject} {does this belong to|is this|fits}{ (<o>)|}? {<x>|"<x>"}',
    "<x>\n{Topic?|Which topic is this?|What is this about?|Category?}",
    'is this about <o>? {<x>|"<x>"}',
    "text: <x>\ntopic:",
    "pick the topic ({<o>}): <x>",
    'assign a {topic|category|label} to {this|the following}: {<x>|"<x>"}',
    '"<x>" - what {topic|category} is {this|that}?',
)


def opinion(rng: Random) -> tuple[str, str]:
    label, templates = rng.choice(
        (
            ("positive", POSITIVE),
            ("positive", POSITIVE),
            ("negative", NEGATIVE),
            ("negative", NEGATIVE),
            ("neutral", NEUTRAL),
        )
    )
    thing, other = rng.sample(THINGS, 2)
    text = pick(
        templates,
        rng,
        t=thing,
        g=rng.choice(GOOD),
        b=rng.choice(BAD),
        a=rng.choice(ADJECTIVES["positive"]),
        d=rng.choice(ADJECTIVES["negative"]),
    )
    if label != "neutral" and rng.random() < 0.4:
        first, second = rng.sample(POSITIVE_WORDS if label == "positive" else NEGATIVE_WORDS, 2)
        return pick(FREE, rng, t=thing, u=other, w=first, v=second), label
    if label != "neutral" and rng.random() < 0.3:
        text = f"{text.rstrip('.!')} and the {other} was {rng.choice(GOOD if label == 'positive' else BAD)}."
    return sentence(text) if rng.random() < 0.8 else text, label


def sentiment(rng: Random) -> Document:
    text, label = opinion(rng)
    return chat(
        "sentiment",
        noisy(pick(SENTIMENT, rng, x=text), rng, (text,), keep_case=rng.random() < 0.7),
        sentence(label),
    )


def snippet(rng: Random, label: str | None = None) -> tuple[str, str]:
    label = label or rng.choice(list(TOPIC_WORDS))
    text = sentence(pick(TOPIC_WORDS[label], rng, p=invent.person(rng), c=invent.city(rng)))
    if rng.random() < 0.3:
        text += ". " + sentence(pick(TOPIC_WORDS[label], rng, p=invent.person(rng), c=invent.city(rng)))
    return text + rng.choice((".", ".", "")), label


def topic(rng: Random) -> Document:
    text, label = snippet(rng)
    others = [*rng.sample([other for other in TOPIC_WORDS if other != label], rng.randint(1, 3)), label]
    rng.shuffle(others)
    options = ", ".join(others[:-1]) + " or " + others[-1]
    return chat(
        "topics",
        noisy(pick(TOPIC, rng, x=text, o=options), rng, (text,), keep_case=rng.random() < 0.7),
        sentence(label),
    )
