//! How numbers and bytes stand in a row.

use core::fmt;

/// Writes a row.
#[derive(Debug, Default)]
pub(super) struct Writer(Vec<u8>);

/// Reads a row.
#[derive(Debug)]
pub(super) struct Reader<'a>(&'a [u8]);

/// A row is not what this program writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RowError {
    /// A later version may have written it.
    TooNew,
    /// It ends too early, or says what cannot be.
    Damaged,
}

impl Writer {
    pub(super) fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// Seven bits a byte, the lowest first; the highest bit says that more follow (LEB128).
    pub(super) fn number(&mut self, mut number: u64) {
        while number > 0x7F {
            self.0.push(number.to_le_bytes()[0] | 0x80);
            number >>= 7;
        }
        self.0.push(number.to_le_bytes()[0]);
    }

    pub(super) fn count(&mut self, count: usize) {
        self.number(count as u64);
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.0
    }
}

impl<'a> Reader<'a> {
    pub(super) const fn new(row: &'a [u8]) -> Self {
        Self(row)
    }

    pub(super) fn byte(&mut self) -> Result<u8, RowError> {
        self.bytes::<1>().map(|[byte]| byte)
    }

    pub(super) fn bytes<const N: usize>(&mut self) -> Result<[u8; N], RowError> {
        let (bytes, rest) = self.0.split_first_chunk().ok_or(RowError::Damaged)?;
        self.0 = rest;
        Ok(*bytes)
    }

    /// Reads bytes after their number.
    pub(super) fn slice(&mut self) -> Result<&'a [u8], RowError> {
        let len = self.number()?.try_into().map_err(|_| RowError::Damaged)?;
        let (bytes, rest) = self.0.split_at_checked(len).ok_or(RowError::Damaged)?;
        self.0 = rest;
        Ok(bytes)
    }

    pub(super) fn number(&mut self) -> Result<u64, RowError> {
        let mut number = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7F);
            if bits.leading_zeros() < shift {
                break;
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(RowError::Damaged)
    }

    pub(super) fn small(&mut self) -> Result<u32, RowError> {
        self.number()?.try_into().map_err(|_| RowError::Damaged)
    }

    /// Reads a list: how many, then each. A number that is larger than what follows allocates nothing.
    pub(super) fn list<T>(&mut self, item: impl Fn(&mut Self) -> Result<T, RowError>) -> Result<Vec<T>, RowError> {
        let count = self.number()?;
        let mut items = Vec::new();
        for _ in 0..count {
            items.push(item(self)?);
        }
        Ok(items)
    }

    pub(super) const fn end(&self) -> Result<(), RowError> {
        if self.0.is_empty() { Ok(()) } else { Err(RowError::Damaged) }
    }
}

impl fmt::Display for RowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooNew => "a record has an unknown version",
            Self::Damaged => "a record cannot be read",
        })
    }
}

impl core::error::Error for RowError {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_number_is_read_back(number: u64, small: u8) {
            for number in [number, u64::from(small), u64::MAX] {
                let mut writer = Writer::default();
                writer.number(number);
                let row = writer.finish();
                let mut reader = Reader::new(&row);
                prop_assert_eq!(reader.number(), Ok(number));
                prop_assert_eq!(reader.end(), Ok(()));
            }
        }

        #[test]
        fn no_bytes_are_a_number_that_is_too_large(bytes in prop::collection::vec(any::<u8>(), 0..12)) {
            let mut reader = Reader::new(&bytes);
            if let Ok(number) = reader.number() {
                let length = bytes.len() - reader.0.len();
                let mut writer = Writer::default();
                writer.number(number);
                prop_assert!(writer.finish().len() <= length);
            }
        }
    }

    #[test]
    fn a_list_that_says_it_is_endless_is_damaged() {
        let mut writer = Writer::default();
        writer.number(u64::MAX);
        writer.byte(1);
        assert_eq!(Reader::new(&writer.finish()).list(Reader::byte), Err(RowError::Damaged));
    }
}
