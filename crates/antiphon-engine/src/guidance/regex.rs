//! What can be wrong with an expression, in words.

use regex_syntax::ast::ErrorKind;
use regex_syntax::hir::{Hir, HirKind, Look};
use regex_syntax::{Error, ParserBuilder};

/// Expressions within expressions.
const NESTING: u32 = 100;
/// How many characters an expression may be when its repetitions are written out; each counts as a thousand at
/// most, for one alone costs nothing.
const WEIGHT: u64 = 50_000;
const REPETITIONS: u64 = 1000;
const MAX_LENGTH: usize = 64 << 10;

/// What is said of a text with control characters in JSON.
pub(super) const CONTROL: &str = "control characters other than \\b, \\f, \\n, \\r and \\t cannot be written";

/// Whether answers can be held to `expression`.
pub(super) fn check(expression: &str) -> Result<(), String> {
    if expression.is_empty() {
        return Err("is empty".into());
    }
    parsed(expression).map(drop)
}

/// Whether texts in JSON can be held to `pattern`.
pub(super) fn check_pattern(pattern: &str) -> Result<(), String> {
    let hir = parsed(pattern)?;
    if has_control(&hir) { Err(CONTROL.into()) } else { Ok(()) }
}

/// Whether JSON has no short way to write a character.
pub(super) fn is_control(c: char) -> bool {
    c == '\u{7f}' || c < ' ' && !matches!(c, '\u{8}' | '\u{c}' | '\n' | '\r' | '\t')
}

fn has_control(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Literal(literal) => literal.0.iter().any(|byte| is_control(char::from(*byte))),
        kind => kind.subs().iter().any(has_control),
    }
}

fn parsed(expression: &str) -> Result<Hir, String> {
    if expression.len() > MAX_LENGTH {
        return Err(format!("is longer than {} KB", MAX_LENGTH >> 10));
    }
    let parsed = ParserBuilder::new().nest_limit(NESTING).build().parse(expression);
    let hir = parsed.map_err(|error| told(&error))?;
    if weight(&hir) > WEIGHT {
        return Err("repeats repetitions too often".into());
    }
    captures(&hir)?;
    anchors(&hir, true, true)?;
    Ok(hir)
}

fn told(error: &Error) -> String {
    let (what, column) = match error {
        Error::Parse(error) => (
            match error.kind() {
                ErrorKind::UnsupportedLookAround => {
                    "lookahead and lookbehind, (?=…) and its like, cannot be enforced".to_owned()
                }
                ErrorKind::UnsupportedBackreference => "backreferences cannot be enforced".to_owned(),
                kind => kind.to_string(),
            },
            error.span().start.column,
        ),
        Error::Translate(error) => (error.kind().to_string(), error.span().start.column),
        other => return other.to_string().lines().last().unwrap_or_default().to_owned(),
    };
    format!("is no expression that can be used: {what} (at character {column})")
}

fn weight(hir: &Hir) -> u64 {
    match hir.kind() {
        HirKind::Literal(literal) => literal.0.len() as u64,
        HirKind::Repetition(repetition) => {
            let times = u64::from(repetition.max.unwrap_or(repetition.min).max(1));
            weight(&repetition.sub).saturating_mul(times.min(REPETITIONS))
        }
        kind => kind.subs().iter().map(weight).fold(1, u64::saturating_add),
    }
}

/// Anchors say nothing at the ends, and cannot be followed within.
fn anchors(hir: &Hir, starts: bool, ends: bool) -> Result<(), String> {
    match hir.kind() {
        HirKind::Look(Look::Start) if starts => Ok(()),
        HirKind::Look(Look::End) if ends => Ok(()),
        HirKind::Look(_) => Err("has a word boundary or an anchor within: those cannot be enforced".into()),
        HirKind::Concat(parts) => {
            let is = |part: &Hir, look| matches!(part.kind(), HirKind::Look(found) if *found == look);
            let first = parts.iter().position(|part| !is(part, Look::Start)).unwrap_or(parts.len());
            let last = parts.iter().rposition(|part| !is(part, Look::End)).unwrap_or(0);
            let mut parts = parts.iter().enumerate();
            parts.try_for_each(|(i, part)| anchors(part, starts && i <= first, ends && i >= last))
        }
        HirKind::Capture(_) | HirKind::Alternation(_) => {
            hir.kind().subs().iter().try_for_each(|part| anchors(part, starts, ends))
        }
        kind => kind.subs().iter().try_for_each(|part| anchors(part, false, false)),
    }
}

/// llguidance takes a group of the name "stop" for something else.
fn captures(hir: &Hir) -> Result<(), String> {
    match hir.kind() {
        HirKind::Capture(capture) if capture.name.as_deref() == Some("stop") => {
            Err("has a group with the name \"stop\": give it another".into())
        }
        kind => kind.subs().iter().try_for_each(captures),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_enforced_is_named() {
        for (expression, expected) in [
            (r"^\d{4}-\p{Greek}+$", Ok(())),
            ("x{0,1000000}", Ok(())),
            ("", Err("is empty")),
            ("a(?=b)", Err("lookahead")),
            ("(?<!a)b", Err("lookahead")),
            (r"(a)\1", Err("backreferences")),
            ("[a-z", Err("unclosed character class (at character 1)")),
            ("a\\", Err("(at character 2)")),
            ("(a{1000}){1000}", Err("repeats repetitions")),
            ("((a{100}){100}){100}", Err("repeats repetitions")),
            ("(?P<stop>a)b", Err("\"stop\"")),
            ("^(^a|b$)$", Ok(())),
            ("a^b", Err("anchor within")),
            ("(a$)+", Err("anchor within")),
            (r"\bfoo\b", Err("anchor within")),
        ] {
            let found = check(expression);
            match expected {
                Ok(()) => assert_eq!(found, Ok(()), "{expression}"),
                Err(part) => assert!(found.as_ref().unwrap_err().contains(part), "{expression}: {found:?}"),
            }
        }
        assert!(check(&"(".repeat(5000)).is_err());
        assert!(check(&"a".repeat(MAX_LENGTH + 1)).unwrap_err().contains("longer"));
    }
}
