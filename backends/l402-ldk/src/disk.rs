//! Looks after the disk: that it can be written, and has room for what has been sold to settle.

use super::health::{Health, NodeHealth};
use core::time::Duration;
use l402_lightning::folder;
use rustix::io::Errno;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval};

/// Looks at the disk of a folder from time to time, until it is aborted or the node has failed.
pub(super) async fn watch(folder: PathBuf, floor_bytes: u64, health: Arc<Health>) {
    let mut tick = interval(LOOK_EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        let looked = folder.clone();
        let Ok(found) = spawn_blocking(move || look(&looked)).await else { return };
        match found {
            Ok(free_bytes) if free_bytes < floor_bytes => health.set(NodeHealth::DiskLow { free_bytes }),
            Ok(_) => health.set(NodeHealth::Good),
            Err(cause) if says_nothing_of_the_disk(&cause) => {}
            Err(cause) => return health.unwritten(cause),
        }
    }
}

/// Writes a block, as a record would be written, and returns how many bytes are free.
pub(super) fn look(folder: &Path) -> io::Result<u64> {
    let mut file = folder::open(&folder.join("disk-check"))?;
    file.set_len(0)?; // what is overwritten needs no room
    file.write_all(&[0x5a; BLOCK])?;
    file.sync_data()?;
    let about = rustix::fs::statvfs(folder)?;
    file.set_len(0)?; // a block that is kept is free for the next look alone, which would succeed on a full disk
    Ok(about.f_bavail.saturating_mul(about.f_frsize))
}

/// Whether the look itself could not be taken: with every descriptor in use a healthy disk cannot be opened either.
fn says_nothing_of_the_disk(cause: &io::Error) -> bool {
    matches!(Errno::from_io_error(cause), Some(Errno::MFILE | Errno::NFILE))
}

const BLOCK: usize = 4096;
const LOOK_EVERY: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn l6_a_lack_of_descriptors_is_not_a_broken_disk() {
        let nothing = |errno: Errno| says_nothing_of_the_disk(&errno.into());
        assert!(nothing(Errno::MFILE) && nothing(Errno::NFILE));
        assert!(!nothing(Errno::NOSPC) && !nothing(Errno::IO) && !nothing(Errno::FBIG));
    }
}
