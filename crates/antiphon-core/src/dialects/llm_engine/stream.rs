//! Events become the bytes of a stream, as the server's own `sse-starlette` writes them.

use serde_json::{Value, json};

use super::serve::{pair, status};
use crate::dialects::{StreamEncoder, StreamHead};
use crate::event::Path;
use crate::{Error, Event, TextLogprobs, Usage};

/// Writes one streamed answer. The last event alone is `finished`; a text that comes with the reason why the
/// answer ended waits to be it, so that five tokens are five events. A text is counted as a token, where no
/// probabilities and no usage say it better.
pub(super) struct EngineStream {
    id: String,
    /// Seconds since 1970, for an error to say when it was.
    now: u64,
    /// What is not written yet: its text, and its token where it is known.
    waiting: Option<(String, Option<Value>)>,
    counted: u64,
    usage: Option<Usage>,
    /// Counts that are no usage, as this dialect's decoder gives them.
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
    /// Whether the answer has said why it ended.
    is_ending: bool,
    ended: bool,
}

impl EngineStream {
    pub(super) fn new(head: StreamHead) -> Self {
        Self {
            id: head.id,
            now: head.created,
            waiting: None,
            counted: 0,
            usage: None,
            prompt_tokens: None,
            completion_tokens: None,
            is_ending: false,
            ended: false,
        }
    }

    fn take(&mut self, event: &Event, out: &mut Vec<u8>) {
        match event {
            Event::Text { choice: 0, text } => self.wait((text.clone(), None), out),
            Event::TextLogprobs { choice: 0, logprobs } => self.tokens(pairs(logprobs), out),
            Event::Logprobs { choice: 0, content } => {
                let tokens = content.iter().map(|token| (token.token.clone(), Some(token.logprob)));
                self.tokens(tokens.collect(), out);
            }
            Event::Set { path: Path::Choice(0, name), value } => match &**name {
                "finish_reason" => self.is_ending |= value.is_string(),
                "num_prompt_tokens" => self.prompt_tokens = value.as_u64(),
                "num_completion_tokens" => self.completion_tokens = value.as_u64(),
                _ => {}
            },
            Event::Set { path: Path::Response(name), value } => match &**name {
                "usage" => self.usage = serde_json::from_value(value.clone()).ok(),
                "id" if self.id.is_empty() => self.id = value.as_str().unwrap_or_default().to_owned(),
                _ => {}
            },
            _ => {}
        }
    }

    fn wait(&mut self, piece: (String, Option<Value>), out: &mut Vec<u8>) {
        self.flush(out);
        self.waiting = Some(piece);
    }

    /// Probabilities of the tokens of the text that came just before them. An event has room for one token: the
    /// text is divided among several where it is made of theirs, else goes with the first.
    fn tokens(&mut self, tokens: Vec<(String, Option<f64>)>, out: &mut Vec<u8>) {
        let before = match self.waiting.take() {
            Some((text, None)) => text,
            other => {
                self.waiting = other;
                String::new()
            }
        };
        let divides = tokens.iter().map(|(token, _)| token.as_str()).collect::<String>() == before;
        let mut rest = Some(before);
        for (token, number) in tokens {
            let text = if divides { token.clone() } else { rest.take().unwrap_or_default() };
            self.wait((text, Some(pair(&token, number))), out);
        }
        if let Some(text) = rest.filter(|text| !divides && !text.is_empty()) {
            self.wait((text, None), out);
        }
    }

    fn flush(&mut self, out: &mut Vec<u8>) {
        let Some((text, token)) = self.waiting.take() else { return };
        self.counted += 1;
        let output = json!({
            "text": text,
            "finished": false,
            "num_prompt_tokens": null,
            "num_completion_tokens": self.counted,
            "token": token,
        });
        self.write(Some(output), Value::Null, out);
    }

    fn write(&self, output: Option<Value>, error: Value, out: &mut Vec<u8>) {
        let status = if error.is_null() { "SUCCESS" } else { "FAILURE" };
        let traceback = error.pointer("/content/error").cloned();
        let event = json!({
            "request_id": self.id,
            "output": output,
            "error": error,
            "status": status,
            "traceback": traceback,
        });
        out.extend_from_slice(b"data: ");
        out.extend_from_slice(event.to_string().as_bytes());
        out.extend_from_slice(b"\r\n\r\n");
    }
}

fn pairs(logprobs: &TextLogprobs) -> Vec<(String, Option<f64>)> {
    let numbers = logprobs.token_logprobs.iter().flatten().copied();
    logprobs.tokens.iter().flatten().cloned().zip(numbers).collect()
}

impl StreamEncoder for EngineStream {
    fn push(&mut self, events: &[Event], out: &mut Vec<u8>) {
        if self.ended {
            return;
        }
        for event in events {
            self.take(event, out);
        }
        if !self.is_ending {
            self.flush(out);
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        let (text, token) = self.waiting.take().unwrap_or_default();
        self.counted += u64::from(!text.is_empty() || token.is_some());
        let usage = self.usage.as_ref();
        let completion = self.completion_tokens.or(usage.map(|usage| usage.completion_tokens));
        let output = json!({
            "text": text,
            "finished": true,
            "num_prompt_tokens": self.prompt_tokens.or(usage.map(|usage| usage.prompt_tokens)),
            "num_completion_tokens": completion.unwrap_or(self.counted),
            "token": token,
        });
        self.write(Some(output), Value::Null, out);
    }

    /// The clients hand this event on and do not raise it; nothing follows.
    fn error(&mut self, error: &Error, out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        self.flush(out);
        let content = json!({"error": error.message(), "timestamp": timestamp(self.now)});
        // What breaks on the server's side of a stream has one number in this contract.
        let code = status(error).min(500);
        self.write(None, json!({"status_code": code, "content": content}), out);
    }

    fn keep_alive(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(format!(": ping - {}\r\n\r\n", timestamp(self.now)).as_bytes());
    }

    fn set_time(&mut self, seconds: u64) {
        self.now = seconds;
    }
}

/// As the server writes it, in UTC: `2026-01-02 03:04:05 UTC`.
fn timestamp(seconds: u64) -> String {
    let time = i64::try_from(seconds)
        .ok()
        .and_then(|seconds| time::OffsetDateTime::from_unix_timestamp(seconds).ok());
    let time = time.unwrap_or(time::OffsetDateTime::UNIX_EPOCH);
    let (date, clock) = (time.date(), time.time());
    let (hour, minute, second) = clock.as_hms();
    format!("{date} {hour:02}:{minute:02}:{second:02} UTC")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Kind;

    fn head() -> StreamHead {
        StreamHead { id: "r".into(), created: 1_767_323_045, ..StreamHead::default() }
    }

    fn text(bytes: Vec<u8>) -> String {
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn the_bytes_are_the_servers() {
        let mut stream = EngineStream::new(head());
        let mut out = Vec::new();
        stream.push(&[Event::text(" don")], &mut out);
        stream.keep_alive(&mut out);
        stream.push(&[Event::text("’t\n"), Event::set_choice(0, "finish_reason", "length")], &mut out);
        stream.push(&[Event::set("usage", json!(Usage::new(6, 2)))], &mut out);
        stream.finish(&mut out);
        let expected = concat!(
            r#"data: {"request_id":"r","output":{"text":" don","finished":false,"num_prompt_tokens":null,"num_completion_tokens":1,"token":null},"error":null,"status":"SUCCESS","traceback":null}"#,
            "\r\n\r\n: ping - 2026-01-02 03:04:05 UTC\r\n\r\n",
            r#"data: {"request_id":"r","output":{"text":"’t\n","finished":true,"num_prompt_tokens":6,"num_completion_tokens":2,"token":null},"error":null,"status":"SUCCESS","traceback":null}"#,
            "\r\n\r\n",
        );
        assert_eq!(text(out), expected);
    }

    #[test]
    fn an_error_is_one_last_event_with_its_time() {
        let mut stream = EngineStream::new(head());
        let mut out = Vec::new();
        stream.set_time(1_767_323_046);
        stream.error(&Error::new(Kind::StreamInterrupted, "cut"), &mut out);
        let expected = concat!(
            r#"data: {"request_id":"r","output":null,"error":{"status_code":500,"content":{"error":"cut","timestamp":"2026-01-02 03:04:06 UTC"}},"status":"FAILURE","traceback":"cut"}"#,
            "\r\n\r\n",
        );
        assert_eq!(text(out.clone()), expected);
        stream.push(&[Event::text("more")], &mut out);
        stream.finish(&mut out);
        stream.error(&Error::new(Kind::Internal, "again"), &mut out);
        assert_eq!(text(out), expected);
    }

    #[test]
    fn every_event_has_one_token() {
        let logprobs = |tokens: &[(&str, f64)]| Event::TextLogprobs {
            choice: 0,
            logprobs: Box::new(TextLogprobs {
                tokens: Some(tokens.iter().map(|(token, _)| (*token).to_owned()).collect()),
                token_logprobs: Some(tokens.iter().map(|(_, number)| Some(*number)).collect()),
                ..TextLogprobs::default()
            }),
        };
        let mut stream = EngineStream::new(head());
        let mut out = Vec::new();
        stream.push(&[Event::text("ab"), logprobs(&[("a", -0.5), ("b", -1.0)])], &mut out);
        stream.push(&[Event::text("é"), logprobs(&[("\u{FFFD}", -2.0), ("\u{FFFD}", -3.0)])], &mut out);
        stream.push(&[Event::set_choice(0, "finish_reason", "stop")], &mut out);
        stream.finish(&mut out);
        let events: Vec<(Value, Value, Value)> = text(out)
            .split("\r\n\r\n")
            .filter_map(|event| serde_json::from_str::<Value>(event.strip_prefix("data: ")?).ok())
            .map(|event| {
                let output = &event["output"];
                let number = output["token"]["log_prob"].clone();
                (output["text"].clone(), number, output["num_completion_tokens"].clone())
            })
            .collect();
        let expected = [
            (json!("a"), json!(-0.5), json!(1)),
            (json!("b"), json!(-1.0), json!(2)),
            (json!("é"), json!(-2.0), json!(3)),
            (json!(""), json!(-3.0), json!(4)),
            (json!(""), Value::Null, json!(4)),
        ];
        assert_eq!(events, expected);
    }
}
