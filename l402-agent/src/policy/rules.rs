//! The policy of a call: the file as it is now, and what its owner has agreed to besides.
//!
//! 1. Where the policy says `ask`, the owner is asked once for each origin of a call. Without somebody to ask, or an answer, it is no.
//! 2. What was agreed to ends with the call.

use super::denied::{Denial, Denied};
use super::source::{PolicyError, PolicySource};
use super::{Asked, Policy, Verdict};
use crate::http::tls::TlsError;
use crate::store::DatabaseError;
use core::fmt;
use core::pin::Pin;
use l402_http::pay::Origin;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Asks the owner whether an origin may be requested, and paid within the limits, although no entry is about it.
pub trait Agree: Send + Sync + fmt::Debug {
    /// Returns whether the owner says yes.
    fn agree<'a>(&'a self, origin: &'a Origin) -> Pin<Box<dyn Future<Output = bool> + Send + 'a>>;
}

/// The policy of a call. Clones share what was agreed to.
///
/// ```
/// use l402_agent::policy::{PolicySource, Rules, Setting};
///
/// # let folder = tempfile::tempdir()?;
/// let rules = Rules::new(PolicySource::optional(folder.path().join("policy.toml"), Setting::Server));
/// assert!(rules.current()?.policy().is_absent());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Rules {
    source: Arc<PolicySource>,
    owner: Option<Arc<dyn Agree>>,
    agreed: Arc<Mutex<BTreeSet<Origin>>>,
}

impl Rules {
    /// Takes a policy file. Nobody is asked.
    pub fn new(source: PolicySource) -> Self {
        Self { source: Arc::new(source), owner: None, agreed: Arc::default() }
    }

    /// Asks somebody.
    #[must_use]
    pub fn asking(self, owner: Arc<dyn Agree>) -> Self {
        Self { owner: Some(owner), ..self }
    }

    /// Returns the same rules for a call in which nothing was agreed to yet.
    #[must_use]
    pub fn for_call(&self) -> Self {
        Self { agreed: Arc::default(), ..self.clone() }
    }

    /// Returns the policy file.
    pub fn source(&self) -> &PolicySource {
        &self.source
    }

    /// Returns what holds now.
    ///
    /// # Errors
    /// [`PolicyError`]; nothing must be requested or paid then.
    pub fn current(&self) -> Result<InForce, PolicyError> {
        Ok(InForce { policy: self.source.current()?, agreed: self.agreed().clone() })
    }

    /// Decides about a request before it is sent, and asks the owner where the policy says so.
    ///
    /// # Errors
    /// [`Stopped`]; nothing must be sent then.
    pub async fn admit(&self, asked: &Asked<'_>) -> Result<(), Stopped> {
        let verdict = self.current().map_err(Stopped::Unusable)?.judge(asked);
        let is_agreed = match (&verdict, &self.owner) {
            (Verdict::Ask, Some(owner)) => owner.agree(asked.origin).await,
            _ => false,
        };
        if is_agreed {
            self.agreed().insert(asked.origin.clone());
            return Ok(());
        }
        verdict.refusal(asked.origin).map_or(Ok(()), |denied| Err(Stopped::Denied(denied)))
    }

    fn agreed(&self) -> MutexGuard<'_, BTreeSet<Origin>> {
        self.agreed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A policy at one moment, with what the owner has agreed to besides.
#[derive(Debug, Clone)]
pub struct InForce {
    policy: Arc<Policy>,
    agreed: BTreeSet<Origin>,
}

impl InForce {
    /// Returns the policy.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Decides about a request or a payment, without asking anybody.
    pub fn judge(&self, asked: &Asked<'_>) -> Verdict {
        match self.policy.judge(asked) {
            Verdict::Ask if self.agreed.contains(asked.origin) => Verdict::Allow,
            verdict => verdict,
        }
    }
}

impl Verdict {
    /// Returns why nothing is sent or paid where nobody is asked, or nobody has said yes.
    pub fn refusal(self, origin: &Origin) -> Option<Denied> {
        match self {
            Self::Allow => None,
            Self::Ask => Some(Denied { origin: origin.clone(), why: Denial::NotAgreed }),
            Self::Deny(denied) => Some(denied),
        }
    }
}

/// Why the policy lets nothing be sent.
#[derive(Debug)]
#[non_exhaustive]
pub enum Stopped {
    /// It does not allow it.
    Denied(Denied),
    /// It cannot be used.
    Unusable(PolicyError),
    /// It names budgets, and those cannot be read.
    Budgets(DatabaseError),
    /// It names somebody to tell, and nothing can be sent there.
    Alerts(TlsError),
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied(denied) => denied.fmt(f),
            Self::Unusable(cause) => cause.fmt(f),
            Self::Budgets(cause) => cause.fmt(f),
            Self::Alerts(cause) => cause.fmt(f),
        }
    }
}

impl core::error::Error for Stopped {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Denied(_) => None,
            Self::Unusable(cause) => cause.source(),
            Self::Budgets(cause) => cause.source(),
            Self::Alerts(cause) => cause.source(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Setting;
    use super::*;
    use http::Method;
    use l402_core::UnixSeconds;

    #[derive(Debug)]
    struct Says(bool, Mutex<u32>);

    impl Agree for Says {
        fn agree<'a>(&'a self, _: &'a Origin) -> Pin<Box<dyn Future<Output = bool> + Send + 'a>> {
            *self.1.lock().unwrap() += 1;
            Box::pin(async { self.0 })
        }
    }

    #[tokio::test]
    async fn a5_the_owner_is_asked_once_for_a_call_and_no_answer_is_no() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("policy.toml");
        std::fs::write(&path, "deny = ['https://bad.example']").unwrap();
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        let rules = || Rules::new(PolicySource::of(&path, Setting::Command));
        let (origin, bad): (Origin, Origin) =
            ("https://a.example".parse().unwrap(), "https://bad.example".parse().unwrap());
        let method = Method::GET;
        let now = UnixSeconds::new(1);
        let asked = Asked { origin: &origin, method: &method, budgets: &[], service: None, price_msat: None, now };
        let is_refused = |result: Result<(), Stopped>| match result {
            Ok(()) => false,
            Err(Stopped::Denied(denied)) => denied.why == Denial::NotAgreed,
            Err(fault) => panic!("{fault}"),
        };
        assert!(is_refused(rules().admit(&asked).await), "nobody to ask");
        for says in [false, true] {
            let owner = Arc::new(Says(says, Mutex::new(0)));
            let call = rules().asking(Arc::clone(&owner) as Arc<dyn Agree>);
            for _ in 0..2 {
                assert_eq!(is_refused(call.admit(&asked).await), !says);
            }
            assert_eq!(*owner.1.lock().unwrap(), if says { 1 } else { 2 });
            assert_eq!(call.current().unwrap().judge(&asked) == Verdict::Allow, says, "its payments, too");
            assert_eq!(call.for_call().current().unwrap().judge(&asked), Verdict::Ask, "another call");
            assert!(call.admit(&Asked { origin: &bad, ..asked }).await.is_err(), "what is denied is not asked for");
        }
    }
}
