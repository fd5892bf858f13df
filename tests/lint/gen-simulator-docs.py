#!/usr/bin/env python3
"""Writes the table of vendors in docs/simulator.md from the dialects, between two markers; --check only says whether it is in step.

A dialect's first line says what there is, its `about` the address; an SDK is one that a script of tests/vendors with the dialect's name drives.
"""
import pathlib
import re
import sys

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "simulator.md"
BEGIN = "<!-- vendors: made from tests/adapters/dialects by tests/lint/gen-simulator-docs.py -->"
END = "<!-- end of vendors -->"


def sdks(name):
    """The packages that a script imports, without those that only help it."""
    script = ROOT / "tests" / "vendors" / f"{name}.mjs"
    found = re.findall(r'\bsdk\("((?:@[^"/]+/)?[^"/]+)', script.read_text()) if script.exists() else []
    return sorted({package for package in found if not package.startswith(("@ai-sdk/provider", "@smithy/"))})


def row(file):
    text = file.read_text()
    what = re.match(r"# (.*)", text).group(1)
    dialect = yaml.safe_load(text)
    about = dialect["about"].replace("http://HOST:PORT", "").removeprefix("Base URL ")
    address = re.sub(r"(?:https://|(?<!\S)/)[^\s,;]+", lambda m: f"`{m.group()}`", about)
    return f"| {what.rstrip('.')} | {address} | {', '.join(f'`{name}`' for name in sdks(dialect['vendor'])) or '-'} |"


def main():
    rows = [row(file) for file in sorted((ROOT / "tests/adapters/dialects").glob("*.yaml"))]
    table = "\n".join([BEGIN, "", "| vendor, and what there is | base URL | SDKs that take it for the vendor |", "|---|---|---|", *rows, "", END])
    page = PAGE.read_text()
    made = page[: page.index(BEGIN)] + table + page[page.index(END) + len(END) :]
    if "--check" in sys.argv:
        if made != page:
            sys.exit("docs/simulator.md is out of step: run tests/lint/gen-simulator-docs.py")
    else:
        PAGE.write_text(made)


if __name__ == "__main__":
    main()
