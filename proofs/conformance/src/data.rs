//! The vectors, as static data that the build script wrote.

/// Bytes as pieces, each with how often it stands there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bytes(pub(crate) &'static [(&'static [u8], usize)]);

impl Bytes {
    pub(crate) fn len(&self) -> usize {
        self.0.iter().map(|(piece, times)| piece.len() * times).sum()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = u8> {
        self.0.iter().flat_map(|(piece, times)| core::iter::repeat_n(*piece, *times).flatten().copied())
    }
}

impl PartialEq<[u8]> for Bytes {
    fn eq(&self, other: &[u8]) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter().copied())
    }
}

pub(crate) type Name = &'static str;
pub(crate) type Hex = Bytes;
pub(crate) type Text = Bytes;
pub(crate) type Hex16 = [u8; 16];
pub(crate) type Hex28 = [u8; 28];
pub(crate) type Hex32 = [u8; 32];
pub(crate) type U64 = u64;
pub(crate) type I64 = i64;
pub(crate) type List<T> = &'static [T];

/// A field that no verdict depends on, and that therefore takes no room.
pub(crate) type Ignored = ();

/// What every case has.
pub(crate) trait Case: 'static {
    type Facts: 'static;

    /// The subject and name of its file.
    const KIND: &'static str;

    fn id(&self) -> &'static str;
    fn rule(&self) -> &'static str;
    fn verdict(&self) -> &'static str;
    fn error(&self) -> Option<&'static str>;
    fn result(&self) -> Option<&Self::Facts>;
    fn min_ram(&self) -> Option<usize>;
}

macro_rules! kinds {
    ($($kind:literal $table:ident: $case:ident => $facts:ident { $($field:ident: $type:ty),* })*) => {
        $(
            pub(crate) struct $case {
                id: Name,
                rule: Name,
                #[expect(dead_code, reason = "zero-sized")]
                origin: Ignored,
                #[expect(dead_code, reason = "zero-sized")]
                made_by: Ignored,
                verdict: Name,
                error: Option<Name>,
                min_ram: Option<usize>,
                result: Option<$facts>,
                $(pub(crate) $field: $type),*
            }

            impl Case for $case {
                type Facts = $facts;

                const KIND: &'static str = $kind;

                fn id(&self) -> &'static str {
                    self.id
                }

                fn rule(&self) -> &'static str {
                    self.rule
                }

                fn verdict(&self) -> &'static str {
                    self.verdict
                }

                fn error(&self) -> Option<&'static str> {
                    self.error
                }

                fn result(&self) -> Option<&$facts> {
                    self.result.as_ref()
                }

                fn min_ram(&self) -> Option<usize> {
                    self.min_ram
                }
            }
        )*
    };
}

macro_rules! parts {
    ($($part:ident { $($field:ident: $type:ty),* })*) => {
        $(pub(crate) struct $part { $(pub(crate) $field: $type),* })*
    };
}

include!("model.rs");
include!(concat!(env!("OUT_DIR"), "/tables.rs"));
