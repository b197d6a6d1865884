#!/usr/bin/env python3
"""Makes tests/golden/templates/chats.json and snippets.json: what Jinja, set up as transformers does it, renders.

    python3 tests/golden/make_templates.py        (transformers 5.23.0, jinja2 3.1.6, Python 3.11)

chats.json: every template of template_sources/ (written after the models that they are named for) with every chat
below. The variables are those that apply_chat_template() passes. Refusals by raise_exception() keep their words.
snippets.json: the pieces of template_snippets.py, each with its text or null for an error."""

import json
import pathlib
import warnings

from template_oracle import render
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
for chat in CHATS.values():
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
        for name, chat in CHATS.items():
            kind, text = render(source, {**chat, **variables})
            case = {"chat": name, "text": text if kind == "text" else None}
            if kind == "refused":
                case["words"] = text
            cases.append(case)
        assert sum(c["text"] is not None for c in cases) >= 6, path
        templates[path.stem] = {"source": source, "vars": variables, "cases": cases}
    return {"chats": CHATS, "templates": templates}


def make_snippets():
    cases = []
    for source in SNIPPETS:
        kind, text = render(source, VARS)
        cases.append([source, text if kind == "text" else None])
    return {"vars": VARS, "cases": cases}


def write(name, value):
    path = HERE / "templates" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(value, ensure_ascii=False, indent=0) + "\n", encoding="utf-8")
    print(path, path.stat().st_size)


if __name__ == "__main__":
    write("chats.json", make_chats())
    write("snippets.json", make_snippets())
