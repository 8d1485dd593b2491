//! When to have LND look for channels to hint at.
//!
//! An invoice names the channels that are not announced, for payers to find a way. Looking for them costs LND a third of its
//! invoices per second, and most nodes have none. So an LND that has never found any is made to look once a second at most.

use core::time::Duration;
use lightning_invoice::Bolt11Invoice;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Whether the next invoice should have hints.
#[derive(Debug)]
pub(super) struct Hints {
    wanted: bool,
    found: Mutex<Found>,
}

#[derive(Clone, Copy, Debug)]
enum Found {
    /// They were not looked for.
    Unknown,
    /// There were none so far, the last time at this moment.
    None(Instant),
    /// There are channels to hint at, though not for every amount.
    Some,
}

impl Hints {
    /// Where hints are not `wanted`, LND is never made to look.
    pub(super) const fn new(wanted: bool) -> Self {
        Self { wanted, found: Mutex::new(Found::Unknown) }
    }

    /// Whether LND has to look.
    pub(super) fn look(&self) -> bool {
        self.wanted && !matches!(*self.found(), Found::None(at) if at.elapsed() < LOOK_AGAIN)
    }

    /// Learns from an invoice for which LND has looked.
    pub(super) fn looked(&self, invoice: &Bolt11Invoice) {
        let mut found = self.found();
        if !invoice.private_routes().is_empty() {
            *found = Found::Some;
        } else if !matches!(*found, Found::Some) {
            *found = Found::None(Instant::now());
        }
    }

    fn found(&self) -> MutexGuard<'_, Found> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const LOOK_AGAIN: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    /// BOLT 11 §Examples: one with a hint, and one without.
    const HINTED: &str = "lnbc20m1pvjluezsp5zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zygspp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqhp58yjmdan79s6qqdhdzgynm4zwqd5d7xmw5fk98klysy043l2ahrqsfpp3qjmp7lwpagxun9pygexvgpjdc4jdj85fr9yq20q82gphp2nflc7jtzrcazrra7wwgzxqc8u7754cdlpfrmccae92qgzqvzq2ps8pqqqqqqpqqqqq9qqqvpeuqafqxu92d8lr6fvg0r5gv0heeeqgcrqlnm6jhphu9y00rrhy4grqszsvpcgpy9qqqqqqgqqqqq7qqzq9qrsgqdfjcdk6w3ak5pca9hwfwfh63zrrz06wwfya0ydlzpgzxkn5xagsqz7x9j4jwe7yj7vaf2k9lqsdk45kts2fd0fkr28am0u4w95tt2nsq76cqw0";
    const PLAIN: &str = "lnbc2500u1pvjluezsp5zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zygspp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqdq5xysxxatsyp3k7enxv4jsxqzpu9qrsgquk0rl77nj30yxdy8j9vdx85fkpmdla2087ne0xh8nhedh8w27kyke0lp53ut353s06fv3qfegext0eh0ymjpf39tuven09sam30g4vgpfna3rh";

    #[test]
    fn a_node_with_hidden_channels_always_looks_and_another_not_at_once_again() {
        let [hinted, plain]: [Bolt11Invoice; 2] = [HINTED, PLAIN].map(|text| text.parse().unwrap());
        let hints = Hints::new(true);
        assert!(hints.look(), "not known yet");
        hints.looked(&plain);
        assert!(!hints.look());
        *hints.found() = Found::None(Instant::now().checked_sub(LOOK_AGAIN).unwrap());
        assert!(hints.look(), "there may be one by now");
        hints.looked(&hinted);
        hints.looked(&plain); // too much for the hidden channels
        assert!(hints.look());
        assert!(!Hints::new(false).look());
    }
}
