//! From what was written to a call that can be made.

use antiphon::{Call, Error, Map, Result};
use serde_json::Value;

use crate::args::{CallArgs, pairs};

/// Parameters that have an option of their own, and its name.
const ELSEWHERE: &[(&str, &str)] = &[
    ("model", "-m MODEL"),
    ("messages", "the prompt, or -s SYSTEM"),
    ("stream", "--no-stream, or nothing"),
    ("stream_options", "-u"),
];

/// The call of `fields` (`messages`, `response_format`, …) with the parameters of `-o`. The model is
/// chosen later: see [`crate::default_model`].
pub(crate) fn build(args: &CallArgs, fields: &Map) -> Result<Call> {
    let options = pairs(&args.options).map(Parameter::read).collect::<Result<Vec<_>>>()?;
    with_parameters(fields, options).map(|(call, _)| call)
}

/// The parameters that were written, as values that a call takes, and such a call.
pub(crate) fn parameters(written: &[String]) -> Result<(Call, Map)> {
    let options = pairs(written).map(Parameter::read).collect::<Result<Vec<_>>>()?;
    let fields = Map::from_iter([("messages".to_owned(), "".into())]);
    let (call, mut values) = with_parameters(&fields, options)?;
    values.shift_remove("messages");
    Ok((call, values))
}

/// The messages that open every conversation.
pub(crate) fn opening(args: &CallArgs) -> Vec<Value> {
    args.system.iter().map(|text| message("system", text.as_str())).collect()
}

/// A message as JSON.
pub(crate) fn message(role: &str, content: impl Into<Value>) -> Value {
    serde_json::json!({"role": role, "content": content.into()})
}

struct Parameter<'a> {
    name: &'a str,
    written: &'a str,
    /// The written value as JSON, where it is JSON.
    json: Option<Value>,
}

impl<'a> Parameter<'a> {
    fn read((name, written): (&'a str, &'a str)) -> Result<Self> {
        if let Some((name, value)) = name.split_once('=') {
            let error = Error::invalid("-o", "takes a key and a value, as two words");
            return Err(error.hint(format!("write -o {name} {value}")));
        }
        if let Some((_, option)) = ELSEWHERE.iter().find(|(elsewhere, _)| *elsewhere == name) {
            return Err(Error::invalid(name, "is no parameter of -o").hint(format!("use {option}")));
        }
        Ok(Self { name, written, json: serde_json::from_str(written).ok() })
    }

    fn value(&self) -> Value {
        self.json.clone().unwrap_or_else(|| self.written.into())
    }

    /// `-o user 123`: what reads as a number may be meant as text.
    fn is_maybe_text(&self) -> bool {
        matches!(self.json, Some(Value::Number(_) | Value::Bool(_) | Value::Null))
    }
}

/// Values are taken as JSON; one that its parameter refuses is tried once more as text.
fn with_parameters(fields: &Map, mut parameters: Vec<Parameter<'_>>) -> Result<(Call, Map)> {
    let mut refused: Option<Error> = None;
    loop {
        let mut map = fields.clone();
        map.extend(parameters.iter().map(|parameter| (parameter.name.to_owned(), parameter.value())));
        let error = match Call::from_json(map.clone()) {
            Ok(call) => return Ok((call, map)),
            Err(error) => error,
        };
        let at_fault = parameters.iter_mut().find(|it| Some(it.name) == error.field() && it.is_maybe_text());
        match at_fault {
            Some(parameter) => {
                parameter.json = None;
                refused = Some(error);
            }
            // The text was refused as well: the first complaint is the better one.
            None => return Err(refused.filter(|first| first.field() == error.field()).unwrap_or(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(options: &[&str]) -> Result<Call> {
        let options = options.iter().map(|word| (*word).to_owned()).collect();
        let fields = Map::from_iter([("messages".to_owned(), "hi".into())]);
        build(&CallArgs { options, ..CallArgs::default() }, &fields)
    }

    #[test]
    fn values_are_json_else_text() {
        let call = call(&["temperature", "0.5", "user", "123", "stop", "END", "seed", "7"]).unwrap();
        let params = call.request.params;
        assert_eq!(params.temperature, Some(0.5));
        assert_eq!(params.user.as_deref(), Some("123"));
        assert_eq!(params.stop.as_deref(), Some(&["END".to_owned()][..]));
        assert_eq!(params.seed, Some(7));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let cases: &[(&[&str], &str)] = &[
            (&["temperature", "true"], "temperature: must be a number, got a boolean"),
            (&["temperature", "hot"], "temperature: must be a number, got a string"),
            (&["temprature", "1"], "temprature: is no parameter; did you mean \"temperature\"?"),
            (&["model", "x"], "model: is no parameter of -o"),
            (&["seed=1", "hi"], "-o: takes a key and a value, as two words"),
        ];
        for (options, message) in cases {
            assert_eq!(call(options).unwrap_err().message(), *message);
        }
    }
}
