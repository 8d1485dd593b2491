//! Where the programs are.

use core::fmt;
use std::env;
use std::path::{Path, PathBuf};

/// The environment variable that names the folder of `lnd` and `lncli`.
pub const VARIABLE: &str = "L402_LND";

/// The programs `lnd` and `lncli` of one folder.
#[derive(Clone, Debug)]
pub struct Binaries(PathBuf);

impl Binaries {
    /// Takes the folder that the environment variable [`VARIABLE`] names; without it, the newest that `just interop-build` has
    /// made in this workspace.
    ///
    /// # Errors
    ///
    /// When that folder does not hold both programs.
    pub fn find() -> Result<Self, NotBuilt> {
        match env::var_os(VARIABLE) {
            Some(folder) => Self::of(&PathBuf::from(folder)),
            None => newest().ok_or(NotBuilt { named: None }),
        }
    }

    /// Returns the path of `lnd`.
    pub fn lnd(&self) -> PathBuf {
        self.0.join("lnd")
    }

    /// Returns the path of `lncli`.
    pub fn lncli(&self) -> PathBuf {
        self.0.join("lncli")
    }

    fn of(folder: &Path) -> Result<Self, NotBuilt> {
        let binaries = Self(folder.to_owned());
        let whole = binaries.lnd().is_file() && binaries.lncli().is_file();
        if whole { Ok(binaries) } else { Err(NotBuilt { named: Some(folder.to_owned()) }) }
    }
}

fn newest() -> Option<Binaries> {
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).parent()?.join("target/interop");
    let folders = built.read_dir().ok()?.filter_map(|entry| Some(entry.ok()?.path()));
    let found =
        folders.filter_map(|folder| Some((folder.metadata().ok()?.modified().ok()?, Binaries::of(&folder).ok()?)));
    found.max_by_key(|(built, _)| *built).map(|(_, binaries)| binaries)
}

/// LND is not on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotBuilt {
    /// Where the environment says it is.
    named: Option<PathBuf>,
}

impl fmt::Display for NotBuilt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.named {
            Some(folder) => write!(f, "{VARIABLE} names {}, which does not hold lnd and lncli", folder.display()),
            None => write!(
                f,
                "LND is not built: run `just interop-build`, or name a folder with lnd and lncli in {VARIABLE}"
            ),
        }
    }
}

impl core::error::Error for NotBuilt {}
