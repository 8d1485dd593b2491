//! A command that answers for the owner.

use super::{Asking, Confirmer};
use crate::command::Program;
use crate::store::breaker::{Answer, Question};
use serde_json::{Value, json};

/// A command that gets a question as JSON on its standard input. It says yes by the exit status 0, and no by 1. Any other leaves the answer
/// to others.
///
/// ```json
/// {"id":"9f1c02ab44","budget":"research","origin":"https://api.example","method":"GET","path":"/weather",
///  "amount_msat":21000,"max_fee_msat":10000,"payment_hash":"…","invoice":"lnbc…","why":"…",
///  "asked_at":1700000000,"ends_at":1700000300}
/// ```
#[derive(Debug, Clone)]
pub struct Hook(Program);

impl Hook {
    /// Takes the command.
    pub const fn new(program: Program) -> Self {
        Self(program)
    }
}

impl Confirmer for Hook {
    fn is_owner(&self) -> bool {
        true
    }

    fn ask<'a>(&'a self, question: &'a Question) -> Asking<'a> {
        Box::pin(async move {
            match self.0.run(question.json().to_string().as_bytes()).await.ok()?.code() {
                Some(0) => Some(Answer::Yes),
                Some(1) => Some(Answer::No),
                _ => None,
            }
        })
    }
}

impl Question {
    /// Returns what a program is told.
    pub fn json(&self) -> Value {
        let Self { id, budget, origin, method, path, payment_hash, invoice, why, .. } = self;
        json!({
            "id": id,
            "budget": budget,
            "origin": origin,
            "method": method,
            "path": path,
            "amount_msat": self.amount_msat.get(),
            "max_fee_msat": self.max_fee_msat.get(),
            "payment_hash": payment_hash,
            "invoice": invoice,
            "why": why,
            "asked_at": self.asked_at.get(),
            "ends_at": self.ends_at.get(),
        })
    }
}
