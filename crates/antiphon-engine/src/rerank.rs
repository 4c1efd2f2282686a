//! Documents by how well they answer a query: a model that was trained to rank reads each together with the query,
//! and its last layer is a score.

use antiphon_core::{Error, Event, Input, Kind, Operation, Ranked, RerankTask, Result, Usage};
use llama_cpp_2::model::LlamaModel;
use serde_json::json;

use crate::engine::{Batch, Shared};
use crate::random;
use crate::vocabulary::Vocabulary;

/// How a model is shown a query and a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Form {
    /// One after the other, with the tokens around them that the vocabulary wants.
    Pair,
    /// In a text of its own, with places for both (Qwen3-Reranker's).
    Text(String),
}

impl Form {
    pub(crate) fn of(model: &LlamaModel) -> Self {
        let text = model.meta_val_str("tokenizer.chat_template.rerank").unwrap_or_default();
        if text.contains("{query}") && text.contains("{document}") { Form::Text(text) } else { Form::Pair }
    }

    fn tokens(&self, vocabulary: &Vocabulary, query: &str, document: &[i32]) -> Vec<i32> {
        let Form::Text(text) = self else {
            return vocabulary.pair(&vocabulary.tokenize(query, false), document);
        };
        let mut tokens = vocabulary.start();
        let mut rest = text.as_str();
        while let Some((at, what)) = next_place(rest) {
            tokens.extend(vocabulary.tokenize(&rest[..at], true));
            match what {
                QUERY => tokens.extend(vocabulary.tokenize(query, false)),
                _ => tokens.extend(document),
            }
            rest = &rest[at + what.len()..];
        }
        tokens.extend(vocabulary.tokenize(rest, true));
        tokens
    }
}

const QUERY: &str = "{query}";
const DOCUMENT: &str = "{document}";

fn next_place(text: &str) -> Option<(usize, &'static str)> {
    [QUERY, DOCUMENT].into_iter().filter_map(|what| Some((text.find(what)?, what))).min()
}

/// What the model reads for each document.
pub(crate) fn texts(shared: &Shared, form: &Form, task: &RerankTask) -> Result<Vec<Vec<i32>>> {
    let context = shared.info.context_length as usize;
    let text = |(at, document): (usize, &Input)| {
        let Input::Text(document) = document else {
            return Err(Error::invalid(format_args!("documents[{at}]"), "must be a text"));
        };
        let mut document = shared.vocabulary.tokenize(document, false);
        if let Some(most) = task.max_tokens_per_doc {
            document.truncate(most as usize);
        }
        let tokens = form.tokens(&shared.vocabulary, &task.query, &document);
        if tokens.len() <= context {
            return Ok(tokens);
        }
        let field = format!("documents[{at}]");
        let message = format!(
            "{field}: query and document have {} tokens, and the model reads {context} at once",
            tokens.len()
        );
        let error = Error::new(Kind::ContextWindowExceeded, message).param(field);
        Err(error.hint("max_tokens_per_doc= cuts longer documents; a larger context= may read them whole"))
    };
    task.documents.iter().enumerate().map(text).collect()
}

/// The score of a document, from 0 to 1, of what the model's last layer says.
pub(crate) fn score(said: &[f32]) -> Result<f64> {
    match said {
        [score] => Ok(1.0 / (1.0 + (-f64::from(*score)).exp())),
        // Already probabilities: of "yes", and of "no".
        [yes, no] if (yes + no - 1.0).abs() < 1e-3 && *yes >= 0.0 => Ok(f64::from(*yes)),
        _ => {
            let message = format!("the model sorts texts into {} classes, and ranks none", said.len());
            Err(Error::new(Kind::LocalModel, message))
        }
    }
}

/// The events of an answer.
pub(crate) fn events(task: &RerankTask, model: &str, scores: Vec<f64>, tokens: u64) -> Batch {
    let scores = (0..).zip(scores);
    let scores =
        scores.map(|(index, relevance_score)| Ranked { index, relevance_score, ..Ranked::default() });
    Ok(vec![
        Event::set("antiphon.operation", Operation::Rerank.as_str()),
        Event::set("id", random::rerank_id()),
        Event::set("model", model),
        Event::Ranking(task.ranking(scores.collect())?),
        Event::set("usage", json!(Usage::new(tokens, 0))),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_probabilities() {
        assert_eq!(score(&[0.0]).unwrap(), 0.5);
        assert!(score(&[40.0]).unwrap() > 0.999 && score(&[-40.0]).unwrap() < 0.001);
        assert_eq!(score(&[0.25, 0.75]).unwrap(), 0.25);
        let error = score(&[0.5, 3.0, 1.0]).unwrap_err();
        assert_eq!(error.message(), "the model sorts texts into 3 classes, and ranks none");
    }

    #[test]
    fn places_are_found_in_the_order_of_the_text() {
        assert_eq!(next_place("a {document} {query}"), Some((2, DOCUMENT)));
        assert_eq!(next_place("{query}: {document}"), Some((0, QUERY)));
        assert_eq!(next_place("{other}"), None);
    }
}
