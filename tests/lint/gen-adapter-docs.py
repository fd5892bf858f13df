#!/usr/bin/env python3
"""Writes the reference section of docs/adapters.md from schemas/adapter.json, between two markers.

With --check it writes nothing and fails when the page is out of step with the schema.
"""
import json
import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SCHEMA = os.path.join(ROOT, "schemas", "adapter.json")
PAGE = os.path.join(ROOT, "docs", "adapters.md")
BEGIN = "<!-- reference: made from schemas/adapter.json by tests/lint/gen-adapter-docs.py -->"
END = "<!-- end of reference -->"

# What a reader meets on the way down through a file, in that order: definition, heading.
SECTIONS = [
    ("auth", "`auth`"), ("token", "`token`"), ("jwt_hs256", "`jwt_hs256`"), ("oauth2_jwt_bearer", "`oauth2_jwt_bearer`"),
    ("oauth2_client_credentials", "`oauth2_client_credentials`"), ("aws_sigv4", "`aws_sigv4`"), ("idempotency", "`idempotency`"), ("readers", "`later`, `hint`: where a time to wait is said"),
    ("rule", "`errors`: a rule"), ("option", "`options`: a setting"),
    ("limit", "`limits`: a limit"), ("upload", "`uploads`: an upload"), ("upload_step", "a step of an upload"), ("operation", "An operation"), ("medium", "`inputs`: a medium"), ("submit", "`submit`"),
    ("poll", "`poll`"), ("fetch", "`fetch`"), ("cancel", "`cancel`"), ("download", "`download`"), ("lookup", "`lookup`"), ("request", "`request`"),
    ("state", "`state`"), ("outputs", "`outputs`"), ("cost", "`cost`"),
]
# Shown by name: they are explained once, in a table of their own.
KINDS = ["expression", "shape", "shapes", "template", "headers", "duration", "size", "status"]
# Definitions that are only a choice between others, in words.
CHOICES = {
    "claims": "names with text, number or true, false",
    "progress": "expression, or {from, of}",
    "rules": "list of rules, see `errors`",
    "operations": "an operation, or a list of operations",
    "download_request": "see `request`",
}


def target(node):
    """The definition that node refers to, or None."""
    for part in [node] + node.get("allOf", []):
        if "$ref" in part:
            return part["$ref"].split("/")[-1]
    return None


def kind_of(node):
    """The type of a value in a word or two."""
    name = target(node)
    if name:
        section = dict(SECTIONS).get(name)
        return CHOICES.get(name, name) if not section else f"see {section.split(':')[0]}"
    if "const" in node:
        return f"`{json.dumps(node['const']).strip(chr(34))}`"
    if "enum" in node:
        return ", ".join(f"`{value}`" for value in node["enum"])
    if "anyOf" in node:
        return " or ".join(dict.fromkeys(kind_of(part) for part in node["anyOf"]))
    words = node.get("type", "any")
    words = words if isinstance(words, list) else [words]
    if words == ["array"]:
        return f"list of {kind_of(node.get('items', {}))}"
    if words == ["object"] and isinstance(node.get("additionalProperties"), dict):
        return f"names with {kind_of(node['additionalProperties'])}"
    return " or ".join({"string": "text", "array": "list", "boolean": "true, false", "integer": "whole number"}.get(w, w) for w in words)


def cell(text):
    return text.replace("|", "\\|").replace("\n", " ")


def described(schema, node):
    name = target(node)
    return node.get("description") or (schema["definitions"][name]["description"] if name else "")


def table(schema, properties, required):
    lines = ["| field | value | |", "|---|---|---|"]
    for name, node in properties.items():
        needed = " (needed)" if name in required else ""
        lines.append(f"| `{name}`{needed} | {cell(kind_of(node))} | {cell(described(schema, node))} |")
    return lines


def section(schema, heading, node):
    lines = [f"### {heading}", "", node["description"], ""]
    nodes = [node] + node.get("anyOf", []) + ([node["items"]] if isinstance(node.get("items"), dict) else [])
    nodes += node["items"].get("anyOf", []) if isinstance(node.get("items"), dict) else []
    for part in nodes:
        if part.get("properties"):
            lines += table(schema, part["properties"], part.get("required", [])) + [""]
        inner = part.get("properties", {})
        for name, child in inner.items():
            deeper = child.get("properties") or child.get("items", {}).get("properties")
            if deeper:
                needed = child.get("required") or child.get("items", {}).get("required", [])
                lines += [f"`{name}`:", ""] + table(schema, deeper, needed) + [""]
    return lines


def reference(schema):
    lines = [BEGIN, "", "### Kinds of values", "", "| kind | |", "|---|---|"]
    lines += [f"| {name} | {cell(schema['definitions'][name]['description'])} |" for name in KINDS]
    lines += [""] + section(schema, "The file", schema)
    for name, heading in SECTIONS:
        lines += section(schema, heading, schema["definitions"][name])
    return "\n".join(lines + [END])


def main():
    with open(SCHEMA, encoding="utf-8") as file:
        schema = json.load(file)
    with open(PAGE, encoding="utf-8") as file:
        page = file.read()
    if BEGIN not in page or END not in page:
        sys.exit(f"{PAGE}: the markers of the reference are missing:\n{BEGIN}\n{END}")
    before, rest = page.split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    wanted = before + reference(schema) + after
    if "--check" in sys.argv[1:]:
        if wanted != page:
            sys.exit("docs/adapters.md is out of step with schemas/adapter.json: run tests/lint/gen-adapter-docs.py")
        return
    with open(PAGE, "w", encoding="utf-8") as file:
        file.write(wanted)


if __name__ == "__main__":
    main()
