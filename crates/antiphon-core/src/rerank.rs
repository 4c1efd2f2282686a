//! Documents by how well they answer a query, and how they are written.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{Error, Input, Kind, Map, RerankTask, Response, Result, Usage};

/// A document, and how well it answers the query.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Ranked {
    /// Its place among the documents that were given, from 0.
    pub index: u32,
    /// How well it answers, the more the better; from 0 to 1 with most models.
    pub relevance_score: f64,
    /// Its text, where that was asked for.
    pub document: Option<String>,
    /// Fields beside the known ones (`relevant_spans`).
    pub extra: Map,
}

impl Ranked {
    /// As JSON, as rerank endpoints write it.
    pub fn to_json(&self) -> Value {
        let mut map = Map::new();
        map.insert("index".into(), self.index.into());
        map.insert("relevance_score".into(), self.relevance_score.into());
        if let Some(text) = &self.document {
            map.insert("document".into(), json!({"text": text}));
        }
        map.extend(self.extra.clone());
        Value::Object(map)
    }
}

impl RerankTask {
    /// The answer to the task of these scores: the best first, as many as were asked for, with their texts where
    /// those were.
    pub fn ranking(&self, mut scores: Vec<Ranked>) -> Result<Vec<Ranked>> {
        let mut seen = vec![false; self.documents.len()];
        for ranked in &scores {
            match seen.get_mut(ranked.index as usize) {
                Some(seen) if !*seen && ranked.relevance_score.is_finite() => *seen = true,
                Some(false) => return Err(wrong(ranked, "has no finite score")),
                Some(_) => return Err(wrong(ranked, "is ranked twice")),
                None => return Err(wrong(ranked, "is past the last one")),
            }
        }
        scores.sort_by(|left, right| right.relevance_score.total_cmp(&left.relevance_score));
        scores.truncate(self.top_n.map_or(usize::MAX, |top_n| top_n as usize));
        for ranked in &mut scores {
            ranked.document = match self.documents.get(ranked.index as usize) {
                Some(Input::Text(text)) if self.return_documents == Some(true) => Some(text.clone()),
                _ => None,
            };
        }
        Ok(scores)
    }
}

fn wrong(ranked: &Ranked, what: &str) -> Error {
    let message = format!("the answer ranks document {}, which {what}", ranked.index);
    Error::new(Kind::ResponseValidation, message)
}

/// An answer as rerank endpoints write it: Cohere's results, with the model and the token counts that Jina's and
/// vLLM's have beside them.
pub(crate) fn to_json(response: &Response) -> Value {
    let Response { id, model, ranking, usage, extra, .. } = response;
    let mut map = Map::new();
    map.insert("id".into(), id.as_str().into());
    map.insert("model".into(), model.as_str().into());
    map.insert("results".into(), ranking.iter().flatten().map(Ranked::to_json).collect());
    if let Some(usage) = usage {
        map.insert("usage".into(), counts(usage));
    }
    map.extend(extra.clone());
    Value::Object(map)
}

/// Documents cost no tokens of answer.
fn counts(usage: &Usage) -> Value {
    let mut counts = json!(usage);
    if let Value::Object(map) = &mut counts
        && usage.completion_tokens == 0
    {
        map.shift_remove("completion_tokens");
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(top_n: Option<u32>, return_documents: bool) -> RerankTask {
        let documents = ["a", "b", "c"].map(Input::from).to_vec();
        let return_documents = Some(return_documents);
        RerankTask { query: "q".into(), documents, top_n, return_documents, ..RerankTask::default() }
    }

    fn ranked(index: u32, relevance_score: f64) -> Ranked {
        Ranked { index, relevance_score, ..Ranked::default() }
    }

    #[test]
    fn the_best_come_first_and_no_more_than_were_asked_for() {
        let scores = vec![ranked(0, 0.25), ranked(1, -3.0), ranked(2, 0.5)];
        let best = task(Some(2), true).ranking(scores.clone()).unwrap();
        let json: Vec<Value> = best.iter().map(Ranked::to_json).collect();
        assert_eq!(
            json!(json),
            json!([
                {"index": 2, "relevance_score": 0.5, "document": {"text": "c"}},
                {"index": 0, "relevance_score": 0.25, "document": {"text": "a"}},
            ])
        );
        let all = task(None, false).ranking(scores).unwrap();
        assert_eq!(all.iter().map(|ranked| ranked.index).collect::<Vec<_>>(), [2, 0, 1]);
        assert!(all.iter().all(|ranked| ranked.document.is_none()));
    }

    #[test]
    fn what_ranks_other_documents_is_no_answer() {
        for (scores, expected) in [
            (vec![ranked(3, 0.5)], "document 3, which is past the last one"),
            (vec![ranked(1, 0.5), ranked(1, 0.4)], "document 1, which is ranked twice"),
            (vec![ranked(1, f64::NAN)], "document 1, which has no finite score"),
        ] {
            let error = task(None, false).ranking(scores).unwrap_err();
            assert_eq!(error.kind(), Kind::ResponseValidation);
            assert!(error.message().ends_with(expected), "{error}");
        }
    }
}
