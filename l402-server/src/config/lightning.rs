//! Where invoices come from: which backend, and what it makes of its settings.

use l402_lightning::backend::{PayeeBackend, PayeeSetup, PayeeTable};
use std::path::Path;
use std::sync::Arc;

use super::at::{At, ValueOrigin};
use super::backend::{Lightning, owners};
use super::resolver::Resolver;
use crate::backends::{BUILT, KNOWN, PAYEES};

impl Resolver<'_> {
    pub(super) fn lightning(&mut self, written: &Lightning, data_dir: Option<&Path>) -> Option<Arc<dyn PayeeSetup>> {
        let name = written.backend.as_ref().map_or_else(|| self.default_backend(), |at| at.value.0);
        let Some(backend) = PAYEES.iter().find(|backend| backend.name() == name) else {
            let built = BUILT.join(", ");
            let message =
                format!("this program was built without the feature `{name}`; choose another backend: {built}");
            self.problems.missing("lightning.backend", message);
            return None;
        };
        let (text, base, environment) = (self.text, self.base, self.environment);
        let table = PayeeTable { name: TABLE, text, base, data_dir, environment };
        for (key, origin) in &written.settings {
            self.foreign(*backend, &table, key, origin);
        }
        backend.read(&table, &mut self.problems)
    }

    /// An operator who names an LND in the environment, or a part of what leads to it, means to sell with it.
    fn default_backend(&self) -> &'static str {
        let set = |name: &&str| (self.environment)(name).is_some_and(|value| !value.trim().is_empty());
        let chosen = KNOWN.iter().find(|(_, variables)| variables.iter().any(set));
        chosen.or(KNOWN.first()).map_or("", |(name, _)| name)
    }

    /// Reports a setting that the backend does not have.
    fn foreign(&mut self, backend: &dyn PayeeBackend, table: &PayeeTable<'_>, key: &str, origin: &ValueOrigin) {
        let mut first = None;
        for owner in owners(key) {
            if owner.name() == backend.name() {
                return;
            }
            first = first.or(Some(owner));
        }
        let full = table.key(key);
        let Some(owner) = first else {
            let built = BUILT.join(", ");
            self.problems.wrong_at(&full, origin, format_args!("unknown key in a build with {built}"));
            return;
        };
        if let (Some(message), Some(value)) = (owner.only_here(key), table.written(origin)) {
            self.problems.wrong(&full, &At { value, origin: origin.clone() }, message);
        } else {
            let (this, owner) = (backend.called(), owner.name());
            let message = format_args!("not a setting of {this}; add backend = \"{owner}\"");
            self.problems.wrong_at(&full, origin, message);
        }
    }
}

const TABLE: &str = "lightning";
