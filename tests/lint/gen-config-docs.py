#!/usr/bin/env python3
"""Writes the settings section of docs/configuration.md from agent/app/config.def, between two markers.

With --check it writes nothing and fails when the page is out of step with the table.
"""
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TABLE = os.path.join(ROOT, "agent", "app", "config.def")
LIMITS = os.path.join(ROOT, "agent", "base", "limits.h")
PAGE = os.path.join(ROOT, "docs", "configuration.md")
BEGIN = "<!-- settings: made from agent/app/config.def by tests/lint/gen-config-docs.py -->"
END = "<!-- end of settings -->"

ROW = re.compile(r'^SETTING\((\w+), "([^"]+)", (\w+), "([^"]*)", ([^,]+), ([^,]+), "((?:[^"\\]|\\.)*)"\)$')
TYPES = {"TEXT": "text", "INT": "number", "BYTES": "size", "MS": "duration", "BOOL": "true, false", "LIST": "list of texts"}
GROUPS = {
    "": "At the top",
    "nats": "`nats`: the connection, and what `sluice setup` makes",
    "streams": "`streams`: room in NATS",
    "spool": "`spool`: bytes on their way",
    "socket_limits": "`socket_limits`: what one agent's socket takes",
}


def constants():
    """The numbers that limits.h defines."""
    found = {}
    with open(LIMITS, encoding="utf-8") as file:
        for line in file:
            match = re.match(r"#define (\w+)\s+([^/]+?)\s*(/\*.*)?$", line)
            if match:
                found[match[1]] = match[2]
    return found


def number(text, known):
    text = text.strip()
    while re.search(r"[A-Z]{2}", text):
        text = re.sub(r"\b[A-Z_]{2,}\b", lambda m: f"({known[m[0]]})", text)
    return int(eval(re.sub(r"(\d)(u|ll|ull)\b", r"\1", text), {"__builtins__": {}}))  # arithmetic of our own header


def size(n):
    for unit, factor in (("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if n >= factor and n % factor == 0:
            return f"{n // factor}{unit}"
    return str(n)


def duration(n):
    if n == 0:
        return "0"
    for unit, factor in (("d", 86400000), ("h", 3600000), ("m", 60000), ("s", 1000)):
        if n >= factor and n % factor == 0:
            return f"{n // factor}{unit}"
    return f"{n}ms"


def bounds(kind, low, high):
    show = {"BYTES": size, "MS": duration}.get(kind, str)
    if kind == "BOOL":
        return ""
    if kind in ("TEXT", "LIST"):
        return f"at most {high} {'chars' if kind == 'TEXT' else 'items'}"
    return f"{show(low)} to {show(high)}"


def rows():
    known = constants()
    with open(TABLE, encoding="utf-8") as file:
        for n, line in enumerate(file, 1):
            if not line.startswith("SETTING("):
                continue
            match = ROW.match(line.rstrip("\n"))
            if not match:
                sys.exit(f"{TABLE}:{n}: not a row of the form SETTING(field, path, TYPE, default, min, max, text)")
            _, path, kind, default, low, high, text = match.groups()
            yield path, kind, default, bounds(kind, number(low, known), number(high, known)), text.replace('\\"', '"')


def settings():
    table = list(rows())
    lines = [BEGIN, ""]
    for group, heading in GROUPS.items():
        lines += [f"### {heading}", "", "| setting | value | default | environment | |", "|---|---|---|---|---|"]
        for path, kind, default, range_, text in table:
            if (path.split(".")[0] if "." in path else "") == group:
                value = TYPES[kind] + (f", {range_}" if range_ else "")
                shown = f"`{default}`" if default else "none"
                lines.append(f"| `{path}` | {value} | {shown} | `SLUICE_{path.upper().replace('.', '_')}` | {text.replace('|', chr(92) + '|')} |")
        lines.append("")
    missing = {path.split(".")[0] for path, *_ in table if "." in path} - set(GROUPS)
    if missing:
        sys.exit(f"{__file__}: give the groups {', '.join(sorted(missing))} a heading")
    return "\n".join(lines + [END])


def main():
    with open(PAGE, encoding="utf-8") as file:
        page = file.read()
    if BEGIN not in page or END not in page:
        sys.exit(f"{PAGE}: the markers of the settings are missing:\n{BEGIN}\n{END}")
    before, rest = page.split(BEGIN, 1)
    wanted = before + settings() + rest.split(END, 1)[1]
    if "--check" in sys.argv[1:]:
        if wanted != page:
            sys.exit("docs/configuration.md is out of step with agent/app/config.def: run tests/lint/gen-config-docs.py")
        return
    with open(PAGE, "w", encoding="utf-8") as file:
        file.write(wanted)


if __name__ == "__main__":
    main()
