#!/usr/bin/env python3
"""Writes the table of error codes in docs/api.md from agent/base/fault.def, between two markers.

With --check it writes nothing and fails when the table is out of step, or when the page does not name an endpoint of
agent/app/api.c or a method of agent/app/rpc.c.
"""
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PAGE = os.path.join(ROOT, "docs", "api.md")
BEGIN = "<!-- codes: made from agent/base/fault.def by tests/lint/gen-api-docs.py -->"
END = "<!-- end of codes -->"


def read(*path):
    with open(os.path.join(ROOT, *path), encoding="utf-8") as f:
        return f.read()


def faults():
    """Rows of fault.def under their headings: [(heading, [(code, type, http, repeat, text)])]."""
    groups = []
    for line in read("agent", "base", "fault.def").splitlines():
        heading = re.fullmatch(r"/\* (.*) \*/", line)
        row = re.match(r'FAULT\(\w+, "([^"]*)", "([^"]*)", (\d+), (\w+), "([^"]*)"\)', line)
        if heading:
            groups.append((heading.group(1), []))
        elif row and row.group(1) != "ok":
            groups[-1][1].append(row.groups())
        elif line.startswith("FAULT(") and not row:
            sys.exit(f"fault.def: this row cannot be read: {line}")
    return [g for g in groups if g[1]]


def retry(http, repeat):
    """What the official SDKs are told: see agent/app/api_reply.c."""
    if repeat != "LATER" or http in ("409", "504"):
        return "no"
    return "yes"


def table():
    out = []
    for heading, rows in faults():
        out += ["", f"**{heading[0].upper()}{heading[1:]}**", "", "| code | HTTP | type | again later | when |", "|---|---|---|---|---|"]
        for code, kind, http, repeat, text in rows:
            out.append(f"| `{code}` | {http} | `{kind}` | {retry(http, repeat)} | {text} |")
    return "\n".join(out).strip() + "\n"


def unnamed(page):
    """Endpoints and methods that the page does not speak of."""
    routes = re.findall(r'\{"(GET|POST|DELETE|PUT)", "([^"]+)", api_', read("agent", "app", "api.c"))
    methods = re.findall(r'^    \{"([a-z.]+)", rpc_', read("agent", "app", "rpc.c"), re.M)
    if len(routes) < 10 or len(methods) < 8:
        sys.exit("gen-api-docs.py: the tables of api.c or rpc.c are not where they were")
    for method, pattern in routes:
        text = f"{method} {pattern.replace('...', '')}"
        if f"`{text}`" not in page:
            yield text
    for method in methods:
        if f"`{method}`" not in page:
            yield method


def main():
    page = read("docs", "api.md")
    if BEGIN not in page or END not in page:
        sys.exit("docs/api.md: the markers of the table of codes are gone")
    head, rest = page.split(BEGIN, 1)
    tail = rest.split(END, 1)[1]
    new = f"{head}{BEGIN}\n\n{table()}\n{END}{tail}"
    if "--check" not in sys.argv:
        with open(PAGE, "w", encoding="utf-8") as f:
            f.write(new)
        page = new
    elif new != page:
        sys.exit("docs/api.md is out of step with agent/base/fault.def: run tests/lint/gen-api-docs.py")
    missing = list(unnamed(page))
    if missing:
        sys.exit("docs/api.md does not speak of " + ", ".join(missing))


if __name__ == "__main__":
    main()
