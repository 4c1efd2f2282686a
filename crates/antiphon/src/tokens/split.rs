//! Text into the pieces that are tokenised one by one, as the regular expressions of the encodings say.
//!
//! Written out, for speed and because their look-ahead (`\s+(?!\S)`) makes engines that have it overflow on a
//! megabyte of spaces. Each piece is found in one pass over it, so the whole is linear in the text's length.
//! `tests/tokens.rs` holds both against tokens that tiktoken gave.

use super::classes::{self, LETTER, LOWER, NUMBER, SPACE, UPPER};

/// Where the first piece of a text that is not empty ends.
pub(super) type Split = fn(&str) -> usize;

/// `'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|`
/// `\s+(?!\S)|\s`
pub(super) fn cl100k(text: &str) -> usize {
    let ending = contraction(text);
    if ending > 0 {
        return ending;
    }
    let letters = |from: usize| from + run(&text[from..], |class| class & LETTER != 0);
    let first = prefix(text);
    let end = letters(first);
    if end > first {
        return end;
    }
    number(text).or_else(|| symbols(text, &['\r', '\n'])).unwrap_or_else(|| match space(text) {
        end if end == text.len() => end,
        end => break_or_word_space(text, end),
    })
}

/// Words of capitals and then small letters, each with its contraction; else as [`cl100k`], but for
/// ` ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`.
pub(super) fn o200k(text: &str) -> usize {
    let first = prefix(text);
    let word = match cased_word(text, first) {
        Some(word) if word.has_small || first == 0 => Some(word),
        // A mark may come before a word, or be one.
        word => cased_word(text, 0).or(word),
    };
    if let Some(word) = word {
        return word.end + contraction(&text[word.end..]);
    }
    number(text)
        .or_else(|| symbols(text, &['\r', '\n', '/']))
        .unwrap_or_else(|| break_or_word_space(text, space(text)))
}

/// `[^\r\n\p{L}\p{N}]?`
fn prefix(text: &str) -> usize {
    match first(text) {
        Some(('\r' | '\n', _)) | None => 0,
        Some((_, class)) if class & (LETTER | NUMBER) != 0 => 0,
        Some((character, _)) => character.len_utf8(),
    }
}

struct Word {
    end: usize,
    has_small: bool,
}

/// `[UPPER]*[LOWER]+|[UPPER]+[LOWER]*`: marks and letters without case are of both.
fn cased_word(text: &str, from: usize) -> Option<Word> {
    let mut end = from;
    // Where the last character of the capital part that may be a small one ends.
    let mut last_lower = None;
    for character in text[from..].chars() {
        let class = classes::of(character);
        if class & UPPER == 0 {
            break;
        }
        end += character.len_utf8();
        if class & LOWER != 0 {
            last_lower = Some(end);
        }
    }
    match (run(&text[end..], |class| class & LOWER != 0), last_lower) {
        (0, None) => (end > from).then_some(Word { end, has_small: false }),
        (0, Some(end)) => Some(Word { end, has_small: true }),
        (small, _) => Some(Word { end: end + small, has_small: true }),
    }
}

/// `(?i:'s|'t|'re|'ve|'m|'ll|'d)?`; the long s is an s to Unicode.
fn contraction(text: &str) -> usize {
    let Some(rest) = text.strip_prefix('\'') else { return 0 };
    if rest.starts_with('ſ') {
        return 1 + 'ſ'.len_utf8();
    }
    let rest = rest.as_bytes();
    let lower = |at: usize| rest.get(at).map(u8::to_ascii_lowercase);
    match (lower(0), lower(1)) {
        (Some(b's' | b't' | b'm' | b'd'), _) => 2,
        (Some(b'l'), Some(b'l')) | (Some(b'r' | b'v'), Some(b'e')) => 3,
        _ => 0,
    }
}

/// `\p{N}{1,3}`
fn number(text: &str) -> Option<usize> {
    let digits = text.chars().take(3).take_while(|character| classes::of(*character) & NUMBER != 0);
    Some(digits.map(char::len_utf8).sum()).filter(|end| *end > 0)
}

/// ` ?[^\s\p{L}\p{N}]+[TAIL]*`
fn symbols(text: &str, tail: &[char]) -> Option<usize> {
    let start = usize::from(text.starts_with(' '));
    let end = start + run(&text[start..], |class| class & (SPACE | LETTER | NUMBER) == 0);
    let rest = &text[end..];
    (end > start).then(|| end + rest.len() - rest.trim_start_matches(tail).len())
}

fn space(text: &str) -> usize {
    run(text, |class| class & SPACE != 0)
}

/// `\s*[\r\n]+|\s+(?!\S)|\s+` of white space that ends at `end`: up to its last line break, else without its
/// last character, which goes with the word behind it.
fn break_or_word_space(text: &str, end: usize) -> usize {
    let white = &text[..end];
    if let Some(at) = white.rfind(['\r', '\n']) {
        return at + 1;
    }
    let last = white.chars().next_back().map_or(0, char::len_utf8);
    if end == text.len() || end == last { end } else { end - last }
}

fn first(text: &str) -> Option<(char, u8)> {
    text.chars().next().map(|character| (character, classes::of(character)))
}

/// The length of the characters at the start whose classes pass.
fn run(text: &str, passes: impl Fn(u8) -> bool) -> usize {
    text.find(|character| !passes(classes::of(character))).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(split: Split, mut text: &str) -> Vec<&str> {
        let mut pieces = Vec::new();
        while !text.is_empty() {
            let (piece, rest) = text.split_at(split(text));
            pieces.push(piece);
            text = rest;
        }
        pieces
    }

    #[test]
    fn texts_are_split_as_the_patterns_say() {
        let cases: &[(&str, &[&str], &[&str])] = &[
            ("Hello world", &["Hello", " world"], &["Hello", " world"]),
            ("helloWorld HTTPServer", &["helloWorld", " HTTPServer"], &["hello", "World", " HTTPServer"]),
            ("it's  12345", &["it", "'s", " ", " ", "123", "45"], &["it's", " ", " ", "123", "45"]),
            ("a \n b  ", &["a", " \n", " b", "  "], &["a", " \n", " b", "  "]),
            ("a \n ", &["a", " \n "], &["a", " \n", " "]),
            ("\u{301}ABC", &["\u{301}ABC"], &["\u{301}", "ABC"]),
            ("x!!\n/y", &["x", "!!\n", "/y"], &["x", "!!\n/", "y"]),
        ];
        for (text, cl, o) in cases {
            assert_eq!(pieces(cl100k, text), *cl, "{text:?}");
            assert_eq!(pieces(o200k, text), *o, "{text:?}");
        }
    }
}
