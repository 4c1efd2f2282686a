//! Sizes of memory, as people write them.

use std::fmt;
use std::sync::OnceLock;

use antiphon_engine::system_info;
use serde::{Deserialize, Deserializer, de};

/// Of the machine's memory, what models may take where nobody says.
const SHARE: (u64, u64) = (3, 4);

/// So many bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(pub u64);

/// Units, each with its bytes. Those of a thousand and those of 1024 are the same to the eye, and here as said.
const UNITS: [(&str, u64); 10] = [
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
    ("tib", 1 << 40),
    ("kb", 1_000),
    ("mb", 1_000_000),
    ("gb", 1_000_000_000),
    ("tb", 1_000_000_000_000),
    ("b", 1),
    ("", 1),
];

impl Size {
    /// Three quarters of the memory that this process may use; without a bound where nobody knows it.
    pub(crate) fn of_machine() -> Self {
        static SIZE: OnceLock<u64> = OnceLock::new();
        let share = |bytes: u64| bytes / SHARE.1 * SHARE.0;
        Self(*SIZE.get_or_init(|| system_info().usable_memory.map_or(u64::MAX, share)))
    }

    /// Reads `8GB`, `1.5 GiB`, `500MB`.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().to_ascii_lowercase();
        let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let (number, unit) = (text[..digits].parse::<f64>().ok()?, text[digits..].trim());
        let (_, bytes) = UNITS.iter().find(|(name, _)| *name == unit)?;
        let size = number * *bytes as f64;
        (size >= 1.0 && size < u64::MAX as f64).then_some(Self(size as u64))
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            bytes if bytes >= 1_000_000_000 => write!(f, "{:.1} GB", bytes as f64 / 1e9),
            bytes => write!(f, "{} MB", bytes.div_ceil(1_000_000)),
        }
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text)
            .ok_or_else(|| de::Error::custom(format_args!("{text:?} is no size of memory, such as \"8GB\"")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_and_shown() {
        for (text, bytes) in [
            ("8GB", 8_000_000_000),
            (" 1.5 GiB ", 3 << 29),
            ("500mb", 500_000_000),
            ("12 b", 12),
            ("4096", 4096),
        ] {
            assert_eq!(Size::parse(text), Some(Size(bytes)), "{text}");
        }
        for text in ["", "GB", "8 GX", "-1GB", "0", "1e9", "99999999999999999999GB", "8 G B"] {
            assert_eq!(Size::parse(text), None, "{text}");
        }
        assert_eq!(Size(17_616_000_000).to_string(), "17.6 GB");
        assert_eq!(Size(1).to_string(), "1 MB");
        assert!(Size::of_machine().0 > 1 << 27);
    }
}
