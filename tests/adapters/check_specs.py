#!/usr/bin/env python3
"""Checks the cases beside this file against the vendors' own API descriptions.

(a) Every request that an adapter renders, and (b) every good sample answer, is validated against the vendor's
description: path, method, query, body. The C tests compare the cases with what the adapters really render, so that they can
be trusted here. The descriptions are test data that is not part of this repository: SLUICE_SPECS names their folder
(default: ../shared/vendors/specs beside the repository). Without them nothing is checked, and that is said.

Prints a line per adapter and operation: what was checked, or why not; then `N passed, N failed, N skipped`.
"""
import collections
import json
import os
import re
import sys
import urllib.parse

import jsonschema
import yaml

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SPECS = os.environ.get("SLUICE_SPECS") or os.path.join(ROOT, "..", "shared", "vendors", "specs")
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

# adapter: (file, what stands before the paths of the description)
OPENAI = ("openai_openai-openapi__openapi.yaml", "https://api.openai.com/v1")
DESCRIPTIONS = {
    "openai-images": OPENAI,
    "openai-videos": OPENAI,
    "openai-speech": OPENAI,
    "elevenlabs": ("tryAGI_ElevenLabs__openapi.json", "https://api.elevenlabs.io"),
    "heygen": ("heygen-cli_v3-operations.extracted.json", "https://api.heygen.com"),
}
NO_DESCRIPTION = {"fal": "the queue has no machine-readable description; models have one each, which are not at hand"}


class Operation:
    """What a description says of one method on one path."""

    def __init__(self, name, bodies, answers, query):
        self.name = name
        self.bodies = bodies  # {media type: schema}
        self.answers = answers  # {status: {media type: schema}}
        self.query = query  # {parameter: schema}


def plain(node):
    """OpenAPI's own words for what JSON Schema says otherwise: nullable, and discriminators, which name their words."""
    if isinstance(node, list):
        return [plain(item) for item in node]
    if not isinstance(node, dict):
        return node
    out = {key: plain(value) for key, value in node.items() if key not in ("discriminator", "example", "examples")}
    mapping = (node.get("discriminator") or {}).get("mapping")
    if mapping and "oneOf" in out:
        # Branches that tell themselves apart by the discriminator alone would all fit, and oneOf wants one.
        out["anyOf"] = out.pop("oneOf")
        out.setdefault("properties", {})[node["discriminator"]["propertyName"]] = {"enum": list(mapping)}
    if out.pop("nullable", False) is True:
        return {"anyOf": [out, {"type": "null"}]}
    return out


class Description:
    """An OpenAPI document, or the extracted operations of HeyGen, which are not one."""

    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            text = json.load(file) if path.endswith(".json") else yaml.load(file, LOADER)
        self.paths = []
        self.root = {}
        if "operations" in text:
            self.read_extracted(text["operations"])
        else:
            self.root = {"components": {"schemas": plain(text["components"]["schemas"])}}
            self.read_openapi(text)

    def add(self, path, method, operation):
        pattern = re.sub(r"\\\{[^/]*?\\\}", "[^/]+", re.escape(path))
        # A path without parameters is tried before one that has them.
        self.paths.append((path.count("{"), re.compile(pattern + "$"), method.upper(), operation))
        self.paths.sort(key=lambda item: item[0])

    def read_openapi(self, text):
        for path, methods in text["paths"].items():
            for method, operation in methods.items():
                if method not in ("get", "post", "put", "delete", "patch"):
                    continue
                content = (operation.get("requestBody") or {}).get("content") or {}
                answers = {
                    status: {kind: plain(about.get("schema", {})) for kind, about in (answer.get("content") or {}).items()}
                    for status, answer in operation.get("responses", {}).items()
                }
                query = {p["name"]: plain(p.get("schema", {})) for p in operation.get("parameters", []) if p.get("in") == "query"}
                bodies = {kind: plain(about.get("schema", {})) for kind, about in content.items()}
                self.add(path, method, Operation(f"{method.upper()} {path}", bodies, answers, query))

    def read_extracted(self, operations):
        for operation in operations:
            bodies, answers = {}, {}
            if operation.get("RequestSchema"):
                bodies["application/json"] = plain(operation["RequestSchema"])
            if operation.get("ResponseSchema"):
                answers["200"] = {"application/json": plain(operation["ResponseSchema"])}
            name = f"{operation['method']} {operation['path']}"
            self.add(operation["path"], operation["method"], Operation(name, bodies, answers, {}))

    def find(self, method, path):
        for _, pattern, wanted, operation in self.paths:
            if wanted == method and pattern.match(path):
                return operation
        return None

    def mistakes(self, schema, value):
        """What is wrong with value, in words; unknown members of an object that names its own are wrong, too."""
        whole = {**self.root, **schema} if "$ref" not in schema else {**self.root, "allOf": [schema]}
        found = list(jsonschema.Draft7Validator(whole).iter_errors(value))
        words = [f"{'/'.join(map(str, error.absolute_path)) or 'body'}: {error.message[:200]}" for error in found]
        return words + self.strangers(schema, value)

    def names(self, schema, depth=0):
        """All member names that schema knows at its top, None when it takes any."""
        if depth > 8 or not isinstance(schema, dict):
            return None
        if "$ref" in schema:
            return self.names(self.root["components"]["schemas"].get(schema["$ref"].split("/")[-1]), depth + 1)
        known, parts = set(schema.get("properties", {})), []
        for word in ("allOf", "anyOf", "oneOf"):
            parts += schema.get(word, [])
        for part in parts:
            if part.get("type") != "null":
                known |= self.names(part, depth + 1) or set()
        return known or None

    def strangers(self, schema, value):
        known = self.names(schema) if isinstance(value, dict) else None
        return [f"{name}: the description knows no such field" for name in value if known and name not in known] if known else []


class Report:
    def __init__(self):
        self.lines = collections.OrderedDict()
        self.passed = self.failed = self.skipped = 0

    def line(self, key):
        return self.lines.setdefault(key, {"requests": 0, "answers": 0, "why": collections.Counter()})

    def check(self, key, what, where, mistakes):
        if mistakes:
            self.failed += 1
            for mistake in mistakes:
                print(f"FAILED {where}: {mistake}")
        else:
            self.passed += 1
            self.line(key)[what] += 1

    def skip(self, key, why):
        self.skipped += 1
        self.line(key)["why"][why] += 1

    def end(self):
        for (adapter, operation), line in self.lines.items():
            words = []
            if line["requests"] or line["answers"]:
                words.append(f"checked {line['requests']} requests, {line['answers']} answers")
            words += [f"{count} not checked: {why}" for why, count in line["why"].items()]
            print(f"{adapter}: {operation}: {'; '.join(words) or 'nothing to check'}")
        print(f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped")
        return 1 if self.failed else 0


def typed(text):
    """A form's text as the value that it stands for."""
    try:
        value = json.loads(text)
        return value if isinstance(value, (int, float, bool)) else text
    except ValueError:
        return text


def multipart_value(parts, schema_names):
    """The parts as the object that the schema describes; image[] is image as a list."""
    out = {}
    for part in parts:
        name, value = part["name"], "binary" if "medium" in part else part["text"]
        if name.endswith("[]"):
            out.setdefault(name[:-2], []).append(value)
        else:
            out[name] = value if name in ("prompt", "seconds", "size") else typed(value)
    return out


def spelled(body):
    """An answer as it was on the wire: blobs that were taken out are texts again."""
    if isinstance(body, dict):
        return "AAAA" if "$blob" in body else {key: spelled(value) for key, value in body.items()}
    return [spelled(item) for item in body] if isinstance(body, list) else body


def check_request(report, key, where, description, operation, request):
    mistakes = []
    for name, value in urllib.parse.parse_qsl(urllib.parse.urlsplit(request["url"]).query):
        if name not in operation.query:
            mistakes.append(f"query {name}: the description knows no such parameter")
        else:
            mistakes += [f"query {name}: {m}" for m in description.mistakes(operation.query[name], typed(value))]
    for kind, media in (("json", "application/json"), ("multipart", "multipart/form-data")):
        if kind in request:
            schema = operation.bodies.get(media)
            if schema is None:
                mistakes.append(f"the description has no {media} body")
            else:
                value = request[kind] if kind == "json" else multipart_value(request[kind], schema)
                mistakes += description.mistakes(schema, value)
    if operation.bodies and not any(kind in request for kind in ("json", "multipart")):
        mistakes.append("the description wants a body")
    report.check(key, "requests", where, mistakes)


def deliberate(meaning):
    """A sample that is meant not to be what the vendor describes."""
    return "makes no sense" in meaning.get("text", "") or meaning.get("state_unknown")


def check_answer(report, key, where, description, operation, answer, meaning):
    status = str(answer["status"])
    if deliberate(meaning):
        return report.skip(key, "answers are meant to be wrong")
    if "raw_bytes" in answer:
        kinds = operation.answers.get(status, {})
        binary = [kind for kind, schema in kinds.items() if schema.get("format") == "binary"]
        return report.check(key, "answers", where, [] if binary else ["the description has no such body"])
    if "body" not in answer:
        return None
    schema = operation.answers.get(status, {}).get("application/json")
    if schema is None and status[0] in "45" and "ErrorResponse" in description.root.get("components", {}).get("schemas", {}):
        schema = {"$ref": "#/components/schemas/ErrorResponse"}
    if schema is None:
        return report.skip(key, f"answers with {status} are not described")
    return report.check(key, "answers", where, description.mistakes(schema, spelled(answer["body"])))


def check_case(report, adapter, name, case, description, base):
    for index, step in enumerate(case["steps"]):
        request = step.get("request")
        if request is None:
            continue
        url = request["url"].replace(case["task"].get("base", base), base, 1)
        where = f"{adapter}/{name} steps[{index}]"
        if not url.startswith(base + "/"):
            report.skip((adapter, step["step"]), "downloads from other hosts are not described")
            continue
        path = urllib.parse.urlsplit(url[len(base):]).path
        operation = description.find(request["method"], path)
        if operation is None:
            report.check((adapter, step["step"]), "requests", where, [f"the description has no {request['method']} {path}"])
            continue
        key = (adapter, operation.name)
        check_request(report, key, where, description, operation, request)
        if "answer" in step:
            check_answer(report, key, where, description, operation, step["answer"], step["meaning"])


def main():
    if not os.path.isdir(SPECS):
        print(f"SKIPPED: no API descriptions in {SPECS}: set SLUICE_SPECS to check the cases against them")
        print("0 passed, 0 failed, 1 skipped")
        return 0
    report, descriptions = Report(), {}
    here = os.path.join(ROOT, "tests", "adapters")
    for adapter in sorted(os.listdir(here)):
        folder = os.path.join(here, adapter)
        cases = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
        cases = [name for name in cases if name.endswith(".yaml")]
        if not cases:
            continue
        file, base = DESCRIPTIONS.get(adapter, (None, None))
        if file is None or not os.path.exists(os.path.join(SPECS, file)):
            why = NO_DESCRIPTION.get(adapter, f"{file} is not there" if file else "no description is known")
            for _ in cases:
                report.skip((adapter, "all operations"), why)
            continue
        if file not in descriptions:
            descriptions[file] = Description(os.path.join(SPECS, file))
        for name in cases:
            with open(os.path.join(folder, name), encoding="utf-8") as text:
                check_case(report, adapter, name, yaml.load(text, LOADER), descriptions[file], base)
    return report.end()


if __name__ == "__main__":
    sys.exit(main())
