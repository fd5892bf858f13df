#!/usr/bin/env python3
"""Checks the cases beside this file against the vendors' own API descriptions.

(a) Every request that an adapter renders, and (b) every good sample answer, is validated against the vendor's description: path, method, query, body. The C tests
compare the cases with what the adapters really render, so that they can be trusted here. The descriptions are test data that is not part of this repository:
SLUICE_SPECS names their folder (default: ../shared/vendors/specs beside the repository). Without them nothing is checked, and that is said.

Prints a line per adapter and operation: what was checked, or why not; then `N passed, N failed, N skipped`. Words are adapters to look at; none: all.
"""
import collections
import functools
import json
import os
import re
import sys
import urllib.parse

import check_readers
import check_table
import yaml
from check_schema import json_of

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SPECS = os.environ.get("SLUICE_SPECS") or os.path.join(ROOT, "..", "shared", "vendors", "specs")
CASES = os.path.join(ROOT, "tests", "adapters")

# What Vertex AI's files leave out: long running predictions are bound for publishers' models only, and told in the documentation.
PREDICT = "/v1/{endpoint+}"
VERTEX_MORE = [
    ("PredictLongRunning", "post", PREDICT + ":predictLongRunning", "PredictRequest", "Operation"),
    ("FetchPredictOperation", "post", PREDICT + ":fetchPredictOperation", "", "Operation"),
]


class Report:
    def __init__(self):
        self.lines = collections.OrderedDict()
        self.passed = self.failed = self.skipped = 0

    def line(self, key):
        return self.lines.setdefault(key, {"requests": 0, "answers": 0, "why": collections.Counter(), "excused": collections.Counter()})

    def check(self, key, what, where, mistakes):
        left = []
        for mistake in mistakes:
            why = self.excuse(key[0], what, mistake)
            if why:
                self.line(key)["excused"][why] += 1
            else:
                left.append(mistake)
        for mistake in left:
            print(f"FAILED {where}: {mistake}")
        self.failed += bool(left)
        if not left:
            self.passed += 1
            self.line(key)[what] += 1

    @staticmethod
    def excuse(adapter, what, mistake):
        return next((why for name, kind, pattern, why in check_table.EXCUSED if adapter.startswith(name) and kind in what and re.search(pattern, mistake)), None)

    def skip(self, key, why):
        self.skipped += 1
        self.line(key)["why"][why] += 1

    def end(self):
        for (adapter, operation), line in self.lines.items():
            words = []
            if line["requests"] or line["answers"]:
                words.append(f"checked {line['requests']} requests, {line['answers']} answers")
            words += [f"{count} not checked: {why}" for why, count in line["why"].items()]
            words += [f"{count} excused: {why}" for why, count in line["excused"].items()]
            print(f"{adapter}: {operation}: {'; '.join(words) or 'nothing to check'}")
        print(f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped")
        return 1 if self.failed else 0


class Vendor:
    """What is known of one adapter's vendor: descriptions behind URL prefixes."""

    def __init__(self, adapter):
        self.parts = [(describe(tuple(files)), prefix, files[0].startswith(check_table.WEAK)) for files, prefix in check_table.sources(adapter)]
        self.error = next((schema for start, schema in check_table.ERRORS.items() if adapter.startswith(start)), None)

    def find(self, method, url):
        """(description, operation, weak); operation None: no such one; None: the URL is nothing that is described."""
        known = None
        for description, prefix, weak in self.parts:
            match = re.match(prefix + r"(?=/)", url)
            if match:
                operation = description.find(method, urllib.parse.urlsplit(url[match.end() :]).path)
                known = known if known and known[1] else (description, operation, weak)
        return known


@functools.cache
def describe(files):
    """One description of some files; a file that is not there is told."""
    paths = [os.path.join(SPECS, file) for file in files]
    if paths[0].endswith(".proto"):
        return check_readers.proto(paths, VERTEX_MORE)
    if "service-2" in paths[0]:
        return check_readers.botocore(paths[0])
    return check_readers.openapi(paths[0])


def typed(text):
    """A form's text as the value that it stands for."""
    try:
        value = json.loads(text)
        return value if isinstance(value, (int, float, bool)) else text
    except ValueError:
        return text


def fits(description, schema, name, text):
    """A form's text as its field's schema has it: a number where numbers are wanted."""
    branches = [branch for part in description.branches(schema) for branch in description.branches(part.get("properties", {}).get(name, {}))]
    kinds = {kind for branch in branches for kind in ([branch.get("type")] if isinstance(branch.get("type"), str) else branch.get("type") or [])}
    return text if "string" in kinds else typed(text)


def multipart_value(parts, description, schema):
    """The parts as the object that the schema describes; image[] is image as a list, and so is a name that comes twice."""
    out = {}
    for part in parts:
        name = part["name"].removesuffix("[]")
        value = "binary" if "medium" in part else fits(description, schema, name, part["text"])
        if name in out or part["name"].endswith("[]"):
            before = out.get(name, [])
            out[name] = [*(before if isinstance(before, list) else [before]), value]
        else:
            out[name] = value
    return out


def spelled(body):
    """An answer as it was on the wire: blobs that were taken out are texts again."""
    if isinstance(body, dict):
        return "AAAA" if "$blob" in body else {key: spelled(value) for key, value in body.items()}
    return [spelled(item) for item in body] if isinstance(body, list) else body


NAMES_AND_WORDS = re.compile(r"knows no such|is not one of|was unexpected|does not match|Additional properties|is not valid under any|is not any of")


def mistakes_of(found, schema, value):
    description, _, weak = found
    mistakes = description.mistakes(schema, value)
    return [mistake for mistake in mistakes if not NAMES_AND_WORDS.search(mistake)] if weak else mistakes


def check_request(report, key, where, found, request):
    description, operation, weak = found
    mistakes = []
    for name, value in urllib.parse.parse_qsl(urllib.parse.urlsplit(request["url"]).query) if operation.query is not None else []:
        if name in operation.query:
            schema = operation.query[name]
            mistakes += [f"query {name}: {m}" for m in mistakes_of(found, schema, fits(description, {"properties": {name: schema}}, name, value))]
        elif not weak:
            mistakes.append(f"query {name}: the description knows no such parameter")
    if "json" in request:
        schema = json_of(operation.bodies)
        mistakes += ["the description has no JSON body"] if schema is None else mistakes_of(found, schema, request["json"])
    if "multipart" in request:
        schema = operation.bodies.get("multipart/form-data")
        mistakes += ["the description has no form"] if schema is None else mistakes_of(found, schema, multipart_value(request["multipart"], description, schema))
    if operation.needs_body and not any(kind in request for kind in ("json", "multipart", "raw")):
        mistakes.append("the description wants a body")
    report.check(key, "requests", where, mistakes)


def deliberate(meaning):
    """A sample that is meant not to be what the vendor describes."""
    return "makes no sense" in meaning.get("text", "") or meaning.get("state_unknown")


def check_answer(report, key, where, found, error, step):
    _, operation, weak = found
    answer, meaning = step["answer"], step.get("meaning", {})
    status, bodies = str(answer["status"]), operation.answer(answer["status"])
    if deliberate(meaning):
        return report.skip(key, "answers are meant to be wrong")
    if "raw_bytes" in answer:
        binary = [kind for kind, schema in (bodies or {}).items() if not kind.endswith("json") or schema.get("format") == "binary"]
        return report.check(key, "answers", where, [] if binary or weak else ["the description has no such body"])
    if "body" not in answer:
        return None
    schema = json_of(bodies)
    if schema is None and status[0] in "45" and error:
        schema = {"$ref": "#/components/schemas/" + error}
    if isinstance(answer["body"], str) and schema is not None:
        return report.skip(key, "answers are a gateway's")
    if schema is None:
        return report.skip(key, f"answers with {status} are not described")
    return report.check(key, "answers", where, mistakes_of(found, schema, spelled(answer["body"])))


def check_step(report, adapter, where, vendor, step):
    request = step["request"]
    found = vendor.find(request["method"], request["url"])
    if found is None:
        return report.skip((adapter, step["step"]), "other hosts are not described")
    if found[1] is None:
        path = urllib.parse.urlsplit(request["url"]).path
        if found[2]:
            return report.skip((adapter, step["step"]), "the description, written by hand, does not have this path")
        return report.check((adapter, step["step"]), "requests", where, [f"the description has no {request['method']} {path}"])
    key = (adapter, found[1].name)
    check_request(report, key, where, found, request)
    if "answer" in step:
        check_answer(report, key, where, found, vendor.error, step)
    return None


def cases_of(adapter):
    """(name, case) of an adapter; media with a base of the user's own are at no vendor."""
    folder = os.path.join(CASES, adapter)
    for name in sorted(os.listdir(folder)):
        if name.endswith(".yaml"):
            case = check_readers.load(os.path.join(folder, name))
            if "base" not in case["task"]:
                yield name, case


def check_adapter(report, adapter):
    if adapter in check_table.UNDESCRIBED:
        for _ in cases_of(adapter):
            report.skip((adapter, "all operations"), check_table.UNDESCRIBED[adapter])
        return
    files = [file for files, _ in check_table.sources(adapter) for file in files]
    missing = [file for file in files if not os.path.exists(os.path.join(SPECS, file))]
    if missing or not files:
        report.check((adapter, "all operations"), "requests", adapter, [f"{missing[0]} is not there" if missing else "check_table.py has no word about it"])
        return
    vendor = Vendor(adapter)
    for name, case in cases_of(adapter):
        for index, step in enumerate(case["steps"]):
            if "request" in step:
                check_step(report, adapter, f"{adapter}/{name} steps[{index}]", vendor, step)


def main():
    if not os.path.isdir(SPECS):
        print(f"SKIPPED: no API descriptions in {SPECS}: set SLUICE_SPECS to check the cases against them")
        print("0 passed, 0 failed, 1 skipped")
        return 0
    report = Report()
    for file in sorted(os.listdir(os.path.join(ROOT, "adapters"))):
        adapter = file.removesuffix(".yaml")
        if sys.argv[1:] and adapter not in sys.argv[1:]:
            continue
        if os.path.isdir(os.path.join(CASES, adapter)):
            check_adapter(report, adapter)
        else:
            report.check((adapter, "all operations"), "requests", adapter, ["it has no cases"])
    return report.end()


if __name__ == "__main__":
    sys.exit(main())
