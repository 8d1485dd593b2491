//! The key file: the gateway's one durable secret.
//!
//! 1. It is made at the first start, with a random key, in a folder of mode 0700 and with mode 0600. A file that others
//!    can read, or a folder that others can write to, is refused.
//! 2. The first line names the format. Each line after it is an epoch and 64 hexadecimal digits; empty lines and lines that
//!    begin with `#` are skipped. The highest epoch mints, the others verify. In format 2 a line may go on with `mints=`, a time in
//!    Unix seconds before which it does not mint, and `until=`, when it verifies no more: [`rotate`] writes them.
//! 3. A folder that had a key file must have one: a new key would make every token that was sold a forged one.
//! 4. The file appears whole or not at all. Of two gateways that start at once one makes it, and both use it.
//! 5. Beside it, `sold.until` says when the last token ends that was sold ([`sold_until`]).
//!
//! ```text
//! l402 root keys, format 1
//! 0 8f1c…64 digits…e2
//! ```
//!
//! ```text
//! l402 root keys, format 2
//! 0 8f1c…64 digits…e2 until=1800004860
//! 1 52b0…64 digits…9a mints=1800000060
//! ```

// Threat S6.

mod rotate;
mod sold;

pub use rotate::{Epoch, PUBLISHED_FOR, Standing, epochs, rotate};
pub(crate) use sold::note as note_sold;
pub use sold::{AHEAD, sold_until};

use core::fmt;
use l402_core::macaroon::hex;
use l402_core::{DerivedKeys, EpochError, MasterKey, SealKeys};
use l402_lightning::folder::{self, FolderError, MANIFEST, Manifest};
use l402_lightning::secret_file::SecretFileError;
use l402_lightning::unix_now;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use zeroize::Zeroizing;

/// Opens the key file in a folder, and makes both where they do not exist.
///
/// # Errors
/// [`KeyFileError`].
///
/// ```
/// let folder = tempfile::tempdir()?;
/// let keys = l402_gateway::keys::open(&folder.path().join("keys"))?;
/// assert_eq!(keys.token_id([0; 28]).epoch(), 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn open(folder: &Path) -> Result<DerivedKeys, KeyFileError> {
    let path = folder.join(FILE);
    let at = |fault| KeyFileError { path: path.clone(), fault };
    prepare(folder).map_err(at)?;
    let text = if let Some(text) = text(&path).map_err(at)? {
        text
    } else {
        let lost = || Manifest::read(folder)?.demand(FILE, &path, LOSS);
        lost().map_err(|fault| at(Fault::Folder(fault)))?;
        make(folder, &path).map_err(|cause| at(Fault::Io(cause)))?;
        text(&path).map_err(at)?.ok_or_else(|| at(Fault::Io(io::ErrorKind::NotFound.into())))?
    };
    let keys = parse(&text, unix_now().get()).map_err(at)?;
    note(folder).map_err(|fault| at(Fault::Folder(fault)))?;
    Ok(keys)
}

/// Reads the key file in a folder as it counts at a time in Unix seconds, and makes nothing.
pub(crate) fn read_at(folder: &Path, now: u64) -> Result<DerivedKeys, KeyFileError> {
    let path = folder.join(FILE);
    let text = text(&path).and_then(|text| text.ok_or_else(|| Fault::Io(io::ErrorKind::NotFound.into())));
    text.and_then(|text| parse(&text, now)).map_err(|fault| KeyFileError { path, fault })
}

/// Reads the key file again for somebody who knows keys of it. Keys that are other ones under a known epoch are refused: tokens that
/// were sold would be forged ones.
pub(crate) fn read_again(folder: &Path, now: u64, known: &DerivedKeys) -> Result<DerivedKeys, KeyFileError> {
    let keys = read_at(folder, now)?;
    match known.conflict(&keys) {
        Some(epoch) => Err(KeyFileError { path: folder.join(FILE), fault: Fault::Changed(epoch) }),
        None => Ok(keys),
    }
}

/// Says whether the key file in a folder can be used, and makes nothing that stays. One that is not there yet can be made if its
/// folder can.
///
/// # Errors
/// [`KeyFileError`].
pub fn look(folder: &Path) -> Result<(), KeyFileError> {
    let path = folder.join(FILE);
    let usable = text(&path).and_then(|text| match text {
        Some(text) => parse(&text, unix_now().get()).map(drop),
        None => folder::try_make(folder).map_err(Fault::Io),
    });
    usable.map_err(|fault| KeyFileError { path, fault })
}

/// Derives the keys of a purpose from the key file in a folder, which must exist, as it counts at a time in Unix seconds. The epoch
/// that mints seals. Also returns when another one will.
pub(crate) fn sealing(folder: &Path, label: &'static str, now: u64) -> Result<(SealKeys, Option<u64>), KeyFileError> {
    let path = folder.join(FILE);
    let text = text(&path).and_then(|text| text.ok_or_else(|| Fault::Io(io::ErrorKind::NotFound.into())));
    let sealing = text.and_then(|text| {
        let lines = lines(&text)?;
        let minting = minting(&lines, now).ok_or(Fault::Empty)?;
        let keys = others(&lines, minting, now)
            .try_fold(SealKeys::new(label, minting.epoch, &minting.key), |keys, line| {
                keys.with_retired(line.epoch, &line.key).map_err(Fault::Epoch)
            });
        let next = lines.iter().filter_map(|line| line.mints_at).filter(|mints_at| *mints_at > now).min();
        Ok((keys?, next))
    });
    sealing.map_err(|fault| KeyFileError { path, fault })
}

/// A key file cannot be used.
#[derive(Debug)]
pub struct KeyFileError {
    path: PathBuf,
    fault: Fault,
}

impl fmt::Display for KeyFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.fault)
    }
}

impl KeyFileError {
    /// What `/ready` says of it.
    pub(crate) const fn told(&self) -> &'static str {
        match self.fault {
            Fault::Changed(_) => "the key file has another key for a known epoch",
            _ => "the key file cannot be read",
        }
    }
}

impl core::error::Error for KeyFileError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match &self.fault {
            Fault::Io(cause) => Some(cause),
            Fault::Epoch(cause) => Some(cause),
            Fault::Folder(cause) => Some(cause),
            Fault::Replace(cause) => Some(cause),
            _ => None,
        }
    }
}

/// What is wrong with a key file. Nothing of its content is told.
#[derive(Debug)]
enum Fault {
    Io(io::Error),
    Readable(u32),
    Writable(u32),
    TooLong,
    Format,
    Line(usize),
    Twice(u32),
    Empty,
    Epoch(EpochError),
    Folder(FolderError),
    Replace(SecretFileError),
    Pending(u64),
    Full(Option<u64>),
    Last,
    Sold,
    Changed(u32),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(_) => f.write_str("cannot read or create this file"),
            Self::Readable(mode) => write!(f, "other users can read it (mode {mode:04o}); run chmod 600 on it"),
            Self::Writable(mode) => {
                write!(f, "other users can write to its directory (mode {mode:04o}); run chmod 700 on it")
            }
            Self::TooLong => f.write_str("too long for a key file"),
            Self::Format => write!(f, "the first line is not {HEADER:?}"),
            Self::Line(line) => write!(f, "line {line} is not an epoch and 64 hexadecimal digits"),
            Self::Twice(epoch) => {
                write!(
                    f,
                    "epoch {epoch} is on two lines; give each key an epoch of its own, and the newest the highest"
                )
            }
            Self::Empty => f.write_str("contains no key"),
            Self::Epoch(_) => f.write_str("invalid combination of epochs"),
            Self::Folder(_) => f.write_str("cannot use its directory"),
            Self::Replace(_) => f.write_str("cannot replace this file"),
            Self::Pending(mints_at) => {
                write!(f, "a new key is published already; it signs tokens from {mints_at} (Unix time) on")
            }
            Self::Full(Some(until)) => {
                write!(f, "as many old keys as possible still verify; rotate again after {until} (Unix time)")
            }
            Self::Full(None) => f.write_str("as many old keys as possible still verify; remove one from the file"),
            Self::Changed(epoch) => write!(
                f,
                "epoch {epoch} has another key than before, with which tokens that were sold would be refused; put the old line back, \
                 and give a new key an epoch of its own (or restart the gateway to give up what was sold)"
            ),
            Self::Last => f.write_str("there is no higher epoch"),
            Self::Sold => {
                f.write_str("does not say a time; write the Unix time when the last token ends that was sold")
            }
        }
    }
}

/// Makes the folder where it does not exist, and refuses it where others could exchange the file.
fn prepare(folder: &Path) -> Result<(), Fault> {
    folder::make(folder).map_err(Fault::Io)?;
    let mode = fs::metadata(folder).map_err(Fault::Io)?.mode() & 0o7777;
    if mode & 0o022 == 0 { Ok(()) } else { Err(Fault::Writable(mode)) }
}

/// Names the file in the folder's manifest. One that cannot be written is no fault where the folder is mounted read-only.
fn note(folder: &Path) -> Result<(), FolderError> {
    match Manifest::read(folder)?.add(&[FILE]) {
        Err(FolderError::Io { cause, .. }) if is_read_only(&cause) && !folder.join(MANIFEST).exists() => Ok(()),
        noted => noted,
    }
}

fn is_read_only(cause: &io::Error) -> bool {
    matches!(cause.kind(), io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied)
}

/// Reads the file; [`None`] where there is none.
fn text(path: &Path) -> Result<Option<Zeroizing<String>>, Fault> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(cause) => return Err(Fault::Io(cause)),
    };
    let mode = file.metadata().map_err(Fault::Io)?.mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(Fault::Readable(mode));
    }
    // Room for all of it from the start: a string that grows leaves copies behind.
    let mut text = Zeroizing::new(String::with_capacity(MAX_LEN + 1));
    file.take(MAX_LEN as u64 + 1).read_to_string(&mut text).map_err(Fault::Io)?;
    if text.len() > MAX_LEN { Err(Fault::TooLong) } else { Ok(Some(text)) }
}

/// Makes the file, unless somebody else has made it meanwhile.
fn make(folder: &Path, path: &Path) -> io::Result<()> {
    // Two gateways may be here at once, in containers even with the same process id.
    let random = getrandom::u64().map_err(io::Error::other)?;
    let unfinished = folder.join(format!("{FILE}.{random:016x}.new"));
    let written = write_new(&unfinished).and_then(|()| match fs::hard_link(&unfinished, path) {
        Err(cause) if cause.kind() != io::ErrorKind::AlreadyExists => Err(cause),
        _ => Ok(()),
    });
    let removed = fs::remove_file(&unfinished);
    written.and(removed).and_then(|()| File::open(folder)?.sync_all())
}

fn write_new(path: &Path) -> io::Result<()> {
    let mut bytes = Zeroizing::new([0; 32]);
    getrandom::fill(bytes.as_mut()).map_err(io::Error::other)?;
    let mut digits = Zeroizing::new([0; 64]);
    let digits = hex::encode_into(bytes.as_ref(), digits.as_mut()).ok_or(io::ErrorKind::InvalidData)?;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.set_permissions(Permissions::from_mode(0o600))?; // whatever the umask
    file.write_all(HEADER.as_bytes())?;
    file.write_all(b"\n0 ")?;
    file.write_all(digits.as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()
}

/// Waits for whoever else changes something in the folder. The file of the lock stays, for it says nothing.
fn lock(folder: &Path) -> io::Result<File> {
    let path = folder.join(format!("{FILE}.lock"));
    let file = OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
    file.lock()?;
    Ok(file)
}

/// An epoch, as it stands in the file. Times are in Unix seconds.
struct Line {
    epoch: u32,
    key: MasterKey,
    /// Before that it only verifies.
    mints_at: Option<u64>,
    /// After that it is as if it were not there.
    until: Option<u64>,
}

/// Reads the keys that count at a time.
fn parse(text: &str, now: u64) -> Result<DerivedKeys, Fault> {
    let lines = lines(text)?;
    let minting = minting(&lines, now).ok_or(Fault::Empty)?;
    others(&lines, minting, now).try_fold(DerivedKeys::new(minting.epoch, &minting.key), |derived, line| {
        derived.with_retired(line.epoch, &line.key).map_err(Fault::Epoch)
    })
}

/// Returns the lines that only verify.
fn others<'a>(lines: &'a [Line], minting: &'a Line, now: u64) -> impl Iterator<Item = &'a Line> {
    let others = lines.iter().filter(|line| !core::ptr::eq(*line, minting));
    others.filter(move |line| line.until.is_none_or(|until| until > now))
}

/// Returns the line that mints: the highest epoch whose time has come.
fn minting(lines: &[Line], now: u64) -> Option<&Line> {
    let ready = lines.iter().rfind(|line| line.mints_at.is_none_or(|mints_at| mints_at <= now));
    ready.or(lines.first())
}

/// Reads the epochs, the newest last. No two lines have one epoch.
fn lines(text: &str) -> Result<Vec<Line>, Fault> {
    let mut lines = text.lines().enumerate();
    if lines.next().is_none_or(|(_, line)| ![HEADER, HEADER_2].contains(&line.trim_end())) {
        return Err(Fault::Format);
    }
    let mut keys = Vec::new();
    for (index, line) in lines.map(|(index, line)| (index, line.trim())) {
        if !line.is_empty() && !line.starts_with('#') {
            keys.push(read_line(line).ok_or(Fault::Line(index + 1))?);
        }
    }
    keys.sort_by_key(|line| line.epoch);
    match keys.windows(2).find_map(|pair| (pair[0].epoch == pair[1].epoch).then_some(pair[0].epoch)) {
        Some(epoch) => Err(Fault::Twice(epoch)),
        None => Ok(keys),
    }
}

fn read_line(line: &str) -> Option<Line> {
    let mut words = line.split_ascii_whitespace();
    let (epoch, digits) = (words.next()?, words.next()?.as_bytes());
    let (mut mints_at, mut until) = (None, None);
    for word in words {
        let (name, time) = word.split_once('=')?;
        let place = match name {
            "mints" => &mut mints_at,
            "until" => &mut until,
            _ => return None,
        };
        *place = Some(time.parse().ok()?);
    }
    let mut bytes = Zeroizing::new([0; 32]);
    if digits.len() != 2 * bytes.len() {
        return None;
    }
    hex::decode_into(digits, bytes.as_mut()).ok()?;
    Some(Line { epoch: epoch.parse().ok()?, key: MasterKey::from_bytes(*bytes), mints_at, until })
}

/// What tells one version of the file from another.
pub(crate) type Stamp = (SystemTime, u64, u64);

/// Looks which version of the file a folder has; [`None`] where it has none.
pub(crate) fn stamp(folder: &Path) -> Option<Stamp> {
    let found = fs::metadata(folder.join(FILE)).ok()?;
    Some((found.modified().ok()?, found.ino(), found.len()))
}

/// The name of the file in its folder.
pub(crate) const FILE: &str = "root.keys";

/// What it means to go on without it.
pub(crate) const LOSS: &str = "a new key is created, and all sold tokens become invalid";

const HEADER: &str = "l402 root keys, format 1";

/// That of a file that was rotated.
const HEADER_2: &str = "l402 root keys, format 2";

/// Some hundred keys.
const MAX_LEN: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use l402_core::{Identifier, PaymentHash, RootKeySource, TokenId};

    const ONE: &str = "1111111111111111111111111111111111111111111111111111111111111111";
    const TWO: &str = "2222222222222222222222222222222222222222222222222222222222222222";

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("metadata").mode() & 0o777
    }

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, Permissions::from_mode(mode)).expect("permissions");
    }

    fn root_key(keys: &DerivedKeys, epoch: u32) -> Option<Vec<u8>> {
        let identifier = Identifier::new(PaymentHash::from_bytes([3; 32]), TokenId::new(epoch, [4; 28]));
        let key = keys.root_key(&identifier)?;
        let mut out = [0; 256];
        let token = l402_core::macaroon::mint(&key, b"", b"id", &[], &mut out).expect("room");
        Some(token.as_bytes().to_vec())
    }

    fn fault(text: &str) -> String {
        parse(text, 0).expect_err(text).to_string()
    }

    #[test]
    fn the_first_start_makes_what_later_ones_read() {
        let home = tempfile::tempdir().expect("a folder");
        let folder = home.path().join("a/keys");
        let first = open(&folder).expect("made");
        let second = open(&folder).expect("read");
        assert_eq!(root_key(&first, 0), root_key(&second, 0));
        assert_eq!((mode(&folder), mode(&folder.join(FILE))), (0o700, 0o600));
        assert_eq!(
            fs::read_dir(&folder).expect("a folder").count(),
            2,
            "the keys and the manifest; nothing unfinished"
        );
        let other = open(&home.path().join("b")).expect("made");
        assert_ne!(root_key(&first, 0), root_key(&other, 0), "keys are random");
    }

    #[test]
    fn s6_a_key_that_was_there_is_not_replaced() {
        let home = tempfile::tempdir().expect("a folder");
        let path = home.path().join(FILE);
        let first = open(home.path()).expect("made");
        fs::rename(&path, home.path().join("elsewhere")).expect("moved");
        let lost = open(home.path()).expect_err("lost");
        let said = l402_program::Causes(&lost).to_string();
        assert!(said.contains("root.keys is missing") && said.contains("all sold tokens become invalid"), "{said}");
        assert!(said.contains("remove the line \"root.keys\" from "), "{said}");
        assert!(!path.exists(), "no other key is made");
        fs::rename(home.path().join("elsewhere"), &path).expect("moved back");
        assert_eq!(root_key(&open(home.path()).expect("read"), 0), root_key(&first, 0));
    }

    #[test]
    fn of_many_that_start_at_once_all_use_one_key() {
        let home = tempfile::tempdir().expect("a folder");
        let barrier = std::sync::Barrier::new(8);
        let keys: Vec<_> = std::thread::scope(|scope| {
            let start = || {
                barrier.wait();
                open(home.path()).map(|keys| root_key(&keys, 0)).expect("keys")
            };
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(start)).collect();
            threads.into_iter().map(|thread| thread.join().expect("a thread")).collect()
        });
        assert!(keys.windows(2).all(|pair| pair[0] == pair[1]));
    }

    #[test]
    fn what_others_could_touch_is_refused() {
        let home = tempfile::tempdir().expect("a folder");
        let folder = home.path().join("keys");
        open(&folder).expect("made");
        set_mode(&folder.join(FILE), 0o640);
        let readable = open(&folder).expect_err("readable").to_string();
        assert!(
            readable.ends_with("root.keys: other users can read it (mode 0640); run chmod 600 on it"),
            "{readable}"
        );
        set_mode(&folder.join(FILE), 0o600);
        set_mode(&folder, 0o770);
        let writable = open(&folder).expect_err("writable").to_string();
        assert!(writable.contains("other users can write to its directory (mode 0770)"), "{writable}");
    }

    #[test]
    fn the_highest_epoch_mints_and_the_others_verify() {
        let rotated = parse(&format!("{HEADER}\n# rotated\n\n7 {TWO}\n3 {ONE}\n"), 0).expect("keys");
        let before = parse(&format!("{HEADER}\n3 {ONE}"), 0).expect("keys");
        assert_eq!(rotated.token_id([0; 28]).epoch(), 7);
        assert!(root_key(&before, 3).is_some());
        assert_eq!(root_key(&rotated, 3), root_key(&before, 3));
        assert_eq!(root_key(&rotated, 4), None);
    }

    #[test]
    fn a_damaged_file_is_refused_and_not_replaced() {
        let home = tempfile::tempdir().expect("a folder");
        write_new(&home.path().join(FILE)).expect("written");
        fs::write(home.path().join(FILE), "").expect("emptied");
        assert!(open(home.path()).is_err());
        assert_eq!(fs::read(home.path().join(FILE)).expect("there"), b"");
    }

    #[test]
    fn faults_name_the_line_and_never_the_content() {
        assert_eq!(fault(""), "the first line is not \"l402 root keys, format 1\"");
        assert_eq!(fault("l402 root keys, format 3"), "the first line is not \"l402 root keys, format 1\"");
        assert_eq!(fault(HEADER), "contains no key");
        assert_eq!(
            fault(&format!("{HEADER}\n1 {ONE}\n0 {ONE}\n1 {TWO}")),
            "epoch 1 is on two lines; give each key an epoch of its own, and the newest the highest"
        );
        for line in [
            ONE,
            &format!("x {ONE}"),
            &format!("-1 {ONE}"),
            "0 11",
            &format!("0 {ONE}11"),
            &format!("0 {ONE} mints"),
            &format!("0 {ONE} until=x"),
            &format!("0 {ONE} since=1"),
            &format!("0 g{}", &ONE[1..]),
        ] {
            assert_eq!(
                fault(&format!("{HEADER}\n{line}")),
                "line 2 is not an epoch and 64 hexadecimal digits",
                "{line}"
            );
        }
    }
}
