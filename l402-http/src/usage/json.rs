//! A JSON parser that remembers a fixed number of bytes (RFC 8259): it only says what `usage` says.

use super::Usage;

/// One document.
#[derive(Debug, Clone)]
pub(super) struct Json {
    state: State,
    /// Which of the containers are objects: a bit each, the innermost lowest.
    objects: u128,
    depth: u8,
    /// What the outermost containers are.
    places: [Place; 3],
    key: Key,
    /// What is read of the present `usage`.
    input: Number,
    output: Number,
    found: Option<(Usage, Source)>,
}

/// Where a usage stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    Document,
    Response,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Root,
    Response,
    Usage(Source),
    Other,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// A value comes.
    Value,
    /// A value comes, or the end of an array.
    First,
    /// A key comes, or the end of an object.
    FirstKey,
    /// A key comes.
    NextKey,
    InKey(Text),
    Colon,
    InString(Text),
    InNumber(Digits),
    InWord(&'static [u8]),
    AfterValue,
    End,
    Bad,
}

/// Where in a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Text {
    Plain,
    Escape,
    /// So many hexadecimal digits are to come.
    Hex(u8),
}

/// Where in a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Digits {
    Sign,
    Zero,
    Integer,
    Point,
    Fraction,
    Exponent,
    ExponentSign,
    Power,
}

/// What is known of a number of tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Number {
    Absent,
    Is(u64),
    Bad,
}

/// The last key, as far as it matters.
#[derive(Debug, Clone, Copy)]
struct Key {
    bytes: [u8; LONGEST],
    len: u8,
}

/// One more than the longest key that matters.
const LONGEST: usize = 18;

const DEEPEST: u8 = 128;

impl Json {
    pub(super) const fn new() -> Self {
        Self {
            state: State::Value,
            objects: 0,
            depth: 0,
            places: [Place::Other; 3],
            key: Key::EMPTY,
            input: Number::Absent,
            output: Number::Absent,
            found: None,
        }
    }

    pub(super) fn read(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.state = self.next(*byte);
        }
    }

    /// What the whole document says.
    pub(super) const fn usage(&self) -> Option<Usage> {
        match self.found() {
            Some((usage, _)) => Some(usage),
            None => None,
        }
    }

    pub(super) const fn found(&self) -> Option<(Usage, Source)> {
        match self.state {
            State::End => self.found,
            _ => None,
        }
    }

    fn next(&mut self, byte: u8) -> State {
        match self.state {
            State::InKey(text) => match text.next(byte) {
                Ok(Some(text)) => {
                    self.key.push(byte);
                    State::InKey(text)
                }
                Ok(None) => State::Colon,
                Err(()) => State::Bad,
            },
            State::InString(text) => match text.next(byte) {
                Ok(Some(text)) => State::InString(text),
                Ok(None) => self.after_value(),
                Err(()) => State::Bad,
            },
            State::InNumber(digits) => match digits.next(byte) {
                Some(digits) => {
                    self.digit(byte, digits);
                    State::InNumber(digits)
                }
                None if digits.may_end() => {
                    self.state = self.after_value();
                    self.next(byte)
                }
                None => State::Bad,
            },
            State::InWord(rest) => match rest {
                [last] if *last == byte => self.after_value(),
                [first, rest @ ..] if *first == byte => State::InWord(rest),
                _ => State::Bad,
            },
            state if matches!(byte, b' ' | b'\t' | b'\n' | b'\r') => state,
            State::First if byte == b']' => self.close(),
            State::Value | State::First => self.value(byte),
            State::FirstKey if byte == b'}' => self.close(),
            State::FirstKey | State::NextKey if byte == b'"' => {
                self.key = Key::EMPTY;
                State::InKey(Text::Plain)
            }
            State::Colon if byte == b':' => State::Value,
            State::AfterValue => match (byte, self.objects & 1 == 1) {
                (b',', true) => State::NextKey,
                (b',', false) => State::Value,
                (b'}', true) | (b']', false) => self.close(),
                _ => State::Bad,
            },
            State::FirstKey | State::NextKey | State::Colon | State::End | State::Bad => State::Bad,
        }
    }

    /// Begins a value. What else than a number stands where a number of tokens should is none.
    fn value(&mut self, byte: u8) -> State {
        let digits = match byte {
            b'-' => Some(Digits::Sign),
            b'0' => Some(Digits::Zero),
            b'1'..=b'9' => Some(Digits::Integer),
            _ => None,
        };
        if let Some(number) = self.number() {
            *number = if digits.is_some() { Number::Is(0) } else { Number::Bad };
        }
        match (byte, digits) {
            (_, Some(digits)) => {
                self.digit(byte, digits);
                State::InNumber(digits)
            }
            (b'{', _) => self.open(true),
            (b'[', _) => self.open(false),
            (b'"', _) => State::InString(Text::Plain),
            (b't', _) => State::InWord(b"true".split_at(1).1),
            (b'f', _) => State::InWord(b"false".split_at(1).1),
            (b'n', _) => State::InWord(b"null".split_at(1).1),
            _ => State::Bad,
        }
    }

    fn open(&mut self, is_object: bool) -> State {
        let place = match (self.depth, self.place(), self.key.bytes()) {
            _ if !is_object => Place::Other,
            (0, ..) => Place::Root,
            (_, Place::Root, b"usage") => Place::Usage(Source::Document),
            (_, Place::Root, b"response") => Place::Response,
            (_, Place::Response, b"usage") => Place::Usage(Source::Response),
            _ => Place::Other,
        };
        if self.depth >= DEEPEST {
            return State::Bad;
        }
        if let Place::Usage(_) = place {
            (self.input, self.output) = (Number::Absent, Number::Absent);
        }
        if let Some(here) = self.places.get_mut(usize::from(self.depth)) {
            *here = place;
        }
        self.objects = self.objects << 1 | u128::from(is_object);
        self.depth += 1;
        if is_object { State::FirstKey } else { State::First }
    }

    fn close(&mut self) -> State {
        if let Place::Usage(source) = self.place() {
            self.found = match (self.input, self.output) {
                (Number::Is(input), Number::Is(output)) => Some((Usage { input, output }, source)),
                (Number::Is(input), Number::Absent) => Some((Usage { input, output: 0 }, source)),
                _ => None,
            };
        }
        self.objects >>= 1;
        self.depth = self.depth.saturating_sub(1);
        self.after_value()
    }

    const fn after_value(&self) -> State {
        if self.depth == 0 { State::End } else { State::AfterValue }
    }

    /// What the innermost container is.
    fn place(&self) -> Place {
        let at = usize::from(self.depth).checked_sub(1);
        at.and_then(|at| self.places.get(at)).copied().unwrap_or(Place::Other)
    }

    /// The number that the present value is.
    fn number(&mut self) -> Option<&mut Number> {
        match (self.place(), self.key.bytes()) {
            (Place::Usage(_), b"prompt_tokens" | b"input_tokens") => Some(&mut self.input),
            (Place::Usage(_), b"completion_tokens" | b"output_tokens") => Some(&mut self.output),
            _ => None,
        }
    }

    fn digit(&mut self, byte: u8, digits: Digits) {
        let Some(number) = self.number() else { return };
        *number = match (*number, digits) {
            (Number::Is(value), Digits::Zero | Digits::Integer) => {
                let value =
                    value.checked_mul(10).and_then(|value| value.checked_add(u64::from(byte.wrapping_sub(b'0'))));
                value.map_or(Number::Bad, Number::Is)
            }
            _ => Number::Bad,
        };
    }
}

impl Text {
    /// [`Ok`] with nothing where the string ends.
    const fn next(self, byte: u8) -> Result<Option<Self>, ()> {
        match (self, byte) {
            (Self::Plain, b'"') => Ok(None),
            (Self::Plain, b'\\') => Ok(Some(Self::Escape)),
            (Self::Escape, b'u') => Ok(Some(Self::Hex(4))),
            (Self::Plain, 0x20..) | (Self::Escape, b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                Ok(Some(Self::Plain))
            }
            (Self::Hex(left), b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => {
                Ok(Some(if left > 1 { Self::Hex(left - 1) } else { Self::Plain }))
            }
            _ => Err(()),
        }
    }
}

impl Digits {
    const fn next(self, byte: u8) -> Option<Self> {
        match (self, byte) {
            (Self::Sign, b'0') => Some(Self::Zero),
            (Self::Sign, b'1'..=b'9') | (Self::Integer, b'0'..=b'9') => Some(Self::Integer),
            (Self::Zero | Self::Integer, b'.') => Some(Self::Point),
            (Self::Point | Self::Fraction, b'0'..=b'9') => Some(Self::Fraction),
            (Self::Zero | Self::Integer | Self::Fraction, b'e' | b'E') => Some(Self::Exponent),
            (Self::Exponent, b'+' | b'-') => Some(Self::ExponentSign),
            (Self::Exponent | Self::ExponentSign | Self::Power, b'0'..=b'9') => Some(Self::Power),
            _ => None,
        }
    }

    const fn may_end(self) -> bool {
        matches!(self, Self::Zero | Self::Integer | Self::Fraction | Self::Power)
    }
}

impl Key {
    const EMPTY: Self = Self { bytes: [0; LONGEST], len: 0 };

    /// One that is too long, or has an escape in it, is no key that matters.
    fn push(&mut self, byte: u8) {
        if let Some(place) = self.bytes.get_mut(usize::from(self.len)) {
            *place = byte;
            self.len += 1;
        }
    }

    fn bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }
}
