//! What there is in the directory, in memory.

use l402_core::UnixSeconds;
use l402_core::macaroon::hex;
use l402_http::service::kept::{AnswerName, GIVEN};
use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::file::{self, Head};

/// Which answers there are.
#[derive(Debug)]
pub(super) struct Index {
    total: u64,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    answers: HashMap<AnswerName, Head>,
    bytes: u64,
}

impl Index {
    /// Reads a directory, and deletes what does not belong there any more.
    pub(super) fn read(dir: &Path, total: u64, now: UnixSeconds) -> io::Result<Self> {
        let mut kept = Kept::default();
        for entry in fs::read_dir(dir)? {
            let path = entry?.path();
            if !path.is_file() {
                continue; // to open a pipe would take for ever
            }
            let name = path.file_name().and_then(|name| name.to_str()).and_then(name);
            match name.zip(file::look(&path).ok().flatten()) {
                Some((name, head)) if now < head.until => kept.add(name, head),
                _ => file::remove(&path),
            }
        }
        Ok(Self { total, kept: Mutex::new(kept) })
    }

    /// Tells whether there is an answer that has not ended.
    pub(super) fn knows(&self, name: &AnswerName, now: UnixSeconds) -> bool {
        self.lock().answers.get(name).is_some_and(|head| now < head.until)
    }

    /// Tells whether there is room for so many bytes more.
    pub(super) fn has_room(&self, size: u64) -> bool {
        self.lock().bytes.saturating_add(size) <= self.total
    }

    /// Adds an answer, in place of one of the same name.
    pub(super) fn add(&self, name: AnswerName, until: UnixSeconds, size: u64) {
        self.lock().add(name, Head { until, given: 0, size });
    }

    /// Counts that an answer is given, if it may be and `write` writes it down.
    pub(super) fn give(&self, name: &AnswerName, write: impl FnOnce(u8) -> bool) -> bool {
        let given = match self.lock().answers.get_mut(name) {
            Some(head) if head.given < GIVEN => {
                head.given = head.given.saturating_add(1); // whether or not it can be written
                head.given
            }
            _ => return false,
        };
        write(given)
    }

    /// Takes out what has ended.
    pub(super) fn ended(&self, now: UnixSeconds) -> Vec<AnswerName> {
        let mut kept = self.lock();
        let ended: Vec<_> = kept.answers.iter().filter(|(_, head)| head.until <= now).map(|(name, _)| *name).collect();
        for name in &ended {
            kept.remove(name);
        }
        ended
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn add(&mut self, name: AnswerName, head: Head) {
        self.remove(&name);
        self.bytes = self.bytes.saturating_add(head.size);
        self.answers.insert(name, head);
    }

    fn remove(&mut self, name: &AnswerName) {
        if let Some(head) = self.answers.remove(name) {
            self.bytes = self.bytes.saturating_sub(head.size);
        }
    }
}

/// The name that a file stands for.
fn name(text: &str) -> Option<AnswerName> {
    let mut bytes = [0; 32];
    let is_whole = text.len() == 64 && hex::decode_into(text.as_bytes(), &mut bytes).is_ok();
    let name = AnswerName::from_bytes(bytes);
    (is_whole && name.to_string() == text).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use l402_http::service::kept::Sealed;

    #[test]
    fn s4_the_index_finds_what_was_kept_and_deletes_what_has_ended() {
        let folder = tempfile::tempdir().expect("a folder");
        let [lives, ended] = [[1; 32], [2; 32]].map(AnswerName::from_bytes);
        for (name, until) in [(lives, 10), (ended, 5)] {
            let sealed = Sealed { until: until.into(), bytes: vec![0; 7] };
            file::write(&folder.path().join(name.to_string()), &sealed).expect("written");
        }
        fs::write(folder.path().join("other"), b"").expect("written");
        let index = Index::read(folder.path(), 40, 5.into()).expect("read");
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
        assert!(index.knows(&lives, 9.into()) && !index.knows(&lives, 10.into()) && !index.knows(&ended, 0.into()));
        assert!(index.has_room(10) && !index.has_room(11), "30 of 40 bytes are taken");
        assert!((1..=3).all(|given| index.give(&lives, |counted| counted == given)));
        assert!(!index.give(&lives, |_| true), "three times");
        assert!(!index.give(&ended, |_| true));
        assert_eq!(index.ended(10.into()), [lives]);
        assert!(index.has_room(40));
    }
}
