"""What a vendor's description says of its operations, and whether a value is what it says. For check_specs.py."""
import functools
import re

import jsonschema

REFERENCE = "#/components/schemas/"


class Operation:
    """One method on one path."""

    def __init__(self, name, bodies, answers, query, needs_body=False):
        self.name = name
        self.needs_body = needs_body
        self.bodies = bodies  # {media type: schema}
        self.answers = answers  # {status: {media type: schema}}
        self.query = query  # {parameter: schema}; None: not told

    def answer(self, status):
        """The bodies of that status; None when it is not described."""
        text = str(status)
        return next((self.answers[key] for key in (text, text[0] + "XX", text[0] + "xx", "default") if key in self.answers), None)


def json_of(bodies):
    """The schema of the JSON among some bodies, None when there is none."""
    return next((schema for kind, schema in (bodies or {}).items() if kind.split(";")[0].strip().endswith("json")), None)


def plain(node):
    """OpenAPI's own words for what JSON Schema says otherwise: nullable, booleans as exclusive bounds, discriminators, which name their words."""
    if isinstance(node, list):
        return [plain(item) for item in node]
    if not isinstance(node, dict):
        return node
    out = {key: plain(value) for key, value in node.items() if key not in ("discriminator", "example", "examples", "xml")}
    for word, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if isinstance(out.get(word), bool) and out.pop(word) and bound in out:
            out[word] = out.pop(bound)
    discriminator = node.get("discriminator")
    mapping = discriminator.get("mapping") if isinstance(discriminator, dict) else None
    if mapping and "oneOf" in out:
        # Branches that tell themselves apart by the discriminator alone would all fit, and oneOf wants one.
        out["anyOf"] = out.pop("oneOf")
        out.setdefault("properties", {})[discriminator["propertyName"]] = {"enum": list(mapping)}
    if out.pop("nullable", False) is True:
        return {"anyOf": [out, {"type": "null"}]}
    return out


class Description:
    """Operations by method and path, and the schemas that they refer to."""

    def __init__(self, schemas=None):
        self.paths = []
        self.schemas = schemas or {}

    def add(self, method, path, operation):
        """path: with {holes} for a segment or a part of it, {holes+} for several segments."""
        pattern = re.sub(r"\\\{[^/]*?\\\}", lambda m: ".+" if "+" in m.group() else "[^/]+", re.escape(path))
        # A path without parameters is tried before one that has them.
        self.paths.append((path.count("{"), re.compile(pattern + "$"), method.upper(), operation))
        self.paths.sort(key=lambda item: item[0])

    def find(self, method, path):
        return next((operation for _, pattern, wanted, operation in self.paths if wanted == method and pattern.match(path)), None)

    def resolved(self, schema):
        for _ in range(16):
            if not isinstance(schema, dict) or "$ref" not in schema:
                break
            schema = self.schemas.get(schema["$ref"].removeprefix(REFERENCE), {})
        return schema if isinstance(schema, dict) else {}

    def branches(self, schema, depth=0):
        """The schema and all those that it is made of, however deep."""
        schema = self.resolved(schema)
        yield schema
        if depth < 8:
            for word in ("allOf", "anyOf", "oneOf"):
                for part in schema.get(word, []):
                    yield from self.branches(part, depth + 1)

    def mistakes(self, schema, value):
        """What is wrong with value, in words; members that an object's description does not name are wrong, too."""
        whole = {"components": {"schemas": self.schemas}, "allOf": [schema]}
        found = list(jsonschema.Draft7Validator(whole).iter_errors(value))
        words = [f"{'/'.join(map(str, error.absolute_path)) or 'body'}: {self.word(error)}" for error in found]
        return words + list(self.strangers(schema, value, ""))

    @staticmethod
    def word(error):
        """An error of a choice is told by what came nearest."""
        deepest = jsonschema.exceptions.best_match([error])
        return deepest.message[:200] if deepest else error.message[:200]

    def strangers(self, schema, value, at):
        """Members at any depth that no branch of the description knows, where it names members and takes no others."""
        branches = list(self.branches(schema))
        if isinstance(value, list):
            items = [branch["items"] for branch in branches if isinstance(branch.get("items"), dict)]
            for i, item in enumerate(value if items else []):
                yield from self.strangers({"anyOf": items}, item, f"{at}{i}/")
        if not isinstance(value, dict):
            return
        open_ = any(branch.get("additionalProperties") not in (None, False) for branch in branches)
        known = functools.reduce(lambda all_, branch: all_ | set(branch.get("properties", {})), branches, set())
        for name, member in value.items():
            below = [branch["properties"][name] for branch in branches if name in branch.get("properties", {})]
            if below:
                yield from self.strangers({"anyOf": below}, member, f"{at}{name}/")
            elif known and not open_:
                yield f"{at}{name}: the description knows no such field"
