//! Taking a case apart.

/// The bytes of a case that nobody has taken yet.
#[derive(Clone, Copy)]
pub(super) struct Input<'a>(pub(super) &'a [u8]);

impl Input<'_> {
    /// The next bytes; zero where the case has ended.
    pub(super) fn array<const N: usize>(&mut self) -> [u8; N] {
        let mut array = [0; N];
        let (taken, rest) = self.0.split_at(N.min(self.0.len()));
        array[..taken.len()].copy_from_slice(taken);
        self.0 = rest;
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

    /// Everything that is left, a line each; no line where nothing is left.
    pub(super) fn lines(self) -> Vec<Vec<u8>> {
        if self.0.is_empty() { Vec::new() } else { self.0.split(|c| *c == b'\n').map(<[u8]>::to_vec).collect() }
    }
}
