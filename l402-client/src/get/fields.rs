//! The headers of a request: those that `-H` sets, empties or drops, and the usual ones.

use super::jar;
use crate::cli::RequestArgs;
use core::fmt;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use l402_core::CredentialHeaders;
use l402_core::macaroon::base64;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;

/// What the user says of headers.
#[derive(Debug, Default)]
pub(super) struct Fields {
    pub(super) set: HeaderMap,
    dropped: Vec<HeaderName>,
}

impl Fields {
    /// Reads all of `-H`.
    pub(super) fn read(args: &RequestArgs) -> Result<Self, FieldError> {
        let mut fields = Self::default();
        for line in &args.headers {
            match line.as_bytes().strip_prefix(b"@") {
                None => fields.line(line.as_bytes())?,
                Some(path) => {
                    for line in lines(OsStr::from_bytes(path))?.split(|byte| *byte == b'\n') {
                        let line = line.strip_suffix(b"\r").unwrap_or(line);
                        if !line.is_empty() {
                            fields.line(line)?;
                        }
                    }
                }
            }
        }
        Ok(fields)
    }

    /// Joins them with others, which they replace.
    pub(super) fn over(self, mut usual: HeaderMap) -> HeaderMap {
        for name in &self.dropped {
            usual.remove(name);
        }
        usual.extend(self.set); // replaces those of the same name, and keeps what was given twice
        usual
    }

    fn line(&mut self, line: &[u8]) -> Result<(), FieldError> {
        let at = line.iter().position(|byte| matches!(byte, b':' | b';')).ok_or(FieldError::Form)?;
        let (name, value) = (line[..at].trim_ascii(), line[at + 1..].trim_ascii());
        let name = HeaderName::from_bytes(name).map_err(|_| FieldError::Form)?;
        let mut value = HeaderValue::from_bytes(value).map_err(|_| FieldError::Form)?;
        if CONNECTION_FIELDS.contains(&name) {
            return Err(FieldError::Connection(name));
        }
        if CredentialHeaders::is_credential(name.as_str(), value.as_bytes()) {
            return Err(FieldError::Credential(name));
        }
        match (line[at], value.is_empty()) {
            (b':', true) => self.dropped.push(name),
            (b';', false) => return Err(FieldError::Form),
            _ => {
                value.set_sensitive(SECRETS.contains(&name));
                self.set.append(name, value);
            }
        }
        Ok(())
    }
}

/// Returns the headers that are sent unless the user says otherwise.
pub(super) fn usual(args: &RequestArgs, content_type: Option<&str>, is_json: bool) -> Result<HeaderMap, FieldError> {
    let mut headers = HeaderMap::new();
    headers.insert(header::ACCEPT, HeaderValue::from_static(if is_json { "application/json" } else { "*/*" }));
    match &args.user_agent {
        None => {
            headers.insert(header::USER_AGENT, HeaderValue::from_static(concat!("l402/", env!("CARGO_PKG_VERSION"))));
        }
        Some(name) if name.is_empty() => {}
        Some(name) => drop(headers.insert(header::USER_AGENT, value(name.as_bytes())?)),
    }
    if let Some(content_type) = content_type {
        headers.insert(header::CONTENT_TYPE, value(content_type.as_bytes())?);
    }
    if let Some(login) = &args.user {
        headers.insert(header::AUTHORIZATION, basic(login.as_bytes())?);
    }
    let cookies: Vec<_> = jar::literals(args).collect();
    if !cookies.is_empty() {
        let mut cookies = value(&cookies.join(&b';'))?;
        cookies.set_sensitive(true);
        headers.insert(header::COOKIE, cookies);
    }
    if let Some(range) = &args.range {
        let open = if range.contains(['-', ',']) { "" } else { "-" };
        headers.insert(header::RANGE, value(format!("bytes={range}{open}").as_bytes())?);
    }
    Ok(headers)
}

fn basic(login: &[u8]) -> Result<HeaderValue, FieldError> {
    if !login.contains(&b':') {
        return Err(FieldError::Login);
    }
    let mut text = vec![0; base64::encoded_len(login.len())];
    let text = base64::encode_into(login, &mut text).ok_or(FieldError::Login)?;
    let mut value = value(format!("Basic {text}").as_bytes())?;
    value.set_sensitive(true);
    Ok(value)
}

fn value(bytes: &[u8]) -> Result<HeaderValue, FieldError> {
    HeaderValue::from_bytes(bytes).map_err(|_| FieldError::Form)
}

fn lines(path: &OsStr) -> Result<Vec<u8>, FieldError> {
    let mut bytes = Vec::new();
    let read = match path.as_bytes() {
        b"-" => io::stdin().take(MAX_FILE).read_to_end(&mut bytes),
        _ => File::open(path).and_then(|file| file.take(MAX_FILE).read_to_end(&mut bytes)),
    };
    read.map_err(|cause| FieldError::Unreadable { path: path.display().to_string(), cause })?;
    Ok(bytes)
}

/// Why a header is not sent.
#[derive(Debug)]
#[non_exhaustive]
pub enum FieldError {
    /// It is not `Name: value`.
    Form,
    /// It belongs to the connection, which is not the user's.
    Connection(HeaderName),
    /// It is an L402 credential.
    Credential(HeaderName),
    /// A login has no password.
    Login,
    /// The file of headers cannot be read.
    Unreadable {
        /// The file.
        path: String,
        /// Why.
        cause: io::Error,
    },
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Form => f.write_str("-H needs `Name: value`, in printable characters"),
            Self::Connection(name) => write!(f, "-H cannot set `{name}`: it comes from the URL and the body"),
            Self::Credential(name) => write!(
                f,
                "-H cannot set an L402 credential in `{name}`; tokens are bought, kept and presented by this command"
            ),
            Self::Login => f.write_str("-u needs `USER:PASSWORD`"),
            Self::Unreadable { path, .. } => write!(f, "cannot read {path}"),
        }
    }
}

impl core::error::Error for FieldError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Unreadable { cause, .. } => Some(cause),
            _ => None,
        }
    }
}

const CONNECTION_FIELDS: [HeaderName; 7] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::HOST,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

const SECRETS: [HeaderName; 3] = [header::AUTHORIZATION, header::COOKIE, header::PROXY_AUTHORIZATION];

/// Headers that are longer are refused by every server.
const MAX_FILE: u64 = 1 << 20;
