//! How the bytes of a response are cut makes no difference to its usage, and only a JSON document has one.
#![no_main]

use l402_http::usage::{Usage, UsageReader};
use serde::de::IgnoredAny;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((cuts, text)) = data.split_first() else { return };
    let documents = [UsageReader::json(), UsageReader::events()].map(|reader| {
        let whole = read(reader.clone(), [text]);
        assert_eq!(read(reader.clone(), text.chunks(1)), whole);
        assert_eq!(read(reader.clone(), text.chunks(usize::from(*cuts).max(1))), whole);
        let (head, tail) = text.split_at(usize::from(*cuts).min(text.len()));
        assert_eq!(read(reader, [head, b"", tail]), whole);
        whole
    });
    if let (Some(_), _) = documents[0] {
        serde_json::from_slice::<IgnoredAny>(text).expect("what has a usage is a document");
    }
});

fn read<'t>(mut reader: UsageReader, pieces: impl IntoIterator<Item = &'t [u8]>) -> (Option<Usage>, bool) {
    pieces.into_iter().for_each(|piece| reader.read(piece));
    (reader.usage(), reader.is_complete())
}
