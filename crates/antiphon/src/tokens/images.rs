//! What an image costs in tokens, by the rules that OpenAI publishes.
//!
//! Source: <https://developers.openai.com/api/docs/guides/images-vision#calculating-costs>. Nothing is fetched:
//! of an image behind an address only `detail="low"` is known, else [`UNKNOWN_SIZE`] stands in.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Width and height that an image is taken to have whose own are not known: one tile.
const UNKNOWN_SIZE: (u32, u32) = (300, 300);

/// A long image is first made to fit into this square, then its shorter side is made as long as the second.
const MAX_SIDE: f64 = 2048.0;
const SHORT_SIDE: f64 = 768.0;
const TILE: u32 = 512;

/// Tokens of an image, and of each tile of one in high detail, by how the model's name begins.
const TILES: &[(&str, u64, u64)] = &[
    ("gpt-4o-mini", 2833, 5667),
    // Counted by patches of 32 pixels, by a rule that is another for each: GPT-4o's tiles stand in.
    ("gpt-5-mini", 85, 170),
    ("gpt-5-nano", 85, 170),
    ("gpt-5.", 85, 170),
    ("gpt-5", 70, 140),
    ("o1", 75, 150),
    ("o3", 75, 150),
    // GPT-4o, 4.1 and 4.5; of all others no rule is known.
    ("", 85, 170),
];

/// How many tokens the image at `url` is for `model`; `None` where `detail` is none of OpenAI's.
pub(super) fn tokens(model: &str, url: &str, detail: &str) -> Option<u64> {
    let (_, base, tile) = TILES.iter().find(|(name, ..)| model.starts_with(name))?;
    let size = || url.strip_prefix("data:").and_then(|data| size(&header(data.split_once("base64,")?.1)));
    let (width, height) = match (detail, size()) {
        ("low", _) | ("auto", None) => return Some(*base),
        ("auto" | "high", size) => size.unwrap_or(UNKNOWN_SIZE),
        _ => return None,
    };
    Some(base + tile * tiles(width, height))
}

fn tiles(width: u32, height: u32) -> u64 {
    let (width, height) = (f64::from(width.max(1)), f64::from(height.max(1)));
    let fitting = (MAX_SIDE / width.max(height)).min(1.0);
    let scale = fitting * (SHORT_SIDE / (width.min(height) * fitting)).min(1.0);
    let across = |side: f64| u64::from(((side * scale) as u32).max(1).div_ceil(TILE));
    across(width) * across(height)
}

/// The bytes that say an image's size: a JPEG may have much before them.
fn header(data: &str) -> Vec<u8> {
    const LONGEST: usize = 256 * 1024;
    let end = data.len().min(LONGEST) / 4 * 4;
    data.get(..end).and_then(|data| STANDARD.decode(data).ok()).unwrap_or_default()
}

/// Width and height of a PNG, GIF, JPEG or WebP image.
fn size(bytes: &[u8]) -> Option<(u32, u32)> {
    let little = |at: usize| Some(u32::from(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?)));
    let long = |at: usize| Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    let three = |at: usize| Some(little(at)? | u32::from(*bytes.get(at + 2)?) << 16);
    match bytes {
        [0x89, b'P', b'N', b'G', ..] => Some((long(16)?, long(20)?)),
        [b'G', b'I', b'F', b'8', ..] => Some((little(6)?, little(8)?)),
        [0xff, 0xd8, ..] => jpeg_size(bytes),
        [b'R', b'I', b'F', b'F', ..] => match bytes.get(12..16)? {
            b"VP8X" => Some((three(24)? + 1, three(27)? + 1)),
            b"VP8 " => Some((little(26)? & 0x3fff, little(28)? & 0x3fff)),
            b"VP8L" => {
                let bits = u32::from_le_bytes(bytes.get(21..25)?.try_into().ok()?);
                Some(((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1))
            }
            _ => None,
        },
        _ => None,
    }
}

/// The size is in the frame header, whose marker is C0 to CF but for three.
fn jpeg_size(bytes: &[u8]) -> Option<(u32, u32)> {
    let short = |at: usize| Some(u32::from(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?)));
    let mut at = 2;
    loop {
        match (bytes.get(at)?, bytes.get(at + 1)?) {
            (0xff, 0xff) => at += 1,
            (0xff, 0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf) => {
                return Some((short(at + 7)?, short(at + 5)?));
            }
            (0xff, _) => at += 2 + short(at + 2)? as usize,
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn png(width: u32, height: u32) -> String {
        let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
        bytes.extend(width.to_be_bytes());
        bytes.extend(height.to_be_bytes());
        format!("data:image/png;base64,{}", STANDARD.encode(bytes))
    }

    #[test]
    fn tiles_are_as_openai_counts_them() {
        // The first three are the examples of the guide.
        for (width, height, detail, expected) in [
            (1024, 1024, "high", 765),
            (2048, 4096, "high", 1105),
            (4096, 8192, "low", 85),
            (300, 300, "auto", 255),
            (1, 1, "high", 255),
        ] {
            assert_eq!(tokens("gpt-4o", &png(width, height), detail), Some(expected), "{width}x{height}");
        }
        assert_eq!(tokens("gpt-4o", "https://example.com/cat.png", "auto"), Some(85));
        assert_eq!(tokens("gpt-4o", "https://example.com/cat.png", "high"), Some(255));
        assert_eq!(tokens("gpt-4o-mini", &png(512, 512), "high"), Some(2833 + 5667));
        assert_eq!(tokens("gpt-4o", "", "middling"), None);
    }

    #[test]
    fn sizes_are_read_from_the_bytes() {
        let jpeg = b"\xff\xd8\xff\xe0\0\x04ab\xff\xc2\0\x11\x08\0\x10\0\x20";
        let webp = b"RIFF\0\0\0\0WEBPVP8X\0\0\0\0\0\0\0\0\x1f\0\0\x0f\0\0";
        assert_eq!(size(b"GIF89a\x20\0\x10\0"), Some((32, 16)));
        assert_eq!(size(jpeg), Some((32, 16)));
        assert_eq!(size(webp), Some((32, 16)));
        for broken in [&b""[..], b"\x89PNG", b"\xff\xd8\xff\xe0\xff\xff", b"RIFF", b"\xff\xd8\xff\xe0\0\0"] {
            assert_eq!(size(broken), None);
        }
    }
}
