#!/usr/bin/env python3
"""Fails where the workspace breaks a rule of `rules.py`, and says where to look."""

import json
import re
import subprocess
import sys
from pathlib import Path

import known
import modules
import rules

# The lists of `known.py`.
KINDS = ("ARROWS", "CIRCLES", "LONG", "BACKEND_CFGS")


def metadata(manifest):
    command = ["cargo", "metadata", "--no-deps", "--format-version=1", "--manifest-path", manifest]
    return json.loads(subprocess.check_output(command))["packages"]


def packages(top):
    """The packages of all workspaces, each with its directory, as seen from the top."""
    for workspace in (".", *rules.OWN_WORKSPACES):
        if not (top / workspace / "Cargo.toml").is_file():
            continue
        for package in metadata(top / workspace / "Cargo.toml"):
            package["directory"] = Path(package["manifest_path"]).parent.relative_to(top)
            yield package


def apart(package):
    return package["directory"].parts[0] in rules.USED_BY_NOTHING


def wrong_arrows(package, by_name):
    """Dependencies that the table does not allow."""
    name, manifest = package["name"], package["directory"] / "Cargo.toml"
    if not apart(package) and name not in rules.CRATES:
        yield [name], f"{manifest}: proofs/house/rules.py does not say what `{name}` may build on"
        return
    lower = list(rules.CRATES)[: list(rules.CRATES).index(name) + 1] if name in rules.CRATES else ()
    for dependency in package["dependencies"]:
        other = by_name.get(dependency["name"])
        if other is None or dependency["path"] is None or apart(package):
            continue
        allowed = lower if dependency["kind"] == "dev" else rules.CRATES[name]
        if apart(other):
            yield [name, other["name"]], f"{manifest}: nothing outside of {'/, '.join(rules.USED_BY_NOTHING)}/ may use `{other['name']}`"
        elif other["name"] not in allowed:
            kind = "its tests may not name" if dependency["kind"] == "dev" else "may not build on"
            yield [name, other["name"]], f"{manifest}: `{name}` {kind} `{other['name']}`"


def related(one, other):
    """Whether one of the two modules is inside the other."""
    return any(above is other for above in one.ancestors()) or any(above is one for above in other.ancestors())


def reaches(graph, start, goal):
    """The shortest way along the arrows, or nothing."""
    came, queue = {start: None}, [start]
    for module in queue:
        for following in graph[module]:
            if following is goal:
                way = [goal]
                while module is not None:
                    way.append(module)
                    module = came[module]
                return way[::-1]
            if following not in came:
                came[following] = module
                queue.append(following)
    return None


def circles(root):
    """The circles of one crate: all files that reach each other, and the shortest way around, with its arrows."""
    graph = {one: {other: at for other, at in one.arrows().items() if not related(one, other)} for one in modules.crate(root)}
    seen = set()
    for module in graph:
        way = module not in seen and reaches(graph, module, module)
        if not way:
            continue
        files = {other for other in graph if other is module or (reaches(graph, module, other) and reaches(graph, other, module))}
        seen |= files
        yield files, [(one, *graph[one][other], other) for one, other in zip(way, way[1:])]


def told_circles(package, top):
    for target in package["targets"]:
        if "custom-build" in target["kind"]:
            continue
        for files, way in circles(target["src_path"]):
            names = sorted(str(module.file.relative_to(top)) for module in files)
            lines = [f"{one.file.relative_to(top)}:{line}: names `{path}` of {other.file.relative_to(top)}" for one, line, path, other in way]
            yield names, "\n    ".join([f"a circle of {len(names)} files: {', '.join(names)}; one way around:", *lines])


def rust_files(top):
    files = subprocess.check_output(["git", "-C", top, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.rs"])
    return [Path(name) for name in sorted(files.decode().split("\0")) if name and (top / name).is_file()]


def long_files(top):
    for file in rust_files(top):
        lines = (top / file).read_text().split("#[cfg(test)]")[0].count("\n")
        if lines > rules.MOST_LINES:
            yield [str(file)], f"{file}: {lines} lines before its tests, of {rules.MOST_LINES}"


def backend_cfgs(package, top):
    """Places outside of the registration list that ask for the feature of a backend."""
    if apart(package):
        return
    allowed = rules.REGISTRATION.get(package["name"])
    advice = f"belongs into {package['directory'] / allowed}" if allowed else "belongs into a crate of its own"
    asked = re.compile(r'\bfeature\s*=\s*"(?:%s)"' % "|".join(rules.BACKEND_FEATURES))
    for file in sorted((top / package["directory"] / "src").rglob("*.rs")):
        name, text = file.relative_to(top), file.read_text()
        # A test of one backend may stand beside what it tests.
        for found in re.finditer(r"\bcfg(?:_attr)?!?\s*\((?!\s*all\(test\b)", text):
            if name != package["directory"] / (allowed or "") and asked.search(text, found.end(), modules.closing(text, found.end())):
                yield [str(name)], f"{name}:{modules.line(text, found.start())}: `cfg` of a backend: {advice}"
                break


def without_known(faults, entries, needed):
    for names, text in faults:
        if entry := next((entry for entry in entries if set(names) <= set(entry)), None):
            needed.add(entry)
        else:
            yield text


def check(top):
    """Every fault as a text."""
    every = list(packages(top))
    by_name = {package["name"]: package for package in every}
    faults = {
        "ARROWS": [fault for package in every for fault in wrong_arrows(package, by_name)],
        "CIRCLES": [fault for package in every for fault in told_circles(package, top)],
        "LONG": list(long_files(top)),
        "BACKEND_CFGS": [fault for package in every for fault in backend_cfgs(package, top)],
    }
    for name, found in faults.items():
        entries, needed = [tuple(entry) for entry in getattr(known, name)], set()
        yield from without_known(found, entries, needed)
        for entry in entries:
            if entry not in needed:
                yield f"proofs/house/known.py: {name} holds {', '.join(entry)}, which is mended: remove the entry"


def main():
    top = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parents[2]).resolve()
    faults = list(check(top))
    for fault in faults:
        print(fault)
    entries = sum(len(getattr(known, name)) for name in KINDS)
    print(f"{len(faults)} faults, and {entries} known ones" if faults or entries else "the house is in order")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
