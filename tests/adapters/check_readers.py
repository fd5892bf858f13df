"""Readers of what vendors describe their APIs with: OpenAPI, AWS service models, protocol buffers. For check_specs.py."""
import json
import re

import yaml
from check_schema import REFERENCE, Description, Operation, plain

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
METHODS = ("get", "post", "put", "delete", "patch")


def load(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file) if path.endswith(".json") else yaml.load(file, LOADER)


# ---- OpenAPI, and operations that were taken out of a vendor's own client ----


def deref(text, node):
    """A part of the document that stands elsewhere in it."""
    while isinstance(node, dict) and "$ref" in node and not node["$ref"].startswith(REFERENCE):
        value = text
        for key in node["$ref"].removeprefix("#/").split("/"):
            value = value[key.replace("~1", "/").replace("~0", "~")]
        node = value
    return node


def schemas_of(text, content):
    return {kind: plain(about.get("schema", {})) for kind, about in (deref(text, content) or {}).items()}


def openapi(path, description=None):
    """An OpenAPI document; with description its operations join others."""
    text = load(path)
    description = description or Description()
    if "operations" in text:
        return extracted(text["operations"], description)
    description.schemas.update(plain((text.get("components") or {}).get("schemas") or {}))
    for route, methods in text["paths"].items():
        shared = methods.get("parameters", [])
        for method in METHODS:
            if method not in methods:
                continue
            about = methods[method]
            body = deref(text, about.get("requestBody") or {})
            answers = {str(status): schemas_of(text, deref(text, answer).get("content")) for status, answer in about.get("responses", {}).items()}
            parameters = [deref(text, p) for p in [*shared, *about.get("parameters", [])]]
            query = {p["name"]: plain(p.get("schema", {})) for p in parameters if p.get("in") == "query"}
            name = f"{method.upper()} {route}"
            description.add(method, route, Operation(name, schemas_of(text, body.get("content")), answers, query, body.get("required", False)))
    return description


def extracted(operations, description):
    for about in operations:
        bodies = {"application/json": plain(about["RequestSchema"])} if about.get("RequestSchema") else {}
        answers = {"200": {"application/json": plain(about["ResponseSchema"])}} if about.get("ResponseSchema") else {}
        description.add(about["method"], about["path"], Operation(f"{about['method']} {about['path']}", bodies, answers, {}))
    return description


# ---- botocore's service models ----

AWS_KINDS = {"string": "string", "boolean": "boolean", "integer": "integer", "long": "integer", "float": "number", "double": "number", "blob": "string"}


def aws_shape(shape):
    """A shape as a JSON schema. Members that travel elsewhere than in the body are not part of it."""
    kind = shape["type"]
    if kind == "structure":
        if shape.get("document"):
            return {}
        inside = {name: member for name, member in shape["members"].items() if "location" not in member}
        return {
            "type": "object",
            "properties": {member.get("locationName", name): {"$ref": REFERENCE + member["shape"]} for name, member in inside.items()},
            "required": [inside[name].get("locationName", name) for name in shape.get("required", []) if name in inside],
            "additionalProperties": False,
        }
    if kind == "list":
        return {"type": "array", "items": {"$ref": REFERENCE + shape["member"]["shape"]}, **bounds(shape, "Items")}
    if kind == "map":
        return {"type": "object", "additionalProperties": {"$ref": REFERENCE + shape["value"]["shape"]}}
    if kind == "timestamp":
        return {"type": ["string", "number"]}
    out = {"type": AWS_KINDS[kind]}
    if kind == "string":
        out.update(bounds(shape, "Length"))
        out.update({word: shape[word] for word in ("enum", "pattern") if word in shape})
    return out


def bounds(shape, of):
    return {f"{word}{of}": shape[word] for word in ("min", "max") if word in shape}


def botocore(path):
    text = load(path)
    description = Description({name: aws_shape(shape) for name, shape in text["shapes"].items()})
    for name, about in text["operations"].items():
        route = about["http"]["requestUri"].split("?")[0]
        bodies = aws_body(text, about.get("input"))
        status = str(about["http"].get("responseCode", 200))
        answers = {status: aws_body(text, about.get("output"))} if "output" in about else {}
        for error in about.get("errors", []):
            shape = text["shapes"][error["shape"]]
            code = str(shape.get("error", {}).get("httpStatusCode", 500))
            # Who serves the error adds a type, which the model leaves to the protocol.
            answers[code] = {"application/json": {"type": "object", "properties": {"message": {"type": "string"}}, "additionalProperties": True}}
        description.add(about["http"]["method"], route.replace("Arn}", "Arn+}"), Operation(name, bodies, answers, None, bool(bodies)))
    return description


def aws_body(text, member):
    shape = text["shapes"][member["shape"]] if member else {}
    payload = shape.get("payload")
    if payload and text["shapes"][shape["members"][payload]["shape"]]["type"] == "blob":
        return {"application/json": {}}  # what a model takes and gives is the model's own
    inside = [name for name, m in shape.get("members", {}).items() if "location" not in m]
    return {"application/json": {"$ref": REFERENCE + member["shape"]}} if inside else {}


# ---- protocol buffers, as far as their JSON form goes ----

COMMENT = re.compile(r'("(?:[^"\\\n]|\\.)*")|//[^\n]*|/\*.*?\*/', re.S)
TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[A-Za-z_][\w.]*|-?\d[\w.]*|[{}()<>\[\];=,:]')
SCALARS = {"string": "string", "bool": "boolean", "bytes": "string", "double": "number", "float": "number", "int32": "integer", "uint32": "integer"}


def camel(name):
    return re.sub(r"_([a-z0-9])", lambda m: m.group(1).upper(), name)


class Proto:
    """Messages and HTTP bindings of .proto files."""

    def __init__(self, paths):
        self.messages, self.bindings = {}, []
        for path in paths:
            with open(path, encoding="utf-8") as file:
                text = COMMENT.sub(lambda m: m.group(1) or " ", file.read())
            self.tokens, self.at = TOKEN.findall(text), 0
            while self.at < len(self.tokens):
                self.top()

    def next(self):
        self.at += 1
        return self.tokens[self.at - 1]

    def skip(self):
        """Up to the end of a statement, blocks and all."""
        depth = 0
        while True:
            token = self.next()
            depth += (token == "{") - (token == "}")
            if depth <= 0 and token in (";", "}"):
                return

    def top(self):
        word = self.next()
        if word == "message":
            self.message(self.next())
        elif word == "service":
            self.next(), self.next()
            self.service()
        else:
            self.skip()

    def service(self):
        while (word := self.next()) != "}":
            if word == "rpc":
                self.rpc()
            else:
                self.skip()

    def rpc(self):
        name, taken = self.next(), [self.next()]
        while taken[-1] not in (";", "{"):
            taken.append(self.next())
        kinds = [token for token in taken if re.match(r"[A-Za-z]", token) and token not in ("returns", "stream")]
        depth = 1 if taken[-1] == "{" else 0
        while depth:
            token = self.next()
            depth += (token == "{") - (token == "}")
            if token in METHODS and self.tokens[self.at] == ":":
                self.bindings.append((name, token, self.tokens[self.at + 1].strip('"'), *kinds))

    def message(self, name):
        """Reads a message's fields; what stands in a oneof belongs to the message."""
        self.next()
        fields, depth = {}, 1
        while depth:
            word = self.next()
            if word == "}":
                depth -= 1
            elif word == "oneof":
                self.next(), self.next()
                depth += 1
            elif word == "message":
                self.message(self.next())
            elif word in ("option", "reserved", "enum", "extensions"):
                self.skip()
            elif word != ";":
                self.field(fields, word)
        self.messages[name] = fields

    def field(self, fields, word):
        repeated = word == "repeated"
        kind = self.next() if word in ("repeated", "optional") else word
        if kind == "map":
            while self.next() != ">":
                pass
        name = self.next()
        rest = []
        while (token := self.next()) != ";":
            rest.append(token)
        fields[camel(name)] = (kind, repeated, "REQUIRED" in rest)

    def schema(self, name):
        properties = {}
        for field, (kind, repeated, _) in self.messages[name].items():
            one = {"type": SCALARS[kind]} if kind in SCALARS else {"type": ["string", "integer"]} if kind.endswith("64") else self.reference(kind)
            properties[field] = {"type": "array", "items": one} if repeated else {} if kind == "map" else one
        return {"type": "object", "properties": properties, "additionalProperties": False}

    def reference(self, kind):
        """A message by its last name; a type of another file may be anything."""
        short = kind.split(".")[-1]
        return {"$ref": REFERENCE + short} if short in self.messages else {}


def proto(paths, more=()):
    """more: (name, method, path, message of the request, message of the answer) of bindings that the files leave out."""
    read = Proto(paths)
    description = Description({name: read.schema(name) for name in read.messages})
    for name, method, route, request, answer in [*read.bindings, *more]:
        inside = re.findall(r"\{(\w+)", route)
        schema = dict(read.schema(request)) if request in read.messages else {}
        if schema:
            schema["required"] = [field for field, (_, _, needed) in read.messages[request].items() if needed and field not in map(camel, inside)]
        body = {"application/json": schema} if method != "get" else {}
        answers = {"200": {"application/json": read.reference(answer)}}
        # {name=a/*/b/*} is several segments.
        path = re.sub(r"\{(\w+)=[^}]*\}", r"{\1+}", route)
        description.add(method, path, Operation(f"{name} ({method.upper()} {route})", body, answers, None, bool(body)))
    return description
