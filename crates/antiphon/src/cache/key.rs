//! What makes two calls the same: a digest of everything that shapes the answer.
//!
//! The provider, its address, the model, the messages and every parameter are in it; how the answer is
//! delivered and who is told of it are not, nor is a key. The order of an object's keys does not matter, nor
//! whether a number is written `0` or `0.0`.

use antiphon_core::{Message, Request};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::CacheOptions;

/// Fields that do not shape the answer.
const ASIDE: &[&str] = &[
    "stream",
    "stream_options",
    "encoding_format",
    "user",
    "metadata",
    "store",
    "safety_identifier",
    "prompt_cache_key",
    "prompt_cache_retention",
    "service_tier",
    "priority",
];

/// The digest of a call.
pub type Key = [u8; 32];

/// Who is asked: everything of it but the credential.
#[derive(Debug)]
pub(crate) struct Address<'a> {
    pub(crate) provider: &'a str,
    pub(crate) base_url: String,
    pub(crate) model: &'a str,
    /// Features that the caller turns on by a header.
    pub(crate) features: Vec<&'a str>,
}

/// The key of `request`, asked there.
pub(crate) fn key(address: &Address<'_>, request: &Request, options: &CacheOptions) -> Key {
    let mut digest = Digester(Sha256::new());
    digest.text(options.key_prefix.as_deref().unwrap_or_default());
    if options.include_model != Some(false) {
        digest.text(address.provider);
        digest.text(address.base_url.trim_end_matches('/'));
        digest.text(address.model);
    }
    digest.0.update((address.features.len() as u64).to_le_bytes());
    address.features.iter().for_each(|feature| digest.text(feature));
    // The messages are most of a request: they are not copied for this.
    digest.0.update((request.messages.len() as u64).to_le_bytes());
    request.messages.iter().for_each(|message| digest.message(message));
    let mut fields = request.settings();
    fields.extend(request.task.to_json());
    fields.retain(|name, _| !ASIDE.contains(&name.as_str()));
    digest.value(&Value::Object(fields));
    digest.0.finalize().into()
}

/// The key as text.
pub fn hex(key: &Key) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble)]);
    key.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// Writes values so that no two different ones are written alike: each with its kind and length.
struct Digester(Sha256);

impl Digester {
    fn text(&mut self, text: &str) {
        self.0.update(b"s");
        self.0.update((text.len() as u64).to_le_bytes());
        self.0.update(text);
    }

    /// A message. One of plain text goes without its JSON, and comes to the same.
    fn message(&mut self, message: &Message) {
        match message.plain_text() {
            Some(text) => {
                self.0.update(b"o");
                self.0.update(2u64.to_le_bytes());
                self.text("content");
                self.text(text);
                self.text("role");
                self.text(message.role.as_str());
            }
            None => self.value(&message.to_json()),
        }
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::Null => self.0.update(b"n"),
            Value::Bool(value) => self.0.update(if *value { b"t" } else { b"f" }),
            Value::Number(number) => self.number(number),
            Value::String(text) => self.text(text),
            Value::Array(items) => {
                self.0.update(b"a");
                self.0.update((items.len() as u64).to_le_bytes());
                items.iter().for_each(|item| self.value(item));
            }
            Value::Object(map) => {
                self.0.update(b"o");
                self.0.update((map.len() as u64).to_le_bytes());
                let mut fields: Vec<_> = map.iter().collect();
                fields.sort_unstable_by_key(|(name, _)| name.as_str());
                for (name, value) in fields {
                    self.text(name);
                    self.value(value);
                }
            }
        }
    }

    fn number(&mut self, number: &serde_json::Number) {
        match (number.as_i128(), number.as_f64()) {
            (Some(whole), _) => self.whole(whole),
            (None, Some(float)) if float.fract() == 0.0 && float.abs() < 1e15 => self.whole(float as i128),
            (None, float) => {
                self.0.update(b"d");
                self.0.update(float.unwrap_or_default().to_bits().to_le_bytes());
            }
        }
    }

    fn whole(&mut self, number: i128) {
        self.0.update(b"i");
        self.0.update(number.to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(base_url: &str, model: &str, request: Value) -> Key {
        let Value::Object(map) = request else { unreachable!("a test request is an object") };
        let address =
            Address { provider: "openai", base_url: base_url.to_owned(), model, features: Vec::new() };
        key(&address, &Request::from_json(map).unwrap(), &CacheOptions::default())
    }

    #[test]
    fn a_message_of_plain_text_has_the_key_of_its_json() {
        for role in ["system", "user", "assistant", "developer"] {
            let json = json!({"role": role, "content": "Grüße"});
            let message = Message::from_json("message", json).unwrap();
            assert_eq!(message.plain_text(), Some("Grüße"));
            let (mut short, mut long) = (Digester(Sha256::new()), Digester(Sha256::new()));
            short.message(&message);
            long.value(&message.to_json());
            assert_eq!(short.0.finalize(), long.0.finalize(), "{role}");
        }
        let named = json!({"role": "user", "content": "hi", "name": "ann"});
        assert_eq!(Message::from_json("message", named).unwrap().plain_text(), None);
    }

    #[test]
    fn a_key_is_told_in_hexadecimal() {
        let mut key = [0; 32];
        (key[0], key[31]) = (0xa0, 0x1f);
        let text = hex(&key);
        assert_eq!((text.len(), &text[..2], &text[62..]), (64, "a0", "1f"));
    }

    #[test]
    fn what_shapes_the_answer_makes_another_key_and_nothing_else_does() {
        let base = json!({"messages": "hi", "temperature": 0, "logit_bias": {"1": 2, "3": 4}});
        let expected = of("https://a.example/v1", "m", base.clone());
        let with = |changes: Value| {
            let mut request = base.clone();
            let fields = changes.as_object().cloned().unwrap_or_default();
            request.as_object_mut().unwrap().extend(fields);
            of("https://a.example/v1", "m", request)
        };
        for same in [
            json!({"temperature": 0.0}),
            json!({"logit_bias": {"3": 4, "1": 2.0}}),
            json!({"stream": true, "user": "u", "metadata": {"trace": "1"}}),
            json!({"messages": [{"content": "hi", "role": "user"}]}),
        ] {
            assert_eq!(with(same.clone()), expected, "{same}");
        }
        for other in [
            json!({"temperature": 0.1}),
            json!({"messages": "ho"}),
            json!({"n": 1}),
            json!({"vendor": [1, 2]}),
            json!({"vendor": [12]}),
            json!({"vendor": ["1", 2]}),
            json!({"stop": ["ab"]}),
            json!({"stop": ["a", "b"]}),
        ] {
            assert_ne!(with(other.clone()), expected, "{other}");
        }
        assert_ne!(of("https://b.example/v1", "m", base.clone()), expected);
        assert_ne!(of("https://a.example/v1", "n", base.clone()), expected);
        assert_ne!(with(json!({"stop": ["ab"]})), with(json!({"stop": ["a", "b"]})));
    }
}
