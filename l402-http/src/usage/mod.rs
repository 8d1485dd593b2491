//! How many tokens a language model has used, as its response says: what a route that is metered by the token is settled by.
//!
//! ```
//! use l402_http::usage::{Usage, UsageReader};
//!
//! let mut reader = UsageReader::json();
//! reader.read(br#"{"choices": [], "usage": {"prompt_tokens": 9, "comp"#); // a body comes in pieces
//! reader.read(br#"letion_tokens": 12, "total_tokens": 21}}"#);
//! assert_eq!(reader.usage(), Some(Usage { input: 9, output: 12 }));
//! ```
//!
//! # Rules
//!
//! 1. Numbers are read at their documented place and nowhere else, however much the text of an answer looks like them: `usage` of
//!    the outermost object (Chat Completions, and each of its chunks), or `usage` of its `response` (the events of Responses).
//!    Their names are `prompt_tokens` and `completion_tokens`, or `input_tokens` and `output_tokens`.
//! 2. The parser remembers a fixed number of bytes, whatever comes. What is nested deeper than 128, or is no JSON, has no usage.
//! 3. Of several the last counts: a stream may say what was used so far in each of its chunks.
//! 4. A number that is negative, has a fraction or an exponent, or does not fit 64 bits is no number of tokens.

mod events;
mod json;

use events::Events;
use json::Json;

/// Tokens that were used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Usage {
    /// Those of the question.
    pub input: u64,
    /// Those of the answer.
    pub output: u64,
}

/// Reads the body of a response piece by piece.
#[derive(Debug, Clone)]
pub struct UsageReader(Form);

#[derive(Debug, Clone)]
enum Form {
    Json(Json),
    Events(Events),
}

impl UsageReader {
    /// Reads one JSON document.
    pub const fn json() -> Self {
        Self(Form::Json(Json::new()))
    }

    /// Reads server-sent events, each of which is a JSON document; `[DONE]` ends them.
    pub const fn events() -> Self {
        Self(Form::Events(Events::new()))
    }

    /// Chooses by the `Content-Type` of the response; [`None`] where it is neither.
    pub fn of_content_type(value: &[u8]) -> Option<Self> {
        let kind = value.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii().to_ascii_lowercase();
        match &kind[..] {
            b"text/event-stream" => Some(Self::events()),
            b"application/json" => Some(Self::json()),
            kind if kind.starts_with(b"application/") && kind.ends_with(b"+json") => Some(Self::json()),
            _ => None,
        }
    }

    /// Takes in the next bytes of the body.
    pub fn read(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            Form::Json(json) => json.read(bytes),
            Form::Events(events) => events.read(bytes),
        }
    }

    /// Returns what the response has said so far; [`None`] where it has not said it, or where it is not what it should be.
    pub const fn usage(&self) -> Option<Usage> {
        match &self.0 {
            Form::Json(json) => json.usage(),
            Form::Events(events) => events.usage(),
        }
    }

    /// Tells whether all was said, even where the body goes on.
    pub const fn is_complete(&self) -> bool {
        match &self.0 {
            Form::Json(json) => json.usage().is_some(),
            Form::Events(events) => events.is_complete(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    /// The same by a second parser.
    fn expected(document: &Value) -> Option<Usage> {
        let of = |usage: &Value| {
            let number = |names: [&str; 2]| names.iter().find_map(|name| usage.get(name)).map(Value::as_u64);
            let input = number(["prompt_tokens", "input_tokens"])??;
            let output = number(["completion_tokens", "output_tokens"]).unwrap_or(Some(0))?;
            Some(Usage { input, output })
        };
        [document.get("usage"), document.get("response").and_then(|response| response.get("usage"))]
            .into_iter()
            .flatten()
            .find_map(of)
    }

    fn read_in_pieces(mut reader: UsageReader, text: &[u8], cut: usize) -> Option<Usage> {
        for piece in text.chunks(cut.max(1)) {
            reader.read(piece);
        }
        reader.usage()
    }

    #[test]
    fn the_documented_places_are_read() {
        let chat = json!({"id": "x", "choices": [{"message": {"content": "hello"}}],
            "usage": {"prompt_tokens": 19, "completion_tokens": 10, "total_tokens": 29,
                "prompt_tokens_details": {"cached_tokens": 0, "prompt_tokens": 7}, "completion_tokens_details": {}}});
        let responses = json!({"object": "response", "output": [], "usage": {"input_tokens": 36, "output_tokens": 87}});
        let event =
            json!({"type": "response.completed", "response": {"usage": {"output_tokens": 5, "input_tokens": 4}}});
        let embeddings = json!({"data": [], "usage": {"prompt_tokens": 8, "total_tokens": 8}});
        for (document, input, output) in [(chat, 19, 10), (responses, 36, 87), (event, 4, 5), (embeddings, 8, 0)] {
            let text = document.to_string();
            for cut in [1, 2, 7, text.len()] {
                let read = read_in_pieces(UsageReader::json(), text.as_bytes(), cut);
                assert_eq!(read, Some(Usage { input, output }), "{text}");
            }
        }
    }

    #[test]
    fn events_may_begin_with_a_byte_order_mark() {
        let event = "data: {\"usage\": {\"prompt_tokens\": 4, \"completion_tokens\": 5}}\n\n";
        for (start, is_read) in [("", true), ("\u{feff}", true), ("\u{feff}\u{feff}", false), ("\u{fe00}", false)] {
            let text = format!("{start}{event}");
            for cut in [1, 2, text.len()] {
                let read = read_in_pieces(UsageReader::events(), text.as_bytes(), cut);
                assert_eq!(read, is_read.then_some(Usage { input: 4, output: 5 }), "{text:?}");
            }
        }
    }

    #[test]
    fn text_that_looks_like_usage_is_text() {
        let usage = r#"{"usage": {"prompt_tokens": 1, "completion_tokens": 1}}"#;
        for document in [
            json!({"choices": [{"message": {"content": usage}}]}),
            json!({"choices": [{"usage": {"prompt_tokens": 1, "completion_tokens": 1}}]}),
            json!({"choices": {"usage": {"prompt_tokens": 1, "completion_tokens": 1}}}),
            json!([{"usage": {"prompt_tokens": 1, "completion_tokens": 1}}]),
            json!({"usage": [{"prompt_tokens": 1, "completion_tokens": 1}]}),
            json!({"usage": {"deeper": {"prompt_tokens": 1, "completion_tokens": 1}}}),
            json!({"response": {"response": {"usage": {"prompt_tokens": 1, "completion_tokens": 1}}}}),
            json!({"usage": null}),
            json!({"usage": {"completion_tokens": 1}}),
            json!(usage),
        ] {
            assert_eq!(read_in_pieces(UsageReader::json(), document.to_string().as_bytes(), 3), None, "{document}");
        }
        let split = r#"{"x": "\"}, \"usage\": {\"prompt_tokens\": 1}", "y": "\\", "usage": {"prompt_tokens": 2}}"#;
        assert_eq!(read_in_pieces(UsageReader::json(), split.as_bytes(), 1), Some(Usage { input: 2, output: 0 }));
    }

    #[test]
    fn what_is_no_document_has_no_usage() {
        let usage = r#"{"usage": {"prompt_tokens": 1}"#;
        let deep = format!("{{\"a\": {}{}, \"usage\": {{\"prompt_tokens\": 1}}}}", "[".repeat(128), "]".repeat(128));
        for text in [
            usage.to_owned(),
            format!("{usage},}}"),
            format!("{usage}}} x"),
            format!("{usage}]"),
            format!("x{usage}}}"),
            format!("{usage}, \"a\": t}}"),
            format!("{usage}, \"a\": \"\n\"}}"),
            format!("{usage}, \"a\": \"\\x\"}}"),
            format!("{usage}, 1: 2}}"),
            deep,
        ]
        .into_iter()
        .chain(
            ["-1", "1.0", "1e3", "01", "18446744073709551616", "\"1\"", "null", "+1", ""]
                .map(|number| format!(r#"{{"usage": {{"prompt_tokens": {number}, "completion_tokens": 1}}}}"#)),
        ) {
            assert_eq!(read_in_pieces(UsageReader::json(), text.as_bytes(), 4), None, "{text}");
        }
    }

    #[test]
    fn events_end_where_they_say() {
        let chunk = r#"{"choices": [{"delta": {"content": "data: [DONE]\n\n"}}], "usage": null}"#;
        let last = r#"{"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 4}}"#;
        for (newline, space) in [("\n", " "), ("\r\n", ""), ("\r", " ")] {
            let data = |text: &str| format!("data:{space}{text}{newline}{newline}");
            let text = format!(": hello{newline}event: x{newline}{}{}{}", data(chunk), data(last), data("[DONE]"));
            for cut in [1, 3, text.len()] {
                let mut reader = UsageReader::events();
                text.as_bytes().chunks(cut).for_each(|piece| reader.read(piece));
                assert_eq!(
                    (reader.usage(), reader.is_complete()),
                    (Some(Usage { input: 3, output: 4 }), true),
                    "{text:?}"
                );
                let mut reader = UsageReader::events();
                reader.read(data(chunk).as_bytes());
                assert_eq!((reader.usage(), reader.is_complete()), (None, false));
                reader.read(data(last).as_bytes());
                assert!(!reader.is_complete(), "another chunk may say more");
            }
        }
        let completed = "event: response.completed\ndata: {\"type\": \"response.completed\",\ndata:  \"response\": \
                         {\"usage\": {\"input_tokens\": 1, \"output_tokens\": 2}}}\n\n";
        let mut reader = UsageReader::events();
        reader.read(completed.as_bytes());
        assert_eq!((reader.usage(), reader.is_complete()), (Some(Usage { input: 1, output: 2 }), true));
    }

    #[test]
    fn the_kind_of_the_body_is_known_by_its_type() {
        let is = |value: &str| {
            UsageReader::of_content_type(value.as_bytes()).map(|reader| matches!(reader.0, Form::Json(_)))
        };
        assert_eq!(
            ["application/json", "Application/JSON; charset=utf-8", "application/problem+json"].map(is),
            [Some(true); 3]
        );
        assert_eq!(["text/event-stream", "text/event-stream;charset=utf-8"].map(is), [Some(false); 2]);
        assert_eq!(["", "text/html", "audio/mpeg", "application/jsonl"].map(is), [None; 4]);
    }

    fn value() -> impl Strategy<Value = Value> {
        let name = prop::sample::select(vec![
            "usage",
            "response",
            "prompt_tokens",
            "completion_tokens",
            "input_tokens",
            "output_tokens",
            "a\"b",
            "",
        ]);
        let leaf = prop_oneof![
            any::<u64>().prop_map(Value::from),
            any::<i8>().prop_map(Value::from),
            any::<f32>().prop_map(Value::from),
            ".*".prop_map(Value::from),
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 48, 6, move |inner| {
            prop_oneof![
                1 => prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                4 => prop::collection::vec((name.clone(), inner), 0..6)
                    .prop_map(|fields| fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_second_parser_reads_the_same(document in value(), cut in 1..9usize) {
            // Where both places speak, the later one counts, and a map keeps no order.
            let is_one = document.get("usage").is_none() || document.get("response").is_none();
            let both = |names: [&str; 2]| {
                let count = |usage: Option<&Value>| names.iter().filter(|name| usage.and_then(|usage| usage.get(name)).is_some()).count();
                count(document.get("usage")) < 2 && count(document.get("response").and_then(|one| one.get("usage"))) < 2
            };
            prop_assume!(is_one && both(["prompt_tokens", "input_tokens"]) && both(["completion_tokens", "output_tokens"]));
            let read = read_in_pieces(UsageReader::json(), document.to_string().as_bytes(), cut);
            prop_assert_eq!(read, expected(&document));
        }

        #[test]
        fn pieces_make_no_difference(text in prop::collection::vec(any::<u8>(), 0..200), cut in 1..9usize) {
            for reader in [UsageReader::json(), UsageReader::events()] {
                let whole = read_in_pieces(reader.clone(), &text, text.len());
                prop_assert_eq!(read_in_pieces(reader, &text, cut), whole);
            }
        }
    }
}
