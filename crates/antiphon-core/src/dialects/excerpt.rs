//! What of a provider's words may go into an error: cleaned, short, and without anything like a key.

/// The most characters of a provider's text in a message.
pub const MAX_EXCERPT: usize = 512;

/// What stands further down in a text is not looked at: bodies may be large, excerpts never are.
const MAX_READ: usize = 64 << 10;

/// How keys begin, by provider's habit (`sk-` OpenAI, Anthropic, DeepSeek; `gsk_` Groq; `AIza` Google; …).
const KEY_PREFIXES: &[&str] = &[
    "sk-",
    "sk_",
    "gsk_",
    "xai-",
    "pplx-",
    "AIza",
    "hf_",
    "nvapi-",
    "r8_",
    "tgp_",
    "csk-",
    "ghp_",
    "github_pat_",
    "AKIA",
    "eyJ",
    "fw_",
    "key-",
    "vcp_",
];

/// Shorter words are no keys (`sk-learn`).
const MIN_KEY: usize = 12;

/// A body or message for an error: tags of HTML, control characters and runs of space removed, keys masked,
/// cut after [`MAX_EXCERPT`] characters.
pub fn excerpt(text: &str) -> String {
    let end = (0..=text.len().min(MAX_READ)).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    let text = &text[..end];
    let without_tags;
    let text = if text.trim_start().starts_with('<') {
        without_tags = strip_tags(text);
        &without_tags
    } else {
        text
    };
    // Masking comes before cutting: half a key is still a piece of one.
    let text = mask_keys(&clean(text));
    match text.char_indices().nth(MAX_EXCERPT) {
        None => text,
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

/// The text of a page: what stands between tags, scripts and styles left out.
fn strip_tags(html: &str) -> String {
    let mut text = String::new();
    let mut rest = html;
    while let Some(open) = rest.find('<') {
        text.push_str(&rest[..open]);
        text.push(' ');
        rest = &rest[open..];
        let hidden = ["script", "style"].into_iter().find(|name| starts_with_ignore_case(&rest[1..], name));
        let close = match hidden {
            Some(name) => find_ignore_case(rest, &format!("</{name}")).map(|at| at + 2 + name.len()),
            None => Some(0),
        };
        let Some(close) = close.and_then(|from| rest[from..].find('>').map(|at| from + at + 1)) else {
            return text;
        };
        rest = &rest[close..];
    }
    text.push_str(rest);
    text
}

fn starts_with_ignore_case(text: &str, prefix: &str) -> bool {
    text.as_bytes().get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix.as_bytes()))
}

fn find_ignore_case(text: &str, needle: &str) -> Option<usize> {
    text.as_bytes().windows(needle.len()).position(|window| window.eq_ignore_ascii_case(needle.as_bytes()))
}

/// One line: what steers a terminal or turns the direction of text is removed. Reads no further than a
/// cut excerpt and a key across its end need.
fn clean(text: &str) -> String {
    let mut out = String::new();
    let mut space = false;
    for c in text.chars().take(16 * MAX_EXCERPT) {
        if c.is_whitespace() || c.is_control() {
            space = !out.is_empty();
        } else if !is_invisible(c) {
            if space {
                out.push(' ');
                space = false;
            }
            out.push(c);
        }
    }
    out
}

/// Marks of direction, zero-width characters and the byte order mark.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}')
}

/// Replaces whatever looks like a key by its prefix and `****`.
pub fn mask_keys(text: &str) -> String {
    let in_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '*' | '+' | '/' | '=');
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut after_bearer = false;
    while let Some(start) = rest.find(in_word) {
        out.push_str(&rest[..start]);
        rest = &rest[start..];
        let end = rest.find(|c| !in_word(c)).unwrap_or(rest.len());
        let word = &rest[..end];
        match KEY_PREFIXES.iter().find(|prefix| word.starts_with(**prefix)) {
            Some(prefix) if word.len() >= MIN_KEY => push_masked(&mut out, prefix, word),
            _ if after_bearer && word.len() >= MIN_KEY => push_masked(&mut out, "", word),
            _ => push_word(&mut out, word),
        }
        after_bearer = word.eq_ignore_ascii_case("bearer");
        rest = &rest[end..];
    }
    out.push_str(rest);
    out
}

fn push_masked(out: &mut String, prefix: &str, word: &str) {
    out.push_str(prefix);
    out.push_str("****");
    out.push_str(&word[word.trim_end_matches('.').len()..]);
}

/// A word may hold a key behind a sign (`key=sk-…`, `/v1?key=AIza…`).
fn push_word(out: &mut String, word: &str) {
    let key =
        word.char_indices().filter(|(_, c)| matches!(c, '=' | '/' | '.' | '+' | '*')).find_map(|(at, _)| {
            let tail = &word[at + 1..];
            let prefix = KEY_PREFIXES.iter().find(|prefix| tail.starts_with(**prefix))?;
            (tail.len() >= MIN_KEY).then_some((at + 1, prefix))
        });
    match key {
        Some((at, prefix)) => {
            out.push_str(&word[..at]);
            push_masked(out, prefix, &word[at..]);
        }
        None => out.push_str(word),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_masked() {
        let cases = [
            ("Incorrect API key provided: sk-test-1234567890abcdef.", "Incorrect API key provided: sk-****."),
            ("sk-test-abcd********wxyz, see", "sk-****, see"),
            ("(\"sk-test-1234567890abcdef\")", "(\"sk-****\")"),
            ("Authorization: Bearer abcdefghij0123456789", "Authorization: Bearer ****"),
            ("url?key=AIzaTest0123456789 failed", "url?key=AIza**** failed"),
            ("sk-learn and task-force-something stay", "sk-learn and task-force-something stay"),
            ("no key here: model gpt-4o-mini", "no key here: model gpt-4o-mini"),
        ];
        for (text, expected) in cases {
            assert_eq!(excerpt(text), expected);
        }
    }

    #[test]
    fn a_page_becomes_a_line() {
        let page = "<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title><style>a > b {}</style></head>\n\
                    <body><h1>502</h1>\n<script>if (a < b) {}</script>nginx</body></html>";
        assert_eq!(excerpt(page), "502 Bad Gateway 502 nginx");
        assert_eq!(excerpt("<unclosed"), "");
    }

    #[test]
    fn control_characters_go_and_length_is_bounded() {
        assert_eq!(excerpt("a\u{1b}[31m\r\n\u{202E}b\0c"), "a [31m b c");
        let long = excerpt(&"é".repeat(2000));
        assert_eq!(long.chars().count(), MAX_EXCERPT + 1);
        assert!(long.ends_with('…'));
        let straddling = format!("{} sk-test-{}", "x".repeat(MAX_EXCERPT - 10), "0".repeat(100));
        assert!(excerpt(&straddling).ends_with("sk-****"));
    }
}
