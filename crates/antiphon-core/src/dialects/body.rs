//! The body of a caller's request, as an object.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};

use super::excerpt::excerpt;
use crate::{Error, Kind, Map, Result};

/// An object that says nothing twice. Two readers of a doubled key may each believe another value, so that
/// what was checked is not what is run.
struct Body(Map);

impl<'de> Deserialize<'de> for Body {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(BodyVisitor)
    }
}

struct BodyVisitor;

impl<'de> Visitor<'de> for BodyVisitor {
    type Value = Body;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Body, A::Error> {
        let mut map = Map::new();
        while let Some(key) = access.next_key::<String>()? {
            if map.contains_key(&key) {
                return Err(serde::de::Error::custom(format_args!("the key {key:?} is given twice")));
            }
            map.insert(key, access.next_value()?);
        }
        Ok(Body(map))
    }
}

/// The fields of a body. One that is nested too deeply is refused by the parser's own limit.
pub fn object(body: &[u8]) -> Result<Map> {
    let Body(map) = serde_json::from_slice(body).map_err(|problem| {
        let problem = excerpt(&problem.to_string());
        Error::new(Kind::InvalidRequest, format!("the body is no request: {problem}"))
    })?;
    Ok(map)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &str, expected: &str) {
        let error = object(body.as_bytes()).unwrap_err();
        assert_eq!(error.kind(), Kind::InvalidRequest);
        assert!(error.message().contains(expected), "{:?} has no {expected:?}", error.message());
    }

    #[test]
    fn a_bad_body_is_the_callers_error() {
        check("", "EOF");
        check("[]", "expected a JSON object");
        check("{\"model\": \"a\", \"messages\": \"hi\", \"model\": \"b\"}", "\"model\" is given twice");
        check("{\"model\": \"a\", \"messages\": \"hi\"} x", "trailing characters");
        check("{\"messages\": \"hi\", \"temperature\": 1e400}", "out of range");
        check("{\"messages\": \"hi\", \"temperature\": NaN}", "expected value");
        check(&format!("{{\"messages\": \"hi\", \"x\": {}", "[".repeat(100_000)), "recursion limit");
        assert!(object(b"{\"messages\": \"\xFF\"}").is_err());
    }
}
