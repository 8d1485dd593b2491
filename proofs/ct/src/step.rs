//! Single-stepping a child of the own binary from one mark to the other (ptrace, x86-64 Linux).

use crate::Failure;
use nix::sched::{CpuSet, sched_getcpu, sched_setaffinity};
use nix::sys::ptrace;
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;
use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{ChildStdout, Command, Stdio};

/// A child that stops in front of each piece of work between two marks.
pub struct Stepped {
    pid: Pid,
    output: BufReader<ChildStdout>,
    begin: u64,
    end: u64,
    base: u64,
}

impl Stepped {
    /// Starts the own binary with these arguments; it must ask to be traced, stop, and print its marks.
    pub fn start(arguments: &[&str]) -> Result<Self, Failure> {
        share_a_processor()?;
        let mut child = Command::new(env::current_exe()?).args(arguments).stdout(Stdio::piped()).spawn()?;
        let pid = Pid::from_raw(i32::try_from(child.id())?);
        let mut output = BufReader::new(child.stdout.take().ok_or("the child has no output")?);
        if !stopped(pid)? {
            return Err("the child ended before it was traced".into());
        }
        ptrace::setoptions(pid, ptrace::Options::PTRACE_O_EXITKILL)?;
        let mut line = String::new();
        output.read_line(&mut line)?;
        let (begin, end) = line.trim().split_once(' ').ok_or("the child did not print its marks")?;
        let (begin, end, base) = (begin.parse()?, end.parse()?, load_base(pid)?);
        ptrace::cont(pid, None)?;
        Ok(Self { pid, output, begin, end, base })
    }

    /// Returns the addresses of the next piece of work, each relative to where the binary is loaded, or [`None`] when the
    /// child has ended.
    pub fn next_trace(&mut self) -> Result<Option<Vec<u64>>, Failure> {
        if !stopped(self.pid)? {
            return Ok(None);
        }
        let mut trace = Vec::with_capacity(16_384);
        loop {
            ptrace::step(self.pid, None)?;
            if waitpid(self.pid, None)? != WaitStatus::Stopped(self.pid, Signal::SIGTRAP) {
                return Err("the child did something else than a step".into());
            }
            let address = ptrace::getregs(self.pid)?.rip;
            if address == self.end {
                break;
            }
            if address == self.begin || !trace.is_empty() {
                trace.push(address.wrapping_sub(self.base));
            }
        }
        ptrace::cont(self.pid, None)?;
        Ok(Some(trace))
    }

    /// Returns what the child has printed behind its marks; it must have ended, which [`Stepped::next_trace`] tells.
    pub fn finish(mut self) -> Result<String, Failure> {
        let mut printed = String::new();
        self.output.read_to_string(&mut printed)?;
        Ok(printed)
    }
}

/// Keeps this process, and the children that it starts, on one processor: each step is a change from one to the other, which
/// takes several times as long between two processors.
fn share_a_processor() -> Result<(), Failure> {
    let mut here = CpuSet::new();
    here.set(sched_getcpu()?)?;
    sched_setaffinity(Pid::from_raw(0), &here)?;
    Ok(())
}

/// Waits for the child to stop itself; false where it has ended well.
fn stopped(pid: Pid) -> Result<bool, Failure> {
    match waitpid(pid, None)? {
        WaitStatus::Stopped(_, Signal::SIGSTOP) => Ok(true),
        WaitStatus::Exited(_, 0) => Ok(false),
        other => Err(format!("the traced child ended with {other:?}").into()),
    }
}

/// Where the binary is loaded in a process that has just started: its lowest mapping.
fn load_base(pid: Pid) -> Result<u64, Failure> {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps"))?;
    let own = env::current_exe()?;
    let own = own.to_str().ok_or("the binary's path is not text")?;
    let line = maps.lines().find(|line| line.ends_with(own)).ok_or("the binary is not mapped")?;
    let (base, _) = line.split_once('-').ok_or("a mapping has no start")?;
    Ok(u64::from_str_radix(base, 16)?)
}
