//! The first example of a user's day: the model is another, and nothing else is.

use antiphon::{Client, FinishReason, Message, ResponseFormat, Strict, Tool, completion};
use antiphon_testkit::faultd::{Faultd, Reply, Script, anthropic, openai};
use futures_util::StreamExt;
use serde_json::{Value, json};

use crate::rig::{ANTHROPIC, PIECES, TEXT, client};

/// `completion("how are you?", model = "anthropic/claude-3-5-sonnet-latest")`, as the request for this project
/// shows it, down to its counts.
#[tokio::test]
async fn another_model_by_its_name_alone() {
    let answer = json!({
        "id": "msg_01", "type": "message", "role": "assistant", "model": "claude-3-5-sonnet-latest",
        "content": [{"type": "text", "text": "I'm doing well, thank you! How are you today?"}],
        "stop_reason": "end_turn", "stop_sequence": null,
        "usage": {"input_tokens": 12, "output_tokens": 16, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0},
    });
    let upstream = Faultd::start(Reply::json(200, answer));
    let response = completion("how are you?")
        .model("anthropic/claude-3-5-sonnet-latest")
        .base_url(upstream.url())
        .api_key("a key")
        .client(&client())
        .await
        .unwrap();
    assert_eq!(response.text(), "I'm doing well, thank you! How are you today?");
    assert_eq!(response.model, "claude-3-5-sonnet-latest");
    assert_eq!(response.choices[0].finish_reason, Some(FinishReason::Stop));
    let shown = response.to_json();
    assert_eq!(shown["object"], "chat.completion");
    let usage = &shown["usage"];
    assert_eq!(
        (&usage["completion_tokens"], &usage["prompt_tokens"], &usage["total_tokens"]),
        (&json!(16), &json!(12), &json!(28))
    );
    assert_eq!(usage["prompt_tokens_details"]["cached_tokens"], 0);
    assert_eq!(
        (&usage["cache_creation_input_tokens"], &usage["cache_read_input_tokens"]),
        (&json!(0), &json!(0))
    );
    let request = &upstream.requests()[0];
    assert_eq!((request.target.as_str(), request.header("x-api-key")), (ANTHROPIC.path(), Some("a key")));
    assert_eq!(request.json()["messages"][0]["role"], "user");
}

/// A city's weather, in the words of whichever model.
struct Day {
    /// What was streamed in the two rounds.
    text: String,
    /// Names and arguments of the calls.
    calls: Vec<(String, Value)>,
    /// The same in a form.
    form: Value,
}

/// A program as a user writes it: it streams, has a tool called, and asks for a form. Only the model differs.
async fn a_day(client: &Client, model: &str, base_url: Option<String>) -> antiphon::Result<Day> {
    let start = |messages: Vec<Message>| {
        let call = client.completion(messages).model(model).api_key("a key").max_tokens(64);
        match &base_url {
            Some(url) => call.base_url(url.as_str()),
            None => call,
        }
    };
    let weather = Tool::from_json(
        "tools[0]",
        json!({"type": "function", "function": {
            "name": "get_weather", "description": "The weather of a city.",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
        }}),
    )?;
    let mut messages = vec![Message::user("What is the weather in Oslo?")];
    let mut day = Day { text: String::new(), calls: Vec::new(), form: Value::Null };
    for _ in 0..2 {
        let mut stream = start(messages.clone()).tool(weather.clone()).stream().await?;
        while let Some(chunk) = stream.next().await {
            day.text += chunk?.text();
        }
        let response = stream.response();
        messages.push(Message::from(&response));
        for call in response.tool_calls() {
            let arguments = serde_json::from_str(&call.function.arguments).unwrap();
            day.calls.push((call.function.name.clone(), arguments));
            let answer = json!({"role": "tool", "tool_call_id": call.id, "content": "21 degrees"});
            messages.push(Message::from_json("messages[2]", answer)?);
        }
        if response.tool_calls().is_empty() {
            break;
        }
    }
    let form = ResponseFormat::JsonSchema {
        name: "weather".into(),
        description: None,
        schema: json!({
            "type": "object", "additionalProperties": false, "required": ["city", "degrees"],
            "properties": {"city": {"type": "string"}, "degrees": {"type": "integer"}},
        }),
        strict: Strict::Yes,
    };
    let prompt = vec![Message::user("It is 21 degrees in Oslo.")];
    let response = start(prompt).response_format(form).await?;
    assert_eq!(response.choices[0].finish_reason, Some(FinishReason::Stop));
    assert!(response.tool_calls().is_empty());
    day.form = serde_json::from_str(response.text()).unwrap();
    Ok(day)
}

const ARGUMENTS: &str = r#"{"city": "Oslo"}"#;
const FORM: &str = r#"{"city": "Oslo", "degrees": 21}"#;

#[tokio::test]
async fn switching_the_model_changes_nothing_else() {
    let anthropic = |form: Reply| {
        let call = anthropic::tool_call_stream("get_weather", ARGUMENTS);
        Script::new().reply(call).reply(anthropic::stream(PIECES)).reply(form)
    };
    let call = openai::tool_call_stream("get_weather", ARGUMENTS);
    let cases = [
        (
            "openai/gpt-4o-mini",
            Script::new().reply(call).reply(openai::stream(PIECES)).reply(openai::text(FORM)),
            "native",
        ),
        ("anthropic/claude-sonnet-4-5", anthropic(anthropic::text(FORM)), "native"),
        // Before schemas: a tool that must be called stands in, and is not seen.
        (
            "anthropic/claude-3-5-sonnet-latest",
            anthropic(anthropic::tool_call("json_response", FORM)),
            "tool",
        ),
    ];
    for (model, script, rung) in cases {
        let upstream = Faultd::start(script);
        let url = if rung == "native" && model.starts_with("openai") {
            format!("{}/v1", upstream.url())
        } else {
            upstream.url()
        };
        let day = a_day(&client(), model, Some(url)).await.unwrap();
        assert_eq!(day.text, TEXT, "{model}");
        assert_eq!(day.calls, [("get_weather".to_owned(), json!({"city": "Oslo"}))], "{model}");
        assert_eq!(day.form, json!({"city": "Oslo", "degrees": 21}), "{model}");
        let requests = upstream.requests();
        assert_eq!(requests.len(), 3);
        assert!(requests[1].text().contains("21 degrees"), "the second round has the tool's answer");
        assert_eq!(requests[2].text().contains("json_response"), rung == "tool", "{model}");
    }
}

#[cfg(feature = "local")]
#[tokio::test]
async fn switching_to_the_built_in_model_changes_nothing_else() {
    let day = a_day(&client(), "local/chorister", None).await.unwrap();
    // Whether so small a model calls the tool is its own affair; the form it must keep.
    assert!(day.form["city"].is_string() && day.form["degrees"].is_i64(), "{}", day.form);
    assert!(!day.text.is_empty() || !day.calls.is_empty());
}

/// Rows 29 and 37: when a provider is gone, the model in this process answers.
#[cfg(feature = "local")]
#[tokio::test]
async fn the_built_in_model_is_a_fallback() {
    use crate::rig::{CELLS, run};
    for cell in CELLS {
        let first = [
            cell.error(401),
            cell.error(503).times(9),
            Reply::cut(antiphon_testkit::faultd::Cut::Rst).times(9),
        ];
        for reply in first {
            let upstream = Faultd::start(reply);
            let call =
                cell.call(&upstream.url(), json!({"fallbacks": ["local/chorister"], "max_tokens": 16}));
            let outcome = run(&client(), call).await;
            let response = outcome.result.unwrap();
            assert_eq!(response.meta.provider.as_deref(), Some("local"));
            assert!(!outcome.text.is_empty());
            assert!(response.warnings[0].contains("a fallback was asked"), "{:?}", response.warnings);
        }
    }
}
