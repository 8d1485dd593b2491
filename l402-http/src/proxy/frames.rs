//! Where the frames of a WebSocket begin and end (RFC 6455 §5.2): only between two of them can a close frame be put in.

/// Why a tunnel is closed by us (RFC 6455 §7.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Close {
    /// The server stops.
    GoingAway,
    /// Nothing has moved for too long.
    Idle,
    /// The token that opened the tunnel has ended.
    Expired,
}

impl Close {
    /// The frame for a client, which gets unmasked ones.
    pub(super) fn to_client(self) -> Vec<u8> {
        self.frame(0, &[])
    }

    /// The frame for a server, which wants masked ones. The key hides nothing here: what it covers is always the same.
    pub(super) fn to_upstream(self) -> Vec<u8> {
        self.frame(MASKED, &[0; 4])
    }

    fn frame(self, mask_bit: u8, key: &[u8]) -> Vec<u8> {
        let (code, reason): (u16, &[u8]) = match self {
            Self::GoingAway => (1001, b"the server stops"),
            Self::Idle => (1001, b"idle"),
            Self::Expired => (1008, b"the token has ended"),
        };
        let length = u8::try_from(reason.len().saturating_add(2)).unwrap_or(2);
        [&[FINAL | CLOSE, mask_bit | length][..], key, &code.to_be_bytes(), reason].concat()
    }
}

/// One direction of a WebSocket, as far as it has passed.
#[derive(Debug, Default)]
pub(super) struct Frames {
    head: [u8; MAX_HEAD],
    have: usize,
    left: u64,
    is_closed: bool,
}

impl Frames {
    /// Whether the next byte begins a frame.
    pub(super) const fn is_between(&self) -> bool {
        self.have == 0 && self.left == 0
    }

    /// Whether a close frame has passed, after which no other may follow.
    pub(super) const fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// Notes that all these bytes pass.
    pub(super) fn pass(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            bytes = bytes.get(self.pass_frame(bytes)..).unwrap_or_default();
        }
    }

    /// Notes that bytes pass up to the end of a frame, if there is one among them. Returns how many.
    pub(super) fn pass_frame(&mut self, bytes: &[u8]) -> usize {
        let mut at = 0_usize;
        while let Some(byte) = bytes.get(at) {
            if self.left > 0 {
                let rest = u64::try_from(bytes.len().saturating_sub(at)).unwrap_or(u64::MAX);
                let taken = rest.min(self.left);
                self.left = self.left.saturating_sub(taken);
                at = at.saturating_add(usize::try_from(taken).unwrap_or(usize::MAX));
            } else {
                if let Some(place) = self.head.get_mut(self.have) {
                    *place = *byte;
                }
                self.have = self.have.saturating_add(1);
                at = at.saturating_add(1);
                self.end_head();
            }
            if self.is_between() {
                break;
            }
        }
        at
    }

    /// Begins the payload, once its length is known.
    fn end_head(&mut self) {
        let [first, second, ..] = self.head;
        let (length_bytes, short) = match second & !MASKED {
            126 => (2, 0),
            127 => (8, 0),
            short => (0, u64::from(short)),
        };
        let key_bytes = if second & MASKED == 0 { 0 } else { 4 };
        if self.have < 2 || self.have < 2 + length_bytes + key_bytes {
            return;
        }
        let long = self.head.get(2..2 + length_bytes).unwrap_or_default();
        self.left = long.iter().fold(short, |length, byte| (length << 8) | u64::from(*byte));
        self.is_closed |= first & OPCODE == CLOSE;
        self.have = 0;
    }
}

const FINAL: u8 = 0x80;
const OPCODE: u8 = 0x0f;
const CLOSE: u8 = 0x08;
const MASKED: u8 = 0x80;

/// Two bytes, a length of eight, a key of four.
const MAX_HEAD: usize = 14;

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(second: &[u8], payload: usize) -> Vec<u8> {
        [&[0x82], second, &vec![b'x'; payload]].concat()
    }

    #[test]
    fn p8_frames_of_every_length_end_where_they_end() {
        let frames = [
            frame(&[0], 0),
            frame(&[5], 5),
            frame(&[0x85, 1, 2, 3, 4], 5),
            frame(&[126, 1, 0], 256),
            frame(&[0xfe, 1, 0, 9, 9, 9, 9], 256),
            frame(&[127, 0, 0, 0, 0, 0, 1, 0, 0], 65_536),
        ];
        let all = frames.concat();
        for step in [1, 2, 3, 7, 1000, all.len()] {
            let (mut tracked, mut ends, mut passed) = (Frames::default(), Vec::new(), 0);
            for mut chunk in all.chunks(step) {
                while !chunk.is_empty() {
                    let count = tracked.pass_frame(chunk);
                    passed += count;
                    chunk = &chunk[count..];
                    if tracked.is_between() {
                        ends.push(passed);
                    }
                }
            }
            let expected: Vec<usize> = (1..=frames.len()).map(|count| frames[..count].concat().len()).collect();
            assert_eq!(ends, expected, "in steps of {step}");
        }
    }

    #[test]
    fn p8_our_close_frames_are_whole_and_known_as_such() {
        for close in [Close::GoingAway, Close::Idle, Close::Expired] {
            for bytes in [close.to_client(), close.to_upstream()] {
                let mut frames = Frames::default();
                frames.pass(&bytes);
                assert!(frames.is_between() && frames.is_closed(), "{bytes:?}");
            }
        }
        assert_eq!(Close::Expired.to_client()[..4], [0x88, 21, 0x03, 0xf0]);
        assert_eq!(Close::GoingAway.to_upstream()[..8], [0x88, 0x92, 0, 0, 0, 0, 0x03, 0xe9]);
    }
}
