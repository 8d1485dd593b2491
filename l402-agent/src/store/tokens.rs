//! The tokens that were bought.
//!
//! 1. A token is written, and on the disk, before it is presented for the first time, so that what was paid for is never lost.
//! 2. It is kept with its origin, so that it never goes to another one.

// Threats: A6.

use super::answers;
use super::attempts;
use super::breaker;
use super::budget::{BudgetId, CallId};
use super::database::Database;
use super::error::DatabaseError;
use super::record::KeptToken;
use super::row::{self, Conflict};
use super::share::{self, Owners};
use l402_core::purchase::{Sold, Tally};
use l402_core::{PaymentHash, UnixSeconds};
use l402_http::pay::{Origin, Standing, Taken, Token, sold};
use rusqlite::{OptionalExtension, Row, params};

/// The tokens of a database.
#[derive(Debug, Clone)]
pub struct Tokens {
    database: Database,
}

impl Tokens {
    /// Keeps tokens in a database.
    pub const fn new(database: Database) -> Self {
        Self { database }
    }

    /// Returns all tokens, oldest first.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub fn all(&self) -> Result<Vec<KeptToken>, DatabaseError> {
        self.database.read(|tx| tx.prepare("SELECT * FROM tokens ORDER BY id")?.query_map([], row::token)?.collect())
    }

    /// Returns the tokens of an origin and of no other, oldest first.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub fn of(&self, origin: &Origin) -> Result<Vec<KeptToken>, DatabaseError> {
        let of_origin = "SELECT * FROM tokens WHERE origin = ?1 ORDER BY id";
        self.database.read(|tx| tx.prepare(of_origin)?.query_map([origin.to_string()], row::token)?.collect())
    }

    /// Returns the token that a payment bought.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub fn find(&self, hash: &PaymentHash) -> Result<Option<KeptToken>, DatabaseError> {
        let of = "SELECT * FROM tokens WHERE payment_hash = ?1";
        self.database.read(|tx| tx.prepare_cached(of)?.query_row([hash.to_string()], row::token).optional())
    }

    /// Returns the tokens of an origin and of no other, oldest first, each with whether a budget may use it.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub fn for_budget(&self, origin: &Origin, budget: BudgetId) -> Result<Vec<(KeptToken, bool)>, DatabaseError> {
        self.database.read(|tx| {
            let mut of_origin = tx.prepare_cached("SELECT * FROM tokens WHERE origin = ?1 ORDER BY id")?;
            let read = |row: &Row<'_>| Ok((row::token(row)?, BudgetId::read(row, "budget")?));
            let found: Vec<_> = of_origin.query_map([origin.to_string()], read)?.collect::<rusqlite::Result<_>>()?;
            let mut owners = Owners::new(tx, budget);
            let mut is_usable = |token: &KeptToken, owner| {
                let is_counted = token.uses_left.is_some() || matches!(sold(&token.token), Sold::Counted(_));
                owners.may_use(owner, is_counted)
            };
            found.into_iter().map(|(token, owner)| is_usable(&token, owner).map(|usable| (token, usable))).collect()
        })
    }

    /// Gives a call a use of a token, where there is one left that nobody holds; what else the call holds is given back, but for
    /// what is `kept`. Of a token that is still being paid for, what the call knows of it counts.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub fn lease(&self, token: &Token, call: CallId, kept: &[PaymentHash]) -> Result<bool, DatabaseError> {
        let hash = token.payment_hash;
        self.database.write(|tx| {
            share::switch(tx, call, &[kept, &[hash]].concat())?;
            let tally = match row::tally(tx, &hash)? {
                Some(tally) => tally,
                None if token.preimage.is_some() => return Ok(false), // somebody has forgotten it
                None => Tally::new(token.sold()).told(token.uses_left),
            };
            share::take(tx, self.database.clocks(), &hash, call, tally)
        })
    }

    /// Lets the leases of a call last on, and the answer that is expected of it.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub fn renew(&self, call: CallId) -> Result<(), DatabaseError> {
        self.database.write(|tx| {
            answers::renew(tx, self.database.clocks(), call)?;
            share::renew(tx, self.database.clocks(), call)
        })
    }

    /// Ends the leases of a call. Their uses count as left. No answer is expected of it any more.
    ///
    /// # Errors
    /// [`DatabaseError`]; they end by themselves then.
    pub fn give_back(&self, call: CallId) -> Result<(), DatabaseError> {
        self.database.write(|tx| {
            answers::give_up(tx, call)?;
            share::end_all(tx, call)
        })
    }

    /// Notes what responses say of the uses that a call took, each by the payment that bought the token, and ends its leases.
    ///
    /// # Errors
    /// [`DatabaseError`]; the tokens are then as they were.
    pub fn used(&self, taken: &[(PaymentHash, Taken)], call: CallId) -> Result<(), DatabaseError> {
        self.database.write(|tx| {
            taken.iter().try_for_each(|(hash, taken)| row::use_token(tx, hash, *taken))?;
            share::end_all(tx, call)
        })
    }

    /// Adds a token; it is on the disk when this returns. One with the same payment hash is replaced.
    ///
    /// # Errors
    /// [`DatabaseError`]; the tokens are then as they were.
    pub fn keep(&self, token: &KeptToken) -> Result<(), DatabaseError> {
        self.database.write(|tx| row::put_token(tx, token, Conflict::Replace))
    }

    /// Adds tokens that were bought elsewhere, all or none; those whose payment is known here stay as they are. Returns how many
    /// were added.
    ///
    /// # Errors
    /// [`DatabaseError`]; the tokens are then as they were.
    pub fn import(&self, tokens: &[KeptToken]) -> Result<usize, DatabaseError> {
        self.database.write(|tx| {
            let count = || tx.query_row("SELECT count(*) FROM tokens", [], |row| row.get::<_, usize>(0));
            let before = count()?;
            tokens.iter().try_for_each(|token| row::put_token(tx, token, Conflict::Ignore))?;
            Ok(count()?.saturating_sub(before))
        })
    }

    /// Notes what a server made of the token that a payment bought; returns whether there is one.
    ///
    /// # Errors
    /// [`DatabaseError`]; the tokens are then as they were.
    pub fn mark(&self, hash: &PaymentHash, standing: Standing) -> Result<bool, DatabaseError> {
        self.database.write(|tx| {
            let is_there = row::mark_token(tx, hash, standing)?;
            breaker::marked(tx, self.database.clocks(), &self.database.guards(), hash, standing)?;
            Ok(is_there)
        })
    }

    /// Notes how many uses of tokens are left, each by the payment that bought it; never more than were noted before.
    ///
    /// # Errors
    /// [`DatabaseError`]; the tokens are then as they were.
    pub fn count(&self, left: &[(PaymentHash, u64)]) -> Result<(), DatabaseError> {
        self.database.write(|tx| left.iter().try_for_each(|(hash, left)| row::count_token(tx, hash, *left)))
    }

    /// Removes the token that a payment bought.
    ///
    /// # Errors
    /// [`DatabaseError`]; the tokens are then as they were.
    pub fn forget(&self, hash: &PaymentHash) -> Result<(), DatabaseError> {
        let forget = "DELETE FROM tokens WHERE payment_hash = ?1";
        self.database.write(|tx| tx.execute(forget, [hash.to_string()]).map(drop))
    }

    /// Does the same, unless the token has served and a lost answer may still be asked for with it.
    ///
    /// # Errors
    /// [`DatabaseError`]; the tokens are then as they were.
    pub fn give_up(&self, hash: &PaymentHash, now: UnixSeconds) -> Result<(), DatabaseError> {
        self.database.write(|tx| {
            let is_kept = attempts::is_asked_for(tx, hash, now)?;
            let give_up = "DELETE FROM tokens WHERE payment_hash = ?1 AND NOT (?2 AND standing = 'served')";
            tx.execute(give_up, params![hash.to_string(), is_kept]).map(drop)
        })
    }

    /// Removes all tokens of an origin, and returns how many there were.
    ///
    /// # Errors
    /// [`DatabaseError`]; the tokens are then as they were.
    pub fn forget_origin(&self, origin: &Origin) -> Result<usize, DatabaseError> {
        self.database.write(|tx| {
            breaker::forgiven(tx, self.database.clocks(), &self.database.guards(), origin)?;
            tx.execute("DELETE FROM tokens WHERE origin = ?1", [origin.to_string()])
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::attempts::{Attempts, SameRequest};
    use crate::store::private::PrivateDir;
    use http::Method;
    use l402_core::{Preimage, Scheme};

    fn token(origin: &str, path: &str, seed: u8) -> KeptToken {
        let preimage = Preimage::from_bytes([seed; 32]);
        KeptToken {
            origin: origin.parse().unwrap(),
            method: Method::GET,
            path: path.to_owned(),
            scheme: Scheme::L402,
            token: "AgEE".to_owned(),
            payment_hash: preimage.hash(),
            preimage,
            amount_msat: 21_000.into(),
            fee_msat: 0.into(),
            bought_at: 1_700_000_000.into(),
            standing: Standing::New,
            uses_left: None,
        }
    }

    fn store() -> (tempfile::TempDir, Tokens) {
        let folder = tempfile::tempdir().unwrap();
        let data = PrivateDir::open(folder.path().join("data")).unwrap();
        (folder, Tokens::new(Database::open(&data).unwrap()))
    }

    #[test]
    fn what_is_kept_is_found_until_it_is_forgotten() {
        let (_folder, tokens) = store();
        for seed in [1, 2, 3] {
            tokens.keep(&token("http://a", "/x", seed)).unwrap();
        }
        tokens.keep(&token("http://b", "/x", 4)).unwrap();
        tokens.keep(&token("http://a", "/again", 1)).unwrap();
        tokens.forget(&token("http://a", "/x", 2).payment_hash).unwrap();
        let kept = tokens.all().unwrap();
        let seeds = kept.iter().map(|token| (token.preimage.expose()[0], token.path.as_str()));
        assert_eq!(seeds.collect::<Vec<_>>(), [(3, "/x"), (4, "/x"), (1, "/again")]);
        let origin = "http://a".parse().unwrap();
        let of_origin = tokens.of(&origin).unwrap();
        assert_eq!(of_origin.iter().map(|token| token.preimage.expose()[0]).collect::<Vec<_>>(), [3, 1]);
        assert_eq!(tokens.forget_origin(&origin).unwrap(), 2);
        assert_eq!(tokens.all().unwrap().len(), 1);
    }

    #[test]
    fn a9_an_import_changes_nothing_that_is_known() {
        let (_folder, tokens) = store();
        tokens.keep(&KeptToken { standing: Standing::Refused, ..token("http://a", "/x", 1) }).unwrap();
        assert_eq!(tokens.import(&[token("http://a", "/", 1), token("http://a", "/", 2)]).unwrap(), 1);
        let kept = tokens.all().unwrap();
        let kept: Vec<_> = kept.iter().map(|token| (token.path.as_str(), token.standing)).collect();
        assert_eq!(kept, [("/x", Standing::Refused), ("/", Standing::New)]);
    }

    #[test]
    fn a9_no_count_gives_uses_back() {
        let (_folder, tokens) = store();
        let hash = token("http://a", "/x", 1).payment_hash;
        tokens.keep(&token("http://a", "/x", 1)).unwrap();
        for (told, left) in [(5, 5), (7, 5), (2, 2), (0, 0), (9, 0)] {
            tokens.count(&[(hash, told)]).unwrap();
            assert_eq!(tokens.all().unwrap()[0].uses_left, Some(left), "{told}");
        }
    }

    #[test]
    fn a9_what_a_lost_answer_is_asked_for_with_is_not_given_up() {
        let (_folder, tokens) = store();
        let now = UnixSeconds::new(1_700_000_000);
        let request = SameRequest {
            origin: "http://a".parse().unwrap(),
            method: Method::GET,
            target: "/x?y".to_owned(),
            own_key: None,
        };
        let attempts = Attempts::new(tokens.database.clone()).unwrap();
        for (seed, standing, stays) in [(1, Standing::Served, 1), (2, Standing::New, 1)] {
            let hash = token("http://a", "/x", seed).payment_hash;
            tokens.keep(&KeptToken { standing, ..token("http://a", "/x", seed) }).unwrap();
            drop(attempts.begin(&request, (&seed.to_string(), [0; 32]), hash, now).unwrap());
            tokens.give_up(&hash, now).unwrap();
            assert_eq!(tokens.all().unwrap().len(), stays, "{standing:?}");
        }
        tokens.give_up(&token("http://a", "/x", 1).payment_hash, now.saturating_add(2 * 24 * 60 * 60)).unwrap();
        assert!(tokens.all().unwrap().is_empty());
    }

    #[test]
    fn writers_at_the_same_time_lose_nothing() {
        let (_folder, tokens) = store();
        std::thread::scope(|scope| {
            for writer in 0..8_u8 {
                let tokens = Tokens::new(Database::open(tokens.database.folder()).unwrap());
                scope.spawn(move || {
                    for round in 0..5 {
                        tokens.keep(&token("http://a", "/", writer * 5 + round)).unwrap();
                    }
                });
            }
        });
        assert_eq!(tokens.all().unwrap().len(), 40);
    }

    #[test]
    fn a_wrong_preimage_is_not_repeated_in_the_error() {
        let (_folder, tokens) = store();
        tokens.keep(&token("http://a", "/", 1)).unwrap();
        let canary = "5ec2e7".repeat(11);
        tokens.database.write(|tx| tx.execute("UPDATE tokens SET preimage = CAST(?1 AS BLOB)", [&canary])).unwrap();
        let fault = anyhow::Error::from(tokens.all().unwrap_err());
        assert!(format!("{fault:#}").contains("damaged") && format!("{fault:#}").contains("`preimage`"), "{fault:#}");
        assert!(!format!("{fault:#} {fault:?}").contains("5ec2e7"), "{fault:#}");
    }

    #[test]
    fn no_debug_text_holds_a_secret() {
        let (kept, secret) = (token("http://a", "/", 0x5e), "5e".repeat(32));
        assert!(!format!("{kept:?}").contains(&secret) && !format!("{kept:?}").contains("94, 94"), "{kept:?}");
    }
}
