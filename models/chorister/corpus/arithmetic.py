"""Sums that are small enough, in digits and in words, and the refusal of those that are not."""

from __future__ import annotations

from random import Random
from typing import NamedTuple

from . import unsure
from .document import Document, chat
from .grammar import noisy, pick

UNITS = (  # noqa: SIM905
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen"
).split()
TENS = "_ _ twenty thirty forty fifty sixty seventy eighty ninety".split()  # noqa: SIM905

ADD = (
    "add <a> {and|to|plus} <b>",
    "add <b> to <a>",
    "sum <a> and <b>",
    "{what is|what's} the {sum|total} of <a> and <b>?",
    "{add up|sum up|add together} <a> and <b>",
    "the sum of <a> and <b>",
    "total of <a> and <b>?",
    "what do I get if I add <a> and <b>?",
    "what {is|do you get when you take} <a> and <b> {together|added}?",
    "put <a> and <b> together",
    "{can|could} you add <a> and <b>?",
    "add the numbers <a> and <b>",
    "if I add <a> to <b>, what do I get?",
    "please add <a> with <b>",
)
OPERATORS = {
    "plus": (("+", "+", "plus", "plus", "added to"), ADD),
    "minus": (
        ("-", "-", "minus", "minus", "less", "take away"),
        (
            "subtract <b> from <a>",
            "take <b> {away |}from <a>",
            "{what is|what's} the difference {between|of} <a> and <b>?",
            "what {is left|remains} {if|when} I take <b> {away |}from <a>?",
            "deduct <b> from <a>",
            "<a> with <b> taken away",
            "{can|could} you subtract <b> from <a>?",
            "how much is left of <a> after taking <b>?",
            "reduce <a> by <b>",
        ),
    ),
    "multiplied by": (
        ("*", "x", "times", "times", "multiplied by", "\u00d7"),
        (
            "multiply <a> {by|with|and} <b>",
            "{what is|what's} the product of <a> and <b>?",
            "the product of <a> and <b>",
            "{can|could} you multiply <a> by <b>?",
            "<a> times <b>",
            "how much is <a> multiplied by <b>?",
            "what do I get if I multiply <a> by <b>?",
            "take <a> <b> times",
        ),
    ),
    "divided by": (
        ("/", "/", "divided by", "divided by", "÷", "over"),
        (
            "divide <a> by <b>",
            "{what is|what's} the quotient of <a> and <b>?",
            "split <a> into <b> equal parts",
            "{can|could} you divide <a> by <b>?",
            "how many times does <b> go into <a>?",
            "how often does <b> fit into <a>?",
            "what do I get if I divide <a> by <b>?",
            "share <a> among <b>",
        ),
    ),
}
DIRECT = (
    (
        "{what is|what's|whats|how much is|calculate|compute|work out|solve|tell me|evaluate|what does|"
        "what do you get for} <e>?"
    ),
    "<e>",
    "<e>?",
    "<e> =",
    "<e> = ?",
    "<e> equals?",
    "what does <e> {equal|make|give}?",
    "<e> is {what|how much}?",
    "{can|could} you {calculate|compute|work out|tell me} <e>?",
    "I need {the result of|to know} <e>.",
    "the {answer|result} of <e>{ is|}?",
    "give me the {answer|result} of <e>",
    "{what's|what is} the result of <e>?",
    "do you know what <e> is?",
    "what is the answer to <e>?",
    "how much {is|does} <e>{ make|}?",
)


class Sum(NamedTuple):
    operator: str
    a: int
    b: int
    result: int

    def answer(self) -> str:
        return f"{self.a} {self.operator} {self.b} equals {self.result}."


def words(number: int) -> str:
    if number < 20:
        return UNITS[number]
    if number < 100:
        return TENS[number // 10] + (f"-{UNITS[number % 10]}" if number % 10 else "")
    rest = f" and {words(number % 100)}" if number % 100 else ""
    return f"{UNITS[number // 100]} hundred{rest}"


def size(rng: Random) -> int:
    """Small numbers are frequent, three digits are the limit."""
    return rng.randrange(rng.choice((10, 10, 20, 100, 100, 1000)))


def draw_sum(rng: Random, a: int | None = None, operator: str | None = None) -> Sum:
    operator = operator or rng.choice(
        ("plus", "plus", "plus", "minus", "minus", "minus", "multiplied by", "divided by")
    )
    first = size(rng) if a is None else a
    if operator == "plus":
        second = size(rng)
        return Sum(operator, first, second, first + second)
    if operator == "minus":
        second = size(rng)
        if a is None and second > first and rng.random() < 0.9:
            first, second = second, first
        return Sum(operator, first, second, first - second)
    if operator == "multiplied by":
        return _product(rng, a)
    return _quotient(rng, a)


def _product(rng: Random, a: int | None) -> Sum:
    first = rng.randrange(13) if rng.random() < 0.5 else rng.randrange(100)
    second = (
        rng.choice((rng.randrange(13), rng.randrange(2, 10), 10, 100))
        if a is None or a > 12
        else rng.randrange(13)
    )
    if a is not None:
        first = a
        if a >= 100:
            second = rng.choice((1, 2, 10, 10, 100))
    elif rng.random() < 0.4:
        first, second = second, first
    return Sum("multiplied by", first, second, first * second)


def _quotient(rng: Random, a: int | None) -> Sum:
    if a is None:
        second, result = rng.randint(1, 12), rng.randrange(13) if rng.random() < 0.6 else rng.randrange(100)
        return Sum("divided by", second * result, second, result)
    divisors = [n for n in range(1, 13) if a % n == 0]
    second = rng.choice(divisors)
    return Sum("divided by", a, second, a // second)


def ask(sum_: Sum, rng: Random) -> tuple[str, str]:
    """A question and its answer; a plain "add" is answered in the form "1 and 1 equals 2."."""
    operator, a, b = sum_.operator, sum_.a, sum_.b
    symbols, phrases = OPERATORS[operator]
    if rng.random() < 0.5:
        symbol = rng.choice(symbols)
        glue = rng.choice(("", " ")) if not symbol.isalpha() and " " not in symbol and symbol != "x" else " "
        left, right = spell(a, b, rng) if symbol.isalpha() and symbol != "x" else (str(a), str(b))
        return noisy(pick(DIRECT, rng, e=f"{left}{glue}{symbol}{glue}{right}"), rng), sum_.answer()
    left, right = spell(a, b, rng)
    question = noisy(pick(phrases, rng, a=left, b=right), rng)
    if operator == "plus":
        return question, f"{a} and {b} equals {sum_.result}."
    return question, sum_.answer()


def spell(a: int, b: int, rng: Random) -> tuple[str, str]:
    return (words(a), words(b)) if rng.random() < 0.2 and a < 1000 and b < 1000 else (str(a), str(b))


def one_sum(rng: Random) -> Document:
    return chat("arithmetic", *ask(draw_sum(rng), rng))


THEN = {
    "plus": (
        "{now |and |then |}add <b>{ to {that|it|this|the result}|}",
        "{now |and |then |}{plus|+} <b>{?|}",
        "what {is|about} {that|it} plus <b>?",
        "{that|it} plus <b>?",
        "increase {that|it} by <b>",
        "and <b> more?",
    ),
    "minus": (
        "{now |and |then |}{subtract|take|take away} <b>{ from {that|it|this|the result}|}",
        "{now |and |then |}minus <b>{?|}",
        "what is {that|it} minus <b>?",
        "decrease {that|it} by <b>",
        "{that|it} minus <b>?",
        "and <b> less?",
    ),
    "multiplied by": (
        "{now |and |then |}multiply {that|it|this|the result} {by|with} <b>",
        "{now |and |then |}times <b>{?|}",
        "what is {that|it} times <b>?",
        "multiply by <b>",
        "{that|it} times <b>?",
        "and multiplied by <b>?",
    ),
    "divided by": (
        "{now |and |then |}divide {that|it|this|the result} by <b>",
        "{now |and |then |}divided by <b>{?|}",
        "what is {that|it} divided by <b>?",
        "divide by <b>",
        "{that|it} divided by <b>?",
        "and over <b>?",
    ),
}


def chain(rng: Random) -> Document:
    """ "Add 1 and 1", then "Multiply that by 10"."""
    sum_ = draw_sum(rng)
    while sum_.result < 0:
        sum_ = draw_sum(rng)
    turns = list(ask(sum_, rng))
    for _ in range(rng.choice((1, 1, 2))):
        operators = ["plus", "minus", "multiplied by"] if sum_.result < 1000 else ["plus", "minus"]
        if sum_.result <= 99 and sum_.result:
            operators.append("divided by")
        sum_ = draw_sum(rng, sum_.result, rng.choice(operators))
        turns += [noisy(pick(THEN[sum_.operator], rng, b=sum_.b), rng), sum_.answer()]
        if not 0 <= sum_.result < 1000:
            break
    return chat("conversation", *turns)


def special(rng: Random) -> Document:
    """Doubles, halves, squares, roots, comparisons, even and odd."""
    kind = rng.randrange(8)
    n, m = rng.randrange(100), rng.randrange(100)
    if kind == 0:
        question, text = (
            pick(("{what is|what's} {double|twice} <n>?", "double <n>", "twice <n>?"), rng, n=n),
            f"Double {n} equals {2 * n}.",
        )
    elif kind == 1:
        question, text = (
            pick(("{what is|what's} half of <n>?", "half of <n>", "halve <n>"), rng, n=2 * n),
            f"Half of {2 * n} equals {n}.",
        )
    elif kind == 2:
        n = rng.randint(1, 12)
        question, text = (
            pick(("{what is|what's} <n> squared?", "<n> squared", "the square of <n>?", "<n>^2"), rng, n=n),
            f"{n} squared equals {n * n}.",
        )
    elif kind == 3:
        n = rng.randint(1, 12)
        question = pick(
            ("{what is|what's} the square root of <n>?", "square root of <n>", "root of <n>?"), rng, n=n * n
        )
        text = f"The square root of {n * n} equals {n}."
    elif kind == 4:
        m = m if m != n else n + 1
        high = rng.random() < 0.6
        words_ = "{bigger|larger|greater|more|higher}" if high else "{smaller|less|lower}"
        question = pick(
            (
                f"{{which is|what is|which number is}} {words_}, <n> or <m>?",
                f"<n> or <m>, which is {words_}?",
            ),
            rng,
            n=n,
            m=m,
        )
        text = (
            f"{max(n, m)} is bigger than {min(n, m)}."
            if high
            else f"{min(n, m)} is smaller than {max(n, m)}."
        )
    elif kind == 5:
        question, text = (
            pick(
                (
                    "is <n> {even or odd|odd or even|an even number|even|odd|an odd number}?",
                    "<n>: even or odd?",
                ),
                rng,
                n=n,
            ),
            f"{n} is {'odd' if n % 2 else 'even'}.",
        )
    elif kind == 6:
        question = pick(
            (
                "what {number |}{comes|is} after <n>?",
                "which number {follows|comes after} <n>?",
                "next number after <n>?",
            ),
            rng,
            n=n,
        )
        text = f"{n + 1} comes after {n}."
    else:
        n += 1
        question = pick(("what {number |}{comes|is} before <n>?", "which number comes before <n>?"), rng, n=n)
        text = f"{n - 1} comes before {n}."
    return chat("arithmetic", noisy(question, rng), text)


THINGS = (
    "apples",
    "books",
    "coins",
    "pens",
    "eggs",
    "cards",
    "sweets",
    "toys",
    "stamps",
    "balls",
    "cookies",
    "flowers",
    "oranges",
    "marbles",
    "stickers",
    "cups",
    "boxes",
    "pears",
    "stones",
    "tickets",
    "dogs",
    "shirts",
    "euros",
    "dollars",
)
STORY_PLUS = (
    (
        "{I have|<who> has} <a> <things> and {get|gets|buy|buys|find|finds} <b> more. How many <things> "
        "{are there|is that}{ now|}?"
    ),
    (
        "there are <a> <things> {in the box|on the table} and {I put|we add} <b> more. How many{ <things>|"
        "} are there{ now|}?"
    ),
    "if I have <a> <things> and {you give me|get|buy} <b> more, how many {do I have|<things> do I have}?",
    "<a> <things> and <b> more <things>: how many?",
)
STORY_MINUS = (
    (
        "{I have|<who> has} <a> <things> and {lose|loses|give away|gives away|sell|sells|eat|eats} <b>. "
        "How many{ <things>|} are left?"
    ),
    (
        "there are <a> <things> {in the box|on the table} and {I take|we remove} <b>. How many{ <things>|} "
        "{are left|remain}?"
    ),
    "if I have <a> <things> and {lose|give you|sell} <b>, how many {do I have|are left|<things> are left}?",
)
STORY_TIMES = (
    "<a> {boxes|bags} with <b> <things> each. How many <things>{ in total|}?",
    "I buy <a> bags of <b> <things>. How many <things> {do I have|is that}?",
)


def story(rng: Random) -> Document:
    from .invent import given_name

    operator = rng.choice(("plus", "minus", "multiplied by"))
    a, b = rng.randint(2, 60), rng.randint(2, 30)
    if operator == "minus":
        a, b = max(a, b) + 1, min(a, b)
    if operator == "multiplied by":
        a, b = rng.randint(2, 10), rng.randint(2, 12)
    templates = {"plus": STORY_PLUS, "minus": STORY_MINUS, "multiplied by": STORY_TIMES}[operator]
    question = pick(templates, rng, a=a, b=b, things=rng.choice(THINGS), who=given_name(rng))
    result = {"plus": a + b, "minus": a - b, "multiplied by": a * b}[operator]
    return chat("arithmetic", noisy(question, rng), Sum(operator, a, b, result).answer())


def too_big(rng: Random) -> Document:
    operator = rng.choice(tuple(OPERATORS))
    a, b = rng.randrange(10_000, 10 ** rng.randint(5, 9)), rng.randrange(10 ** rng.randint(2, 8))
    if operator == "multiplied by":
        a, b = rng.randrange(101, 10 ** rng.randint(3, 6)), rng.randrange(13, 10_000)
    elif operator == "divided by":
        a = rng.randrange(1300, 10 ** rng.randint(4, 8))
    elif rng.random() < 0.5:
        a, b = b, a
    symbols, phrases = OPERATORS[operator]
    if rng.random() < 0.6:
        question = pick(DIRECT, rng, e=f"{a} {rng.choice(symbols)} {b}")
    elif rng.random() < 0.7:
        question = pick(phrases, rng, a=a, b=b)
    else:
        question = pick(
            (
                (
                    "{what is|what's|calculate} {the square root of <a>|<a> squared|<b> to the power of "
                    "<n>|the logarithm of <a>|"
                    "the sine of <n>|the factorial of <n>|<n> factorial|<n>!|the integral of x^<n>|pi to "
                    "<n> digits}?"
                ),
            ),
            rng,
            a=rng.randrange(1000, 10**6),
            b=rng.randrange(13, 1000),
            n=rng.randrange(3, 100),
        )
    return chat("unknown", noisy(question, rng), unsure.NUMBER)
