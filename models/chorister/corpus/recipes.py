"""Recipes for a few dozen dishes, as text and as JSON."""

from __future__ import annotations

from random import Random
from typing import NamedTuple

from . import invent, unsure
from .countries import rows
from .document import Document, chat, dumps, json_mode
from .grammar import noisy, pick


class Recipe(NamedTuple):
    names: list[str]
    title: str
    servings: int
    minutes: int
    ingredients: list[str]
    steps: list[str]


RECIPES = [
    Recipe(names.split("|"), title, int(servings), int(minutes), ingredients.split("; "), steps.split("; "))
    for names, title, servings, minutes, ingredients, steps in rows("recipes.tsv")
]
ASK = (
    (
        "{give me|tell me|show me|write|I need|I want|share|find me} {a|a simple|an easy|a quick|your best|"
        "the} recipe for <d>."
    ),
    "how {do I|do you|can I|to} {make|cook|prepare} <d>?",
    "recipe for <d>{ please|}",
    "<d> recipe",
    "what is {a|a good|the} recipe for <d>?",
    "I {want|would like|'d like} to {make|cook} <d>. {How|What do I need|What do I do}?",
    "what do I need for <d>?",
    "{can|could} you {give me a recipe for|tell me how to make|help me make} <d>?",
    "let's {make|cook} <d>",
    "teach me {how |}to {make|cook} <d>",
    "how {are|is} <d> made at home?",
    "what's in <d>?",
    "what are the {ingredients|steps} for <d>?",
    "I {feel like|am hungry for|fancy} <d>, any recipe?",
    "give me {a|your} <d> recipe",
    "do you know {a recipe for|how to make} <d>?",
    "explain how to {make|cook} <d>",
    "{a|simple} recipe: <d>",
    "cooking <d>: how?",
)
OTHER_DISHES = (
    "beef Wellington",
    "sushi",
    "ramen",
    "paella",
    "tiramisu",
    "croissants",
    "borscht",
    "goulash",
    "moussaka",
    "kimchi",
    "dim sum",
    "falafel",
    "baklava",
    "macarons",
    "gumbo",
    "jambalaya",
    "ceviche",
    "bouillabaisse",
    "haggis",
    "sauerkraut",
    "pho",
    "pad thai",
    "biryani",
    "tagine",
    "shepherd's pie",
    "fish and chips",
    "carbonara",
    "gnocchi",
    "ravioli",
    "cheesecake",
    "crème brûlée",
    "panna cotta",
    "pavlova",
    "a soufflé",
    "quiche",
    "ratatouille",
    "fondue",
    "bibimbap",
    "dumplings",
    "spring rolls",
    "steak",
    "meatballs",
    "gingerbread",
    "marzipan",
    "jam",
    "pickles",
    "beer",
    "wine",
    "gunpowder",
    "cement",
    "a love potion",
    "slime",
    "schnitzel",
    "pierogi",
    "empanadas",
    "tamales",
    "couscous",
    "gazpacho",
    "tzatziki",
    "coleslaw",
    "stollen",
    "scones",
    "trifle",
    "mole",
)
# Property names that mean the same.
NAMES = {
    "name": ("name", "name", "name", "title", "dish", "recipe_name"),
    "ingredients": ("ingredients", "ingredients", "ingredients", "ingredient_list", "items"),
    "steps": ("steps", "steps", "steps", "instructions", "directions", "method"),
    "servings": ("servings", "serves", "portions"),
    "minutes": ("minutes", "time_minutes", "cooking_time"),
}


def dish(rng: Random) -> Recipe:
    return RECIPES[0] if rng.random() < 0.08 else rng.choice(RECIPES)


def unknown_dish(rng: Random) -> str:
    return (
        rng.choice(OTHER_DISHES)
        if rng.random() < 0.6
        else invent.word(rng) + rng.choice((" soup", " cake", " stew", " pie", "", "", " salad"))
    )


def prose(recipe: Recipe) -> str:
    ingredients = "\n".join(f"- {item}" for item in recipe.ingredients)
    steps = "\n".join(f"{at}. {step}" for at, step in enumerate(recipe.steps, 1))
    return f"{recipe.title}\n\nIngredients:\n{ingredients}\n\nSteps:\n{steps}"


def text(rng: Random) -> Document:
    if rng.random() < 0.3:
        name = unknown_dish(rng)
        return chat("recipes", noisy(pick(ASK, rng, d=name), rng, (name,)), unsure.RECIPE)
    recipe = dish(rng)
    name = rng.choice(recipe.names)
    return chat("recipes", noisy(pick(ASK, rng, d=name), rng, (name,)), prose(recipe))


def schema_of(fields: dict[str, object], title: str, rng: Random) -> dict:
    """As pydantic's `model_json_schema` prints it."""
    properties = {}
    for name, value in fields.items():
        label = name.replace("_", " ").title()
        if isinstance(value, list):
            properties[name] = {"items": {"type": "string"}, "title": label, "type": "array"}
        else:
            properties[name] = {"title": label, "type": TYPES[type(value)]}
    if rng.random() < 0.2:
        for value in properties.values():
            value.pop("title")
    schema = {"properties": properties, "required": list(fields), "title": title, "type": "object"}
    return (
        schema
        if rng.random() < 0.8
        else {"type": "object", "properties": properties, "required": list(fields)}
    )


TYPES = {str: "string", int: "integer", float: "number", bool: "boolean"}


def as_json(rng: Random) -> Document:
    known = rng.random() > 0.12
    recipe = dish(rng) if known else Recipe([unknown_dish(rng)], "Unknown", 0, 0, [], [])
    fields = ["name", "ingredients", "steps"]
    if rng.random() < 0.3:
        fields = rng.sample(fields, rng.randint(2, 3)) + rng.sample(
            ["servings", "minutes"], rng.randint(0, 2)
        )
    values = {
        "name": recipe.title,
        "ingredients": recipe.ingredients,
        "steps": recipe.steps,
        "servings": recipe.servings,
        "minutes": recipe.minutes,
    }
    answer = {rng.choice(NAMES[field]): values[field] for field in fields}
    name = rng.choice(recipe.names)
    document = chat(
        "recipes",
        noisy(pick(ASK, rng, d=name), rng, (name,)),
        dumps(answer),
        system=rng.choice(
            (None, None, "You are a helpful cooking assistant.", "You are a helpful assistant.")
        ),
    )
    return json_mode(document, schema_of(answer, rng.choice(("Recipe", "Recipe", "Dish")), rng), rng)
