"""How cases are written: pieces for what is long, decimal text for what has 64 bits, files with one kind of case each."""

import json
import pathlib

ROOM = pathlib.Path(__file__).parents[2]
LONG = 2048
USUAL_RAM = 8192
MADE_BY = "own"
TEXTS = {"value", "lines", "token", "invoice", "credential"}
PROSE = {"id", "rule", "origin", "made_by", "verdict", "error", "result"}


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


def size(value, key=""):
    """The bytes that a value stands for."""
    if isinstance(value, dict) and "repeat" in value:
        return size(value["repeat"], key) * value["times"]
    if isinstance(value, dict):
        return sum(size(inner, name) for name, inner in value.items())
    if isinstance(value, list):
        return sum(size(inner, key) for inner in value)
    return len(value) // (1 if key in TEXTS else 2) if isinstance(value, str) else 0


def with_ram(entry):
    """Marks a case whose expanded input, and what its tokens decode to, need more than the usual memory."""
    given = {name: value for name, value in entry.items() if name not in PROSE}
    total = size(given)
    total += min(total * 3 // 4, USUAL_RAM) if TEXTS & set(given) or "fields" in given else 0
    return entry | ({"min_ram": total} if total > USUAL_RAM else {})


def kind(name, about, cases):
    """The cases of one kind, which is `subject/name`."""
    cases = list(map(with_ram, cases))
    ids = [entry["id"] for entry in cases]
    assert len(ids) == len(set(ids)), f"{name}: an id occurs twice: {sorted(i for i in ids if ids.count(i) > 1)}"
    return name, about, cases


def write(name, document):
    path = ROOM / f"{name}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(document, indent=2, ensure_ascii=True) + "\n")
