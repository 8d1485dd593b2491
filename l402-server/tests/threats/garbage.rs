//! T4: no input ends the gateway, however long, deep or wrong.

use crate::stand::{Crafted, Purchase, Stand, request};

/// A token of `/v1/now` with this many caveats in all.
fn with_caveats(count: usize) -> Purchase {
    let start = Crafted::new([1; 32]).caveat(b"services=maps:0").caveat(b"maps_capabilities=get-v1-now");
    (2..count).fold(start, |token, _| token.caveat(b"maps_valid_until=99999999999")).sign()
}

#[tokio::test]
async fn t4_a_token_has_at_most_32_caveats_and_8_kib() {
    let stand = Stand::with("protocol = { strict_settlement = false }").await;
    let fullest = with_caveats(32);
    assert_eq!(stand.present("GET", "/v1/now", &fullest.credential()).await.body, "served", "32 are a token");
    let long = |length: usize| {
        let start = Crafted::new([1; 32]).caveat(b"services=maps:0").caveat(b"maps_capabilities=get-v1-now");
        let padding = [b"maps_gold_x=".to_vec(), vec![b'x'; length]].concat();
        start.caveat(&padding).sign()
    };
    for (what, token) in [
        ("33 caveats", with_caveats(33)),
        ("200 caveats", with_caveats(200)),
        ("more than 8 KiB", long(8192)),
        ("30 KiB", long(30_000)),
        ("no end of its length", fullest.changed(|bytes| bytes.splice(8..9, [0xff; 400]).for_each(drop))),
        (
            "a length of 2^63",
            fullest.changed(|bytes| bytes.splice(8..9, [0xff; 9].into_iter().chain([1])).for_each(drop)),
        ),
    ] {
        let answer = stand.present("GET", "/v1/now", &token.credential()).await;
        assert_eq!((answer.status, answer.reason().as_str()), (400, "malformed-credential"), "{what}");
        let answer = stand.ask("GET", "/v1/now", &[("Macaroon", &token.hex())]).await;
        assert_eq!((answer.status, answer.reason().as_str()), (400, "malformed-credential"), "{what}, in metadata");
    }
    let nearly = stand.present("GET", "/v1/now", &long(7_900).credential()).await;
    assert_eq!((nearly.status, nearly.reason().as_str()), (402, "unknown-caveat"), "8 KiB are read to their end");
    stand.is_well().await;
}

/// The smallest packets of the older format, without end: a recursive parser overflows its stack here.
fn old_packets(count: usize) -> Vec<u8> {
    b"0006c\n".repeat(count)
}

#[tokio::test]
async fn t4_what_is_no_token_is_400() {
    let stand = Stand::open().await;
    let preimage = "11".repeat(32);
    let mut bodies = vec![old_packets(1), old_packets(1_300), old_packets(7_000), vec![0; 6_000], vec![0xff; 6_000]];
    bodies.extend((0..60).map(|seed| noise(seed, 400)));
    let whole = with_caveats(3);
    for (index, body) in bodies.iter().enumerate() {
        let token = whole.changed(|bytes| bytes.clone_from(body)).token;
        let answer = stand.present("GET", "/v1/now", &format!("L402 {token}:{preimage}")).await;
        assert_eq!((answer.status, answer.reason().as_str()), (400, "malformed-credential"), "{index}");
    }
    for text in [",".repeat(20_000), ":".repeat(20_000), "=".repeat(20_000), "A".repeat(60_000), "\"".repeat(9_000)] {
        let answer = stand.present("GET", "/v1/now", &format!("L402 {text}")).await;
        assert_eq!(answer.status, 400, "{text:.5}");
    }
    assert_eq!(stand.upstream.take(), [""; 0]);
    stand.is_well().await;
}

#[tokio::test]
async fn t4_every_byte_of_a_token_can_be_wrong() {
    let stand = Stand::open().await;
    let good = stand.buy("GET", "/v1/now").await;
    let length = good.hex().len() / 2;
    for position in 0..length {
        let answer = {
            let wrong = good.changed(|bytes| bytes[position] ^= 0x81);
            stand.present("GET", "/v1/now", &wrong.credential()).await
        };
        // The location of the token, bytes 3 to 6, is a hint that no signature covers.
        let expected: &[u16] = if (3..7).contains(&position) { &[200] } else { &[400, 401] };
        assert!(expected.contains(&answer.status), "byte {position}: {}", answer.text());
        let cut = good.changed(|bytes| bytes.truncate(position));
        assert_eq!(stand.present("GET", "/v1/now", &cut.credential()).await.status, 400, "cut at {position}");
    }
    stand.is_well().await;
}

#[tokio::test]
async fn t4_a_head_of_more_than_64_kib_is_431() {
    let stand = Stand::open().await;
    let long = "x".repeat(70 * 1024);
    for bytes in [
        request("GET", "/v1/now", &[("Authorization", &format!("L402 {long}:00"))]),
        request("GET", "/v1/now", &[("X-Long", &long)]),
        request("GET", "/v1/now", &vec![("X-A", "b"); 8_000]),
        request("GET", "/v1/now", &vec![("Macaroon", "0201"); 5_000]),
    ] {
        let answer = stand.send(bytes.as_bytes()).await;
        assert_eq!(answer.status, 431, "{bytes:.100}");
    }
    let answer = stand.send(request("GET", &format!("/{long}"), &[]).as_bytes()).await;
    assert!([414, 431].contains(&answer.status), "{}", answer.text());
    stand.is_well().await;
}

#[tokio::test]
async fn t4_bytes_that_are_no_http_are_400() {
    let stand = Stand::open().await;
    for bytes in [
        &b"\0\0\0\0\r\n\r\n"[..],
        b"\xff\xfe\xfd\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /v1/now\r\n\r\n",
        b"GET /v1/now HTTP/9.9\r\n\r\n",
        b"GET  /v1/now HTTP/1.1\r\n\r\n",
        b"GET /v1/now HTTP/1.1\r\nHost\r\n\r\n",
        b"GET /v1/now HTTP/1.1\r\n: a\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET /v1/now\xff HTTP/1.1\r\nHost: \x01\r\n\r\n",
    ] {
        let answer = stand.send(bytes).await;
        assert_eq!(answer.status, 400, "{}: {}", String::from_utf8_lossy(bytes), answer.text());
    }
    let mut not_text = request("GET", "/v1/now", &[("Authorization", "L402 ??:?")]).into_bytes();
    not_text.iter_mut().filter(|byte| **byte == b'?').for_each(|byte| *byte = 0xff);
    assert_eq!(stand.send(&not_text).await.reason(), "malformed-credential");
    assert_eq!(stand.upstream.take(), [""; 0]);
    stand.is_well().await;
}

#[tokio::test]
async fn t4_noise_in_each_place_of_a_request_ends_nothing() {
    let stand = Stand::open().await;
    for seed in 0..40 {
        let noise = noise(seed, 200);
        for (before, after) in [
            (&b""[..], &b"\r\n\r\n"[..]),
            (b"GET /v1/", b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"),
            (b"GET /v1/now HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: L402 ", b"\r\n\r\n"),
            (b"GET /v1/now HTTP/1.1\r\nHost: a\r\nConnection: close\r\nMacaroon: ", b"\r\n\r\n"),
        ] {
            let answer = stand.send(&[before, &noise, after].concat()).await;
            assert!((400..=431).contains(&answer.status), "{seed}: {}", answer.text());
        }
    }
    stand.is_well().await;
}

/// The same bytes for the same seed: xorshift64.
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..length).map(|_| next()).collect()
}
