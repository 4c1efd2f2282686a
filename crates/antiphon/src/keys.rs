//! Keys of providers that the user stored: `keys.json` in the configuration folder, readable by them alone.

use std::collections::BTreeMap;
use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use antiphon_core::{Error, Kind, Result};
use secrecy::{ExposeSecret, SecretString};

/// The stored keys.
#[derive(Debug, Clone)]
pub struct KeyStore {
    path: PathBuf,
    /// What the file said once, where it is not read again.
    kept: Option<Arc<BTreeMap<String, SecretString>>>,
}

impl KeyStore {
    /// The store in that configuration folder.
    pub fn new(config_dir: &Path) -> Self {
        Self { path: config_dir.join("keys.json"), kept: None }
    }

    /// The same keys, read once: for a process that asks for them with every call.
    pub fn kept(self) -> Result<Self> {
        let keys = self.load()?.into_iter().map(|(name, key)| (name, key.into())).collect();
        Ok(Self { kept: Some(Arc::new(keys)), ..self })
    }

    /// Where the keys are stored.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The key of that name (a provider's id).
    pub fn read(&self, name: &str) -> Result<Option<SecretString>> {
        match &self.kept {
            Some(keys) => Ok(keys.get(name).cloned()),
            None => Ok(self.load()?.remove(name).map(SecretString::from)),
        }
    }

    /// The names under which keys are stored.
    pub fn names(&self) -> Result<Vec<String>> {
        Ok(self.load()?.into_keys().collect())
    }

    /// Stores a key; the file is replaced whole, so that a crash leaves the old one or the new one.
    pub fn write(&self, name: &str, key: &SecretString) -> Result<()> {
        let key = key.expose_secret().trim();
        if key.is_empty() || !key.chars().all(|c| c.is_ascii_graphic()) {
            return Err(Error::invalid("key", "must be printable ASCII without spaces"));
        }
        let mut keys = self.load()?;
        keys.insert(name.to_owned(), key.to_owned());
        self.save(&keys).map_err(|error| self.failed("cannot write", &error))
    }

    fn load(&self) -> Result<BTreeMap<String, String>> {
        let text = match fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(BTreeMap::new()),
            Err(error) => return Err(self.failed("cannot read", &error)),
        };
        // serde_json's message may quote the text, and with it a key: only the place is told.
        serde_json::from_str(&text).map_err(|error| {
            let place = format!("line {}, column {}", error.line(), error.column());
            let message = format!("{} is not a JSON object of names and keys ({place})", self.path.display());
            Error::new(Kind::Config, message).hint("mend the file, or remove it and set the keys again")
        })
    }

    fn save(&self, keys: &BTreeMap<String, String>) -> std::io::Result<()> {
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder)?;
        }
        let draft = self.path.with_extension(format!("json.{}", std::process::id()));
        let mut options = fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&draft)?;
        file.write_all(&serde_json::to_vec_pretty(keys)?)?;
        file.sync_all()?;
        fs::rename(&draft, &self.path)
    }

    fn failed(&self, what: &str, error: &std::io::Error) -> Error {
        Error::new(Kind::Config, format!("{what} {}: {error}", self.path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_kept_private_and_never_shown() {
        let folder = tempfile::tempdir().unwrap();
        let store = KeyStore::new(&folder.path().join("new"));
        store.write("openai", &"canary-1".to_owned().into()).unwrap();
        store.write("groq", &"canary-2\n".to_owned().into()).unwrap();
        assert_eq!(store.names().unwrap(), ["groq", "openai"]);
        let key = store.read("groq").unwrap().unwrap();
        assert_eq!(key.expose_secret(), "canary-2");
        let kept = store.clone().kept().unwrap();
        assert!(!format!("{key:?} {store:?} {kept:?}").contains("canary"));
        store.write("groq", &"canary-4".to_owned().into()).unwrap();
        assert_eq!(kept.read("groq").unwrap().unwrap().expose_secret(), "canary-2");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(store.path()).unwrap().permissions().mode() & 0o777, 0o600);
        }
        fs::write(store.path(), "{\"openai\": canary-3}").unwrap();
        let error = store.read("openai").unwrap_err();
        assert!(!error.to_string().contains("canary"), "{error}");
    }
}
