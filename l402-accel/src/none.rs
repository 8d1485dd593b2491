//! The engines that a processor lacks: they cannot be made, so that their methods need no body.

use crate::base64::Marks;
use crate::lanes::{LANES, States};

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

#[derive(Debug, Clone, Copy)]
pub(crate) enum Lanes {}

impl Lanes {
    #[inline]
    pub(crate) const fn detect() -> Option<Self> {
        None
    }

    pub(crate) fn digest(self, _messages: &[&[u8]; LANES]) -> States {
        match self {}
    }

    pub(crate) fn extend(self, _keys: &mut States, _messages: &[Option<&[u8]>; LANES]) {
        match self {}
    }

    pub(crate) fn hmac_from(self, _inner: &States, _outer: &States, _messages: &[&[u8]; LANES]) -> States {
        match self {}
    }

    pub(crate) fn hmac_words_from(self, _inner: &States, _outer: &States, _messages: &States) -> States {
        match self {}
    }
}

#[cfg(not(target_arch = "aarch64"))]
pub(crate) use sha256::Sha256;

#[cfg(not(target_arch = "aarch64"))]
mod sha256 {
    use crate::{BLOCK, State};

    #[derive(Debug, Clone, Copy)]
    pub(crate) enum Sha256 {}

    impl Sha256 {
        #[inline]
        pub(crate) const fn detect() -> Option<Self> {
            None
        }

        pub(crate) fn compress(self, _state: &mut State, _blocks: &[[u8; BLOCK]]) {
            match self {}
        }

        pub(crate) fn compress2(self, _states: &mut [State; 2], _blocks: [&[u8; BLOCK]; 2]) {
            match self {}
        }

        pub(crate) fn hmac(self, _key: &State, _message: &[u8]) -> State {
            match self {}
        }

        pub(crate) fn hmac_from(self, _inner: &State, _outer: &State, _message: &[u8]) -> State {
            match self {}
        }
    }
}
