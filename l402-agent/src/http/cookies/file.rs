//! The file of cookies that Netscape had, and curl has: a line for each cookie, its parts separated by tabs.

use super::Cookies;
use super::cookie::Cookie;
use core::fmt;
use l402_core::UnixSeconds;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

impl Cookies {
    /// Takes what a file says. One that does not exist says nothing, as for curl.
    ///
    /// # Errors
    /// [`CookieFileError`].
    pub fn read_file(&self, path: &Path) -> Result<(), CookieFileError> {
        let failed = |cause| CookieFileError { doing: "read", path: path.to_owned(), cause };
        let file = match File::open(path) {
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(()),
            opened => opened.map_err(failed)?,
        };
        let mut bytes = Vec::new();
        file.take(MAX_FILE).read_to_end(&mut bytes).map_err(failed)?;
        self.read(&bytes);
        Ok(())
    }

    /// Writes the file, in place of what was there, whole or not at all.
    ///
    /// # Errors
    /// [`CookieFileError`].
    pub fn write_file(&self, path: &Path, now: UnixSeconds) -> Result<(), CookieFileError> {
        let bytes = self.write(now);
        replace(path, &bytes).map_err(|cause| CookieFileError { doing: "write", path: path.to_owned(), cause })
    }
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let special = fs::metadata(path).is_ok_and(|found| !found.is_file());
    if special {
        return OpenOptions::new().write(true).open(path)?.write_all(bytes); // a pipe, or a device
    }
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let mut name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_owned();
    name.push(format!(".{}.part", std::process::id()));
    let part = path.with_file_name(name);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part)?;
    let written = file.write_all(bytes).and_then(|()| fs::rename(&part, &path));
    if written.is_err() {
        let _ = fs::remove_file(&part); // the first failure is told
    }
    written
}

/// Reads a file; what cannot be read in it is passed over.
pub(super) fn parse(file: &[u8]) -> Vec<Cookie> {
    file.split(|byte| *byte == b'\n').filter_map(line).collect()
}

fn line(line: &[u8]) -> Option<Cookie> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let (line, is_http_only) = match line.strip_prefix(b"#HttpOnly_") {
        Some(rest) => (rest, true),
        None => (line, false),
    };
    if line.is_empty() || line.starts_with(b"#") || line.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t') {
        return None;
    }
    let parts: Vec<_> = line.splitn(7, |byte| *byte == b'\t').collect();
    let text = |at: usize| core::str::from_utf8(parts.get(at)?).ok();
    let domain = text(0)?;
    let value = parts.get(6).copied().unwrap_or_default();
    if value.contains(&b'\t') {
        return None;
    }
    Some(Cookie {
        name: (*parts.get(5)?).to_vec(),
        value: value.to_vec(),
        domain: domain.strip_prefix('.').unwrap_or(domain).to_ascii_lowercase(),
        has_subdomains: text(1)?.eq_ignore_ascii_case("TRUE"),
        path: Some(text(2)?).filter(|path| path.starts_with('/')).unwrap_or("/").to_owned(),
        is_secure: text(3)?.eq_ignore_ascii_case("TRUE"),
        is_http_only,
        expires: text(4)?.parse().ok()?,
    })
    .filter(|cookie| !cookie.name.is_empty() && !cookie.domain.is_empty())
}

/// Writes the file, newest first, as curl does.
pub(super) fn print(jar: &[Cookie]) -> Vec<u8> {
    let mut file = HEAD.as_bytes().to_vec();
    for cookie in jar.iter().rev() {
        let Cookie { domain, path, expires, .. } = cookie;
        let http_only = if cookie.is_http_only { "#HttpOnly_" } else { "" };
        let (dot, below) = if cookie.has_subdomains { (".", "TRUE") } else { ("", "FALSE") };
        let secure = if cookie.is_secure { "TRUE" } else { "FALSE" };
        let start = format!("{http_only}{dot}{domain}\t{below}\t{path}\t{secure}\t{expires}\t");
        file.extend([start.as_bytes(), &cookie.name, b"\t", &cookie.value, b"\n"].concat());
    }
    file
}

/// A file of cookies cannot be used.
#[derive(Debug)]
pub struct CookieFileError {
    doing: &'static str,
    path: PathBuf,
    cause: io::Error,
}

impl fmt::Display for CookieFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {} the cookies in {}", self.doing, self.path.display())
    }
}

impl core::error::Error for CookieFileError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        Some(&self.cause)
    }
}

const HEAD: &str = "# Netscape HTTP Cookie File\n# This file was made by l402. Edit it at your own risk.\n\n";

/// Longer ones are no file of cookies.
const MAX_FILE: u64 = 64 << 20;
