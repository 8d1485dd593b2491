//! Which version of HTTP a client speaks: one of HTTP/2 says so in its first bytes (RFC 9113 §3.4).

use bytes::Bytes;
use std::io;
use tokio::io::{AsyncRead, AsyncReadExt};

/// The version, and what was read to know it, which is part of what follows.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Spoken {
    Http1(Bytes),
    Http2(Bytes),
}

/// Reads until the version is known: no longer than the bytes agree with what HTTP/2 begins with.
///
/// # Errors
/// The connection is broken.
pub(super) async fn spoken(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Spoken> {
    let mut bytes = [0; PREFACE.len()];
    let mut filled = 0;
    loop {
        let Some(free) = bytes.get_mut(filled..).filter(|free| !free.is_empty()) else {
            return Ok(Spoken::Http2(Bytes::from_static(PREFACE)));
        };
        let count = stream.read(free).await?;
        filled = filled.saturating_add(count);
        let read = bytes.get(..filled).unwrap_or_default();
        if count == 0 || !PREFACE.starts_with(read) {
            return Ok(Spoken::Http1(Bytes::copy_from_slice(read)));
        }
    }
}

const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncWriteExt;

    #[tokio::test]
    async fn a_version_is_known_as_soon_as_the_bytes_differ() {
        for (pieces, expected) in [
            (&[&b"GET / HTTP/1.1\r\n"[..]][..], Spoken::Http1(Bytes::from_static(b"GET / HTTP/1.1\r\n"))),
            (&[b"P", b"OST / HTTP/1.1"], Spoken::Http1(Bytes::from_static(b"POST / HTTP/1.1"))),
            (&[&PREFACE[..10], &PREFACE[10..]], Spoken::Http2(Bytes::from_static(PREFACE))),
            (&[b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0"], Spoken::Http2(Bytes::from_static(PREFACE))),
            (&[b"PRI"], Spoken::Http1(Bytes::from_static(b"PRI"))),
            (&[], Spoken::Http1(Bytes::new())),
        ] {
            let (mut client, mut server) = tokio::io::duplex(64);
            let write = async {
                for piece in pieces {
                    client.write_all(piece).await.expect("written");
                    tokio::task::yield_now().await;
                }
                drop(client);
            };
            let ((), found) = tokio::join!(write, spoken(&mut server));
            assert_eq!(found.expect("read"), expected);
        }
    }
}
