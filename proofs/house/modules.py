"""Reads the modules of a crate, and says which file names what of which other file.

It is no compiler: it reads `mod`, `use` and paths, which is all that an arrow between two files can be written with. Comments,
texts and items under `#[cfg(test)]` are left out.
"""

import re
from pathlib import Path

TEXTS = re.compile(
    r"""//[^\n]*|/\*.*?\*/|\bb?r(?P<hashes>#*)".*?"(?P=hashes)|b?"(?:\\.|[^"\\])*"|b?'(?:\\[^']+|[^\\'\n])'""", re.DOTALL
)
TEST_ONLY = re.compile(r"#\[cfg\((?:test|all\(test\b[^\]]*)\)\]")
USE = re.compile(r"(?P<public>\bpub(?:\([^)]*\))?\s+)?\buse\s+(?P<tree>[^;]+);")
MODULE = re.compile(r"\bmod\s+(?P<name>\w+)\s*(?P<end>[;{])")
ITEM = re.compile(r"\b(?:struct|enum|union|trait|type|const|static|fn|macro_rules!)\s+(\w+)")
PATH = re.compile(r"(?<![\w:.$])\w+(?:\s*::\s*\w+)*")


def blank(text):
    """The same number of characters and lines, and nothing else."""
    return re.sub(r"[^\n]", " ", text)


def code(text):
    """The text of a file without comments, texts and what only tests are built from; every line keeps its number."""
    text = TEXTS.sub(lambda found: blank(found.group()), text)
    while test := TEST_ONLY.search(text):
        end = end_of_item(text, test.end())
        text = text[: test.start()] + blank(text[test.start() : end]) + text[end:]
    return text


def line(text, at):
    return text.count("\n", 0, at) + 1


def closing(text, start):
    """Where the parenthesis closes inside of which `start` is."""
    depth = 1
    for at in range(start, len(text)):
        depth += (text[at] == "(") - (text[at] == ")")
        if depth == 0:
            return at
    return len(text)


def end_of_item(text, start):
    """Where the item that begins at `start` ends: at its `;`, behind its block, or at the `,` of a field."""
    is_use = re.match(r"\s*(?:#\[[^\]]*\]\s*)*(?:pub(?:\([^)]*\))?\s+)?use\b", text[start:])
    is_field = re.match(r"\s*(?:pub(?:\([^)]*\))?\s+)?\w+\s*[:,(]", text[start:]) and not is_use
    depth = 0
    for at in range(start, len(text)):
        if text[at] in "([{":
            depth += 1
        elif text[at] in ")]}":
            depth -= 1
            if depth < 0:
                return at
            if depth == 0 and text[at] == "}" and not is_use:
                return at + 1
        elif depth == 0 and (text[at] == ";" or (text[at] == "," and is_field)):
            return at + 1
    return len(text)


def imports(tree, before=()):
    """The names that a `use` brings, each with its path; `*` for all of a module."""
    tree = tree.strip()
    if tree.endswith("}"):
        head, _, inner = tree[:-1].partition("{")
        prefix = before + tuple(part for part in re.split(r"\s*::\s*", head.strip()) if part)
        for branch in branches(inner):
            yield from imports(branch, prefix)
    elif tree:
        path, _, alias = (part.strip() for part in tree.partition(" as "))
        parts = before + tuple(re.split(r"\s*::\s*", path.removeprefix("::")))
        if parts[-1] == "self" and len(parts) > 1:
            parts = parts[:-1]
        yield (alias or parts[-1]), parts


def branches(inner):
    depth, start = 0, 0
    for at, char in enumerate(inner):
        depth += (char == "{") - (char == "}")
        if char == "," and depth == 0:
            yield inner[start:at]
            start = at + 1
    yield inner[start:]


class Module:
    """One file of a crate, and what is declared in it."""

    def __init__(self, file, parent=None):
        self.file, self.parent = file, parent
        self.code = code(file.read_text())
        self.items = set(ITEM.findall(self.code))
        self.children, self.inline = {}, []
        self.names, self.globs = {}, []
        for use in USE.finditer(self.code):
            for name, path in imports(use["tree"]):
                (self.globs if name == "*" else self.names.setdefault(name, [])).append((path, bool(use["public"]), use.start()))
        self.rest = USE.sub(lambda found: blank(found.group()), self.code)
        folder = file.parent if parent is None or file.name == "mod.rs" else file.with_suffix("")
        for found in MODULE.finditer(self.code):
            if found["end"] == "{":
                self.items.add(found["name"])
                self.inline.append((found.start(), end_of_item(self.code, found.start())))
                continue
            for child in (folder / f"{found['name']}.rs", folder / found["name"] / "mod.rs"):
                if child.is_file():
                    self.children[found["name"]] = Module(child, self)

    def root(self):
        return self if self.parent is None else self.parent.root()

    def ancestors(self):
        """This module, the one that it is in, and so on."""
        above = self
        while above is not None:
            yield above
            above = above.parent

    def all(self):
        yield self
        for child in self.children.values():
            yield from child.all()

    def find(self, path, seen=()):
        """What a path can name, seen from here: each a module and the name of an item in it, or a module itself and nothing."""
        first, *rest = path
        if first == "crate":
            found = {(self.root(), None)}
        elif first == "self":
            found = {(self, None)}
        elif first == "super":
            found = {(self.parent, None)} if self.parent else set()
        else:
            found = self.look_up(first, seen)
        for segment in rest:
            found = {one for module, item in found for one in module.step(item, segment, seen)}
        return found

    def step(self, item, segment, seen):
        if item is not None or segment == "self":
            return {(self, item)}
        if segment == "super":
            return {(self.parent, None)} if self.parent else set()
        return self.look_up(segment, seen)

    def look_up(self, name, seen=()):
        """What a name can mean in this module; a re-export is followed to the file that defines the item.

        It may be several things where `cfg` chooses among them.
        """
        if name in self.children:
            return {(self.children[name], None)}
        if (self, name) in seen:
            return set()
        seen = (*seen, (self, name))
        found = {one for path, _, _ in self.names.get(name, ()) for one in self.find(path, seen)}
        if found or name in self.items:
            return found or {(self, name)}
        for path, _, _ in self.globs:
            for module, item in self.find(path[:-1], seen):
                found |= module.look_up(name, seen) if item is None else set()
        # What a macro writes: the name stands somewhere in the file, but no item is to be seen.
        if not found and name not in self.names and self.parent is not None and re.search(rf"\b{name}\b", self.rest):
            return {(self, name)}
        return found

    def arrows(self):
        """The modules that this one names in its code, each with the line and the path where it does so first."""
        arrows = {}

        def draw(found, at, path):
            for module, item in sorted(found, key=lambda one: one[0].file):
                if item is not None and module is not self:
                    arrows.setdefault(module, (line(self.code, at), "::".join(path)))

        words = set(re.findall(r"\w+", self.rest))
        for name, uses in self.names.items():
            for path, public, at in uses:
                # What is only passed on to others is no arrow.
                if not public or name in words:
                    draw(self.find(path), at, path)
        for path, public, at in self.globs:
            modules = [module for module, item in self.find(path[:-1]) if item is None and not public]
            for word in sorted(words - self.items - set(self.names)) if modules else ():
                for module in modules:
                    draw(module.look_up(word), at, (*path[:-1], word))
        for found in PATH.finditer(self.rest):
            path = re.split(r"\s*::\s*", found.group())
            inner = any(start <= found.start() < end for start, end in self.inline)
            if inner and path[0] == "super":
                path = path[1:]
            if len(path) > 1 and (path[0] in ("crate", "self", "super") or path[0] in self.children or path[0] in self.names):
                draw(self.find(path), found.start(), path)
        return arrows


def crate(root):
    """The modules of the crate whose root file this is."""
    return list(Module(Path(root)).all())
