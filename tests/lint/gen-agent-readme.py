"""Makes agent/README.md from the first line of each file; --check only says whether it is in step."""
import pathlib
import re
import sys

root = pathlib.Path(__file__).resolve().parents[2] / "agent"
rooms = {
    "base": "knows nothing of this product",
    "wire": "bytes to values and back, pure, fuzzed",
    "core": "rules: no I/O, no clock of their own",
    "edge": "one outside party each, the only includer of its library",
    "app": "joins rules to edges",
    "cli": "the commands that talk to the socket",
}
out = [
    "# The agent's files",
    "",
    "One line of duty each, made from the first line of each file by `tests/lint/gen-agent-readme.py`. Includes point down only:",
    "`app` and `cli` may use all rooms, `core` and `edge` use `wire` and `base` and never meet, `wire` uses `base`. Where a header and its",
    "source have one duty they share a line.",
    "",
    "`main.c` the program: `sluice agent` is the sidecar, every other word is a command.",
]
for room, what in rooms.items():
    out += ["", f"## {room}/ - {what}", ""]
    duties = {}
    for f in sorted((root / room).glob("*.[chd]*")):
        first = f.read_text().split("\n", 1)[0]
        m = re.match(r"/\* (\S+) - (.*?)(?: \*/)?$", first)
        if m:
            duties.setdefault(f.stem, {})[f.suffix] = m.group(2).rstrip(".")
    out += ["| file | duty |", "|---|---|"]
    for stem, by in duties.items():
        suffixes = "".join(s[1:] if len(s) == 2 else f" {s[1:]}" for s in sorted(by, reverse=True))
        name = f"{stem}.[{suffixes}]" if len(by) > 1 and all(len(s) == 2 for s in by) else f"{stem}{next(iter(by))}"
        out.append(f"| `{name}` | {by.get('.h') or next(iter(by.values()))} |")
text = "\n".join(out) + "\n"
target = root / "README.md"
if "--check" in sys.argv:
    if not target.exists() or target.read_text() != text:
        sys.exit("agent/README.md is out of step: run tests/lint/gen-agent-readme.py")
else:
    target.write_text(text)
