//! What the directories of the settings must contain, once the gateway has used them: a start without one of them stops.
//!
//! A directory names its own parts in a [manifest](l402_lightning::folder). That of the data directory names the directories: so one
//! that is gone as a whole, such as one that was not mounted, is noticed, too.

use l402_lightning::folder::{self, FolderError, Manifest};
use std::io;
use std::path::Path;

use crate::keys;
use crate::settings::Settings;

#[doc(no_inline)]
pub use crate::settings::Kept;

/// The data directory's list of what must exist.
#[derive(Debug)]
pub struct Inventory {
    manifest: Manifest,
    kept: Vec<Kept>,
}

impl Inventory {
    /// Makes the data directory where it does not exist, and stops where something that it has named before is missing.
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn open(settings: &Settings) -> Result<Self, FolderError> {
        folder::make(&settings.data_dir).map_err(|cause| uncreated(settings, cause))?;
        Self::read(settings)
    }

    /// Stops where [`Inventory::open`] would, and makes nothing that stays.
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn look(settings: &Settings) -> Result<(), FolderError> {
        folder::try_make(&settings.data_dir).map_err(|cause| uncreated(settings, cause))?;
        Self::read(settings).map(drop)
    }

    fn read(settings: &Settings) -> Result<Self, FolderError> {
        let manifest = Manifest::read(&settings.data_dir)?;
        let keys = Kept { name: KEYS, path: settings.key_dir.join(keys::FILE), loss: keys::LOSS };
        let kept: Vec<Kept> = [keys].into_iter().chain(settings.kept.iter().cloned()).collect();
        for Kept { name, path, loss } in &kept {
            manifest.demand(name, path, loss)?;
        }
        Ok(Self { manifest, kept })
    }

    /// Takes something out of the list of a data directory: it was removed on purpose.
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn forget(data_dir: &Path, name: &str) -> Result<(), FolderError> {
        Manifest::read(data_dir)?.release(name)
    }

    /// Names all that exists by now: from now on it must.
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn note(&mut self) -> Result<(), FolderError> {
        let there: Vec<&str> = self.kept.iter().filter(|kept| kept.path.exists()).map(|kept| kept.name).collect();
        self.manifest.add(&there)
    }
}

fn uncreated(settings: &Settings, cause: io::Error) -> FolderError {
    FolderError::Create { path: settings.data_dir.clone(), cause }
}

/// The name of the key file in the data directory's list.
pub const KEYS: &str = "keys";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::tests::settings;
    use std::fs;

    #[test]
    fn a_look_stops_at_a_directory_that_cannot_be_created_and_creates_none() {
        let home = tempfile::tempdir().expect("a directory");
        let look = |data_dir| Inventory::look(&Settings { data_dir, ..settings() });
        look(home.path().join("data")).expect("it can be created");
        assert!(!home.path().join("data").exists());
        fs::write(home.path().join("file"), "").expect("written");
        assert!(matches!(look(home.path().join("file/data")), Err(FolderError::Create { .. })));
    }

    #[test]
    fn s6_the_directory_of_the_operations_is_missed_as_a_whole() {
        let home = tempfile::tempdir().expect("a directory");
        let operations = home.path().join("control").join("operations");
        let kept = Kept { name: "control", path: operations.clone(), loss: "a command is carried out again" };
        let mut settings = Settings { data_dir: home.path().to_owned(), ..settings() };
        settings.kept.push(kept);
        fs::create_dir(home.path().join("control")).expect("made");
        fs::write(&operations, "{}").expect("written");
        Inventory::open(&settings).and_then(|mut inventory| inventory.note()).expect("noted");
        Inventory::open(&settings).expect("complete");
        fs::remove_dir_all(home.path().join("control")).expect("removed");
        let fault = Inventory::open(&settings).expect_err("incomplete").to_string();
        assert!(fault.contains("operations is missing") && fault.contains("carried out again"), "{fault}");
    }
}
