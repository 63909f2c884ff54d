//! The installation of the Debian package: the places that its unit names. It must not open them for writing.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use clap::Command;
use parlor_settings::file::Defaults;

/// Where the unit of the package reads its settings and keeps its data.
#[derive(Debug, Clone)]
pub(super) struct Package {
    /// The file of `--config`.
    config: PathBuf,
    /// `PARLOR_DATA` of the unit.
    data: PathBuf,
    /// More variables of the unit, some of them secret.
    variables: PathBuf,
    /// A file that only the package has. A settings file may be left over, or made by hand.
    program: PathBuf,
}

impl Package {
    /// The package in the file system whose root directory is `root`.
    pub(super) fn below(root: &Path) -> Self {
        let at = |path: &str| root.join(path);
        Self {
            config: at("etc/parlor/parlor.toml"),
            data: at("var/lib/parlor"),
            variables: at("etc/parlor/secrets.env"),
            program: at("usr/lib/parlor/copy-credentials"),
        }
    }

    /// Whether the package is installed on this machine.
    pub(super) fn is_installed(&self) -> bool {
        self.config.exists() && self.program.exists()
    }

    /// Whether this is the settings file of the package, and the package is installed.
    pub(super) fn has(&self, config: &Path) -> bool {
        let is_same = || fs::canonicalize(config).ok() == fs::canonicalize(&self.config).ok();
        self.is_installed() && (config == self.config || is_same())
    }

    /// Reads what the unit would give to the server. `settings` is the command whose flags are the settings.
    /// `is_secret` says whether the settings may be secret ones: then it reads the file that only root can read.
    ///
    /// # Errors
    /// Names the file, and the line and the key in it.
    pub(super) fn read(&self, settings: &Command, is_secret: bool) -> Result<Defaults, String> {
        let mut defaults = Defaults::read(&self.config, settings)?;
        let text = |path: &Path| vec![path.to_string_lossy().into_owned()];
        defaults.set("config", text(&self.config));
        // For the server this is a variable, which goes before the file.
        defaults.set("data", text(&self.data));
        if is_secret {
            self.read_variables(settings, &mut defaults)?;
        }
        Ok(defaults)
    }

    fn read_variables(&self, settings: &Command, defaults: &mut Defaults) -> Result<(), String> {
        let shown = self.variables.display();
        let text = match fs::read_to_string(&self.variables) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(format!("cannot read {shown}: {error}; run the command as root")),
        };
        for (number, line) in text.lines().enumerate() {
            let Some((name, value)) = variable(line) else { continue };
            let set = defaults.set_variable(settings, name, value);
            set.map_err(|why| format!("{shown}: line {}: {why}", number + 1))?;
        }
        Ok(())
    }
}

/// Reads a line of an environment file (systemd.exec(5)), whose value may be in quotes.
fn variable(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.trim().split_once('=')?;
    let unquoted = |quote| value.trim().strip_prefix(quote).and_then(|value: &str| value.strip_suffix(quote));
    let value = unquoted('"').or_else(|| unquoted('\'')).unwrap_or(value.trim());
    (!name.starts_with(['#', ';']) && !value.is_empty()).then_some((name.trim(), value))
}
