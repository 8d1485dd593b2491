//! The memory of a program that holds keys and bearer credentials stays out of files, and away from debuggers.

use rustix::process::{Resource, Rlimit, setrlimit};
use std::io;

/// Switches core dumps off for this process and those that it starts. On Linux, no other process of the same user can read its
/// memory or trace it either.
///
/// # Errors
/// What the system says; then a crash may write the memory to a file.
///
/// ```
/// l402_program::core_dump::forbid()?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn forbid() -> io::Result<()> {
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    // A limit of 0 does not stop a system that hands core dumps to a program (`core_pattern` with a pipe).
    #[cfg(target_os = "linux")]
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn o2_no_core_dump_is_written() {
        forbid().unwrap();
        let limit = rustix::process::getrlimit(Resource::Core);
        assert_eq!((limit.current, limit.maximum), (Some(0), Some(0)));
        #[cfg(target_os = "linux")]
        assert_eq!(rustix::process::dumpable_behavior().unwrap(), rustix::process::DumpableBehavior::NotDumpable);
    }
}
