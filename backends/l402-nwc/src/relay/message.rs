//! What is said between us and a relay: arrays in JSON (NIP-01 §From client to relay, §From relay to client).

use nostr::event::{Event, EventId};
use serde_json::{Value, json};

/// The name of our subscription.
const SUBSCRIPTION: &str = "l402";

/// What a relay says.
pub(super) enum Said {
    /// Somebody's event.
    Event(Box<Event>),
    /// What was stored has been told; from now on it is new.
    Stored,
    /// Whether it takes an event of ours.
    Taken { id: EventId, accepted: bool, reason: String },
    /// It tells no more.
    Closed(String),
    /// Nothing of use.
    Other,
}

/// Reads a message. What is broken, is of no use.
pub(super) fn read(text: &str) -> Said {
    let Ok(Value::Array(parts)) = serde_json::from_str(text) else { return Said::Other };
    let mut parts = parts.into_iter();
    let kind = parts.next();
    let (first, second, third) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
    match kind.as_ref().and_then(Value::as_str) {
        Some("EVENT") if first == SUBSCRIPTION => second
            .and_then(|event| serde_json::from_value(event).ok())
            .map_or(Said::Other, |event| Said::Event(Box::new(event))),
        Some("EOSE") if first == SUBSCRIPTION => Said::Stored,
        Some("CLOSED") if first == SUBSCRIPTION => Said::Closed(reason(second.as_ref())),
        Some("OK") => match (first.as_str().and_then(|id| EventId::from_hex(id).ok()), second) {
            (Some(id), Some(Value::Bool(accepted))) => Said::Taken { id, accepted, reason: reason(third.as_ref()) },
            _ => Said::Other,
        },
        _ => Said::Other,
    }
}

/// Asks for what has been stored and for what comes, as far as a filter lets it through.
pub(super) fn subscription(filters: Vec<Value>) -> String {
    let parts = [Value::from("REQ"), Value::from(SUBSCRIPTION)].into_iter().chain(filters);
    parts.collect::<Value>().to_string()
}

/// A filter: events of these kinds from an author, and for somebody where that is said.
pub(super) fn filter(kinds: &[u16], author: &str, to: Option<(&str, u64)>) -> Value {
    match to {
        Some((to, since)) => json!({ "kinds": kinds, "authors": [author], "#p": [to], "since": since }),
        None => json!({ "kinds": kinds, "authors": [author], "limit": 1 }),
    }
}

/// Publishes an event, which is JSON already.
pub(super) fn event(event: &str) -> String {
    ["[\"EVENT\",", event, "]"].concat()
}

/// A reason in a line. A relay's words are anybody's.
fn reason(said: Option<&Value>) -> String {
    let said = said.and_then(Value::as_str).unwrap_or_default();
    said.chars().filter(|letter| !letter.is_control()).take(MOST_LETTERS).collect()
}

const MOST_LETTERS: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_relay_says_is_told_apart() {
        let id = "ab".repeat(32);
        assert!(matches!(read(r#"["EOSE","l402"]"#), Said::Stored));
        assert!(
            matches!(read(r#"["CLOSED","l402","auth-required: \u001b[1mlog in"]"#), Said::Closed(why) if why == "auth-required: [1mlog in")
        );
        let text = format!(r#"["OK","{id}",false,"blocked: no"]"#);
        assert!(matches!(read(&text), Said::Taken { accepted: false, reason, .. } if reason == "blocked: no"));
        for other in [
            "",
            "[",
            "{}",
            "[]",
            "[1]",
            r#"["EOSE","another"]"#,
            r#"["EVENT","l402",{}]"#,
            r#"["EVENT","l402"]"#,
            r#"["OK","zz",true]"#,
            r#"["NOTICE","hello"]"#,
            r#"["OK"]"#,
        ] {
            assert!(matches!(read(other), Said::Other), "{other}");
        }
    }

    #[test]
    fn a_question_is_written_as_the_protocol_has_it() {
        let filters = vec![filter(&[1], "aa", None), filter(&[2, 3], "aa", Some(("bb", 5)))];
        let expected = r##"["REQ","l402",{"authors":["aa"],"kinds":[1],"limit":1},{"#p":["bb"],"authors":["aa"],"kinds":[2,3],"since":5}]"##;
        assert_eq!(subscription(filters), expected);
        assert_eq!(event("{}"), r#"["EVENT",{}]"#);
    }
}
