#!/usr/bin/env python3
"""Writes docs/conformance.md: what each adapter is checked against that we did not write; --check only says whether it is in step.

Made from data of this repository alone (adapters, check_table.py, scripts of tests/vendors), so that it is the same without the descriptions.
"""
import importlib.util
import pathlib
import sys

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "conformance.md"
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
HEAD = """# Conformance

What the adapters say is checked against things that nobody of this project wrote. This page is made by `tests/lint/gen-conformance.py`.

* **Descriptions**: every request that an adapter renders in its cases, and every sample answer, is validated against the vendor's own machine-readable description,
  where there is one: OpenAPI documents, AWS service models, protocol buffers. The descriptions are not part of this repository; `SLUICE_SPECS` names their folder, and
  `tests/adapters/check_specs.py` prints what was checked, operation by operation. An adapter that is in neither table fails.
* **The wire**: the same descriptions judge what the agent really sends for each operation, and what the simulator answers (`tests/flow/test_wire_specs.py`).
* **SDKs**: the vendor's own client, or a widely used one, takes the [simulator](simulator.md) for the vendor (`make test-vendors`), and the agent takes the same simulator for
  the vendor (`tests/flow/test_adapters.py`: every operation, a refusal of the content, a 429, a lost answer, a cancel, uploads): what the adapter says is what the SDK says.

A new adapter brings its cases (`tests/adapters/NAME/`), its vendor in the simulator (`tests/adapters/dialects/`), one task for each of its operations
(`tests/flow/vendors/NAME.yaml`), a word in `tests/adapters/check_table.py`, and a script of the vendor's SDK where npm has one (`tests/vendors/DIALECT.mjs`, with the package in
`tests/vendors/package.json`).
"""


def module(path):
    spec = importlib.util.spec_from_file_location(path.stem.replace("-", "_"), path)
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


def load(path):
    return yaml.load(path.read_text(), LOADER)


def tasks(path):
    """The operations of an adapter, with those of the file that it extends."""
    value = load(path)
    below = tasks(path.with_name(value["extends"] + ".yaml")) if "extends" in value else {}
    return {kind: operation for kind, operation in {**below, **value.get("tasks", {})}.items() if operation is not None}


def operations(path):
    for kind, operation in tasks(path).items():
        names = [o.get("name", "") for o in operation] if isinstance(operation, list) else []
        yield f"{kind} ({', '.join(name for name in names if name)})" if any(names) else kind


def row(path, table, sdks):
    adapter = path.stem
    files = [file.split("/")[-1] for group, _ in table.sources(adapter) for file in group]
    against = "<br>".join(f"`{file}`" for file in dict.fromkeys(files)) or "none: " + table.UNDESCRIBED.get(adapter, "not told")
    if any(file.startswith(table.WEAK) for group, _ in table.sources(adapter) for file in group):
        against += " (by hand)"
    flow = ROOT / "tests/flow/vendors" / path.name
    clients = sdks(load(flow)["vendor"]) if flow.exists() else []
    return f"| `{adapter}` | {'<br>'.join(operations(path))} | {against} | {', '.join(f'`{name}`' for name in clients) or '-'} |"


def main():
    table = module(ROOT / "tests/adapters/check_table.py")
    sdks = module(ROOT / "tests/lint/gen-simulator-docs.py").sdks
    rows = [row(path, table, sdks) for path in sorted((ROOT / "adapters").glob("*.yaml"))]
    excused = [f"| `{adapter}` | {what} | {why} |" for adapter, what, _, why in table.EXCUSED]
    text = "\n".join(
        [HEAD, "| adapter | operations | description | SDKs |", "|---|---|---|---|", *rows, "",
         "Descriptions marked *by hand* were transcribed by third parties: names and words that they do not have are no mistakes.", "",
         "Where a description is wrong or silent, and the adapter is not:", "", "| adapter | where | why |", "|---|---|---|", *excused, ""])
    if "--check" in sys.argv:
        if not PAGE.exists() or PAGE.read_text() != text:
            sys.exit("docs/conformance.md is out of step: run tests/lint/gen-conformance.py")
    else:
        PAGE.write_text(text)


if __name__ == "__main__":
    main()
