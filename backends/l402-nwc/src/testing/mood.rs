//! What a wallet service is told to do instead of what it should.

/// How a wallet behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mood {
    /// As it should.
    Well,
    /// Reads, and does nothing.
    Silent,
    /// Does what it is asked, and answers nothing.
    LosesAnswers,
    /// Reads a request to pay, and carries it out when it is well again.
    Sleeps,
    /// Another key signs the answers.
    SignsWithAnotherKey,
    /// Shows another preimage.
    LiesAboutPreimage,
    /// Shows no preimage.
    HidesPreimage,
    /// Answers a request to pay after it was looked up, where it shows no preimage.
    AnswersLate,
    /// Says nothing of fees.
    ReportsNoFee,
    /// Invoices ask for one millisatoshi more.
    LiesAboutAmount,
    /// Names another hash than that of the invoice.
    LiesAboutHash,
    /// What was received is held.
    Holds,
    /// Refuses all but `get_info`, with this code.
    Refuses(&'static str),
    /// Refuses to pay, with this code.
    RefusesToPay(&'static str),
    /// Pays, and says that it has refused.
    PaysAndRefuses(&'static str),
    /// Refuses to look payments up, with this code.
    RefusesToLook(&'static str),
}
