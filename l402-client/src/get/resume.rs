//! `-C -`: the rest of a file that broke off.
//!
//! 1. The rest of another version is worth nothing. So the rest is asked for with `If-Range`, which needs what names the version: the
//!    `ETag` or `Last-Modified` of the response that broke off. It is kept beside the file, in `FILE.l402-part`, until the file is whole.
//! 2. A server that has another version by now sends all of it, and it replaces the file. An error leaves the file as it is.
//! 3. The request is one more request: it can take a use of the token, or cost money.

// Threats: A9.

use crate::exit::{Exit, Failure, OrExit};
use http::header::{CONTENT_RANGE, ETAG, HeaderMap, IF_RANGE, LAST_MODIFIED, RANGE};
use http::{HeaderValue, StatusCode, Uri};
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// A file that is loaded in one piece or in several.
#[derive(Debug)]
pub(super) struct Resume {
    note: PathBuf,
    url: String,
    /// Where it goes on; 0 for the whole.
    pub(super) offset: u64,
    version: Option<HeaderValue>,
    /// Whether `-C` asked for it.
    is_wanted: bool,
}

/// What a response is to the file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// All of it.
    Whole,
    /// What is missing.
    Rest,
    /// Nothing: the file stays.
    None,
}

impl Resume {
    /// Looks what is there of a file with `len` bytes.
    pub(super) fn open(file: &Path, len: u64, url: &Uri, is_wanted: bool) -> Result<Self, Failure> {
        let mut name = file.as_os_str().to_owned();
        name.push(".l402-part");
        let (note, url) = (PathBuf::from(name), url.to_string());
        let mut resume = Self { note, url, offset: 0, version: None, is_wanted };
        if is_wanted && len > 0 {
            resume.version = Some(resume.read(file)?);
            resume.offset = len;
        }
        Ok(resume)
    }

    fn read(&self, file: &Path) -> Result<HeaderValue, Failure> {
        let say = |why: &str| Failure::say(Exit::Usage, format!("cannot continue {}: {why}", file.display()));
        let text = match fs::read_to_string(&self.note) {
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
                return Err(say("it is complete, or nothing says which version it is; move it away to get it anew"));
            }
            read => read.or_exit(Exit::Local)?,
        };
        let mut lines = text.lines();
        if lines.next() != Some(self.url.as_str()) {
            return Err(say("it comes from another URL"));
        }
        let version = lines.next().and_then(|version| HeaderValue::from_str(version).ok());
        version.ok_or_else(|| say("nothing says which version it is; move it away to get it anew"))
    }

    /// Asks for the rest.
    pub(super) fn ask(&self, headers: &mut HeaderMap) -> Result<(), Failure> {
        let Some(version) = &self.version else { return Ok(()) };
        let range = HeaderValue::try_from(format!("bytes={}-", self.offset)).or_exit(Exit::Local)?;
        headers.insert(RANGE, range);
        headers.insert(IF_RANGE, version.clone());
        Ok(())
    }

    /// Says what a response is to the file.
    pub(super) fn part(&self, status: StatusCode, headers: &HeaderMap) -> Result<Part, Failure> {
        match status.as_u16() {
            _ if self.offset == 0 => Ok(Part::Whole),
            206 if begins(headers) == Some(self.offset) => Ok(Part::Rest),
            206 => Err(Failure::say(Exit::Http, "the server sent another part than the one that is missing")),
            200..=299 => Ok(Part::Whole),
            _ => Ok(Part::None),
        }
    }

    /// Notes the version of a response whose body is about to come, for `-C`.
    pub(super) fn began(&self, status: StatusCode, headers: &HeaderMap) -> Result<(), Failure> {
        if self.is_wanted { self.broke_off(status, headers).or_exit(Exit::Local) } else { Ok(()) }
    }

    /// Notes the version of a response whose body broke off. What has none cannot be continued.
    pub(super) fn broke_off(&self, status: StatusCode, headers: &HeaderMap) -> io::Result<()> {
        let Some(version) = version(headers).filter(|_| status.is_success()) else { return Ok(()) };
        let text = [self.url.as_bytes(), b"\n", version.as_bytes(), b"\n"].concat();
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&self.note)?.write_all(&text)
    }

    /// Forgets the version: the file is whole.
    pub(super) fn done(&self) -> Result<(), Failure> {
        match fs::remove_file(&self.note) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => Err(cause).or_exit(Exit::Local),
            _ => Ok(()),
        }
    }
}

/// What `If-Range` may carry (RFC 9110 §13.1.5): no weak tag.
fn version(headers: &HeaderMap) -> Option<&HeaderValue> {
    let tag = headers.get(ETAG).filter(|tag| tag.as_bytes().starts_with(b"\""));
    tag.or_else(|| headers.get(LAST_MODIFIED).filter(|_| !headers.contains_key(ETAG)))
}

/// `bytes 500-999/1000`
fn begins(headers: &HeaderMap) -> Option<u64> {
    let range = headers.get(CONTENT_RANGE)?.to_str().ok()?.strip_prefix("bytes ")?;
    range.split_once('-')?.0.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderName;

    fn headers(pairs: &[(HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
    }

    #[test]
    fn only_a_version_that_is_known_is_continued() {
        let folder = tempfile::tempdir().unwrap();
        let (file, url) = (folder.path().join("f"), Uri::from_static("http://a/f"));
        assert_eq!(Resume::open(&file, 9, &url, true).unwrap_err().exit(), Exit::Usage);
        let tagged = headers(&[(ETAG, "\"v1\""), (LAST_MODIFIED, "yesterday")]);
        let first = Resume::open(&file, 0, &url, true).unwrap();
        first.began(StatusCode::OK, &tagged).unwrap();
        let next = Resume::open(&file, 9, &url, true).unwrap();
        let mut asked = HeaderMap::new();
        next.ask(&mut asked).unwrap();
        assert_eq!((&asked[RANGE], &asked[IF_RANGE]), (&"bytes=9-".parse().unwrap(), &"\"v1\"".parse().unwrap()));
        let other = Uri::from_static("http://a/g");
        assert_eq!(Resume::open(&file, 9, &other, true).unwrap_err().exit(), Exit::Usage);
        next.done().unwrap();
        assert!(Resume::open(&file, 9, &url, true).is_err());
        Resume::open(&file, 9, &url, false).unwrap().began(StatusCode::OK, &tagged).unwrap();
        assert!(Resume::open(&file, 9, &url, true).is_err(), "noted without -C only where the body breaks off");
    }

    #[test]
    fn a_weak_tag_names_no_version() {
        assert!(version(&headers(&[(ETAG, "W/\"v1\""), (LAST_MODIFIED, "yesterday")])).is_none());
        assert_eq!(version(&headers(&[(LAST_MODIFIED, "yesterday")])).unwrap(), "yesterday");
    }

    #[test]
    fn only_the_missing_part_is_put_behind_the_file() {
        let resume = Resume { note: PathBuf::new(), url: String::new(), offset: 5, version: None, is_wanted: true };
        let range = |from: &str| headers(&[(CONTENT_RANGE, from)]);
        let ok = |status, headers: &HeaderMap| resume.part(StatusCode::from_u16(status).unwrap(), headers).ok();
        assert_eq!(ok(206, &range("bytes 5-9/10")), Some(Part::Rest));
        assert_eq!(ok(206, &range("bytes 0-9/10")), None);
        assert_eq!(ok(206, &HeaderMap::new()), None);
        assert_eq!(ok(200, &HeaderMap::new()), Some(Part::Whole));
        for status in [302, 402, 404, 416, 500] {
            assert_eq!(ok(status, &HeaderMap::new()), Some(Part::None), "{status}");
        }
    }
}
