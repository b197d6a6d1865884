"""openapi_checks.py - what openapi.json says of requests is what `sumi serve` does with them.

usage: openapi_checks.py SUMI MODEL        exit code 0: everything held; each failure is one line
  - each documented example is answered with 200, and so it is with a field that nobody knows
  - each documented field, sent with a type that it cannot have, is refused with 400 by its name: the parser knows it
  - each field that a parser reads, as its source says, is documented"""
import glob, os, re

from served import Server, check, finish

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "src", "server")


class File:
    def __init__(self, root):
        self.root = root

    def follow(self, schema):
        while "$ref" in schema:
            at = self.root
            for step in schema["$ref"].removeprefix("#/").split("/"):
                at = at[step]
            schema = at
        return schema

    def properties(self, schema):
        """Of an object, those of what it includes too."""
        schema = self.follow(schema)
        found = dict(schema.get("properties", {}))
        for part in schema.get("allOf", []):
            found |= self.properties(part)
        return found

    def types(self, schema):
        """The JSON types that a value may have; empty: any."""
        schema = self.follow(schema)
        given = schema.get("type", [])
        found = {given} if isinstance(given, str) else set(given)
        for part in schema.get("anyOf", []) + schema.get("oneOf", []):
            if 0 not in (part.get("maxLength"), part.get("maxItems"), part.get("maxProperties")):
                found |= self.types(part)
        for value in schema.get("enum", []) + ([schema["const"]] if "const" in schema else []):
            found.add("string" if isinstance(value, str) else "boolean")
        return found

    def all_names(self):
        def walk(node):
            if isinstance(node, dict):
                yield from node.get("properties", {})
                for value in node.values():
                    yield from walk(value)
            elif isinstance(node, list):
                for value in node:
                    yield from walk(value)
        return set(walk(self.root))


def wrong_value(types):
    """One of a type that is not among these, and that is not nothing."""
    for kind, value in (("object", {"no": 1}), ("array", [{"no": 1}]), ("boolean", True), ("string", "no"), ("number", 7.5)):
        if kind not in types:
            return value


def requests(s, file):
    for path, item in file.root["paths"].items():
        if "post" not in item:
            continue
        body = item["post"]["requestBody"]["content"]["application/json"]
        example = body["example"]
        status, answer, _ = s.ask("POST", path, example)
        check(f"{path}: the example is answered", status == 200, (status, answer))
        status, answer, _ = s.ask("POST", path, {**example, "field_of_tomorrow": {"a": [1]}})
        check(f"{path}: an unknown field is ignored", status == 200, (status, answer))
        properties = file.properties(body["schema"])
        check(f"{path}: fields are documented", set(example) <= set(properties), properties)
        for name, schema in properties.items():
            wrong = {name: wrong_value(file.types(schema))}
            status, answer, _ = s.ask("POST", path, {**example, **wrong})
            if status == 200:  # another name of a field that the example has
                status, answer, _ = s.ask("POST", path, wrong)
            check(f"{path}: {name} of another type is refused", status == 400 and name in str(answer), (status, answer))


def parsers(file):
    documented = file.all_names()
    reads = re.compile(r'\bfield_(?:get|bool|int|int32|float|string)\(\s*[^,;]+?,\s*"(\w+)"')
    n = 0
    for source in glob.glob(os.path.join(SOURCE, "**", "*.c"), recursive=True):
        with open(source) as f:
            for name in reads.findall(f.read()):
                n += 1
                check(f"{os.path.basename(source)}: the field {name} is documented", name in documented)
    check("the parsers were found", n > 20, n)


server = Server("--ctx", "256")
status, root, headers = server.ask("GET", "/openapi.json")
check("the file is served", status == 200 and root["openapi"].startswith("3.1"), status)
file = File(root)
requests(server, file)
parsers(file)
server.end()
finish()
