//! Taking a case apart.

use crate::seeds::CHOICES;

/// A case: choices, then a text.
#[derive(Clone, Copy)]
pub(super) struct Input<'a> {
    choices: &'a [u8],
    pub(super) text: &'a [u8],
}

impl<'a> Input<'a> {
    pub(super) fn new(case: &'a [u8]) -> Self {
        let (choices, text) = case.split_at(CHOICES.min(case.len()));
        Self { choices, text }
    }

    /// The next choices; zero where there are no more.
    pub(super) fn array<const N: usize>(&mut self) -> [u8; N] {
        let mut array = [0; N];
        let (taken, rest) = self.choices.split_at(N.min(self.choices.len()));
        array[..taken.len()].copy_from_slice(taken);
        self.choices = rest;
        array
    }

    pub(super) fn byte(&mut self) -> u8 {
        self.array::<1>()[0]
    }

    /// A number below `end`.
    pub(super) fn below(&mut self, end: u8) -> u8 {
        self.byte() % end
    }

    pub(super) fn number(&mut self) -> usize {
        usize::from(u16::from_be_bytes(self.array()))
    }

    pub(super) fn flag(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    pub(super) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[usize::from(self.byte()) % of.len()]
    }

    /// The text, a line each.
    pub(super) fn lines(self) -> Vec<Vec<u8>> {
        lines(self.text)
    }
}

/// A text's lines; no line where nothing is left.
pub(super) fn lines(text: &[u8]) -> Vec<Vec<u8>> {
    if text.is_empty() { Vec::new() } else { text.split(|c| *c == b'\n').map(<[u8]>::to_vec).collect() }
}
