//! Whether the gateway can sell: what `/ready` says.
//!
//! `/health` says that the process is alive, for a supervisor that restarts it. `/ready` says that all that a sale needs is
//! there; it is for a load balancer. Of what is wrong a client learns a few words; the log has the rest.

use core::fmt;
use std::sync::Arc;

/// Looks at one thing that a sale needs, without waiting for anything. The error says in a few words what is wrong.
pub type Check = Arc<dyn Fn() -> Result<(), &'static str> + Send + Sync>;

/// What a sale needs, each part with its name.
#[derive(Clone, Default)]
pub struct Checks(Vec<(&'static str, Check)>);

impl Checks {
    /// Adds a part.
    #[must_use]
    pub fn and(
        mut self,
        name: &'static str,
        check: impl Fn() -> Result<(), &'static str> + Send + Sync + 'static,
    ) -> Self {
        self.0.push((name, Arc::new(check)));
        self
    }

    /// Looks at every part. Returns whether all are well, and the JSON that says so.
    pub(super) fn look(&self) -> (bool, String) {
        let found: Vec<_> = self.0.iter().map(|(name, check)| (*name, check())).collect();
        let ready = found.iter().all(|(_, found)| found.is_ok());
        let mut said = serde_json::Map::new();
        said.insert("ready".to_owned(), ready.into());
        said.extend(found.into_iter().map(|(name, found)| (name.to_owned(), found.err().unwrap_or("ok").into())));
        (ready, format!("{}\n", serde_json::Value::Object(said)))
    }
}

impl fmt::Debug for Checks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_part_that_is_not_well_is_enough() {
        let checks = Checks::default().and("keys", || Ok(()));
        assert_eq!(checks.look(), (true, "{\"keys\":\"ok\",\"ready\":true}\n".to_owned()));
        let (ready, said) = checks.and("node", || Err("has failed")).look();
        assert_eq!((ready, &*said), (false, "{\"keys\":\"ok\",\"node\":\"has failed\",\"ready\":false}\n"));
    }
}
