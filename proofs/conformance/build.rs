//! Turns every file of `spec-vectors` into a static table.
//!
//! Each file is read into the types that `src/model.rs` declares, and those print themselves as Rust: what `Debug` writes is
//! the source of the same value in the library.

use core::fmt::{self, Debug, Write};
use core::str::FromStr;
use serde::de::{Deserialize, Deserializer, Error};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// Declares cases: what every case has, then the fields of the kind.
macro_rules! kinds {
    ($($kind:literal $table:ident: $case:ident => $result:ident { $($field:ident: $type:ty),* })*) => {
        $(
            #[derive(Debug, serde::Deserialize)]
            #[serde(deny_unknown_fields)]
            #[expect(dead_code, reason = "read through Debug")]
            struct $case {
                id: Name, rule: Name, origin: Ignored, made_by: Ignored, verdict: Name, error: Option<Name>,
                min_ram: Option<usize>, result: Option<$result>, $($field: $type),*
            }
        )*

        /// Writes the table of one file.
        fn table(kind: &str, cases: serde_json::Value) -> Result<String, String> {
            match kind {
                $($kind => {
                    let cases: List<$case> = serde_json::from_value(cases).map_err(|fault| fault.to_string())?;
                    let (table, case) = (stringify!($table), stringify!($case));
                    Ok(format!("{ALLOW}pub(crate) static {table}: &[{case}] = {cases:?};\n"))
                })*
                _ => Err("a kind that src/model.rs does not declare".into()),
            }
        }

        const KINDS: &[&str] = &[$($kind),*];
    };
}

macro_rules! parts {
    ($($part:ident { $($field:ident: $type:ty),* })*) => {
        $(
            #[derive(Debug, serde::Deserialize)]
            #[serde(deny_unknown_fields)]
            #[expect(clippy::allow_attributes, reason = "one part has no field")]
            #[allow(dead_code, reason = "read through Debug")]
            struct $part { $($field: $type),* }
        )*
    };
}

include!("src/model.rs");

/// Numbers are printed as they come.
const ALLOW: &str = "#[allow(clippy::unreadable_literal)]\n";

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(rename = "$schema")]
    _schema: Ignored,
    kind: String,
    #[serde(rename = "about")]
    _about: Ignored,
    cases: serde_json::Value,
}

fn main() {
    let vectors = Path::new(&env::var_os("CARGO_MANIFEST_DIR").expect("set by cargo")).join("../../spec-vectors");
    let mut tables = BTreeMap::new();
    for path in json_files(&vectors) {
        println!("cargo::rerun-if-changed={}", path.display());
        let text = fs::read_to_string(&path).expect("a vector file can be read");
        let File { kind, cases, .. } =
            serde_json::from_str(&text).unwrap_or_else(|fault| panic!("{}: {fault}", path.display()));
        let table = table(&kind, cases).unwrap_or_else(|fault| panic!("{}: {fault}", path.display()));
        assert!(tables.insert(kind, table).is_none(), "{}: its kind has another file", path.display());
    }
    for kind in KINDS {
        assert!(tables.contains_key(*kind), "{kind} has no file");
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("set by cargo"));
    let tables: String = tables.into_values().collect();
    fs::write(out.join("tables.rs"), tables).expect("OUT_DIR can be written");
}

/// `<subject>/<name>.json`.
fn json_files(vectors: &Path) -> Vec<PathBuf> {
    let entries = |folder: &Path| {
        println!("cargo::rerun-if-changed={}", folder.display());
        let entries = fs::read_dir(folder).expect("spec-vectors lies beside this crate");
        let mut entries: Vec<_> = entries.map(|entry| entry.expect("a folder can be read").path()).collect();
        entries.sort();
        entries
    };
    let subjects = entries(vectors).into_iter().filter(|path| path.is_dir());
    let files = subjects.flat_map(|subject| entries(&subject));
    files.filter(|path| path.extension().is_some_and(|extension| extension == "json")).collect()
}

/// Text that stands for itself.
#[derive(serde::Deserialize)]
struct Name(String);

impl Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What no verdict depends on.
struct Ignored;

impl<'de> Deserialize<'de> for Ignored {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|_| Self)
    }
}

impl Debug for Ignored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("()")
    }
}

#[derive(serde::Deserialize)]
struct List<T>(Vec<T>);

impl<T: Debug> Debug for List<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('&')?;
        self.0.fmt(f)
    }
}

/// A long value, as it is written in a file.
#[derive(serde::Deserialize)]
#[serde(untagged)]
enum Written {
    Whole(String),
    Pieces(Vec<Piece>),
}

#[derive(serde::Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum Piece {
    Once(String),
    Repeated { repeat: String, times: usize },
}

impl Written {
    fn pieces(self) -> Vec<(String, usize)> {
        let piece = |piece| match piece {
            Piece::Once(text) => (text, 1),
            Piece::Repeated { repeat, times } => (repeat, times),
        };
        match self {
            Self::Whole(text) => vec![(text, 1)],
            Self::Pieces(pieces) => pieces.into_iter().map(piece).collect(),
        }
    }
}

/// Bytes, and how often they stand there.
struct Pieces(Vec<(Vec<u8>, usize)>);

impl Debug for Pieces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bytes(&[")?;
        for (bytes, times) in &self.0 {
            write!(f, "(b\"{}\", {times}), ", bytes.escape_ascii())?;
        }
        f.write_str("])")
    }
}

/// Bytes written in hexadecimal.
struct Hex(Pieces);

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let pieces = Written::deserialize(deserializer)?.pieces().into_iter();
        let pieces = pieces.map(|(text, times)| Some((unhex(&text)?, times)));
        pieces.collect::<Option<_>>().map(|pieces| Self(Pieces(pieces))).ok_or(D::Error::custom("not hexadecimal"))
    }
}

impl Debug for Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Text that stands for its UTF-8 bytes.
struct Text(Pieces);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let pieces = Written::deserialize(deserializer)?.pieces().into_iter();
        Ok(Self(Pieces(pieces.map(|(text, times)| (text.into_bytes(), times)).collect())))
    }
}

impl Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Bytes of a fixed number.
struct Exactly<const N: usize>([u8; N]);

type Hex16 = Exactly<16>;
type Hex28 = Exactly<28>;
type Hex32 = Exactly<32>;

impl<'de, const N: usize> Deserialize<'de> for Exactly<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = unhex(&String::deserialize(deserializer)?).and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or_else(|| D::Error::custom(format!("not {N} bytes in hexadecimal")))
    }
}

impl<const N: usize> Debug for Exactly<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "*b\"{}\"", self.0.escape_ascii())
    }
}

/// A number in decimal digits.
struct Decimal<T>(T);

type U64 = Decimal<u64>;
type I64 = Decimal<i64>;

impl<'de, T: FromStr> Deserialize<'de> for Decimal<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map(Self).map_err(|_| D::Error::custom("not a number in text"))
    }
}

impl<T: Debug> Debug for Decimal<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let (pairs, odd) = text.as_bytes().as_chunks::<2>();
    let nibble = |digit: u8| u8::try_from(char::from(digit).to_digit(16)?).ok();
    let bytes = pairs.iter().map(|[high, low]| Some(nibble(*high)? << 4 | nibble(*low)?));
    if odd.is_empty() { bytes.collect() } else { None }
}
