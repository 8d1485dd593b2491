//! Caveat rules of a service's own, one for each request.

use super::head::RequestHead;
use core::marker::PhantomData;
use l402_core::CaveatRule;
use std::sync::Arc;

/// Makes the rule for a request, and lends it.
pub(super) type Rules = Arc<dyn RuleSource>;

/// The erased form of a function from a request to a rule; lending instead of returning needs no box.
pub(super) trait RuleSource: Send + Sync {
    fn lend(&self, request: &RequestHead<'_>, to: &mut dyn FnMut(&mut dyn CaveatRule));
}

/// A function from a request to a rule.
pub(super) struct RuleFn<F, R>(F, PhantomData<fn() -> R>);

impl<F, R> RuleFn<F, R> {
    pub(super) const fn new(rule: F) -> Self {
        Self(rule, PhantomData)
    }
}

impl<F, R> RuleSource for RuleFn<F, R>
where
    F: Fn(&RequestHead<'_>) -> R + Send + Sync,
    R: CaveatRule,
{
    fn lend(&self, request: &RequestHead<'_>, to: &mut dyn FnMut(&mut dyn CaveatRule)) {
        to(&mut (self.0)(request));
    }
}
