//! The parameters that shape an answer, as one table.
//!
//! A row is a field of [`Params`], a name that every face knows, and the type that its value is checked
//! against. Ranges are not checked here: those of a hosted model are its provider's business, those of a
//! local one the engine's.

use std::fmt::Display;

use serde_json::Value;

use crate::json::wrong_type;
use crate::{Error, Map, Result};

/// A type that a parameter's value can have.
pub(crate) trait Param: Sized {
    /// Checks and takes the value; `path` names it in errors.
    fn from_json(path: impl Display + Copy, value: Value) -> Result<Self>;
    /// The value as it goes on the wire.
    fn to_json(&self) -> Value;
}

macro_rules! params {
    ($($(#[doc = $doc:literal])+ $name:ident: $type:ty,)+) => {
        /// What shapes an answer. `None` leaves it to the model.
        #[derive(Debug, Clone, PartialEq, Default)]
        pub struct Params {
            $($(#[doc = $doc])+ pub $name: Option<$type>,)+
        }

        /// Every parameter's name, in the order of the table, with what it does.
        pub static PARAMS: &[(&str, &str)] = &[$((stringify!($name), concat!($($doc),+)),)+];

        impl Params {
            /// Sets a parameter by name; a null unsets it. A name that is no parameter gives the value back.
            pub fn set(&mut self, name: &str, value: Value) -> Result<Option<Value>> {
                match name {
                    $(stringify!($name) => {
                        self.$name = match value {
                            Value::Null => None,
                            value => Some(<$type as Param>::from_json(name, value)?),
                        };
                    })+
                    _ => return Ok(Some(value)),
                }
                Ok(None)
            }

            /// Whether the parameter of that name is set.
            pub fn has(&self, name: &str) -> bool {
                match name {
                    $(stringify!($name) => self.$name.is_some(),)+
                    _ => false,
                }
            }

            /// Every parameter that is set, by name, as JSON.
            pub fn to_json(&self) -> Map {
                let mut map = Map::new();
                $(if let Some(value) = &self.$name {
                    map.insert(stringify!($name).to_owned(), Param::to_json(value));
                })+
                map
            }
        }
    };
}

params! {
    /// Randomness, 0 (always the likeliest token) to 2.
    temperature: f64,
    /// Only the likeliest tokens that together have this probability.
    top_p: f64,
    /// How many answers.
    n: u32,
    /// Text at which to stop; up to four on most providers.
    stop: Vec<String>,
    /// At most this many tokens of answer; OpenAI's older name.
    max_tokens: u64,
    /// At most this many tokens of answer, reasoning included.
    max_completion_tokens: u64,
    /// -2 to 2; above 0 favours tokens that have not occurred.
    presence_penalty: f64,
    /// -2 to 2; above 0 disfavours tokens by how often they occurred.
    frequency_penalty: f64,
    /// Token id to a bias of -100 to 100.
    logit_bias: LogitBias,
    /// The end user, for the provider's abuse detection.
    user: String,
    /// Asks for the same answer again to the same request.
    seed: i64,
    /// Whether to return probabilities.
    logprobs: bool,
    /// How many of the likeliest tokens to show at each place, 0 to 20.
    top_logprobs: u32,
    /// `none` to `max`: how long a reasoning model thinks.
    reasoning_effort: String,
    /// `low`, `medium` or `high`: how long the answer is.
    verbosity: String,
    /// Kinds of output: `text`, `audio`.
    modalities: Vec<String>,
    /// Text that the answer will mostly repeat.
    prediction: Map,
    /// Voice and format of sound in the answer.
    audio: Map,
    /// Whether several tools may be called at once.
    parallel_tool_calls: bool,
    /// Search of the web by the provider.
    web_search_options: Map,
    /// Processing tier.
    service_tier: String,
    /// Whether the provider keeps the answer.
    store: bool,
    /// Labels for the provider's dashboard.
    metadata: Map,
    /// Groups requests for the provider's prompt cache.
    prompt_cache_key: String,
    /// How long the provider's prompt cache keeps the prompt.
    prompt_cache_retention: String,
    /// A stable id of the end user, for the provider's safety checks.
    safety_identifier: String,
    /// Anthropic's thinking budget.
    thinking: Map,
    /// Only the k likeliest tokens; -1 and 0 mean all.
    top_k: i64,
    /// Only tokens at least this fraction as likely as the likeliest.
    min_p: f64,
    /// Above 1 disfavours tokens that have occurred, in prompt or answer.
    repetition_penalty: f64,
    /// JSON schema that the answer must fit (vLLM's name).
    guided_json: Value,
    /// Regular expression that the answer must match (vLLM's name).
    guided_regex: String,
    /// Texts of which the answer must be one (vLLM's name).
    guided_choice: Vec<String>,
    /// Grammar, in Lark's notation or in GBNF, that the answer must follow (vLLM's name).
    guided_grammar: String,
    /// Whether to leave special tokens out of the text; true unless said.
    skip_special_tokens: bool,
    /// Whether the stop sequence that was met is part of the answer.
    include_stop_str_in_output: bool,
    /// Whether to go on after an end-of-text token; for measuring.
    ignore_eos: bool,
    /// Lower is answered sooner, of the requests that wait; 0 unless said (vLLM's name).
    priority: i64,
}

impl Params {
    /// The names of those parameters that say what form the answer must have, as far as they are set.
    pub fn guided(&self) -> impl Iterator<Item = &'static str> {
        let given = [
            ("guided_json", self.guided_json.is_some()),
            ("guided_regex", self.guided_regex.is_some()),
            ("guided_choice", self.guided_choice.is_some()),
            ("guided_grammar", self.guided_grammar.is_some()),
        ];
        given.into_iter().filter(|(_, is_given)| *is_given).map(|(name, _)| name)
    }

    /// An answer has one form: two `guided_*` at once are refused.
    pub(crate) fn check_guides(&self) -> Result<()> {
        let mut given = self.guided();
        match (given.next(), given.next()) {
            (Some(first), Some(second)) => {
                let message = format_args!("cannot be combined with {first}");
                Err(Error::invalid(second, message).hint("give one of them"))
            }
            _ => Ok(()),
        }
    }
}

/// Token id to bias.
pub type LogitBias = Vec<(u32, f64)>;

impl Param for f64 {
    fn from_json(path: impl Display + Copy, value: Value) -> Result<Self> {
        value.as_f64().ok_or_else(|| wrong_type(path, "a number", &value)).and_then(|number| {
            if number.is_finite() { Ok(number) } else { Err(Error::invalid(path, "must be finite")) }
        })
    }

    fn to_json(&self) -> Value {
        (*self).into()
    }
}

impl Param for u64 {
    fn from_json(path: impl Display + Copy, value: Value) -> Result<Self> {
        whole(path, &value, "a whole number of at least 0")
    }

    fn to_json(&self) -> Value {
        (*self).into()
    }
}

impl Param for u32 {
    fn from_json(path: impl Display + Copy, value: Value) -> Result<Self> {
        whole(path, &value, "a whole number of at least 0")
    }

    fn to_json(&self) -> Value {
        (*self).into()
    }
}

impl Param for i64 {
    fn from_json(path: impl Display + Copy, value: Value) -> Result<Self> {
        whole(path, &value, "a whole number")
    }

    fn to_json(&self) -> Value {
        (*self).into()
    }
}

/// A whole number, also when written as `10.0`, as scripts and JavaScript clients do.
fn whole<T: TryFrom<i128>>(path: impl Display + Copy, value: &Value, expected: &str) -> Result<T> {
    let number = match value {
        Value::Number(number) => number
            .as_i128()
            .or_else(|| number.as_f64().filter(|float| float.fract() == 0.0).map(|float| float as i128)),
        _ => return Err(wrong_type(path, expected, value)),
    };
    number
        .and_then(|number| T::try_from(number).ok())
        .ok_or_else(|| Error::invalid(path, format_args!("must be {expected}, got {value}")))
}

impl Param for bool {
    fn from_json(path: impl Display + Copy, value: Value) -> Result<Self> {
        value.as_bool().ok_or_else(|| wrong_type(path, "true or false", &value))
    }

    fn to_json(&self) -> Value {
        (*self).into()
    }
}

impl Param for String {
    fn from_json(path: impl Display + Copy, value: Value) -> Result<Self> {
        crate::json::string(path, value)
    }

    fn to_json(&self) -> Value {
        self.as_str().into()
    }
}

impl Param for Value {
    fn from_json(_: impl Display + Copy, value: Value) -> Result<Self> {
        Ok(value)
    }

    fn to_json(&self) -> Value {
        self.clone()
    }
}

impl Param for Map {
    fn from_json(path: impl Display + Copy, value: Value) -> Result<Self> {
        crate::json::object(path, value)
    }

    fn to_json(&self) -> Value {
        Value::Object(self.clone())
    }
}

/// One string stands for a list of one, as everywhere in the field (`stop="\n"`).
impl Param for Vec<String> {
    fn from_json(path: impl Display + Copy, value: Value) -> Result<Self> {
        match value {
            Value::String(text) => Ok(vec![text]),
            Value::Array(items) => items
                .into_iter()
                .enumerate()
                .map(|(i, item)| crate::json::string(format_args!("{path}[{i}]"), item))
                .collect(),
            other => Err(wrong_type(path, "a string or a list of strings", &other)),
        }
    }

    fn to_json(&self) -> Value {
        self.as_slice().into()
    }
}

impl Param for LogitBias {
    fn from_json(path: impl Display + Copy, value: Value) -> Result<Self> {
        crate::json::object(path, value)?
            .into_iter()
            .map(|(token, bias)| {
                let id = token.parse().map_err(|_| {
                    Error::invalid(path, format_args!("keys must be token ids, got {token:?}"))
                })?;
                Ok((id, f64::from_json(format_args!("{path}[{token:?}]"), bias)?))
            })
            .collect()
    }

    fn to_json(&self) -> Value {
        Value::Object(self.iter().map(|(token, bias)| (token.to_string(), (*bias).into())).collect())
    }
}

impl Params {
    /// The output limit, under whichever of its two names it was given.
    pub fn output_limit(&self) -> Option<u64> {
        self.max_completion_tokens.or(self.max_tokens)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_wrong_type_names_the_parameter() {
        let cases = [
            ("temperature", json!("hot"), "temperature: must be a number, got a string"),
            ("n", json!(1.5), "n: must be a whole number of at least 0, got 1.5"),
            ("priority", json!("high"), "priority: must be a whole number, got a string"),
            ("priority", json!(0.5), "priority: must be a whole number, got 0.5"),
            ("n", json!(-1), "n: must be a whole number of at least 0, got -1"),
            ("stop", json!(["a", 1]), "stop[1]: must be a string, got a number"),
            ("logit_bias", json!({"x": 1}), "logit_bias: keys must be token ids, got \"x\""),
        ];
        for (name, value, expected) in cases {
            let error = Params::default().set(name, value).unwrap_err();
            assert_eq!(error.message(), expected);
        }
    }

    #[test]
    fn an_answer_has_one_form() {
        let mut params = Params { guided_regex: Some("a".into()), ..Params::default() };
        assert_eq!(params.check_guides().map_err(|error| error.message().to_owned()), Ok(()));
        params.guided_choice = Some(vec!["a".into()]);
        let error = params.check_guides().unwrap_err();
        assert_eq!(error.message(), "guided_choice: cannot be combined with guided_regex");
    }

    #[test]
    fn every_row_round_trips() {
        let mut params = Params::default();
        assert_eq!(params.set("stop", json!("\n")).unwrap(), None);
        assert_eq!(params.set("max_tokens", json!(10.0)).unwrap(), None);
        assert_eq!(params.set("colour", json!(1)).unwrap(), Some(json!(1)));
        assert_eq!(Value::Object(params.to_json()), json!({"stop": ["\n"], "max_tokens": 10}));
    }
}
