//! What kind of character it is, as far as the encodings care: Unicode's general categories, a byte a character.

use std::sync::LazyLock;

use regex_syntax::hir::{Class, HirKind};

/// `\p{L}`.
pub(super) const LETTER: u8 = 1;
/// `\p{N}`.
pub(super) const NUMBER: u8 = 2;
/// `\s`.
pub(super) const SPACE: u8 = 4;
/// What may stand in the capital part of a word: `\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}`.
pub(super) const UPPER: u8 = 8;
/// What may stand in its small part: `\p{Ll}\p{Lm}\p{Lo}\p{M}`.
pub(super) const LOWER: u8 = 16;

const CLASSES: [(&str, u8); 5] = [
    (r"\p{L}", LETTER),
    (r"\p{N}", NUMBER),
    (r"\s", SPACE),
    (r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", UPPER),
    (r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]", LOWER),
];

/// The classes of a character.
pub(super) fn of(character: char) -> u8 {
    TABLE[character as usize]
}

/// Mostly zeros, whose pages the system never has to find memory for.
static TABLE: LazyLock<Box<[u8]>> = LazyLock::new(|| {
    let mut table = vec![0; char::MAX as usize + 1].into_boxed_slice();
    for (pattern, class) in CLASSES {
        for (first, last) in ranges(pattern) {
            table[first as usize..=last as usize].iter_mut().for_each(|classes| *classes |= class);
        }
    }
    table
});

/// The characters of a class, from the tables of the regular expressions that define the encodings.
fn ranges(pattern: &str) -> Vec<(char, char)> {
    let class = regex_syntax::parse(pattern).expect("a constant pattern");
    match class.kind() {
        HirKind::Class(Class::Unicode(class)) => {
            class.iter().map(|range| (range.start(), range.end())).collect()
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_have_their_classes() {
        let cases = [
            ('a', LETTER | LOWER),
            ('A', LETTER | UPPER),
            ('日', LETTER | UPPER | LOWER),
            ('\u{301}', UPPER | LOWER),
            ('7', NUMBER),
            ('²', NUMBER),
            ('\u{a0}', SPACE),
            ('\n', SPACE),
            ('!', 0),
            ('\u{10ffff}', 0),
        ];
        for (character, classes) in cases {
            assert_eq!(of(character), classes, "{character:?}");
        }
    }
}
