//! Which pages of other origins may call a service.

use core::fmt;
use l402_http::cors::{Cors, CorsOriginError};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::borrow::Cow;

use super::at::At;
use super::resolver::Resolver;

/// `true`, `false`, `"upstream"`, or a list of origins.
#[derive(Debug, Clone)]
pub(super) enum Pages {
    Switch(bool),
    Word(String),
    Listed(Vec<At<String>>),
}

impl Resolver<'_> {
    /// Which pages may call; none unless it is said.
    pub(super) fn cors(&mut self, key: &str, at: Option<&At<Pages>>) -> Option<Cors> {
        let Some(at) = at else { return Some(Cors::off()) };
        match &at.value {
            Pages::Switch(true) => Some(Cors::any()),
            Pages::Switch(false) => Some(Cors::off()),
            Pages::Word(word) if word == UPSTREAM => Some(Cors::upstream()),
            Pages::Listed(origins) if !origins.is_empty() => self.origins(key, origins),
            Pages::Word(_) | Pages::Listed(_) => {
                self.problems.wrong_at(key, &at.origin, EXPECTED);
                None
            }
        }
    }

    fn origins(&mut self, key: &str, origins: &[At<String>]) -> Option<Cors> {
        for origin in origins {
            match Cors::origins([origin.value.as_str()]) {
                Ok(_) => continue,
                Err(CorsOriginError::Every) => self.problems.wrong(key, origin, "write cors = true instead of a list"),
                // Before an @ there may be a password.
                Err(fault) if origin.value.contains('@') => self.problems.wrong_at(key, &origin.origin, fault),
                Err(fault) => self.problems.wrong(key, origin, fault),
            }
            return None;
        }
        Cors::origins(origins.iter().map(|origin| origin.value.as_str())).ok()
    }
}

impl<'de> Deserialize<'de> for Pages {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PagesVisitor)
    }
}

impl JsonSchema for Pages {
    fn schema_name() -> Cow<'static, str> {
        "Pages".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": DESCRIPTION,
            "oneOf": [
                { "type": "boolean" },
                { "const": UPSTREAM },
                { "type": "array", "items": { "type": "string", "examples": ["https://shop.example"] }, "minItems": 1 },
            ],
        })
    }
}

struct PagesVisitor;

impl<'de> Visitor<'de> for PagesVisitor {
    type Value = Pages;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("true, false, \"upstream\", or a list of origins")
    }

    fn visit_bool<E: Error>(self, switch: bool) -> Result<Pages, E> {
        Ok(Pages::Switch(switch))
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<Pages, E> {
        Ok(Pages::Word(word.to_owned()))
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut items: S) -> Result<Pages, S::Error> {
        let mut origins = Vec::new();
        while let Some(origin) = items.next_element()? {
            origins.push(origin);
        }
        Ok(Pages::Listed(origins))
    }
}

const UPSTREAM: &str = "upstream";
const EXPECTED: &str = "write true, false, \"upstream\", or a list of origins such as [\"https://shop.example\"]";
const DESCRIPTION: &str = "Which pages of other origins may call from a browser: `true` for every page, `false` for none, or a list \
    of origins. With `upstream`, preflights are passed on without payment and the upstream's own answers decide; a page cannot \
    read the 402 then, and an upstream that does its work whatever the method is does it unpaid.";
