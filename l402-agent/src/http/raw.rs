//! The head of a response as it came: HTTP libraries give names in lower case and drop the reason, and who prints a head wants the
//! server's own.
//!
//! 1. Of each exchange over HTTP/1, the bytes up to the empty line are copied while they are read. Interim heads (1xx) stand before the
//!    final one.
//! 2. Only what begins like a head of HTTP/1 is kept, and not more than 256 KiB of it. HTTP/2 has no such bytes.

use bytes::Bytes;
use core::mem::MaybeUninit;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use http::response::Parts;
use http::{Response, Version};
use hyper::rt::{Read, ReadBuf, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};
use std::io::{self, IoSlice};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The head of a response, as it came; among the extensions of a response over HTTP/1.
#[derive(Debug, Clone)]
struct RawHead(Bytes);

/// Returns the head of a response, with the empty line at its end: as the server wrote it, if that is known.
///
/// ```
/// use l402_agent::http::raw;
///
/// let (parts, ()) = http::Response::builder().header("x-a", "1").body(())?.into_parts();
/// assert_eq!(raw::head(&parts), "HTTP/1.1 200 OK\r\nx-a: 1\r\n\r\n");
/// # Ok::<(), http::Error>(())
/// ```
pub fn head(parts: &Parts) -> Bytes {
    if let Some(RawHead(bytes)) = parts.extensions.get() {
        return bytes.clone();
    }
    let status = match parts.version {
        Version::HTTP_2 => format!("HTTP/2 {} ", parts.status.as_u16()),
        version => format!("{version:?} {}", parts.status),
    };
    let mut head = [status.as_bytes(), b"\r\n"].concat();
    for (name, value) in &parts.headers {
        head.extend_from_slice(&[name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
    }
    head.extend_from_slice(b"\r\n");
    head.into()
}

/// Puts the head as it came among the extensions of its response.
pub(super) fn attach<B>(response: &mut Response<B>) {
    let heads = response.extensions_mut().remove::<Heads>();
    let head = heads.and_then(|heads| heads.lock().complete.take());
    if let Some(head) = head {
        response.extensions_mut().insert(RawHead(head));
    }
}

/// A connection whose heads are copied.
#[derive(Debug)]
pub(super) struct Recorded<T> {
    stream: T,
    heads: Heads,
}

impl<T> Recorded<T> {
    pub(super) fn new(stream: T) -> Self {
        Self { stream, heads: Heads::default() }
    }
}

/// What was read of heads; shared with the responses of the connection.
#[derive(Debug, Clone, Default)]
struct Heads(Arc<Mutex<Recorder>>);

impl Heads {
    fn lock(&self) -> MutexGuard<'_, Recorder> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug, Default)]
struct Recorder {
    is_reading: bool,
    read: Vec<u8>,
    /// Where the head that is being read begins, behind interim ones.
    begin: usize,
    complete: Option<Bytes>,
}

impl Recorder {
    /// A request is written: a head comes next.
    fn expect(&mut self) {
        if !self.is_reading {
            (self.read, self.begin, self.is_reading) = (Vec::new(), 0, true);
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        let mut seen = self.read.len().saturating_sub(3).max(self.begin);
        self.read.extend_from_slice(bytes);
        while let Some(end) = end_of_head(&self.read, seen) {
            let head = &self.read[self.begin..end];
            if !head.starts_with(VERSION) {
                self.is_reading = false;
                return;
            }
            if head.get(9) != Some(&b'1') || head.get(9..12) == Some(b"101") {
                self.read.truncate(end);
                self.complete = Some(core::mem::take(&mut self.read).into());
                self.is_reading = false;
                return;
            }
            (self.begin, seen) = (end, end);
        }
        let start = &self.read[self.begin..];
        let is_head = start.iter().zip(VERSION).all(|(read, expected)| read == expected);
        self.is_reading = is_head && self.read.len() <= MAX_HEAD;
    }
}

/// Returns where the empty line ends.
fn end_of_head(bytes: &[u8], from: usize) -> Option<usize> {
    let lines = (from..bytes.len()).filter(|at| bytes[*at] == b'\n');
    lines.map(|at| &bytes[at + 1..]).find_map(|rest| match rest {
        [b'\n', rest @ ..] | [b'\r', b'\n', rest @ ..] => Some(bytes.len() - rest.len()),
        _ => None,
    })
}

impl<T: Connection> Connection for Recorded<T> {
    fn connected(&self) -> Connected {
        self.stream.connected().extra(self.heads.clone())
    }
}

impl<T: Read + Unpin> Read for Recorded<T> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, mut buf: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        if !self.heads.lock().is_reading {
            return Pin::new(&mut self.stream).poll_read(cx, buf);
        }
        let mut copy = [MaybeUninit::uninit(); PIECE];
        let mut piece = ReadBuf::uninit(&mut copy[..PIECE.min(buf.remaining())]);
        ready!(Pin::new(&mut self.stream).poll_read(cx, piece.unfilled()))?;
        buf.put_slice(piece.filled());
        self.heads.lock().take(piece.filled());
        Poll::Ready(Ok(()))
    }
}

impl<T: Write + Unpin> Write for Recorded<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.heads.lock().expect();
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.heads.lock().expect();
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }
}

/// What a head begins with.
const VERSION: &[u8] = b"HTTP/1.";

/// The longest head that is copied.
const MAX_HEAD: usize = 256 * 1024;

/// How much is read at a time while a head is copied.
const PIECE: usize = 8 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn heads(pieces: &[&str]) -> Option<String> {
        let mut recorder = Recorder::default();
        recorder.expect();
        for piece in pieces {
            if recorder.is_reading {
                recorder.take(piece.as_bytes());
            }
        }
        recorder.complete.map(|head| String::from_utf8(head.to_vec()).unwrap())
    }

    #[test]
    fn a_head_ends_at_its_empty_line_however_it_is_cut() {
        let (head, body) = ("HTTP/1.1 200 Fine\r\nX-A: 1\r\n\r\n", "body\r\n\r\n");
        let both = format!("{head}{body}");
        for at in 0..both.len() {
            assert_eq!(heads(&[&both[..at], &both[at..]]).as_deref(), Some(head), "{at}");
        }
        assert_eq!(heads(&["HTTP/1.0 404\n\nx"]).as_deref(), Some("HTTP/1.0 404\n\n"));
    }

    #[test]
    fn interim_heads_stand_before_the_final_one() {
        let both = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\na: b\r\n\r\n";
        for at in 0..both.len() {
            assert_eq!(heads(&[&both[..at], &both[at..], "body"]).as_deref(), Some(both), "{at}");
        }
        assert_eq!(heads(&["HTTP/1.1 101 S\r\n\r\nHTTP/1.1 "]).as_deref(), Some("HTTP/1.1 101 S\r\n\r\n"));
    }

    #[test]
    fn what_is_no_head_is_not_kept() {
        assert_eq!(heads(&["\0\0\u{12}\u{4}"]), None);
        assert_eq!(heads(&["HTTP/2 200\r\n\r\n"]), None);
        let endless = "x".repeat(2 * MAX_HEAD);
        assert_eq!(heads(&["HTTP/1.1 200 OK\r\na: ", &endless, "\r\n\r\n"]), None);
    }
}
