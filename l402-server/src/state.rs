//! What the folders of the configuration must contain, once the gateway has used them (threat S6).
//!
//! A folder names its own parts in a [manifest](l402_lightning::folder). That of the data folder names the folders: so a folder that
//! is gone as a whole, such as one that was not mounted, is noticed, too.

use l402_lightning::folder::{self, FolderError, Manifest};
use std::path::{Path, PathBuf};

use crate::config::{Config, Lightning};

/// The data folder's list of what must exist.
#[derive(Debug)]
pub struct State {
    manifest: Manifest,
    parts: Vec<(&'static str, PathBuf, &'static str)>,
}

impl State {
    /// Makes the data folder where it does not exist, and stops where something that it has named before is missing.
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn open(config: &Config) -> Result<Self, FolderError> {
        let io = |cause| FolderError::Io { path: config.data_dir.clone(), cause };
        folder::make(&config.data_dir).map_err(io)?;
        Self::read(config)
    }

    /// Stops where [`State::open`] would for what is missing, and makes nothing.
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn look(config: &Config) -> Result<(), FolderError> {
        Self::read(config).map(drop)
    }

    fn read(config: &Config) -> Result<Self, FolderError> {
        let manifest = Manifest::read(&config.data_dir)?;
        let parts = parts(config);
        for (part, path, loss) in &parts {
            manifest.demand(part, path, loss)?;
        }
        Ok(Self { manifest, parts })
    }

    /// Takes the sandbox out of the list of the data folder: it was removed on purpose.
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn forget_sandbox(config: &Config) -> Result<(), FolderError> {
        Manifest::read(&config.data_dir)?.release("sandbox")
    }

    /// Names all that exists by now: from now on it must.
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn note(&mut self) -> Result<(), FolderError> {
        let there = self.parts.iter().filter(|(_, path, _)| path.exists()).map(|(part, ..)| *part);
        let there: Vec<&str> = there.collect();
        self.manifest.add(&there)
    }
}

fn parts(config: &Config) -> Vec<(&'static str, PathBuf, &'static str)> {
    let mut parts = vec![("keys", config.key_dir.join(crate::keys::FILE), crate::keys::LOSS)];
    match &config.lightning {
        Lightning::Sandbox { dir: Some(dir) } => parts.push(("sandbox", blocks(dir), "the sandbox begins anew")),
        Lightning::Ldk(settings) => parts.push((
            "node",
            settings.storage_dir.join("ldk_node_data.sqlite"),
            "another node begins, and the money of the one before is out of reach",
        )),
        _ => {}
    }
    #[cfg(any(feature = "ldk", feature = "sandbox"))]
    if matches!(config.lightning, Lightning::Sandbox { .. } | Lightning::Ldk(_)) {
        parts.push(("control", crate::node::operations(&config.data_dir), crate::node::LOSS));
    }
    parts
}

fn blocks(dir: &Path) -> PathBuf {
    dir.join("chain").join("blocks.dat")
}

#[cfg(all(test, feature = "sandbox"))]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn s6_the_folder_of_the_operations_is_missed_as_a_whole() {
        let home = tempfile::tempdir().expect("a folder");
        let data = home.path().to_str().expect("text").to_owned();
        let environment = |name: &str| match name {
            "UPSTREAM_URL" => Some("http://127.0.0.1:1".to_owned()),
            "L402_SERVER_DATA_DIR" => Some(data.clone()),
            _ => None,
        };
        let config = Config::from_environment(&environment).expect("valid");
        let operations = crate::node::operations(home.path());
        fs::create_dir(home.path().join("control")).expect("made");
        fs::write(&operations, "{}").expect("written");
        State::open(&config).and_then(|mut state| state.note()).expect("noted");
        State::open(&config).expect("complete");
        fs::remove_dir_all(home.path().join("control")).expect("removed");
        let fault = State::open(&config).expect_err("incomplete").to_string();
        assert!(fault.contains("operations is missing") && fault.contains("carried out again"), "{fault}");
    }
}
