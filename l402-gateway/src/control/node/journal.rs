//! Which operations were begun, and what became of them, on disk: a file of JSON lines that only grows.
//!
//! 1. An operation counts as begun after its line is on the disk, and nothing is sent before.
//! 2. The first line says when the file was made, so that one that was emptied is told from a new one.
//! 3. A last line that was being written when the power failed is cut off: nothing was sent for it. Any other line that cannot be
//!    read is an error.

use l402_lightning::{folder, unix_now};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use crate::control::wire::{Money, Outcome};

/// The operations.
#[derive(Debug)]
pub(super) struct Journal {
    file: File,
    /// The length of what is whole.
    len: u64,
    entries: BTreeMap<String, Entry>,
}

/// An operation that was begun.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) money: Money,
    /// When, in Unix seconds.
    pub(super) begun: u64,
    /// The channels that there were.
    pub(super) channels: Vec<String>,
    pub(super) outcome: Option<Outcome>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Opened { at: u64 },
    Begun { id: String, at: u64, money: Money, channels: Vec<String> },
    Ended { id: String, at: u64, outcome: Outcome },
}

impl Journal {
    /// Reads the file, or makes it with mode 0600.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let mut file = folder::open(path)?;
        let mut text = Vec::new();
        file.read_to_end(&mut text)?;
        let len = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        let mut entries = BTreeMap::new();
        for line in text.get(..len).unwrap_or_default().split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            note(&mut entries, serde_json::from_slice(line)?);
        }
        let mut journal = Self { file, len: len as u64, entries };
        if len == 0 {
            journal.append(Line::Opened { at: unix_now().get() })?;
        }
        Ok(journal)
    }

    pub(super) fn get(&self, id: &str) -> Option<&Entry> {
        self.entries.get(id)
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.entries.iter().map(|(id, entry)| (id.as_str(), entry))
    }

    /// Records an intent, durably.
    pub(super) fn begin(&mut self, id: &str, money: &Money, channels: Vec<String>) -> io::Result<()> {
        self.append(Line::Begun { id: id.to_owned(), at: unix_now().get(), money: money.clone(), channels })
    }

    /// Records an outcome, durably.
    pub(super) fn end(&mut self, id: &str, outcome: &Outcome) -> io::Result<()> {
        self.append(Line::Ended { id: id.to_owned(), at: unix_now().get(), outcome: outcome.clone() })
    }

    fn append(&mut self, line: Line) -> io::Result<()> {
        let mut text = serde_json::to_vec(&line)?;
        text.push(b'\n');
        self.file.set_len(self.len)?; // half a line of an attempt that failed
        self.file.seek(SeekFrom::Start(self.len))?;
        self.file.write_all(&text)?;
        self.file.sync_data()?;
        self.len += text.len() as u64;
        note(&mut self.entries, line);
        Ok(())
    }
}

fn note(entries: &mut BTreeMap<String, Entry>, line: Line) {
    match line {
        Line::Opened { .. } => {}
        Line::Begun { id, at, money, channels } => {
            entries.insert(id, Entry { money, begun: at, channels, outcome: None });
        }
        Line::Ended { id, outcome, .. } => {
            if let Some(entry) = entries.get_mut(&id) {
                entry.outcome = Some(outcome);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn close() -> Money {
        Money::Close { channel: "a".to_owned() }
    }

    #[test]
    fn a4_an_intent_outlives_the_process_and_a_torn_one_was_none() {
        let home = tempfile::tempdir().expect("a folder");
        let path = home.path().join("operations");
        let mut journal = Journal::open(&path).expect("made");
        assert!(fs::metadata(&path).expect("there").len() > 0, "an emptied one is told from a new one");
        journal.begin("one", &close(), vec!["a".to_owned()]).expect("written");
        journal.begin("two", &close(), Vec::new()).expect("written");
        let outcome = Outcome::NotDone { why: "no such channel".to_owned() };
        journal.end("one", &outcome).expect("written");

        let again = Journal::open(&path).expect("read");
        assert_eq!(again.get("one").expect("known").outcome, Some(outcome));
        let open = again.get("two").expect("known");
        assert_eq!((&open.money, &open.outcome), (&close(), &None));

        let whole = fs::read(&path).expect("read");
        fs::write(&path, [&whole, &b"{\"begun\":{\"id\":\"three\""[..]].concat()).expect("written");
        let mut torn = Journal::open(&path).expect("read");
        assert!(torn.get("three").is_none());
        torn.begin("four", &close(), Vec::new()).expect("written");
        assert!(Journal::open(&path).expect("read").get("four").is_some());

        fs::write(&path, [b"{}\n", &whole[..]].concat()).expect("written");
        assert!(Journal::open(&path).is_err());
    }
}
