//! All that the serving threads log, at the most talkative level, and their panics. The tests of this program share one log.

use std::io;
use std::sync::{Mutex, Once, PoisonError};
use std::thread;
use tracing_subscriber::fmt::MakeWriter;

static BEGUN: Once = Once::new();
static TEXT: Mutex<Vec<u8>> = Mutex::new(Vec::new());
static PANICS: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Begins to collect, unless it has begun.
pub(crate) fn begin() {
    BEGUN.call_once(|| {
        let log = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_ansi(false).with_writer(Collect);
        tracing::subscriber::set_global_default(log.finish()).unwrap();
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if serves() {
                PANICS.lock().unwrap_or_else(PoisonError::into_inner).push(panic.to_string());
            }
            usual(panic);
        }));
    });
}

pub(crate) fn text() -> Vec<u8> {
    TEXT.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// The panics of serving threads.
pub(crate) fn panics() -> Vec<String> {
    PANICS.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Whether this thread is one of the gateway's: the client of a test may log what it likes.
fn serves() -> bool {
    thread::current().name().is_some_and(|name| name.starts_with("serve-"))
}

struct Collect;

impl<'a> MakeWriter<'a> for Collect {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        Self
    }
}

impl io::Write for Collect {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if serves() {
            TEXT.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
