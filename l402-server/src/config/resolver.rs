//! What the sections of a configuration are resolved with.

use core::net::SocketAddr;
use core::time::Duration;
use l402_program::config::address;
use std::path::{Path, PathBuf};

use super::Environment;
use super::at::At;
use super::error::Problems;
use super::span::Span;

/// A problem that has been noted.
pub(crate) struct Noted;

/// What values are held against, and where problems go.
pub(crate) struct Resolver<'a> {
    pub(crate) problems: Problems<'a>,
    pub(super) notes: Vec<String>,
    pub(super) text: &'a str,
    pub(crate) base: &'a Path,
    pub(crate) environment: Environment<'a>,
}

impl<'a> Resolver<'a> {
    pub(super) const fn new(text: &'a str, base: &'a Path, environment: Environment<'a>) -> Self {
        Self { problems: Problems::new(text), notes: Vec::new(), text, base, environment }
    }

    /// An address that may be left out.
    pub(super) fn address(&mut self, key: &str, at: Option<&At<String>>, default: SocketAddr) -> Option<SocketAddr> {
        at.map_or(Some(default), |at| self.problems.parse_with(key, at, address))
    }

    /// A span of time that may be left out.
    pub(super) fn span(&mut self, key: &str, at: Option<&At<String>>, default: Duration) -> Option<Duration> {
        match at {
            Some(at) => self.problems.parse::<Span>(key, at).map(Span::duration),
            None => Some(default),
        }
    }

    /// A folder of its own, or one in the data folder.
    pub(crate) fn folder(&self, own: Option<PathBuf>, data_dir: Option<&Path>, name: &str) -> Option<PathBuf> {
        own.map(|own| self.base.join(own)).or_else(|| Some(data_dir?.join(name)))
    }
}
