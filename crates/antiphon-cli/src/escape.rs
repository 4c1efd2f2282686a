//! Text of others on its way to a terminal: what would move the cursor, change colours or titles, or turn
//! the reading direction is shown, not obeyed.

use std::borrow::Cow;

/// `text` with its control characters written as `\u001b`. New lines and tabs stay.
///
/// The form is that of JSON, so that a response printed as JSON is still one.
pub(crate) fn escaped(text: &str) -> Cow<'_, str> {
    escape(text, |c| !matches!(c, '\n' | '\t') && is_unsafe(c))
}

/// [`escaped`], and new lines too: what is to be one line stays one.
pub(crate) fn escaped_line(text: &str) -> Cow<'_, str> {
    escape(text, is_unsafe)
}

fn escape(text: &str, unsafe_here: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&unsafe_here) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\n' if unsafe_here(c) => safe.push_str("\\n"),
            '\r' => safe.push_str("\\r"),
            '\t' if unsafe_here(c) => safe.push_str("\\t"),
            _ if unsafe_here(c) => safe.push_str(&format!("\\u{:04x}", u32::from(c))),
            _ => safe.push(c),
        }
    }
    Cow::Owned(safe)
}

fn is_unsafe(c: char) -> bool {
    c.is_control() || is_bidi(c)
}

/// Marks, embeddings, overrides and isolates of the bidirectional algorithm.
fn is_bidi(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_shown() {
        let cases = [
            ("plain, ünïcode 日本\n\ttext", "plain, ünïcode 日本\n\ttext"),
            ("\x1b[31mred\x1b[0m", "\\u001b[31mred\\u001b[0m"),
            ("\x1b]0;title\x07", "\\u001b]0;title\\u0007"),
            ("over\rwritten\x08", "over\\rwritten\\u0008"),
            ("\u{9b}31m \u{7f}", "\\u009b31m \\u007f"),
            ("a\u{202e}b\u{2066}c", "a\\u202eb\\u2066c"),
        ];
        for (text, expected) in cases {
            assert_eq!(escaped(text), expected);
        }
        assert_eq!(escaped_line("one\ntwo\t3"), "one\\ntwo\\t3");
    }

    #[test]
    fn escaped_json_is_json() {
        let json = serde_json::json!({"text": "\u{1b}[1m \u{202e} \u{9b}"});
        let back: serde_json::Value = serde_json::from_str(&escaped(&json.to_string())).unwrap();
        assert_eq!(back, json);
    }
}
