//! Bodies and events of a stream become events of ours.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::wire::{Answer, Counts, Output, logprobs};
use crate::dialects::answer::{interrupted, is_malformed, is_nothing, malformed, not_an_answer, text};
use crate::dialects::openai_chat::errors;
use crate::dialects::wire::{Text, read, utf8};
use crate::dialects::{Decoder, Mode};
use crate::frames::Frame;
use crate::{Error, Event, Operation, Result, Usage};

/// Reads one answer, whole or streamed.
pub(super) struct EngineDecoder {
    mode: Mode,
    /// Events seen, to name a malformed one.
    events: u64,
    id: Option<String>,
    told: bool,
    has_content: bool,
    warned: bool,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum State {
    Reading,
    Done,
    Failed,
}

impl EngineDecoder {
    pub(super) fn new(mode: Mode) -> Self {
        Self {
            mode,
            events: 0,
            id: None,
            told: false,
            has_content: false,
            warned: false,
            state: State::Reading,
        }
    }
}

impl Decoder for EngineDecoder {
    fn push(&mut self, frame: &Frame<'_>, out: &mut Vec<Event>) -> Result<()> {
        if self.state != State::Reading {
            return Ok(());
        }
        let result = match frame {
            Frame::Comment => Ok(()),
            Frame::Body(bytes) => self.body(bytes, out),
            Frame::Event { data, cut, .. } => self.event(data.trim(), *cut, out),
        };
        if result.is_err() {
            self.state = State::Failed;
        }
        result
    }

    fn finish(&mut self, _: &mut Vec<Event>) -> Result<()> {
        match (self.state, self.mode) {
            (State::Done | State::Failed, _) => Ok(()),
            (State::Reading, Mode::Whole) if self.events == 0 => Err(not_an_answer("the body is empty", "")),
            // Without the event that says `finished`, a clean end is not told from a cut one.
            (State::Reading, _) => Err(interrupted()),
        }
    }

    fn is_done(&self) -> bool {
        self.state != State::Reading
    }
}

impl EngineDecoder {
    fn body(&mut self, bytes: &[u8], out: &mut Vec<Event>) -> Result<()> {
        let json = utf8(bytes);
        if matches!(json, Cow::Owned(_)) {
            self.warn("bytes of the answer that were no UTF-8 were replaced by U+FFFD", out);
        }
        let json = json.trim_start_matches('\u{FEFF}').trim();
        if json.is_empty() {
            return Err(not_an_answer("the body is empty", ""));
        }
        let mut repaired = String::new();
        let (answer, was_repaired) = read::<Answer<'_>>(json, &mut repaired)
            .map_err(|problem| not_an_answer(&format!("the body is no completion: {problem}"), json))?;
        self.surrogates(was_repaired, out);
        self.whole(answer, out).map_err(|error| {
            if is_malformed(&error) { not_an_answer(error.message(), json) } else { error }
        })?;
        self.state = State::Done;
        Ok(())
    }

    fn event(&mut self, data: &str, cut: bool, out: &mut Vec<Event>) -> Result<()> {
        // The newer routes of the server end like OpenAI's; here it says nothing.
        if data.is_empty() || data == "[DONE]" {
            return Ok(());
        }
        self.events += 1;
        let mut repaired = String::new();
        let (answer, was_repaired) = match read::<Answer<'_>>(data, &mut repaired) {
            Ok(read) => read,
            Err(_) if cut => return Err(interrupted()),
            Err(problem) => return Err(self.numbered(&problem, data)),
        };
        self.surrogates(was_repaired, out);
        self.piece(answer, out)
            .map_err(|error| if is_malformed(&error) { self.numbered(error.message(), data) } else { error })
    }

    fn numbered(&self, problem: &str, data: &str) -> Error {
        not_an_answer(&format!("event {} of the stream is malformed: {problem}", self.events), data)
    }

    fn surrogates(&mut self, repaired: bool, out: &mut Vec<Event>) {
        if repaired {
            self.warn("lone surrogates in the answer were replaced by U+FFFD", out);
        }
    }

    fn warn(&mut self, warning: &str, out: &mut Vec<Event>) {
        if !std::mem::replace(&mut self.warned, true) {
            out.push(Event::set("warning", warning));
        }
    }

    fn head(&mut self, id: Text<'_>, out: &mut Vec<Event>) -> Result<()> {
        if !std::mem::replace(&mut self.told, true) {
            out.push(Event::set("antiphon.operation", Operation::TextCompletion.as_str()));
        }
        let id = text(id, || "request_id".into())?.filter(|id| self.id.as_deref() != Some(&**id));
        if let Some(id) = id {
            self.id = Some(id.clone().into_owned());
            out.push(Event::set("id", id.into_owned()));
        }
        Ok(())
    }

    /// A whole answer: `outputs` by the first releases, `output` by the later ones, or both.
    fn whole(&mut self, mut answer: Answer<'_>, out: &mut Vec<Event>) -> Result<()> {
        fault(&mut answer)?;
        let outputs = match (answer.outputs, answer.output) {
            (Some(outputs), _) if !outputs.is_empty() => outputs,
            (_, Some(output)) => vec![output],
            _ => return Err(malformed("the body has no outputs".into())),
        };
        self.head(answer.request_id, out)?;
        let one = outputs.len() == 1;
        let mut total = Some(Usage::default());
        for (choice, output) in (0..).zip(outputs) {
            let counts = output.counts();
            self.has_content = false;
            self.output(choice, output, out)?;
            let usage = counts.prompt.zip(counts.completion);
            if !one || usage.is_none() {
                set_counts(choice, counts, out);
            }
            total = total.zip(usage).map(|(mut total, (prompt, completion))| {
                total.add(&Usage::new(prompt, completion));
                total
            });
            self.end(choice, out);
        }
        out.extend(total.map(|usage| Event::set("usage", json!(usage))));
        Ok(())
    }

    fn piece(&mut self, mut answer: Answer<'_>, out: &mut Vec<Event>) -> Result<()> {
        fault(&mut answer)?;
        let Some(output) = answer.output else { return Ok(()) };
        self.head(answer.request_id, out)?;
        let finished = output.finished.as_ref().and_then(Value::as_bool).unwrap_or_default();
        let counts = output.counts();
        self.output(0, output, out)?;
        if finished {
            self.end(0, out);
            match counts.prompt.zip(counts.completion) {
                Some((prompt, completion)) => {
                    out.push(Event::set("usage", json!(Usage::new(prompt, completion))));
                }
                None => set_counts(0, counts, out),
            }
            self.state = State::Done;
        }
        Ok(())
    }

    /// What an output says of the text.
    fn output(&mut self, choice: u32, output: Output<'_>, out: &mut Vec<Event>) -> Result<()> {
        let piece = text(output.text, || "output.text".into())?;
        let piece = piece.ok_or_else(|| malformed("output.text is missing".into()))?;
        if !piece.is_empty() {
            self.has_content = true;
            out.push(Event::Text { choice, text: piece.into_owned() });
        }
        let tokens = output.tokens.or(output.token.filter(|token| !token.is_null()).map(|token| vec![token]));
        if let Some(tokens) = tokens.filter(|tokens| !tokens.is_empty()) {
            out.push(Event::TextLogprobs { choice, logprobs: logprobs(tokens, "output.token")? });
        }
        Ok(())
    }

    fn end(&mut self, choice: u32, out: &mut Vec<Event>) {
        if !self.has_content {
            out.push(Event::set_message(choice, "content", ""));
        }
        out.push(Event::set_choice(choice, "finish_reason", "stop"));
    }
}

/// Counts that are no usage: one of the two is not known, or they are of one prompt of several.
fn set_counts(choice: u32, counts: Counts, out: &mut Vec<Event>) {
    for (name, count) in [("num_prompt_tokens", counts.prompt), ("num_completion_tokens", counts.completion)]
    {
        out.extend(count.map(|count| Event::set_choice(choice, name, count)));
    }
}

/// What went wrong: an `error` with a status, or, from the first servers, a failed task's traceback.
fn fault(answer: &mut Answer<'_>) -> Result<()> {
    if let Some(error) = answer.error.take().filter(|error| !is_nothing(error)) {
        let content = error.get("content").filter(|content| !content.is_null());
        let message = match content {
            Some(content) => content.get("error").unwrap_or(content).clone(),
            None => error.get("message").unwrap_or(&error).clone(),
        };
        let status = error.get("status_code").and_then(Value::as_u64).unwrap_or(500);
        return Err(failure(status, message));
    }
    if matches!(answer.status.as_str(), Some("FAILURE")) && answer.output.is_none() {
        // The last line of a Python traceback is what was raised.
        let traceback = answer.traceback.as_str().unwrap_or_default().trim_end();
        let last = traceback.lines().next_back().unwrap_or_default();
        return Err(failure(500, last.into()));
    }
    Ok(())
}

fn failure(status: u64, message: Value) -> Error {
    errors::in_body(json!({"message": message, "code": status.to_string()}))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Fold;

    #[test]
    fn each_output_is_a_choice_with_its_counts() {
        let body = json!({
            "request_id": "r", "status": "SUCCESS",
            "outputs": [
                {"text": "a", "num_prompt_tokens": 1, "num_completion_tokens": 2},
                {"text": "", "num_prompt_tokens": 3, "num_completion_tokens": 4},
            ],
        });
        let mut decoder = EngineDecoder::new(Mode::Whole);
        let mut events = Vec::new();
        decoder.push(&Frame::Body(body.to_string().as_bytes()), &mut events).unwrap();
        decoder.finish(&mut events).unwrap();
        let mut fold = Fold::new();
        fold.extend(events);
        let response = fold.finish();
        assert_eq!(response.usage, Some(Usage::new(4, 6)));
        let choices: Vec<_> = response
            .choices
            .iter()
            .map(|choice| (choice.message.content.text(), choice.extra["num_completion_tokens"].clone()))
            .collect();
        assert_eq!(choices, [("a".to_owned(), json!(2)), (String::new(), json!(4))]);
        let written = super::super::serve::response(&response);
        assert_eq!(written["outputs"][1]["num_prompt_tokens"], 3);
    }
}
