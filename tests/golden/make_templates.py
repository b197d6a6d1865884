#!/usr/bin/env python3
"""Makes tests/golden/templates/*.json: what Jinja, set up as transformers does it, renders.

    python3 tests/golden/make_templates.py        (transformers 5.23.0, jinja2 3.1.6, Python 3.11)

chats.json: every template of template_sources/ (written after the models that they are named for) with every chat
of ALL_CHATS. The variables are those that apply_chat_template() passes. Refusals by raise_exception() keep their words.
collected.json: the templates of template_sources/collected/ with the six conversations with tools in TOOL_CHATS.
snippets.json: the pieces of template_snippets.py, each with its text or null for an error.
random.json: the first templates that template_fuzz.py makes, in the same form; some of them are also seeds of the fuzz
target (tests/fuzz/corpus/template/random_*)."""

import json
import pathlib
import warnings

import template_fuzz
from template_oracle import render, shows_address
from template_snippets import SNIPPETS, VARS

HERE = pathlib.Path(__file__).parent
warnings.simplefilter("ignore")

TOOLS = [
    {"type": "function", "function": {
        "name": "get_weather", "description": "Current weather — \"here\" & now",
        "parameters": {"type": "object", "properties": {
            "city": {"type": "string", "description": "Name of the city"},
            "unit": {"type": "string", "enum": ["°C", "°F"], "description": "Unit", "default": "°C"},
            "days": {"type": "array", "items": {"type": "integer"}, "description": "Days <ahead>"}},
            "required": ["city"]}}},
    {"type": "function", "function": {
        "name": "add", "description": "Sum", "parameters": {"type": "object", "properties": {
            "a": {"type": "number", "description": "first"}, "b": {"type": ["number", "string"], "description": "second"}},
            "required": ["a", "b"]}, "strict": True}},
]


def call(name, arguments, id="abcdef123"):
    return {"type": "function", "id": id, "function": {"name": name, "arguments": arguments}}


def user(text):
    return {"role": "user", "content": text}


def assistant(text):
    return {"role": "assistant", "content": text}


def system(text):
    return {"role": "system", "content": text}


CHATS = {
    "one": {"messages": [user("Why is the sky blue?")]},
    "system": {"messages": [system("You are terse."), user("Hi")]},
    "turns": {"messages": [system("  Be kind. \n"), user(" What is 2+2? "), assistant("4\n"), user("And 3+3?"), assistant("6"), user("Thanks")]},
    "closed": {"messages": [user("Hi"), assistant("Hello!")], "add_generation_prompt": False},
    "empty_content": {"messages": [user(""), assistant(""), user("\n")]},
    "unicode": {"messages": [user("Grüße 你好 \U0001f600\U0001f3fd e\u0301 \u202eabc"), assistant("<|im_end|> & 'quoted' \"text\" \\ \u0000 \t"), user("</s>\u2028x")]},
    "tools": {"messages": [user("Weather in Zürich?")], "tools": TOOLS},
    "tool_calls": {"messages": [
        system("Use tools."), user("Weather in Zürich and 1+2?"),
        {"role": "assistant", "content": None, "tool_calls": [call("get_weather", {"city": "Zürich", "days": [1, 2], "x": None, "y": 1.5, "z": True})]},
        {"role": "tool", "name": "get_weather", "tool_call_id": "abcdef123", "content": "{\"t\": 21.5}"},
        assistant("It is 21.5 °C."), user("Great")], "tools": TOOLS},
    "two_calls": {"messages": [
        user("Both please"),
        {"role": "assistant", "content": "On it.", "tool_calls": [call("get_weather", {"city": "Bern"}), call("add", {"a": 1, "b": "2"}, "123456789")]},
        {"role": "tool", "name": "get_weather", "tool_call_id": "abcdef123", "content": "sunny"},
        {"role": "tool", "name": "add", "tool_call_id": "123456789", "content": "3"}], "tools": TOOLS},
    "parts": {"messages": [{"role": "user", "content": [{"type": "text", "text": " Look: "}, {"type": "image"}, {"type": "text", "text": "what?"}]}]},
    "system_parts": {"messages": [{"role": "system", "content": [{"type": "text", "text": "Short."}]}, user("Hi")]},
    "not_alternating": {"messages": [user("a"), user("b")]},
    "assistant_first": {"messages": [assistant("Hello, I am first"), user("b")]},
    "thinking": {"messages": [user("Think"), {"role": "assistant", "content": "<think>\nhm\n</think>\n\n42", "thinking": "deep"}, user("Why?"),
                              {"role": "assistant", "content": "Because", "reasoning_content": "\nso\n"}], "enable_thinking": False},
    "no_thinking": {"messages": [user("Quick")], "enable_thinking": False, "documents": [{"title": "t", "text": "A document."}]},
    "no_messages": {"messages": []},
    "other_role": {"messages": [user("a"), {"role": "critic", "content": "b"}, user("c")]},
    "number_content": {"messages": [user(3)]},
    "no_role": {"messages": [{"content": "who?"}]},
}

NESTED = {"type": "function", "function": {
    "name": "book-trip.v2", "description": "Books a trip.\nSecond line: {{ not_a_variable }} <|im_end|>",
    "parameters": {"type": "object", "properties": {
        "legs": {"type": "array", "minItems": 1, "items": {"type": "object", "properties": {
            "from": {"type": "string"}, "to": {"type": "string"}, "via": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None}}, "required": ["from", "to"]}},
        "budget": {"type": "number", "minimum": 0.5, "maximum": 1e6}, "refundable": {"type": "boolean", "default": False}}, "required": ["legs"]},
    "return": {"type": "object", "description": "The booking"}}}
BARE = {"type": "function", "function": {"name": "now", "description": "Time of day", "parameters": {"type": "object", "properties": {}}}}


def result(text, id="abcdef123", name="get_weather"):
    return {"role": "tool", "name": name, "tool_call_id": id, "content": text}


def calls(*made, content="", **more):
    return {"role": "assistant", "content": content, "tool_calls": list(made), **more}


TOOL_CHATS = {
    "offered": {"messages": [system("Use tools if they help."), user("Weather in Zürich?")], "tools": TOOLS + [BARE]},
    "answered": {"messages": [user("Weather in Zürich and the sum?"), calls(call("get_weather", {"city": "Zürich", "days": [1, 2], "x": None, "y": 1.5, "z": True})),
                              result("{\"t\": 21.5, \"sky\": \"clear\"}"), assistant("It is 21.5 °C.\n"), user(" Great ")], "tools": TOOLS},
    "parallel": {"messages": [system("Be brief."), user("Both please"), calls(call("get_weather", {"city": "Bern"}), call("add", {"a": 1, "b": "2"}, "123456789"), content="On it."),
                              result("sunny"), result("3", "123456789", "add")], "tools": TOOLS},
    "nested": {"messages": [user("Zürich to \"Köln\", then <home>"),
                            calls(call("book-trip.v2", {"legs": [{"from": "Zürich", "to": "\"Köln\" & 'back'", "via": None}, {"from": "A\nB", "to": "\U0001f3e0"}], "budget": 1e3, "refundable": True})),
                            result("[]", name="book-trip.v2")], "tools": [NESTED, BARE]},
    "thinking": {"messages": [user("What time is it?"), calls(call("now", {}), content="<think>\nI need the clock.\n</think>\n\nOne moment.", reasoning_content="I need the clock."),
                              result("12:00", name="now"), {"role": "assistant", "content": "Noon.", "reasoning_content": "12:00 is noon"}, user("And in an hour?")],
                 "tools": [BARE], "enable_thinking": True},
    "closed": {"messages": [system("  Spaces \n"), user("1+2?"), calls(call("add", {"a": 1, "b": 2})), result("3", name="add"), assistant("3"), user("Thanks"), assistant("Welcome!")],
               "tools": TOOLS, "add_generation_prompt": False},
}
ALL_CHATS = {**CHATS, **{f"tools_{name}": chat for name, chat in TOOL_CHATS.items()}}
for chat in ALL_CHATS.values():
    chat.setdefault("tools", None)
    chat.setdefault("documents", None)
    chat.setdefault("add_generation_prompt", True)

TOKENS = {"gemma2": ("<bos>", "<eos>"), "gemma3": ("<bos>", "<eos>"), "llama3": ("<|begin_of_text|>", "<|eot_id|>"),
          "llama3.1": ("<|begin_of_text|>", "<|eot_id|>"), "command-r": ("<BOS_TOKEN>", "<|END_OF_TURN_TOKEN|>"),
          "smollm2": ("<|im_start|>", "<|im_end|>"), "deepseek-r1": ("<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>"), "qwen2.5": (None, "<|im_end|>")}


def make_chats():
    templates = {}
    for path in sorted((HERE / "template_sources").glob("*.jinja")):
        source = path.read_text(encoding="utf-8")
        bos, eos = TOKENS.get(path.stem, ("<s>", "</s>"))
        variables = {k: v for k, v in (("bos_token", bos), ("eos_token", eos)) if v}
        cases = []
        for name, chat in ALL_CHATS.items():
            kind, text = render(source, {**chat, **variables})
            case = {"chat": name, "text": text if kind == "text" else None}
            if kind == "refused":
                case["words"] = text
            cases.append(case)
        assert sum(c["text"] is not None for c in cases) >= 6, path
        templates[path.stem] = {"source": source, "vars": variables, "cases": cases}
    return {"chats": ALL_CHATS, "templates": templates}


def make_collected():
    folder = HERE / "template_sources" / "collected"
    variables = {"bos_token": "<s>", "eos_token": "</s>"}
    templates = {}
    for path in sorted(folder.rglob("*.jinja")):
        source = path.read_text(encoding="utf-8")
        cases = []
        for name, chat in TOOL_CHATS.items():
            kind, text = render(source, {**chat, **variables})
            cases.append({"chat": name, "text": text if kind == "text" else None, **({"words": text} if kind == "refused" else {})})
        assert sum(c["text"] is not None for c in cases) >= 4, path
        templates[str(path.relative_to(folder))] = {"vars": variables, "cases": cases}
    return {"chats": TOOL_CHATS, "templates": templates}


def make_random(count=2000):
    """Without addresses, without integers of more than 64 bits, and without texts that would bloat the file."""
    cases = []
    generator = template_fuzz.Generator(2024, 0.01)
    while len(cases) < count:
        source = generator.template()
        if "1e22" in source or "2 **" in source or "big" in source:
            continue
        kind, text = render(source, template_fuzz.VARS)
        if kind == "text" and len(text) < 300 and len(source) < 300 and not shows_address(text):
            cases.append([source, text])
        elif kind != "text" and len(source) < 150 and len(cases) % 8 == 0 and "name 'inf'" not in text and "name 'nan'" not in text:
            cases.append([source, None])
    return {"vars": template_fuzz.VARS, "cases": cases}


def make_snippets():
    cases = []
    for source in SNIPPETS:
        kind, text = render(source, VARS)
        cases.append([source, text if kind == "text" else None])
    return {"vars": VARS, "cases": cases}


def write_corpus(cases, count=24):
    """Seeds for the fuzz target: a few random templates behind each other, a NUL, and the variables."""
    sources = [source for source, text in cases if text is not None]
    variables = json.dumps(template_fuzz.VARS, ensure_ascii=False, separators=(",", ":"))
    for i in range(count):
        path = HERE.parent / "fuzz" / "corpus" / "template" / f"random_{i:02}"
        path.write_text("\n".join(sources[i * 10:(i + 1) * 10]) + "\0" + variables, encoding="utf-8")


def write(name, value):
    path = HERE / "templates" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(value, ensure_ascii=False, indent=0) + "\n", encoding="utf-8")
    print(path, path.stat().st_size)


if __name__ == "__main__":
    write("chats.json", make_chats())
    write("collected.json", make_collected())
    write("snippets.json", make_snippets())
    random_cases = make_random()
    write("random.json", random_cases)
    write_corpus(random_cases["cases"])
