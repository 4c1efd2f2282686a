//! Calls that are no conversation: raw prompts, embeddings and reranking.

use antiphon_core::{EmbeddingTask, Input, Request, RerankTask, Task, TextTask};

use crate::{Client, Completion, builder};

/// Starts a call that goes on from a raw prompt, or from several.
///
/// A model that only answers chats is asked with the prompt as one message of the user. Of several prompts, the
/// choices of the first come first.
///
/// ```no_run
/// # async fn example() -> antiphon::Result<()> {
/// let response = antiphon::text_completion("Once upon a time").model("local/chorister").await?;
/// println!("{}", response.text());
/// # Ok(())
/// # }
/// ```
pub fn text_completion(prompt: impl Into<Inputs>) -> Completion {
    let task = TextTask { prompts: prompt.into().0, ..TextTask::default() };
    builder::of(Request { task: Task::Complete(Box::new(task)), ..Request::default() })
}

/// Starts a call that turns texts into vectors; they are in the response's `embeddings`, in the texts' order.
/// Without [`Completion::model`] the model is `ANTIPHON_EMBEDDING_MODEL`, or `text-embedding-3-small`.
///
/// ```no_run
/// # async fn example() -> antiphon::Result<()> {
/// let response = antiphon::embedding(["hello", "world"]).model("openai/text-embedding-3-small").await?;
/// println!("{:?}", response.embeddings);
/// # Ok(())
/// # }
/// ```
pub fn embedding(input: impl Into<Inputs>) -> Completion {
    let task = EmbeddingTask { inputs: input.into().0, ..EmbeddingTask::default() };
    builder::of(Request { task: Task::Embed(Box::new(task)), ..Request::default() })
}

/// Starts a call that ranks documents by how well they answer a query; they are in the response's `ranking`, the
/// best first, by their places among the documents.
///
/// ```no_run
/// # async fn example() -> antiphon::Result<()> {
/// let documents = ["Oslo is in Norway.", "Paris is in France."];
/// let response = antiphon::rerank("Where is Paris?", documents).model("cohere/rerank-v3.5").await?;
/// println!("{:?}", response.ranking);
/// # Ok(())
/// # }
/// ```
pub fn rerank(
    query: impl Into<String>,
    documents: impl IntoIterator<Item = impl Into<String>>,
) -> Completion {
    let documents = documents.into_iter().map(|text| Input::Text(text.into())).collect();
    let task = RerankTask { query: query.into(), documents, ..RerankTask::default() };
    builder::of(Request { task: Task::Rerank(Box::new(task)), ..Request::default() })
}

impl Client {
    /// [`text_completion`], answered by this client.
    pub fn text_completion(&self, prompt: impl Into<Inputs>) -> Completion {
        text_completion(prompt).client(self)
    }

    /// [`embedding`], answered by this client.
    pub fn embedding(&self, input: impl Into<Inputs>) -> Completion {
        embedding(input).client(self)
    }

    /// [`rerank`], answered by this client.
    pub fn rerank(
        &self,
        query: impl Into<String>,
        documents: impl IntoIterator<Item = impl Into<String>>,
    ) -> Completion {
        rerank(query, documents).client(self)
    }
}

/// One or more texts, or their tokens.
#[derive(Debug, Clone)]
pub struct Inputs(Vec<Input>);

impl From<&str> for Inputs {
    fn from(text: &str) -> Self {
        Self(vec![text.into()])
    }
}

impl From<String> for Inputs {
    fn from(text: String) -> Self {
        Self(vec![text.into()])
    }
}

impl<T: Into<Input>> From<Vec<T>> for Inputs {
    fn from(inputs: Vec<T>) -> Self {
        Self(inputs.into_iter().map(Into::into).collect())
    }
}

impl<T: Into<Input>, const N: usize> From<[T; N]> for Inputs {
    fn from(inputs: [T; N]) -> Self {
        Self(inputs.into_iter().map(Into::into).collect())
    }
}
