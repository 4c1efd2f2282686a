//! Reading JSON in one pass, for every dialect.
//!
//! Strings borrow from the bytes until they become an event; fields that are not rows of an object end up in
//! its `extra`. Types are not checked while reading but where a field is used, so that an error can name it.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use crate::json::kind_of;

/// Bytes as text; what of them is no UTF-8 is U+FFFD. Whole answers nearly always are, and finding that out is
/// quicker than looking for what is not.
pub(crate) fn utf8(bytes: &[u8]) -> Cow<'_, str> {
    std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}

/// Fields that are not known, in order; nulls left out.
pub(crate) type Extra = Vec<(String, Value)>;

/// A field that should be a string.
#[derive(Debug, Default)]
pub(crate) enum Text<'a> {
    /// Absent or null.
    #[default]
    None,
    /// A string.
    Some(Cow<'a, str>),
    /// Anything else.
    Other(Value),
}

impl<'a> Text<'a> {
    /// The string; what it is instead, in words, where it is none.
    pub(crate) fn string(self) -> Result<Option<Cow<'a, str>>, &'static str> {
        match self {
            Text::None => Ok(None),
            Text::Some(text) => Ok(Some(text)),
            Text::Other(value) => Err(kind_of(&value)),
        }
    }

    /// The string as it was borrowed; nothing where it is none.
    pub(crate) fn as_str(&self) -> Option<&str> {
        match self {
            Text::Some(text) => Some(text),
            _ => None,
        }
    }
}

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Text::Some(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Text::Some(Cow::Owned(text.to_owned())))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Text::None)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Text::Other(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Text::Other(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Text::Other(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Text::Other(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
        Value::deserialize(serde::de::value::SeqAccessDeserializer::new(seq)).map(Text::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        Value::deserialize(serde::de::value::MapAccessDeserializer::new(map)).map(Text::Other)
    }
}

/// A key, borrowed unless it has escapes.
#[derive(serde::Deserialize)]
pub(crate) struct Key<'a>(#[serde(borrow)] pub(crate) Cow<'a, str>);

/// Rows of an object: name on the wire, field, type. What is no row is kept in `extra`.
macro_rules! object {
    ($(#[doc = $doc:literal])+ $object:ident { $($key:literal => $field:ident: $type:ty,)+ }) => {
        $(#[doc = $doc])+
        #[derive(Debug, Default)]
        pub(super) struct $object<'a> {
            $(pub(super) $field: $type,)+
            pub(super) extra: $crate::dialects::wire::Extra,
        }

        impl<'a> serde::de::Deserialize<'a> for $object<'a> {
            fn deserialize<D: serde::de::Deserializer<'a>>(deserializer: D) -> Result<Self, D::Error> {
                struct ObjectVisitor;

                impl<'a> serde::de::Visitor<'a> for ObjectVisitor {
                    type Value = $object<'a>;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str("an object")
                    }

                    fn visit_map<A>(self, mut map: A) -> Result<Self::Value, A::Error>
                    where
                        A: serde::de::MapAccess<'a>,
                    {
                        let mut object = $object::default();
                        while let Some(key) = map.next_key::<$crate::dialects::wire::Key<'a>>()? {
                            match &*key.0 {
                                $($key => object.$field = map.next_value()?,)+
                                _ => {
                                    let value: serde_json::Value = map.next_value()?;
                                    if !value.is_null() {
                                        object.extra.push((key.0.into_owned(), value));
                                    }
                                }
                            }
                        }
                        Ok(object)
                    }
                }

                deserializer.deserialize_map(ObjectVisitor)
            }
        }
    };
}

pub(crate) use object;

/// Reads JSON; where escapes of lone surrogates stand in the way, with those replaced in `repaired`. Says
/// whether it came to that; the error is what is wrong with the JSON.
pub(crate) fn read<'a, T: Deserialize<'a>>(
    json: &'a str,
    repaired: &'a mut String,
) -> Result<(T, bool), String> {
    let problem = match serde_json::from_str(json) {
        Ok(value) => return Ok((value, false)),
        Err(problem) => problem,
    };
    *repaired = repair_surrogates(json).ok_or_else(|| problem.to_string())?;
    serde_json::from_str(repaired).map(|value| (value, true)).map_err(|problem| problem.to_string())
}

/// Replaces escapes of lone surrogates, which no Rust string can hold, by that of U+FFFD. `None` where there
/// are none.
pub(crate) fn repair_surrogates(json: &str) -> Option<String> {
    let mut out = String::with_capacity(json.len());
    let mut rest = json;
    let mut repaired = false;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let (take, replace) = match (escape(rest), rest.get(6..).and_then(escape)) {
            (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => (12, false),
            (Some(0xD800..=0xDFFF), _) => (6, true),
            _ => (1 + rest[1..].chars().next().map_or(0, char::len_utf8), false),
        };
        out.push_str(if replace { "\\ufffd" } else { &rest[..take] });
        repaired |= replace;
        rest = &rest[take..];
    }
    out.push_str(rest);
    repaired.then_some(out)
}

/// The code unit of a `\uXXXX` at the start.
fn escape(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    digits.bytes().all(|byte| byte.is_ascii_hexdigit()).then_some(())?;
    u16::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lone_surrogates_are_repaired_and_pairs_are_not() {
        let cases = [
            (r#""a\ud83db""#, Some(r#""a\ufffdb""#)),
            (r#""\ude00\ud83d""#, Some(r#""\ufffd\ufffd""#)),
            (r#""\ud83d\ude00\ud83d""#, Some(r#""\ud83d\ude00\ufffd""#)),
            (r#""\ud83d\ude00""#, None),
            (r#""\\ud83d \n é""#, None),
            (r#""\u""#, None),
        ];
        for (text, expected) in cases {
            assert_eq!(repair_surrogates(text).as_deref(), expected, "{text}");
        }
    }
}
