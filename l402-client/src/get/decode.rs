//! A compressed body (`--compressed`): gzip and deflate (RFC 9110 §8.4.1).

use bytes::Bytes;
use core::fmt;
use flate2::write::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use http::HeaderMap;
use http::header::CONTENT_ENCODING;
use std::io::{self, Write};

/// Decompresses a body, a piece at a time.
#[derive(Debug, Default)]
pub(crate) enum Decoder {
    #[default]
    Plain,
    Gzip(MultiGzDecoder<Vec<u8>>),
    /// The first byte says whether it has a frame (RFC 1950) or, as some servers send it, none (RFC 1951).
    Deflate,
    Framed(ZlibDecoder<Vec<u8>>),
    Bare(DeflateDecoder<Vec<u8>>),
}

impl Decoder {
    /// Returns what decompresses a response with these headers.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, DecodeError> {
        let mut encodings = headers.get_all(CONTENT_ENCODING).iter();
        let Some(encoding) = encodings.next() else { return Ok(Self::Plain) };
        let name = encoding.to_str().unwrap_or_default().trim().to_ascii_lowercase();
        match name.as_str() {
            _ if encodings.next().is_some() => Err(DecodeError::Unknown),
            "" | "identity" => Ok(Self::Plain),
            "gzip" | "x-gzip" => Ok(Self::Gzip(MultiGzDecoder::new(Vec::new()))),
            "deflate" => Ok(Self::Deflate),
            _ => Err(DecodeError::Unknown),
        }
    }

    /// Cuts a piece of a body: what is short cannot become long.
    pub(crate) fn pieces(mut data: Bytes) -> impl Iterator<Item = Bytes> {
        core::iter::from_fn(move || {
            let piece = data.split_to(data.len().min(PIECE));
            (!piece.is_empty()).then_some(piece)
        })
    }

    /// Takes a piece, and returns what has come out.
    pub(crate) fn push(&mut self, piece: Bytes) -> Result<Bytes, DecodeError> {
        if let (Self::Deflate, Some(first)) = (&*self, piece.first()) {
            *self = match first & 0x0f {
                8 => Self::Framed(ZlibDecoder::new(Vec::new())),
                _ => Self::Bare(DeflateDecoder::new(Vec::new())),
            };
        }
        let out = match self {
            Self::Plain | Self::Deflate => return Ok(piece),
            Self::Gzip(decoder) => decoder.write_all(&piece).map(|()| decoder.get_mut()),
            Self::Framed(decoder) => decoder.write_all(&piece).map(|()| decoder.get_mut()),
            Self::Bare(decoder) => decoder.write_all(&piece).map(|()| decoder.get_mut()),
        };
        out.map(|out| core::mem::take(out).into()).map_err(DecodeError::Damaged)
    }

    /// Returns the rest. What was cut off is an error.
    pub(crate) fn finish(self) -> Result<Bytes, DecodeError> {
        let rest = match self {
            Self::Plain | Self::Deflate => Ok(Vec::new()),
            Self::Gzip(decoder) => decoder.finish(),
            Self::Framed(decoder) => decoder.finish(),
            Self::Bare(decoder) => decoder.finish(),
        };
        rest.map(Bytes::from).map_err(DecodeError::Damaged)
    }
}

/// Why a body cannot be decompressed.
#[derive(Debug)]
#[non_exhaustive]
pub enum DecodeError {
    /// Its encoding is not one that was asked for.
    Unknown,
    /// It is not what its encoding says, or was cut off.
    Damaged(io::Error),
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "the body has an encoding that was not asked for",
            Self::Damaged(_) => "cannot decompress the body",
        })
    }
}

impl core::error::Error for DecodeError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Unknown => None,
            Self::Damaged(cause) => Some(cause),
        }
    }
}

const PIECE: usize = 4 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

    fn decoded(encoding: &'static str, body: &[u8], cut: usize) -> Result<Vec<u8>, DecodeError> {
        let headers = HeaderMap::from_iter([(CONTENT_ENCODING, encoding.parse().unwrap())]);
        let (mut decoder, mut out) = (Decoder::of(&headers)?, Vec::new());
        for piece in body.chunks(cut).flat_map(|piece| Decoder::pieces(Bytes::copy_from_slice(piece))) {
            out.extend_from_slice(&decoder.push(piece)?);
        }
        out.extend_from_slice(&decoder.finish()?);
        Ok(out)
    }

    fn encoded(text: &[u8]) -> [(&'static str, Vec<u8>); 4] {
        let (mut gzip, mut framed, mut bare) = (
            GzEncoder::new(Vec::new(), Compression::best()),
            ZlibEncoder::new(Vec::new(), Compression::best()),
            DeflateEncoder::new(Vec::new(), Compression::best()),
        );
        for to in [&mut gzip as &mut dyn Write, &mut framed, &mut bare] {
            to.write_all(text).unwrap();
        }
        let [gzip, framed, bare] = [gzip.finish(), framed.finish(), bare.finish()].map(Result::unwrap);
        [("gzip", gzip), ("deflate", framed), ("deflate", bare), ("identity", text.to_vec())]
    }

    #[test]
    fn each_encoding_comes_out_as_it_went_in() {
        let text: Vec<u8> = (0..20_000_u32).flat_map(|n| (n / 7).to_le_bytes()).collect();
        for (encoding, body) in encoded(&text) {
            for cut in [1, 7, 5_000, usize::MAX] {
                assert!(decoded(encoding, &body, cut).unwrap() == text, "{encoding} {cut}");
            }
        }
    }

    #[test]
    fn what_was_cut_off_or_is_none_of_it_is_an_error() {
        for (encoding, body) in encoded(b"some text that is long enough").into_iter().take(3) {
            assert!(decoded(encoding, &body[..body.len() - 9], 5).is_err(), "{encoding}");
        }
        assert!(matches!(decoded("gzip", b"plain", 9), Err(DecodeError::Damaged(_))));
        assert!(matches!(decoded("br", b"x", 9), Err(DecodeError::Unknown)));
        assert!(matches!(decoded("gzip, gzip", b"x", 9), Err(DecodeError::Unknown)));
    }
}
