//! Waiting by asking: until a state is there, or so long that something must be wrong.

use core::fmt;
use core::time::Duration;
use std::time::Instant;

use tokio::time::sleep;

/// How often to ask.
const ASK_EVERY: Duration = Duration::from_millis(15);

/// Asks `look` until it finds what it looks for. While that is missing, it says what of it is, which the error repeats.
pub(crate) async fn until<T, E, F>(patience: Duration, mut look: impl FnMut() -> F) -> Result<T, E>
where
    E: From<Overdue>,
    F: Future<Output = Result<Result<T, String>, E>>,
{
    let deadline = Instant::now() + patience;
    loop {
        match look().await? {
            Ok(found) => return Ok(found),
            Err(missing) if Instant::now() >= deadline => return Err(Overdue { patience, missing }.into()),
            Err(_) => sleep(ASK_EVERY).await,
        }
    }
}

/// A state was not reached in time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overdue {
    patience: Duration,
    missing: String,
}

impl Overdue {
    /// Returns what was there at last instead of what was waited for.
    pub fn missing(&self) -> &str {
        &self.missing
    }
}

impl fmt::Display for Overdue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "after {} s: {}", self.patience.as_secs(), self.missing)
    }
}

impl core::error::Error for Overdue {}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_missing_at_the_deadline_is_in_the_error() {
        let look = || core::future::ready(Ok::<Result<(), _>, Overdue>(Err("1 of 2 channels".to_owned())));
        let overdue = until(Duration::from_millis(30), look).await.unwrap_err();
        assert_eq!(overdue.missing(), "1 of 2 channels");
        let there = until::<_, Overdue, _>(Duration::ZERO, || core::future::ready(Ok(Ok(7)))).await;
        assert_eq!(there, Ok(7));
    }
}
