//! Stop sequences in text that comes in pieces.
//!
//! Text that could be the start of a pattern is held back until it is known not to be. Whatever the
//! pieces, the outcome is the same: the pattern that ends first is the one that is met.

/// Watches text for patterns.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scanner {
    patterns: Vec<String>,
    held: String,
}

/// What a piece of text led to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Scan {
    /// No pattern so far; this much text is free of them.
    Text(String),
    /// A pattern was met.
    Met {
        /// The text before it.
        before: String,
        /// Which one, by its place.
        pattern: usize,
        /// What came after it in the same piece.
        rest: String,
    },
}

impl Scanner {
    /// For patterns that are not empty.
    pub(crate) fn new(patterns: Vec<String>) -> Self {
        debug_assert!(patterns.iter().all(|pattern| !pattern.is_empty()));
        Self { patterns, held: String::new() }
    }

    pub(crate) fn pattern(&self, at: usize) -> &str {
        &self.patterns[at]
    }

    /// How many bytes are held back.
    pub(crate) fn held(&self) -> usize {
        self.held.len()
    }

    /// Takes in a piece.
    pub(crate) fn push(&mut self, piece: String) -> Scan {
        if self.patterns.is_empty() {
            return Scan::Text(piece);
        }
        let mut text = std::mem::take(&mut self.held);
        text.push_str(&piece);
        if let Some((start, pattern)) = self.first(&text) {
            let rest = text[start + self.patterns[pattern].len()..].to_owned();
            text.truncate(start);
            return Scan::Met { before: text, pattern, rest };
        }
        self.held = text.split_off(text.len() - self.open(&text));
        Scan::Text(text)
    }

    /// What is held back, at the end of the text.
    pub(crate) fn finish(&mut self) -> String {
        std::mem::take(&mut self.held)
    }

    /// The pattern that ends first (of those, the one that starts first) and where it starts.
    fn first(&self, text: &str) -> Option<(usize, usize)> {
        self.patterns
            .iter()
            .enumerate()
            .filter_map(|(i, pattern)| Some((text.find(pattern.as_str())?, i)))
            .min_by_key(|(start, i)| (start + self.patterns[*i].len(), *start))
    }

    /// The length of the longest end of `text` that could be the start of a pattern.
    fn open(&self, text: &str) -> usize {
        let longest = self.patterns.iter().map(String::len).max().unwrap_or(0);
        let from = text.len().saturating_sub(longest.saturating_sub(1));
        (from..text.len())
            .filter(|at| text.is_char_boundary(*at))
            .find(|at| self.patterns.iter().any(|pattern| pattern.starts_with(&text[*at..])))
            .map_or(0, |at| text.len() - at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every way to cut `text` into three gives `expected`: the text, and the pattern that was met.
    fn check(patterns: &[&str], text: &str, expected: &str, met: Option<usize>) {
        let bounds: Vec<usize> = (0..=text.len()).filter(|at| text.is_char_boundary(*at)).collect();
        for a in &bounds {
            for b in bounds.iter().filter(|b| *b >= a) {
                let mut scanner = Scanner::new(patterns.iter().map(ToString::to_string).collect());
                let outcome = run(&mut scanner, [&text[..*a], &text[*a..*b], &text[*b..]]);
                assert_eq!(outcome, (expected.to_owned(), met), "{text:?} cut at {a} and {b}");
            }
        }
    }

    fn run(scanner: &mut Scanner, pieces: [&str; 3]) -> (String, Option<usize>) {
        let mut out = String::new();
        for piece in pieces {
            match scanner.push(piece.to_owned()) {
                Scan::Text(text) => out += &text,
                Scan::Met { before, pattern, .. } => return (out + &before, Some(pattern)),
            }
        }
        (out + &scanner.finish(), None)
    }

    #[test]
    fn stops_are_met_across_every_border() {
        check(&["\n\n"], "one\ntwo\n\nthree", "one\ntwo", Some(0));
        check(&["END"], "no stop: ENENDING", "no stop: EN", Some(0));
        check(&["aab"], "aaab", "a", Some(0));
        check(&["abc", "b"], "xabc", "xa", Some(1));
        check(&["bc", "abc"], "xabc", "x", Some(1));
        check(&["漢字"], "漢 漢字", "漢 ", Some(0));
        check(&["never"], "nev neve never", "nev neve ", Some(0));
        check(&["zz"], "abcz", "abcz", None);
        check(&[], "text", "text", None);
    }

    #[test]
    fn only_a_possible_start_is_held_back() {
        let mut scanner = Scanner::new(vec!["STOP".into()]);
        assert_eq!(scanner.push("go S".into()), Scan::Text("go ".into()));
        assert_eq!(scanner.held(), 1);
        assert_eq!(scanner.push("o".into()), Scan::Text("So".into()));
        assert_eq!(
            scanner.push("STOPx".into()),
            Scan::Met { before: String::new(), pattern: 0, rest: "x".into() }
        );
    }
}
