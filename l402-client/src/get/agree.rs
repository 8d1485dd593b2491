//! The owner at the terminal, who is asked about an origin that the policy does not list.

use core::pin::Pin;
use l402_agent::policy::Agree;
use l402_agent::text::printable;
use l402_http::pay::Origin;
use std::fs::OpenOptions;
use std::io::{self, BufRead, BufReader, IsTerminal as _, Write};

/// The terminal that the command runs in. Where its messages go elsewhere, nobody is asked, and the answer is no.
#[derive(Debug)]
pub(super) struct Terminal;

impl Agree for Terminal {
    fn agree<'a>(&'a self, origin: &'a Origin) -> Pin<Box<dyn Future<Output = bool> + Send + 'a>> {
        let origin = printable(&origin.to_string());
        Box::pin(async move {
            if !io::stderr().is_terminal() {
                return false;
            }
            let answer = tokio::task::spawn_blocking(move || ask(&origin));
            matches!(answer.await, Ok(Ok(true)))
        })
    }
}

/// Standard input may be what is sent, so that the terminal itself is asked.
fn ask(origin: &str) -> io::Result<bool> {
    let mut terminal = OpenOptions::new().read(true).write(true).open("/dev/tty")?;
    write!(terminal, "l402: the policy does not list {origin}; request it, and pay within your limits? [y/N] ")?;
    terminal.flush()?;
    let mut answer = String::new();
    BufReader::new(io::Read::take(terminal, MAX_ANSWER)).read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}

/// No answer is longer.
const MAX_ANSWER: u64 = 64;
