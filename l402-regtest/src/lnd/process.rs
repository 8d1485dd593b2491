//! A process that does not outlive this one, however this one ends.
//!
//! 1. The program starts behind a gate: a shell that becomes the program when it is told to. If this process dies before that,
//!    the shell reads the end of its input and ends.
//! 2. Before the gate opens, a watcher knows the program's id: a second shell that waits at a pipe from here. The system closes
//!    that pipe when this process ends, be it by `kill -9`; the watcher then kills the program.
//! 3. Both have process groups of their own, so that Ctrl-C at a terminal reaches neither; the program that handles it stops them in order.
//! 4. An id is given up only after the watcher was told so: it never kills a stranger that inherited the id.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};

/// Becomes the program, named by the arguments, once a line has come.
const GATE: &str = r#"read -r go || exit; exec "$@" </dev/null"#;

/// Kills the process of the argument when the input ends without a line.
const WATCH: &str = r#"trap "" HUP INT TERM; read -r done || kill -9 "$1""#;

/// A running program. Dropping it kills it.
pub(super) struct Process {
    program: Child,
    watcher: Child,
    /// How the program ended; its id means nothing from then on.
    ended: Option<ExitStatus>,
}

impl Process {
    /// Starts `program`, whose output goes to `log`.
    pub(super) fn start(program: &Path, arguments: &[OsString], log: File) -> io::Result<Self> {
        let mut gate = shell(GATE).arg(program).args(arguments).stdout(log.try_clone()?).stderr(log).spawn()?;
        let mut opener = gate.stdin.take();
        let watcher = shell(WATCH).arg(gate.id().to_string()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let process = Self { program: gate, watcher, ended: None };
        if let Some(opener) = &mut opener {
            opener.write_all(b"go\n")?;
        }
        Ok(process)
    }

    /// The id of the program.
    pub(super) fn id(&self) -> u32 {
        self.program.id()
    }

    /// Sends `signal`; a program that has ended takes no notice.
    pub(super) fn signal(&self, signal: Signal) -> io::Result<()> {
        if self.ended.is_some() {
            return Ok(());
        }
        Ok(kill_process(self.pid()?, signal)?)
    }

    /// Stops the program in its tracks, and returns when all of it stands still or has ended.
    pub(super) fn pause(&self) -> io::Result<()> {
        self.signal(Signal::STOP)?;
        let options = WaitIdOptions::EXITED | WaitIdOptions::STOPPED | WaitIdOptions::NOWAIT;
        waitid(WaitId::Pid(self.pid()?), options)?;
        Ok(())
    }

    /// How the program ended, if it did.
    pub(super) fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        if self.ended.is_none() && self.is_waiting_to_be_told()? {
            self.dismiss();
            self.ended = Some(self.program.wait()?);
        }
        Ok(self.ended)
    }

    /// Whether the program has ended and still holds its id.
    fn is_waiting_to_be_told(&self) -> io::Result<bool> {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        Ok(waitid(WaitId::Pid(self.pid()?), options)?.is_some())
    }

    fn pid(&self) -> io::Result<Pid> {
        let id = i32::try_from(self.program.id()).ok().and_then(Pid::from_raw);
        id.ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Sends the watcher home.
    fn dismiss(&mut self) {
        if let Some(mut pipe) = self.watcher.stdin.take() {
            // A watcher that is gone does no harm.
            let _ = pipe.write_all(b"done\n");
            let _ = self.watcher.wait();
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended, and been waited for, already.
        let _ = self.program.kill();
        self.dismiss();
        let _ = self.program.wait();
    }
}

/// A shell that runs `script` in a process group of its own, with a pipe from here as its input.
fn shell(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script, "sh"]).stdin(Stdio::piped()).process_group(0);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sleeper() -> Process {
        let log = tempfile::tempfile().unwrap();
        Process::start(Path::new("sleep"), &["1000".into()], log).unwrap()
    }

    /// Whether the process table holds `id`, other than as one that has ended.
    fn runs(id: u32) -> bool {
        std::fs::read_to_string(format!("/proc/{id}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
    }

    #[test]
    fn nothing_is_left_after_drop_even_of_what_was_paused() {
        let process = sleeper();
        let ids = [process.id(), process.watcher.id()];
        assert_eq!(ids.map(runs), [true; 2]);
        process.pause().unwrap();
        drop(process);
        assert_eq!(ids.map(runs), [false; 2]);
    }

    #[test]
    fn what_ended_by_itself_is_told_and_its_watcher_is_gone() {
        let log = tempfile::tempfile().unwrap();
        let mut process = Process::start(Path::new("false"), &[], log).unwrap();
        let status = core::iter::repeat_with(|| process.ended().unwrap()).find_map(core::convert::identity);
        assert_eq!(status.unwrap().code(), Some(1));
        assert!(!runs(process.watcher.id()));
        assert_eq!(process.ended().unwrap(), status);
    }

    #[test]
    fn a_gate_whose_owner_dies_runs_nothing() {
        let mut gate = shell(GATE).args(["sh", "-c", "exit 3"]).spawn().unwrap();
        drop(gate.stdin.take());
        assert_eq!(gate.wait().unwrap().code(), Some(1));
    }
}
