//! A process that does not outlive the test that started it.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command};

/// A process; it is killed when this is dropped, as it is by a test that fails.
#[derive(Debug)]
pub struct Process(Child);

impl Process {
    /// Starts one.
    pub fn start(command: &mut Command) -> Self {
        Self(command.spawn().unwrap())
    }

    /// Returns the lines that it writes, where its standard output is piped; once.
    pub fn lines(&mut self) -> impl Iterator<Item = String> + use<> {
        BufReader::new(self.0.stdout.take().unwrap()).lines().map(Result::unwrap)
    }

    /// Tells whether it runs.
    pub fn runs(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }

    /// Kills it with `SIGKILL`, and waits until it is gone.
    pub fn kill(self) {
        drop(self);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // One that has ended by itself cannot be killed.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
