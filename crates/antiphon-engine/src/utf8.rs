//! Bytes that come in pieces, as text: a character that is cut is held back until it is whole.

/// Gathers bytes and gives out whole characters.
#[derive(Debug, Clone, Default)]
pub(crate) struct Utf8 {
    pending: Vec<u8>,
}

impl Utf8 {
    /// The text that is whole after `bytes`. Bytes that can be no character become U+FFFD.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> String {
        if self.pending.is_empty()
            && let Ok(text) = std::str::from_utf8(bytes)
        {
            return text.to_owned();
        }
        self.pending.extend_from_slice(bytes);
        let mut text = String::new();
        let mut rest = self.pending.as_slice();
        loop {
            match std::str::from_utf8(rest) {
                Ok(whole) => {
                    text.push_str(whole);
                    rest = &[];
                    break;
                }
                Err(error) => {
                    let (whole, after) = rest.split_at(error.valid_up_to());
                    text.push_str(&String::from_utf8_lossy(whole));
                    rest = after;
                    let Some(wrong) = error.error_len() else { break };
                    text.push(char::REPLACEMENT_CHARACTER);
                    rest = &rest[wrong..];
                }
            }
        }
        self.pending = rest.to_vec();
        text
    }

    /// How many bytes are held back.
    pub(crate) fn pending(&self) -> usize {
        self.pending.len()
    }

    /// Forgets what is held back.
    pub(crate) fn clear(&mut self) {
        self.pending.clear();
    }

    /// The end: a cut character becomes U+FFFD.
    pub(crate) fn finish(&mut self) -> String {
        String::from_utf8_lossy(&std::mem::take(&mut self.pending)).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_split_gives_the_same_text() {
        let text = "a é 漢 🎵 z";
        for at in 0..=text.len() {
            let mut utf8 = Utf8::default();
            let mut out = utf8.push(&text.as_bytes()[..at]);
            assert!(text.starts_with(&out), "split at {at}");
            out += &utf8.push(&text.as_bytes()[at..]);
            out += &utf8.finish();
            assert_eq!(out, text, "split at {at}");
        }
    }

    #[test]
    fn what_is_no_character_is_replaced() {
        let mut utf8 = Utf8::default();
        assert_eq!(utf8.push(b"a\xffb"), "a\u{fffd}b");
        assert_eq!(utf8.push(b"\xe6\xbc"), "");
        assert_eq!(utf8.push(b"x"), "\u{fffd}x");
        assert_eq!(utf8.push(b"\xf0\x9f"), "");
        assert_eq!(utf8.finish(), "\u{fffd}");
    }
}
