//! The body of a response, for a model: short text in the answer, everything else in a file.
//!
//! The limit counts decompressed bytes. What is short cannot become long unnoticed.

use super::called::Called;
use super::files::{Files, Spill};
use crate::get::decode::{DecodeError, Decoder};
use http::{HeaderMap, HeaderName, HeaderValue};
use l402_agent::errand::{ErrandError, FetchBody, Reason};
use std::io;
use std::path::PathBuf;

/// A body that has arrived.
#[derive(Debug)]
pub(super) struct Arrived {
    pub(super) text: Option<String>,
    pub(super) file: Option<PathBuf>,
    pub(super) bytes: u64,
}

/// Reads a body. The client hears how many bytes there are so far.
pub(super) async fn read(
    mut body: FetchBody,
    headers: &[(String, String)],
    files: &Files,
    most: u64,
    called: &Called,
) -> Result<Arrived, ErrandError> {
    let mut decoder = Decoder::of(&encoding(headers)).map_err(|fault| of_decode(&fault))?;
    let mut sink = Sink { files, most, short: Vec::new(), long: None, bytes: 0 };
    while let Some(data) = body.next().await? {
        for piece in Decoder::pieces(data) {
            let piece = decoder.push(piece).map_err(|fault| of_decode(&fault))?;
            sink.write(&piece)?;
        }
        called.progress(sink.bytes, "the body arrives").await;
    }
    let rest = decoder.finish().map_err(|fault| of_decode(&fault))?;
    sink.write(&rest)?;
    sink.finish()
}

struct Sink<'a> {
    files: &'a Files,
    most: u64,
    /// All of it, while it is short.
    short: Vec<u8>,
    long: Option<Spill>,
    bytes: u64,
}

impl Sink<'_> {
    fn write(&mut self, piece: &[u8]) -> Result<(), ErrandError> {
        self.bytes = self.bytes.saturating_add(piece.len() as u64);
        if self.bytes > self.most {
            let message =
                "the body of the response is longer than allowed once it is decompressed; what was bought is kept";
            return Err(ErrandError::new(Reason::TooLarge, message));
        }
        if let Some(file) = &mut self.long {
            return file.write(piece).map_err(|fault| of_file(&fault));
        }
        self.short.extend_from_slice(piece);
        if self.short.len() > INLINE { self.spill() } else { Ok(()) }
    }

    fn spill(&mut self) -> Result<(), ErrandError> {
        let mut file = self.files.create().map_err(|fault| of_file(&fault))?;
        file.write(&core::mem::take(&mut self.short)).map_err(|fault| of_file(&fault))?;
        self.long = Some(file);
        Ok(())
    }

    fn finish(mut self) -> Result<Arrived, ErrandError> {
        let is_text = |bytes: &[u8]| core::str::from_utf8(bytes).is_ok_and(|text| !text.contains('\0'));
        if self.long.is_none() && !is_text(&self.short) {
            self.spill()?;
        }
        let file = self.long.map(Spill::keep);
        let text = file.is_none().then(|| String::from_utf8(self.short).unwrap_or_default());
        Ok(Arrived { text, file, bytes: self.bytes })
    }
}

fn encoding(headers: &[(String, String)]) -> HeaderMap {
    let encodings = headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("content-encoding"));
    encodings
        .filter_map(|(name, value)| Some((HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?)))
        .collect()
}

fn of_decode(fault: &DecodeError) -> ErrandError {
    ErrandError::new(Reason::BodyBroke, format!("{fault}; what was bought is kept"))
}

fn of_file(fault: &io::Error) -> ErrandError {
    let message = match fault.kind() {
        io::ErrorKind::QuotaExceeded => FULL,
        _ => "cannot write the body to the folder for long bodies",
    };
    ErrandError::new(Reason::Local, message)
}

/// The longest body that stands in the answer itself.
pub(super) const INLINE: usize = 32 * 1024;

/// What is said where the folder is full.
pub(super) const FULL: &str = "the folder for long bodies is full (`--quota`); the owner can delete files from it";
