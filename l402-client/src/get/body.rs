//! The body of a request: what `-d` and its siblings say, joined.

use crate::cli::{DataArg, DataKind, RequestArgs};
use core::fmt;
use l402_agent::http::payload::{Payload, PayloadError};
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// What is sent, and what it is.
#[derive(Debug)]
pub(super) struct Body {
    pub(super) payload: Payload,
    pub(super) content_type: String,
}

impl Body {
    /// Reads it; [`None`] where no option asks for one.
    pub(super) fn read(args: &RequestArgs) -> Result<Option<Self>, BodyError> {
        let data = args.data.all();
        if data.is_empty() {
            return Ok(None);
        }
        let json = data.iter().filter(|data| data.kind == DataKind::Json).count();
        let (between, content_type) = match json {
            0 => (&b"&"[..], "application/x-www-form-urlencoded"),
            _ if json == data.len() => (&b""[..], "application/json"),
            _ => return Err(BodyError::TwoKinds),
        };
        let mut parts = Vec::new();
        for data in data {
            if !parts.is_empty() {
                parts.push(Payload::Bytes(between.into()));
            }
            parts.push(part(data)?);
        }
        Ok(Some(Self { payload: joined(parts), content_type: content_type.to_owned() }))
    }

    /// Returns what goes into a query (`-G`).
    pub(super) fn into_query(self) -> Result<Vec<u8>, BodyError> {
        let mut query = Vec::new();
        collect(&self.payload, &mut query)?;
        Ok(query)
    }
}

/// Joins parts, with those in memory as one.
pub(super) fn joined(parts: Vec<Payload>) -> Payload {
    let mut joined: Vec<Payload> = Vec::new();
    for part in parts {
        match (joined.last_mut(), part) {
            (Some(Payload::Bytes(before)), Payload::Bytes(more)) => *before = [&before[..], &more[..]].concat().into(),
            (_, part) => joined.push(part),
        }
    }
    Payload::join(joined)
}

/// Opens a file, or standard input where it is `-`.
pub(super) fn from_file(path: &OsStr) -> Result<Payload, BodyError> {
    let read = match path.as_bytes() {
        b"-" => Payload::from_reader(STDIN, io::stdin()),
        _ => Payload::from_path(Path::new(path)),
    };
    read.map_err(BodyError::Payload)
}

fn collect(payload: &Payload, into: &mut Vec<u8>) -> Result<(), BodyError> {
    match payload {
        Payload::Bytes(bytes) => into.extend_from_slice(bytes),
        Payload::Joined(parts) => parts.iter().try_for_each(|part| collect(part, into))?,
        Payload::File(_) => return Err(BodyError::LongQuery),
    }
    if into.len() > MAX_QUERY { Err(BodyError::LongQuery) } else { Ok(()) }
}

fn part(data: &DataArg) -> Result<Payload, BodyError> {
    let value = data.value.as_bytes();
    match (data.kind, value.strip_prefix(b"@")) {
        (DataKind::Text, Some(path)) => without_line_ends(OsStr::from_bytes(path)),
        (DataKind::Binary | DataKind::Json, Some(path)) => from_file(OsStr::from_bytes(path)),
        (DataKind::UrlEncoded, _) => url_encoded(value),
        _ => Ok(Payload::Bytes(value.to_vec().into())),
    }
}

/// `CONTENT`, `=CONTENT`, `NAME=CONTENT`, `@FILE` or `NAME@FILE`.
fn url_encoded(value: &[u8]) -> Result<Payload, BodyError> {
    let at = value.iter().position(|byte| matches!(byte, b'=' | b'@'));
    let (name, content) = match at {
        None => (&b""[..], value.to_vec()),
        Some(at) if value[at] == b'=' => (&value[..at], value[at + 1..].to_vec()),
        Some(at) => (&value[..at], read_short(OsStr::from_bytes(&value[at + 1..]))?),
    };
    let mut text = name.to_vec();
    if !name.is_empty() {
        text.push(b'=');
    }
    for byte in content {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => text.push(byte),
            b' ' => text.push(b'+'),
            _ => text.extend_from_slice(format!("%{byte:02X}").as_bytes()),
        }
    }
    Ok(Payload::Bytes(text.into()))
}

fn read_short(path: &OsStr) -> Result<Vec<u8>, BodyError> {
    let (mut bytes, limit) = (Vec::new(), MAX_ENCODED + 1);
    let read = match path.as_bytes() {
        b"-" => io::stdin().take(limit).read_to_end(&mut bytes),
        _ => File::open(path).and_then(|file| file.take(limit).read_to_end(&mut bytes)),
    };
    match read {
        Ok(length) if length as u64 == limit => Err(BodyError::LongEncoded),
        Ok(_) => Ok(bytes),
        Err(cause) => Err(BodyError::Payload(PayloadError::Unreadable { path: path.into(), cause })),
    }
}

fn without_line_ends(path: &OsStr) -> Result<Payload, BodyError> {
    let read = match path.as_bytes() {
        b"-" => Payload::from_reader(STDIN, WithoutLineEnds(io::stdin())),
        _ => match File::open(path) {
            Ok(file) => Payload::from_reader(path, WithoutLineEnds(file)),
            Err(cause) => Err(PayloadError::Unreadable { path: path.into(), cause }),
        },
    };
    read.map_err(BodyError::Payload)
}

/// Leaves out CR, LF and NUL, as curl does.
struct WithoutLineEnds<R>(R);

impl<R: Read> Read for WithoutLineEnds<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.0.read(buffer)?;
            let mut kept = 0;
            for at in 0..read {
                if !matches!(buffer[at], b'\r' | b'\n' | 0) {
                    buffer[kept] = buffer[at];
                    kept += 1;
                }
            }
            if kept > 0 || read == 0 {
                return Ok(kept);
            }
        }
    }
}

/// Why there is no body.
#[derive(Debug)]
#[non_exhaustive]
pub enum BodyError {
    /// It cannot be read.
    Payload(PayloadError),
    /// `--json-data` and `-d` stand beside each other.
    TwoKinds,
    /// It is too long for a URL.
    LongQuery,
    /// It is too long to be encoded.
    LongEncoded,
    /// A part of a form is not written as one.
    Form,
    /// The system gives no random bytes.
    Random(getrandom::Error),
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Payload(cause) => cause.fmt(f),
            Self::TwoKinds => f.write_str("--json-data and -d cannot make one body"),
            Self::LongQuery => write!(f, "-G needs no more than {MAX_QUERY} bytes of data"),
            Self::LongEncoded => write!(f, "--data-urlencode needs no more than {MAX_ENCODED} bytes of a file"),
            Self::Form => f.write_str(
                "-F needs `NAME=TEXT`, `NAME=@FILE` or `NAME=<FILE`, and then `;type=TYPE` or `;filename=NAME` if you like",
            ),
            Self::Random(_) => f.write_str("the system gives no random bytes"),
        }
    }
}

impl core::error::Error for BodyError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Payload(cause) => cause.source(),
            Self::Random(cause) => Some(cause),
            _ => None,
        }
    }
}

const STDIN: &str = "standard input";

/// No server takes a longer URL.
const MAX_QUERY: usize = 64 * 1024;

/// What is encoded stays in memory.
const MAX_ENCODED: u64 = 64 * 1024 * 1024;
