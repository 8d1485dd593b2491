//! The engines that a processor lacks: they cannot be made, so that their methods need no body.

use crate::marks::Marks;

#[derive(Debug, Clone, Copy)]
pub(crate) enum Base64 {}

impl Base64 {
    #[inline]
    pub(crate) const fn detect() -> Option<Self> {
        None
    }

    pub(crate) fn decode(self, _text: &[u8], _out: &mut [u8]) -> Marks {
        match self {}
    }
}

#[cfg(not(target_arch = "aarch64"))]
pub(crate) use sha256::Sha256;

#[cfg(not(target_arch = "aarch64"))]
mod sha256 {
    use crate::State;

    #[derive(Debug, Clone, Copy)]
    pub(crate) enum Sha256 {}

    impl Sha256 {
        #[inline]
        pub(crate) const fn detect() -> Option<Self> {
            None
        }

        pub(crate) fn hmac(self, _key: &State, _message: &[u8]) -> State {
            match self {}
        }

        pub(crate) fn hmac_and_digest32(self, _key: &State, _message: &[u8], _other: &[u8; 32]) -> (State, State) {
            match self {}
        }

        pub(crate) fn hmac_from(self, _midstates: [&State; 2], _message: &[u8]) -> State {
            match self {}
        }

        pub(crate) fn hmac_words_from(self, _midstates: [&State; 2], _message: &State) -> State {
            match self {}
        }
    }
}
