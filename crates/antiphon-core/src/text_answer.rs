//! The answer of a chat as that of a raw prompt: what a text completion has no words for is left out, and
//! probabilities get its older form.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::event::{Event, Path};
use crate::{Map, Operation, TokenLogprob};

/// Probabilities of the tokens of a text completion: lists of equal length, one entry a token. A list that
/// the wire has as null is `None`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TextLogprobs {
    /// Where each token begins in the text, in characters; with an echo, of prompt and answer.
    #[serde(default)]
    pub text_offset: Option<Vec<u64>>,
    /// Natural logarithm of each token's probability; null for an echoed prompt's first token.
    #[serde(default)]
    pub token_logprobs: Option<Vec<Option<f64>>>,
    /// The tokens' texts.
    #[serde(default)]
    pub tokens: Option<Vec<String>>,
    /// The likeliest tokens at each place, token to logarithm.
    #[serde(default)]
    pub top_logprobs: Option<Vec<Option<Map>>>,
    /// Fields beside the known ones.
    #[serde(flatten)]
    pub extra: Map,
}

impl TextLogprobs {
    /// Appends those of the tokens that follow.
    pub fn extend(&mut self, next: TextLogprobs) {
        extend(&mut self.text_offset, next.text_offset);
        extend(&mut self.token_logprobs, next.token_logprobs);
        extend(&mut self.tokens, next.tokens);
        extend(&mut self.top_logprobs, next.top_logprobs);
        self.extra.extend(next.extra);
    }

    fn of(tokens: Vec<TokenLogprob>, offset: &mut u64) -> Self {
        let mut lists = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for token in tokens {
            lists.0.push(*offset);
            *offset += token.token.chars().count() as u64;
            lists.1.push(Some(token.logprob));
            let top = token.top_logprobs.into_iter().map(|top| (top.token, top.logprob.into()));
            lists.3.push(Some(top.collect::<Map>()).filter(|top| !top.is_empty()));
            lists.2.push(token.token);
        }
        Self {
            text_offset: Some(lists.0),
            token_logprobs: Some(lists.1),
            tokens: Some(lists.2),
            top_logprobs: Some(lists.3),
            extra: Map::new(),
        }
    }
}

fn extend<T>(list: &mut Option<Vec<T>>, next: Option<Vec<T>>) {
    if let Some(next) = next {
        list.get_or_insert_default().extend(next);
    }
}

/// Translates the events of one answer.
#[derive(Debug, Default)]
pub struct TextAnswer {
    begun: bool,
    /// Where the next token of a choice begins.
    offsets: HashMap<u32, u64>,
}

impl TextAnswer {
    /// The events as the caller of a text completion sees them.
    pub fn translate(&mut self, events: Vec<Event>) -> Vec<Event> {
        let mut out = Vec::with_capacity(events.len() + 1);
        if !std::mem::replace(&mut self.begun, true) {
            out.push(Event::set("antiphon.operation", Operation::TextCompletion.as_str()));
        }
        out.extend(events.into_iter().filter_map(|event| self.event(event)));
        out
    }

    fn event(&mut self, event: Event) -> Option<Event> {
        match event {
            Event::Set { path: Path::Message(_, name), .. } if name != "content" => None,
            Event::Set { path: Path::Response(name), value } if name == "id" => {
                let id = value.as_str().map(|id| id.replacen("chatcmpl-", "cmpl-", 1));
                Some(Event::Set { path: Path::Response(name), value: id.map_or(value, Into::into) })
            }
            Event::Logprobs { choice, content } => {
                let offset = self.offsets.entry(choice).or_default();
                let logprobs = Box::new(TextLogprobs::of(content, offset));
                Some(Event::TextLogprobs { choice, logprobs })
            }
            event => Some(event),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Fold, TopLogprob};

    #[test]
    fn a_chats_answer_is_a_texts() {
        let token = |text: &str, logprob| TokenLogprob {
            token: text.into(),
            logprob,
            top_logprobs: vec![TopLogprob { token: text.into(), logprob, bytes: None }],
            ..TokenLogprob::default()
        };
        let mut translation = TextAnswer::default();
        let mut fold = Fold::new();
        for batch in [
            vec![Event::set("id", "chatcmpl-1"), Event::set_message(0, "role", "assistant")],
            vec![
                Event::text("Ü b"),
                Event::Logprobs { choice: 0, content: vec![token("Ü ", -0.5), token("b", -1.0)] },
            ],
            vec![Event::text("c"), Event::Logprobs { choice: 0, content: vec![token("c", -2.0)] }],
            vec![Event::set_choice(0, "finish_reason", "stop")],
        ] {
            fold.extend(translation.translate(batch));
        }
        assert_eq!(
            fold.finish().to_json(),
            serde_json::json!({
                "id": "cmpl-1", "object": "text_completion", "created": 0, "model": "",
                "choices": [{"text": "Ü bc", "index": 0, "finish_reason": "stop", "logprobs": {
                    "text_offset": [0, 2, 3], "token_logprobs": [-0.5, -1.0, -2.0], "tokens": ["Ü ", "b", "c"],
                    "top_logprobs": [{"Ü ": -0.5}, {"b": -1.0}, {"c": -2.0}],
                }}],
            })
        );
    }
}
