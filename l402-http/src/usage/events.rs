//! Server-sent events (HTML §9.2.6), as far as they carry JSON.

use super::Usage;
use super::json::{Json, Source};

/// A stream of events.
#[derive(Debug, Clone)]
pub(super) struct Events {
    /// How many bytes of a byte order mark are there, as long as nothing else is.
    mark: Option<usize>,
    line: Line,
    /// Whether the last byte was a CR: an LF behind it belongs to it.
    after_cr: bool,
    /// The data of the present event, and its first bytes.
    json: Json,
    start: [u8; DONE.len() + 1],
    len: usize,
    usage: Option<Usage>,
    is_complete: bool,
}

/// Where in a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    /// So many bytes of `data:` are there.
    Name(usize),
    /// Behind `data:`; one space is left out.
    Data,
    Value,
    /// Of another field.
    Other,
}

const DATA: &[u8] = b"data:";
const MARK: &[u8] = b"\xef\xbb\xbf";
const DONE: &[u8] = b"[DONE]";

impl Events {
    pub(super) const fn new() -> Self {
        Self {
            mark: Some(0),
            line: Line::Name(0),
            after_cr: false,
            json: Json::new(),
            start: [0; DONE.len() + 1],
            len: 0,
            usage: None,
            is_complete: false,
        }
    }

    pub(super) const fn usage(&self) -> Option<Usage> {
        self.usage
    }

    pub(super) const fn is_complete(&self) -> bool {
        self.is_complete
    }

    pub(super) fn read(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if self.is_mark(*byte) {
                continue;
            }
            let is_second = core::mem::replace(&mut self.after_cr, *byte == b'\r') && *byte == b'\n';
            match byte {
                _ if is_second => {}
                b'\r' | b'\n' => self.end_line(),
                byte => self.line = self.next(*byte),
            }
        }
    }

    /// Takes the byte order mark that a stream may begin with (HTML §9.2.5).
    fn is_mark(&mut self, byte: u8) -> bool {
        let Some(at) = self.mark.take() else { return false };
        let is_mark = MARK.get(at) == Some(&byte);
        if is_mark {
            self.mark = Some(at + 1);
        } else if 0 < at && at < MARK.len() {
            self.line = Line::Other; // it began with a part of one
        }
        is_mark
    }

    fn next(&mut self, byte: u8) -> Line {
        match self.line {
            Line::Name(at) if DATA.get(at) == Some(&byte) => match at + 1 {
                at if at == DATA.len() => Line::Data,
                at => Line::Name(at),
            },
            Line::Data if byte == b' ' => Line::Value,
            Line::Data | Line::Value => {
                self.take(byte);
                Line::Value
            }
            Line::Name(_) | Line::Other => Line::Other,
        }
    }

    fn take(&mut self, byte: u8) {
        if let Some(place) = self.start.get_mut(self.len) {
            *place = byte;
            self.len += 1;
        }
        self.json.read(&[byte]);
    }

    fn end_line(&mut self) {
        match core::mem::replace(&mut self.line, Line::Name(0)) {
            Line::Name(0) => self.end_event(),
            Line::Data | Line::Value => self.json.read(b"\n"), // between the lines of one event
            Line::Name(_) | Line::Other => {}
        }
    }

    fn end_event(&mut self) {
        if let Some((usage, source)) = self.json.found() {
            self.usage = Some(usage);
            self.is_complete |= source == Source::Response; // only the last event has one
        }
        self.is_complete |= self.start.get(..self.len) == Some(DONE);
        self.json = Json::new();
        self.len = 0;
    }
}
