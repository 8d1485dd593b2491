//! A channel as it is declared.

use core::fmt;

/// A channel to open between two nodes of a network. By default it is announced, and each side owns half of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    pub(super) from: String,
    pub(super) to: String,
    pub(super) capacity_sat: u64,
    pub(super) push_sat: u64,
    pub(super) announced: bool,
}

impl Channel {
    /// Declares a channel of `capacity_sat` satoshis that `from` opens to `to`: at most 16,777,215.
    pub fn new(from: &str, to: &str, capacity_sat: u64) -> Self {
        let push_sat = capacity_sat / 2;
        Self { from: from.to_owned(), to: to.to_owned(), capacity_sat, push_sat, announced: true }
    }

    /// Gives `push_sat` satoshis to the other side; 0: it can send nothing until it has received.
    #[must_use]
    pub fn push(mut self, push_sat: u64) -> Self {
        self.push_sat = push_sat;
        self
    }

    /// Keeps the channel from the network: invoices of its ends carry hints to it.
    #[must_use]
    pub fn private(mut self) -> Self {
        self.announced = false;
        self
    }

    /// Returns the other end, if `name` is one.
    pub(super) fn peer_of(&self, name: &str) -> Option<&str> {
        if self.from == name { Some(&self.to) } else { (self.to == name).then_some(self.from.as_str()) }
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, to, capacity_sat, push_sat, announced } = self;
        let private = if *announced { "" } else { ", private" };
        write!(f, "{from} — {to}: {capacity_sat} sat, {push_sat} of them {to}'s{private}")
    }
}
