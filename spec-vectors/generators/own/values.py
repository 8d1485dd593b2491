"""How cases are written: pieces for what is long, decimal text for what has 64 bits, files with one kind of case each."""

import json
import pathlib

ROOM = pathlib.Path(__file__).parents[2]
LONG = 2048
USUAL_RAM = 8192
MADE_BY = "own"


def pieces(text, unit=1):
    """Writes a long text as literals and repetitions; `unit` is 2 for hexadecimal, so that bytes stay whole."""
    if len(text) < LONG:
        return text
    out, literal, at = [], "", 0
    while at < len(text):
        period, times = longest_run(text, at, unit)
        if times * period < 64:
            literal, at = literal + text[at : at + unit], at + unit
            continue
        out += [literal] * bool(literal) + [{"repeat": text[at : at + period], "times": times}]
        literal, at = "", at + period * times
    return out + [literal] * bool(literal) if out else text


def longest_run(text, at, unit):
    best = (unit, 1)
    for period in range(unit, 65, unit):
        part = text[at : at + period]
        if len(part) < period or text[at + period : at + 2 * period] != part:
            continue
        times = 2
        while text.startswith(part, at + period * times):
            times += 1
        if times * period > best[0] * best[1]:
            best = (period, times)
    return best


def hexed(data):
    return pieces(data.hex(), 2)


def texted(text):
    return pieces(text)


def number(value):
    return None if value is None else str(value)


def case(id, rule, origin, verdict, error=None, made_by=MADE_BY, result=None, **given):
    """One case: what is given, and what comes of it. None is kept where a field may be null."""
    head = {"id": id, "rule": rule, "origin": origin, "made_by": made_by}
    return head | given | {"verdict": verdict} | ({"error": error} if error else {}) | ({"result": result} if result else {})


def with_ram(entry, size):
    """Marks a case whose expanded input, and what it decodes to, need more than the usual memory."""
    return entry | ({"min_ram": size} if size > USUAL_RAM else {})


def write(kind, about, cases):
    """Writes `<kind>.json`, where a kind is `subject/name`."""
    cases = list(cases)
    ids = [entry["id"] for entry in cases]
    assert len(ids) == len(set(ids)), f"{kind}: an id occurs twice: {sorted(i for i in ids if ids.count(i) > 1)}"
    path = ROOM / f"{kind}.json"
    path.parent.mkdir(exist_ok=True)
    document = {"$schema": "../schema.json", "kind": kind, "about": about, "cases": cases}
    path.write_text(json.dumps(document, indent=2, ensure_ascii=True) + "\n")
    return kind, cases
