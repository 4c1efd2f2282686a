//! What the server is told: the `[serve]` table of `config.toml`, and the command line over it.
//!
//! ```toml
//! [serve]
//! host = "127.0.0.1"                   # elsewhere only with keys
//! port = 4000                          # 0: any free one
//! data = "/var/lib/antiphon"           # endpoints, files, batch jobs
//! tls_cert = "/etc/antiphon/cert.pem"  # both or none
//! tls_key = "/etc/antiphon/key.pem"
//! max_body_mib = 32
//! max_in_flight = 1024                 # beyond: 429 with Retry-After
//! drain_seconds = 30                   # how long answers under way may take when the server stops
//! log_prompts = false                  # whether the log shows what is asked
//!
//! [[serve.keys]]                       # without any, every key or none is accepted
//! name = "team-a"                      # what logs say
//! key = "…"                            # or key_sha256, in hexadecimal
//! models = ["fast", "local/*"]         # without it, every model
//! requests_per_minute = 600            # without it, no limit
//! ```

use std::fs;
use std::io::ErrorKind;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use antiphon::aliases;
use antiphon::config::{self, Config};
use antiphon::{Error, Kind, Result, SecretString};
use etcetera::BaseStrategy;
use serde::Deserialize;

/// The port where none is said.
pub const DEFAULT_PORT: u16 = 4000;

/// How many requests wait for a local model where nobody says.
const MAX_WAITING: u32 = 512;

/// The `[serve]` table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Address or name to listen on.
    pub host: String,
    /// Port to listen on; 0 is any free one.
    pub port: u16,
    /// Folder of what must survive a restart.
    pub data: Option<PathBuf>,
    /// PEM file of the certificate and those behind it.
    pub tls_cert: Option<PathBuf>,
    /// PEM file of its key.
    pub tls_key: Option<PathBuf>,
    /// Who may call; empty: everybody on this machine.
    pub keys: Vec<KeySettings>,
    /// Largest body of a request, in MiB.
    pub max_body_mib: u32,
    /// Most requests at once.
    pub max_in_flight: u32,
    /// Seconds that answers under way may take when the server stops.
    pub drain_seconds: u64,
    /// Whether the log shows what is asked.
    pub log_prompts: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            host: "127.0.0.1".to_owned(),
            port: DEFAULT_PORT,
            data: None,
            tls_cert: None,
            tls_key: None,
            keys: Vec::new(),
            max_body_mib: 32,
            max_in_flight: 1024,
            drain_seconds: 30,
            log_prompts: false,
        }
    }
}

/// A `[[serve.keys]]` table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeySettings {
    /// What logs call its owner.
    pub name: String,
    /// The key itself.
    pub key: Option<SecretString>,
    /// Its SHA-256, in hexadecimal, in place of the key.
    pub key_sha256: Option<String>,
    /// The models that it may ask; a `*` at the end stands for anything. All, where it is not given.
    pub models: Option<Vec<String>>,
    /// How many requests it may send in a minute.
    pub requests_per_minute: Option<NonZeroU32>,
}

/// What the command line says. It goes before the file.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The file to read in place of the user's `config.toml`.
    pub config: Option<PathBuf>,
    /// See [`Settings::host`].
    pub host: Option<String>,
    /// See [`Settings::port`].
    pub port: Option<u16>,
    /// See [`Settings::data`].
    pub data: Option<PathBuf>,
    /// Further names for models, with what they stand for.
    pub aliases: Vec<(String, String)>,
}

/// Everything that was read, and found good.
pub(crate) struct Loaded {
    pub(crate) settings: Settings,
    pub(crate) config: Config,
}

impl Loaded {
    pub(crate) fn read(options: &Options) -> Result<Self> {
        let (path, text) = text(options)?;
        let mut config = Config::parse(&path, &text)?;
        let ServeFile { mut serve } = config::parse(&path, &text)?;
        serve.host = options.host.clone().unwrap_or(serve.host);
        serve.port = options.port.unwrap_or(serve.port);
        serve.data = options.data.clone().or(serve.data);
        config.local.max_waiting.get_or_insert(MAX_WAITING);
        config.aliases.extend(options.aliases.iter().cloned());
        aliases::check(&config.aliases)?;
        serve.check()?;
        Ok(Self { settings: serve, config })
    }
}

/// The part of the file that is ours; the rest is [`Config`]'s.
#[derive(Deserialize)]
struct ServeFile {
    #[serde(default)]
    serve: Settings,
}

fn text(options: &Options) -> Result<(PathBuf, String)> {
    let path = options.config.clone().unwrap_or_else(|| config::config_dir().join("config.toml"));
    match fs::read_to_string(&path) {
        Ok(text) => Ok((path, text)),
        Err(error) if error.kind() == ErrorKind::NotFound && options.config.is_none() => {
            Ok((path, String::new()))
        }
        Err(error) => Err(Error::new(Kind::Config, format!("cannot read {}: {error}", path.display()))),
    }
}

impl Settings {
    fn check(&self) -> Result<()> {
        if self.tls_cert.is_some() != self.tls_key.is_some() {
            return Err(wrong("tls_cert", "tls_cert and tls_key go together, and one is missing"));
        }
        if self.max_body_mib == 0 || self.max_in_flight == 0 {
            return Err(wrong("max_in_flight", "max_body_mib and max_in_flight must be at least 1"));
        }
        if self.keys.is_empty() && !is_loopback(&self.host) {
            let message = format!("{} can be reached from elsewhere, and no key is asked for", self.host);
            return Err(wrong("host", message).hint(
                "add a key to the configuration: [[serve.keys]] with name = \"team\" and key = \"…\" \
                 (such as `openssl rand -hex 24` prints)",
            ));
        }
        Ok(())
    }

    /// Where endpoints, files and batch jobs are kept.
    pub(crate) fn data_dir(&self) -> PathBuf {
        self.data.clone().unwrap_or_else(|| {
            let base = etcetera::choose_base_strategy().map(|base| base.data_dir()).unwrap_or_default();
            base.join("antiphon").join("serve")
        })
    }

    pub(crate) fn max_body(&self) -> usize {
        (self.max_body_mib as usize) << 20
    }

    pub(crate) fn drain(&self) -> Duration {
        Duration::from_secs(self.drain_seconds)
    }
}

/// Whether only this machine reaches that address.
pub(crate) fn is_loopback(host: &str) -> bool {
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    match host.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().is_loopback(),
        Err(_) => host.eq_ignore_ascii_case("localhost"),
    }
}

pub(crate) fn wrong(field: &str, message: impl std::fmt::Display) -> Error {
    Error::new(Kind::Config, format!("serve.{field}: {message}")).param(format!("serve.{field}"))
}

/// What the server would do, for `antiphon serve --check`.
#[derive(Debug, Clone)]
pub struct Check {
    /// One line for each thing to know; no secret.
    pub lines: Vec<String>,
}

impl Check {
    /// Reads everything and starts nothing.
    pub fn of(options: &Options) -> Result<Self> {
        let Loaded { settings, config } = Loaded::read(options)?;
        crate::keys::Keys::new(&settings.keys, None)?;
        let tls = crate::tls::acceptor(&settings)?.is_some();
        let scheme = if tls { "https" } else { "http" };
        let mut lines = vec![
            format!("listens on {scheme}://{}:{}", settings.host, settings.port),
            format!("keeps endpoints, files and batch jobs in {}", display(&settings.data_dir())),
            match settings.keys.as_slice() {
                [] => "accepts any key or none".to_owned(),
                keys => {
                    let names: Vec<&str> = keys.iter().map(|key| key.name.as_str()).collect();
                    format!("accepts the keys of {}", names.join(", "))
                }
            },
            format!(
                "takes bodies of up to {} MiB, {} requests at once",
                settings.max_body_mib, settings.max_in_flight
            ),
        ];
        lines.extend(config.aliases.iter().map(|(name, target)| format!("alias {name} = {target}")));
        Ok(Self { lines })
    }
}

fn display(path: &Path) -> String {
    path.display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Loaded> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("serve.toml");
        fs::write(&path, text).unwrap();
        Loaded::read(&Options { config: Some(path), ..Options::default() })
    }

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let Err(error) = read(text) else { panic!("{text:?} is read") };
        assert_eq!(error.kind(), Kind::Config);
        let shown = format!("{} {}", error.message(), error.advice().unwrap_or_default());
        assert!(shown.contains(expected), "{shown:?} has no {expected:?}");
        assert!(!shown.contains("canary"), "{shown}");
    }

    #[test]
    fn wrong_settings_say_what_to_do() {
        check("[serve]\nprot = 1\n", "did you mean `port`?");
        check("[serve]\nport = 70000\n", "line 2");
        check("[sevre]\n", "did you mean `serve`?");
        check("[[serve.keys]]\nname = \"a\"\nkye = \"canary\"\n", "did you mean `key`?");
        check("[serve]\nhost = \"0.0.0.0\"\n", "[[serve.keys]]");
        check("[serve]\ntls_cert = \"/x\"\n", "tls_key");
        check("[serve]\nmax_in_flight = 0\n", "at least 1");
        check("[aliases]\n\"a b\" = \"local/chorister\"\n", "holds ' '");
    }

    #[test]
    fn the_command_line_goes_first() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("serve.toml");
        fs::write(&path, "[serve]\nport = 1\n[aliases]\nfast = \"a/b\"\n").unwrap();
        let options = Options {
            config: Some(path),
            port: Some(0),
            aliases: vec![("fast".into(), "local/chorister".into())],
            ..Options::default()
        };
        let loaded = Loaded::read(&options).unwrap();
        assert_eq!(loaded.settings.port, 0);
        assert_eq!(loaded.config.aliases["fast"], "local/chorister");
    }

    #[test]
    fn loopback_is_known_by_its_address() {
        for (host, expected) in
            [("127.0.0.1", true), ("127.9.9.9", true), ("::1", true), ("[::1]", true), ("localhost", true)]
                .into_iter()
                .chain([("0.0.0.0", false), ("::", false), ("10.0.0.1", false), ("example.com", false)])
        {
            assert_eq!(is_loopback(host), expected, "{host}");
        }
    }
}
