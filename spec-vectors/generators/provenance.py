"""Who makes the tokens of each case, and who judges them otherwise."""

import fnmatch
import re

from .foreign import ask
from .own.deviations import WHY
from .own.tokens import RECIPES, ROOT, b64
from .own.values import MADE_BY

MAX_LEN, MAX_CAVEATS = 8192, 32
READABLE = {"authentic", "forged", "third-party"}


def joined(value):
    """The texts of a case, pieces put together."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list) and any(isinstance(piece, dict) and "repeat" in piece for piece in value):
        yield "".join(piece if isinstance(piece, str) else piece["repeat"] * piece["times"] for piece in value)
    elif isinstance(value, (dict, list)):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from joined(inner)


def whole(value):
    return next(joined(value), "")


class Provenance:
    def __init__(self, commands, kinds):
        self.cases = [(name, entry) for name, _, cases in kinds for entry in cases]
        self.recipes = [(data, recipe) for data, recipe in RECIPES.items() if len(data) <= MAX_LEN and len(recipe) <= 4 + MAX_CAVEATS]
        self.narrowed = [entry for name, entry in self.cases if name == "macaroon/attenuate"]
        self.judged = list(self.judgements())
        attenuations = [(whole(entry["macaroon"]), whole(entry["caveat"])) for entry in self.narrowed]
        tokens = [(root, data) for _, _, root, data, _ in self.judged]
        self.implementations = ask(commands, [recipe for _, recipe in self.recipes], attenuations, tokens)
        self.makers = dict(self.token_makers())

    def judgements(self):
        """Every token of the folder `macaroon` and of `caveat`, with what is expected."""
        for name, entry in self.cases:
            if name == "macaroon/decode":
                yield name, entry, ROOT.hex(), whole(entry["macaroon"]), "readable" if entry["verdict"] == "read" else "malformed"
            elif name in ("macaroon/verify", "macaroon/v1"):
                yield name, entry, whole(entry["root_key"]), whole(entry["macaroon"]), entry["verdict"]
            elif name.startswith("caveat/") and "macaroon" in entry:
                yield name, entry, whole(entry["root_key"]), whole(entry["macaroon"]), "authentic"

    def token_makers(self):
        """The text of each token that can be asked for, in both forms, with the implementations that make these bytes."""
        for n, (data, (version, *_)) in enumerate(self.recipes):
            makers = {one.name for one in self.implementations if one.made(str(n), version) == data.hex()}
            yield data.hex(), makers
            yield b64(data), makers

    def made_by(self, name, entry):
        if entry["made_by"] != MADE_BY:
            return entry["made_by"]
        if name == "macaroon/attenuate":
            n, result = self.narrowed.index(entry), whole(entry.get("result", {}).get("macaroon", ""))
            makers = [{one.name for one in self.implementations if one.attenuated(str(n)) == result}]
        else:
            texts = set(joined({key: value for key, value in entry.items() if key not in ("rule", "origin", "id")}))
            words = {word for text in texts for word in re.split(r"[^A-Za-z0-9+/=_-]+|(?<=[a-z])=", text) if word}
            makers = [self.makers[word] for word in words if word in self.makers]
        return ", ".join(sorted(set.intersection(*makers))) if makers and set.intersection(*makers) else MADE_BY

    def deviations(self):
        """Every disagreement, each explained."""
        found = list(self.disagreements())
        unused = {why for _, why in WHY} - {deviation["why"] for deviation in found}
        if self.implementations and unused:
            raise SystemExit(f"own/deviations.py explains what nothing does: {unused}")
        return found

    def disagreements(self):
        for n, (kind, entry, _, _, expected) in enumerate(self.judged):
            for one in self.implementations:
                theirs = one.verdict(str(n))
                if theirs == "unsupported" or (theirs == "third-party" and expected != "malformed") or (theirs in READABLE and expected == "readable"):
                    continue
                if theirs != expected:
                    yield {"implementation": one.name, "kind": kind, "id": entry["id"], "verdict": entry["verdict"], "theirs": theirs,
                           "why": reason(one.name, kind, entry["id"], theirs)}


def reason(implementation, kind, id, theirs):
    for pattern, why in WHY:
        if fnmatch.fnmatch(f"{implementation.split()[0]} {kind} {id} {theirs}", pattern):
            return why
    raise SystemExit(f"{implementation} says {theirs} of {kind} {id}: is that a fault here, or a deviation for own/deviations.py?")
