#!/usr/bin/env python3
"""Plants one fault of each kind in a workspace of its own, and what only looks like one, and sees what `house.py` says."""

import subprocess
import tempfile
import unittest
from pathlib import Path

import house
import known


class Planted(unittest.TestCase):
    def setUp(self):
        self.kept = {name: getattr(known, name) for name in house.KINDS}
        self.know()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.top = Path(folder.name).resolve()
        subprocess.run(["git", "init", "--quiet", self.top], check=True)
        self.crate("l402-core", core="pub fn core() {}\n")

    def tearDown(self):
        for name, entries in self.kept.items():
            setattr(known, name, entries)

    def know(self, **entries):
        for name in self.kept:
            setattr(known, name, entries.get(name, ()))

    def write(self, name, text):
        (self.top / name).parent.mkdir(parents=True, exist_ok=True)
        (self.top / name).write_text(text)

    def crate(self, directory, dependencies="", **files):
        """A crate whose library declares the files as modules; `lib` is put behind that."""
        name = directory.split("/")[-1]
        self.write(f"{directory}/Cargo.toml", f'[package]\nname = "{name}"\nversion = "0.1.0"\nedition = "2024"\n{dependencies}')
        lib = files.pop("lib", "")
        self.write(f"{directory}/src/lib.rs", "".join(f"mod {file};\n" for file in files) + lib)
        for file, text in files.items():
            self.write(f"{directory}/src/{file}.rs", text)

    def faults(self):
        members = [str(manifest.parent.relative_to(self.top)) for manifest in self.top.glob("*/**/Cargo.toml")]
        self.write("Cargo.toml", f'[workspace]\nresolver = "3"\nmembers = {members}\n')
        return list(house.check(self.top))

    def assert_fault(self, *parts):
        faults = self.faults()
        self.assertEqual(len(faults), 1, faults)
        for part in parts:
            self.assertIn(part, faults[0])

    def assert_in_order(self):
        self.assertEqual(self.faults(), [])

    # Arrows between crates

    def test_an_arrow_that_points_the_wrong_way(self):
        self.crate("l402-http")
        self.crate("l402-core", '[dependencies]\nl402-http = { path = "../l402-http" }\n')
        self.assert_fault("l402-core/Cargo.toml", "`l402-core` may not build on `l402-http`")

    def test_a_backend_that_a_library_names_even_if_it_is_optional(self):
        self.crate("l402-lnd")
        self.crate("l402-gateway", '[dependencies]\nl402-lnd = { path = "../l402-lnd", optional = true }\n')
        self.assert_fault("`l402-gateway` may not build on `l402-lnd`")

    def test_tests_may_name_what_is_lower_and_nothing_that_is_higher(self):
        self.crate("l402-regtest", '[dev-dependencies]\nl402-http = { path = "../l402-http" }\n')
        self.crate("l402-http", '[dev-dependencies]\nl402-lnd = { path = "../l402-lnd" }\n')
        self.crate("l402-lnd")
        self.assert_fault("l402-regtest/Cargo.toml", "its tests may not name `l402-http`")

    def test_a_proof_that_a_crate_uses_in_its_tests(self):
        self.crate("proofs/oracle", '[dependencies]\nl402-core = { path = "../../l402-core" }\n')
        self.crate("l402-http", '[dev-dependencies]\noracle = { path = "../proofs/oracle" }\n')
        self.assert_fault("l402-http/Cargo.toml", "may use `oracle`")

    def test_a_crate_without_a_rule(self):
        self.crate("l402-new")
        self.assert_fault("l402-new/Cargo.toml", "does not say")

    # Circles of files

    def test_two_files_that_import_each_other(self):
        self.crate("l402-http", one="use crate::two::Two;\npub struct One(Two);\n", two="use super::one::One;\npub struct Two;\n")
        self.assert_fault("l402-http/src/one.rs:1: names `crate::two::Two`", "l402-http/src/two.rs:1: names `super::one::One`")

    def test_a_circle_by_paths_re_exports_globs_and_a_third_file(self):
        self.crate(
            "l402-http",
            lib="pub use two::Two;\n",
            one="pub fn one() -> crate::Two { crate::Two }\n",
            two="use super::three::*;\npub struct Two;\npub type Other = Three;\n",
            three="use super::one;\npub struct Three;\nfn three() { one::one(); }\n",
        )
        self.assert_fault("a circle of 3 files", "one.rs:1: names `crate::Two` of l402-http/src/two.rs", "three.rs:3")

    def test_a_circle_in_one_of_the_builds_that_cfg_chooses_among(self):
        self.crate(
            "l402-http",
            lib="#[cfg(unix)]\nuse one as chosen;\n#[cfg(windows)]\nuse two as chosen;\n",
            base="pub struct Base(crate::chosen::Item);\n",
            one="pub struct Item;\n",
            two="pub struct Item;\npub type Other = crate::base::Base;\n",
        )
        self.assert_fault("l402-http/src/base.rs", "l402-http/src/two.rs:2")

    def test_a_circle_in_the_modules_of_a_test(self):
        self.crate("l402-http")
        self.write("l402-http/tests/all/main.rs", "mod one;\nmod two;\n")
        self.write("l402-http/tests/all/one.rs", "use crate::two::two;\npub fn one() { two() }\n")
        self.write("l402-http/tests/all/two.rs", "pub fn two() { crate::one::one() }\n")
        self.assert_fault("l402-http/tests/all/one.rs:1")

    def test_what_is_no_circle(self):
        tests = "#[cfg(test)]\nuse super::one::One;\n#[cfg(test)]\nmod tests {\n    use crate::one::One;\n}\n"
        self.crate(
            "l402-http",
            lib="pub use one::One;\nmod inside { pub fn f() -> super::One { super::One } }\n",
            one="pub mod part;\npub use super::three::Three;\n/// Not `crate::three::three`.\npub struct One;\nfn one() { part::part(); }\n",
            two='use crate::One;\npub struct Two(One);\npub const TEXT: &str = "crate::three::Three";\n' + tests,
            three="pub struct Three;\npub fn three(_: crate::two::Two) {}\n",
        )
        self.write("l402-http/src/one/part.rs", "use super::One;\npub fn part() { let _ = One; }\n")
        self.assert_in_order()

    # Sizes

    def test_a_file_that_is_too_long(self):
        self.write("l402-core/tests/long.rs", "//\n" * 401)
        self.assert_fault("l402-core/tests/long.rs: 401 lines")

    def test_lines_of_tests_are_free(self):
        self.write("l402-core/src/core.rs", "//\n" * 400 + "#[cfg(test)]\nmod tests {}\n" + "//\n" * 400)
        self.assert_in_order()

    # The registration of backends

    def test_a_backend_asked_for_outside_of_the_registration(self):
        self.crate("l402-server", backends='#[cfg(feature = "lnd")]\nfn lnd() {}\n')
        self.crate("l402-http", one='fn one() -> bool { cfg!(any(\n  windows, feature = "ldk")) }\n#[cfg(feature = "proxy")]\nfn two() {}\n')
        self.write("l402-core/src/core.rs", '#[cfg(all(test, feature = "lnd"))]\nmod tests {}\n')
        self.assert_fault("l402-http/src/one.rs:1", "`cfg` of a backend")

    # The list of known faults

    def test_a_known_fault_is_let_through_and_a_mended_one_has_to_go(self):
        self.write("l402-core/tests/long.rs", "//\n" * 401)
        self.know(LONG=(("l402-core/tests/long.rs",),))
        self.assert_in_order()
        self.know(LONG=(("l402-core/tests/long.rs",), ("l402-core/tests/short.rs",)))
        self.assert_fault("l402-core/tests/short.rs", "remove the entry")


if __name__ == "__main__":
    unittest.main()
