//! `completion("…").model("…").temperature(0.5).await?`

use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::time::Duration;

use antiphon_core::{Error, Map, Message, Request, Response, ResponseFormat, Result, Tool, ToolChoice};
use serde_json::Value;

use crate::call::header;
use crate::{BaseUrl, Call, Client, CompletionStream, Explanation, Fallback, Mock, Waits};

/// Starts a call with a prompt or a list of messages.
///
/// Await it for the whole answer, or `.stream().await?` for the answer in pieces. Without
/// [`Completion::model`] the model is `ANTIPHON_MODEL`, the configuration's, or `gpt-4o-mini`.
///
/// ```no_run
/// # async fn example() -> antiphon::Result<()> {
/// use antiphon::{Message, completion};
/// use futures_util::StreamExt;
///
/// let mut stream = completion([
///     Message::system("You are a helpful assistant."),
///     Message::user("What is the capital of France?"),
/// ])
/// .model("local/chorister")
/// .stream()
/// .await?;
/// while let Some(chunk) = stream.next().await {
///     print!("{}", chunk?.text());
/// }
/// # Ok(())
/// # }
/// ```
pub fn completion(prompt: impl Into<Prompt>) -> Completion {
    of(Request { messages: prompt.into().0, ..Request::default() })
}

/// A call of that request, to be built on.
pub(crate) fn of(request: Request) -> Completion {
    Completion { call: Call::new(request), client: None, error: None }
}

/// What a call starts with.
#[derive(Debug, Clone)]
pub struct Prompt(Vec<Message>);

impl From<&str> for Prompt {
    fn from(text: &str) -> Self {
        Self(vec![Message::user(text)])
    }
}

impl From<String> for Prompt {
    fn from(text: String) -> Self {
        Self(vec![Message::user(text)])
    }
}

impl From<Vec<Message>> for Prompt {
    fn from(messages: Vec<Message>) -> Self {
        Self(messages)
    }
}

impl From<&[Message]> for Prompt {
    fn from(messages: &[Message]) -> Self {
        Self(messages.to_vec())
    }
}

impl<const N: usize> From<[Message; N]> for Prompt {
    fn from(messages: [Message; N]) -> Self {
        Self(messages.into())
    }
}

/// A call being built.
#[derive(Debug, Clone)]
#[must_use = "a call does nothing until it is awaited"]
pub struct Completion {
    call: Call,
    client: Option<Client>,
    /// The first wrong parameter; told when the call is awaited.
    error: Option<Error>,
}

impl Completion {
    /// The model, as `provider/model`.
    pub fn model(mut self, model: impl Into<String>) -> Self {
        self.call.request.model = model.into();
        self
    }

    /// Puts a system message before the others.
    pub fn system(mut self, text: impl Into<String>) -> Self {
        self.call.request.messages.insert(0, Message::system(text));
        self
    }

    /// Randomness, 0 to 2.
    pub fn temperature(mut self, temperature: f64) -> Self {
        self.call.request.params.temperature = Some(temperature);
        self
    }

    /// Only the likeliest tokens that together have this probability.
    pub fn top_p(mut self, top_p: f64) -> Self {
        self.call.request.params.top_p = Some(top_p);
        self
    }

    /// At most this many tokens of answer.
    pub fn max_tokens(mut self, tokens: u64) -> Self {
        self.call.request.params.max_tokens = Some(tokens);
        self
    }

    /// Asks for the same answer again to the same request.
    pub fn seed(mut self, seed: i64) -> Self {
        self.call.request.params.seed = Some(seed);
        self
    }

    /// Adds a text at which to stop.
    pub fn stop(mut self, text: impl Into<String>) -> Self {
        self.call.request.params.stop.get_or_insert_default().push(text.into());
        self
    }

    /// Adds a tool that the model may call.
    pub fn tool(mut self, tool: Tool) -> Self {
        self.call.request.tools.push(tool);
        self
    }

    /// Whether and which tools are to be called.
    pub fn tool_choice(mut self, choice: ToolChoice) -> Self {
        self.call.request.tool_choice = Some(choice);
        self
    }

    /// The form of the answer.
    pub fn response_format(mut self, format: ResponseFormat) -> Self {
        self.call.request.response_format = Some(format);
        self
    }

    /// Whether an answer is held against the form that was asked for, which it is where this is not called.
    pub fn check_form(mut self, check: bool) -> Self {
        self.call.options.check_form = Some(check);
        self
    }

    /// How often to ask again for an answer that has the form; 1 where it is not said.
    pub fn max_reasks(mut self, reasks: u32) -> Self {
        self.call.options.max_reasks = Some(reasks);
        self
    }

    /// Any field of the request by its name on the wire; one that is not known goes to the provider.
    pub fn param(mut self, name: &str, value: impl Into<Value>) -> Self {
        if let Err(error) = self.call.request.set(name, value.into()) {
            self.error.get_or_insert(error);
        }
        self
    }

    /// How long the whole call may take, retries and fallbacks included.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.call.options.timeout = Some(timeout);
        self
    }

    /// How long the parts of an attempt may take.
    pub fn waits(mut self, waits: Waits) -> Self {
        self.call.options.waits = waits;
        self
    }

    /// How often to ask again after a failure that may heal; 2 where it is not said.
    pub fn max_retries(mut self, retries: u32) -> Self {
        self.call.options.max_retries = Some(retries);
        self
    }

    /// How long to wait before asking again, each time; else longer and longer.
    pub fn retry_delay(mut self, delay: Duration) -> Self {
        self.call.options.retry_delay = Some(delay);
        self
    }

    /// Adds a model to ask when those before it fail, as `provider/model` or as a [`Fallback`].
    pub fn fallback(mut self, fallback: impl Into<Fallback>) -> Self {
        self.call.options.fallbacks.push(fallback.into());
        self
    }

    /// Drops parameters that the provider cannot take, with a warning, in place of an error.
    pub fn drop_params(mut self) -> Self {
        self.call.options.drop_params = true;
        self
    }

    /// Adds a header, or replaces one of the usual ones. Nothing shows its value.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        match header(name, value) {
            Ok((name, value)) => {
                self.call.options.extra_headers.insert(name, value);
            }
            Err(error) => {
                self.error.get_or_insert(error);
            }
        }
        self
    }

    /// The key to use.
    pub fn api_key(mut self, key: impl Into<String>) -> Self {
        self.call.options.api_key = Some(key.into().into());
        self
    }

    /// The provider's address.
    pub fn base_url(mut self, url: impl Into<BaseUrl>) -> Self {
        self.call.options.base_url = Some(url.into());
        self
    }

    /// Answers with a text, a whole response or an error, and calls nothing.
    pub fn mock_response(mut self, mock: impl Into<Mock>) -> Self {
        self.call.options.mock = Some(mock.into());
        self
    }

    /// The client to use in place of the process's own.
    pub fn client(mut self, client: &Client) -> Self {
        self.client = Some(client.clone());
        self
    }

    /// Runs the call and returns the answer in pieces, once it has begun.
    pub async fn stream(mut self) -> Result<CompletionStream> {
        self.call.request.stream = true;
        let (client, call) = self.ready()?;
        client.stream(call).begun().await
    }

    /// The request that would be sent, key masked, and its price bounds. Sends nothing.
    ///
    /// ```
    /// # fn example() -> antiphon::Result<()> {
    /// let explained = antiphon::completion("hi").model("openai/gpt-4o-mini").api_key("sk-…").explain()?;
    /// println!("{:#}", explained.to_json());
    /// # Ok(())
    /// # }
    /// ```
    pub fn explain(self) -> Result<Explanation> {
        let (client, call) = self.ready()?;
        client.explain(call)
    }

    fn ready(self) -> Result<(Client, Call)> {
        match self.error {
            Some(error) => Err(error),
            None => Ok((self.client.map_or_else(Client::shared, Ok)?, self.call)),
        }
    }
}

impl IntoFuture for Completion {
    type Output = Result<Response>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let (client, call) = self.ready()?;
            client.complete(call).await
        })
    }
}

impl Client {
    /// Starts a call with a prompt or a list of messages, answered by this client.
    pub fn completion(&self, prompt: impl Into<Prompt>) -> Completion {
        completion(prompt).client(self)
    }
}

/// The messages of a call in JSON, for faces that read them from a file or a socket.
impl TryFrom<Map> for Call {
    type Error = Error;

    fn try_from(map: Map) -> Result<Self> {
        Call::from_json(map)
    }
}
