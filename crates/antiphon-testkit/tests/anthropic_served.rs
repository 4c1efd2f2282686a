//! Anthropic's face with input that nobody wrote down.

use antiphon_core::dialects::anthropic_messages::AnthropicMessages;
use antiphon_core::dialects::{Dialect, Mode, ServeDialect, StreamHead};
use antiphon_core::frames::Framer;
use antiphon_core::{Event, Fold, Kind, Provider};
use antiphon_testkit::portable::portable;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

fn text() -> impl Strategy<Value = String> {
    select(vec!["", " ", "a", "Hi there", "é\u{1f914}", "\u{2028}\"\\", "{\"a\":"]).prop_map(str::to_owned)
}

/// Any JSON, often with words that mean something.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        text().prop_map(Value::from),
        select(vec![
            "user",
            "assistant",
            "system",
            "text",
            "tool_use",
            "tool_result",
            "thinking",
            "base64",
            "image",
            "document",
            "url",
            "auto",
            "tool",
            "json_schema",
            "custom"
        ])
        .prop_map(Value::from),
    ];
    let names = select(vec![
        "type",
        "role",
        "content",
        "text",
        "source",
        "media_type",
        "data",
        "id",
        "name",
        "input",
        "tool_use_id",
        "thinking",
        "signature",
        "title",
        "schema",
        "format",
        "effort",
        "user_id",
    ]);
    leaf.prop_recursive(4, 24, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((names.clone(), inner), 0..5).prop_map(|fields| {
                Value::Object(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
            }),
        ]
    })
}

fn user_block() -> impl Strategy<Value = Value> {
    prop_oneof![
        text().prop_map(|text| json!({"type": "text", "text": text})),
        text().prop_map(|text| json!({"type": "text", "text": text, "cache_control": {"type": "ephemeral"}})),
        Just(
            json!({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA=="}})
        ),
        Just(json!({"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}})),
        Just(json!({"type": "image", "source": {"type": "file", "file_id": "file_1"}})),
        Just(
            json!({"type": "document", "title": "T", "source": {"type": "text", "media_type": "text/plain", "data": "é"}})
        ),
        Just(
            json!({"type": "document", "context": "c", "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="}})
        ),
        Just(json!({"type": "document", "source": {"type": "url", "url": "https://example.com/a.pdf"}})),
        Just(json!({"type": "document", "source": {"type": "content", "content": "words"}})),
        Just(json!({"type": "search_result", "source": "s", "title": "t", "content": []})),
        (text(), any::<bool>()).prop_map(|(text, is_error)| json!(
            {"type": "tool_result", "tool_use_id": "toolu_1", "content": text, "is_error": is_error})),
        text().prop_map(|text| json!(
            {"type": "tool_result", "tool_use_id": "toolu_1", "content": [{"type": "text", "text": text}]})),
    ]
}

fn assistant_block() -> impl Strategy<Value = Value> {
    prop_oneof![
        text().prop_map(|text| json!({"type": "text", "text": text})),
        Just(json!({"type": "text", "text": "so", "citations": [{"type": "char_location"}]})),
        (text(), select(vec!["", "c2ln"])).prop_map(|(text, signature)| json!(
            {"type": "thinking", "thinking": text, "signature": signature})),
        Just(json!({"type": "redacted_thinking", "data": "EmwK"})),
        text()
            .prop_map(|text| json!({"type": "tool_use", "id": "toolu_2", "name": "f", "input": {"a": text}})),
        Just(json!({"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}})),
    ]
}

/// A body as a client could send it.
fn body() -> impl Strategy<Value = Value> {
    let turn = prop_oneof![
        prop::collection::vec(user_block(), 0..4)
            .prop_map(|blocks| json!({"role": "user", "content": blocks})),
        prop::collection::vec(assistant_block(), 0..5)
            .prop_map(|blocks| json!({"role": "assistant", "content": blocks})),
        text().prop_map(|text| json!({"role": "user", "content": text})),
        text().prop_map(|text| json!({"role": "assistant", "content": text})),
        text().prop_map(|text| json!({"role": "system", "content": text})),
    ];
    let fields = select(vec![
        json!({}),
        json!({"system": "be kind", "stream": true, "temperature": 0.5, "top_k": 4}),
        json!({"system": [{"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}]}),
        json!({"thinking": {"type": "enabled", "budget_tokens": 1024}, "metadata": {"user_id": "u"}}),
        json!({"thinking": {"type": "adaptive"}, "output_config": {"effort": "low", "task_budget": {}}}),
        json!({"service_tier": "standard_only", "stop_sequences": ["END"], "container": "c"}),
        json!({"output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}}}),
        json!({"tools": [{"name": "f", "input_schema": {"type": "object"}},
            {"type": "web_search_20250305", "name": "web_search"}],
            "tool_choice": {"type": "tool", "name": "web_search", "disable_parallel_tool_use": true}}),
    ]);
    (prop::collection::vec(turn, 0..5), fields).prop_map(|(turns, fields)| {
        let call = json!({"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}});
        let mut messages =
            vec![json!({"role": "user", "content": "hi"}), json!({"role": "assistant", "content": [call]})];
        messages.extend(turns);
        let mut body = json!({"model": "m", "max_tokens": 4096, "messages": messages});
        let (Value::Object(map), Value::Object(fields)) = (&mut body, fields) else { unreachable!() };
        map.extend(fields);
        body
    })
}

fn event() -> impl Strategy<Value = Event> {
    let piece = select(vec!["", "{", "}", "{}", "{\"a\": 1}", "\"x\"", " "]);
    let call = 0..3u32;
    prop_oneof![
        text().prop_map(Event::text),
        text().prop_map(|text| Event::Reasoning { choice: 0, text }),
        text().prop_map(|text| Event::Refusal { choice: 0, text }),
        text().prop_map(|text| Event::Text { choice: 1, text }),
        (call.clone(), piece.clone()).prop_map(|(call, text)| Event::Arguments {
            choice: 0,
            call,
            text: text.to_owned()
        }),
        piece.prop_map(|text| Event::FunctionArguments { choice: 0, text: text.to_owned() }),
        (call.clone(), select(vec!["id", "name", "type", "caller"]), text())
            .prop_map(|(call, name, text)| Event::set_call(0, call, name, text)),
        (
            select(vec!["thinking_blocks", "provider_specific_fields", "annotations", "content", "role"]),
            any_json()
        )
            .prop_map(|(name, value)| Event::set_message(0, name, value)),
        (select(vec!["finish_reason", "native_finish_reason", "stop_sequence", "stop_reason"]), any_json())
            .prop_map(|(name, value)| Event::set_choice(0, name, value)),
        (select(vec!["id", "model", "usage", "created", "container", "type"]), any_json())
            .prop_map(|(name, value)| Event::set(name, value)),
    ]
}

/// Events as the decoders make them: a call has its head before its input, and each input is JSON.
fn answer() -> impl Strategy<Value = Vec<Event>> {
    let part = prop_oneof![
        "[a-z]{1,5}".prop_map(|text| vec![Event::text(text)]),
        "[a-z]{1,5}".prop_map(|text| vec![Event::Reasoning { choice: 0, text }]),
    ];
    let calls = prop::collection::vec("[a-z]{0,9}", 0..4).prop_map(|inputs| {
        // Heads first, then the inputs by turns, a letter at a time.
        let inputs: Vec<String> = inputs.into_iter().map(|word| json!({"word": word}).to_string()).collect();
        let mut events = Vec::new();
        for call in 0..inputs.len() as u32 {
            events.push(Event::set_call(0, call, "id", format!("call_{call}")));
            events.push(Event::set_call(0, call, "name", "f"));
        }
        let longest = inputs.iter().map(String::len).max().unwrap_or_default();
        for at in 0..longest {
            for (call, input) in (0..).zip(&inputs) {
                let text = input.get(at..=at).unwrap_or_default().to_owned();
                events.push(Event::Arguments { choice: 0, call, text });
            }
        }
        events
    });
    (prop::collection::vec(part, 0..6), calls, prop::collection::vec("[a-z]{1,5}", 0..2)).prop_map(
        |(parts, calls, after)| {
            let mut events = vec![Event::set("id", "x"), Event::set("model", "m")];
            events.extend(parts.into_iter().flatten());
            events.extend(calls);
            events.extend(after.into_iter().map(Event::text));
            events.push(Event::set_choice(0, "finish_reason", "stop"));
            events
        },
    )
}

fn read(bytes: &[u8]) -> antiphon_core::Result<antiphon_core::Response> {
    let mut framer = Framer::new(AnthropicMessages.framing(Mode::Stream));
    let mut decoder = AnthropicMessages.decoder(Mode::Stream);
    let mut events = Vec::new();
    framer.push(bytes);
    framer.finish();
    while let Some(frame) = framer.next_frame()? {
        decoder.push(&frame, &mut events)?;
    }
    decoder.finish(&mut events)?;
    let mut fold = Fold::new();
    fold.extend(events);
    Ok(fold.finish())
}

fn streamed(events: &[Event], batch: usize) -> Vec<u8> {
    let mut out = Vec::new();
    if let Some(mut stream) = AnthropicMessages.stream(StreamHead::default()) {
        events.chunks(batch).for_each(|batch| stream.push(batch, &mut out));
        stream.finish(&mut out);
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn bytes_are_a_request_or_the_callers_error(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        if let Err(error) = AnthropicMessages.decode_request(&bytes) {
            prop_assert_eq!(error.kind(), Kind::InvalidRequest);
        }
    }

    #[test]
    fn json_is_a_request_or_the_callers_error(
        fields in prop::collection::vec((select(vec!["model", "max_tokens", "messages", "system", "tools",
            "tool_choice", "thinking", "metadata", "output_config", "output_format", "stream", "n",
            "stop_sequences", "service_tier", "temperature"]), any_json()), 0..6),
        turn in any_json(),
    ) {
        let mut body = Map::from_iter([
            ("model".to_owned(), json!("m")), ("max_tokens".to_owned(), json!(9)), ("messages".to_owned(), json!([turn])),
        ]);
        body.extend(fields.into_iter().map(|(name, value)| (name.to_owned(), value)));
        match AnthropicMessages.decode_request(Value::Object(body).to_string().as_bytes()) {
            Ok(request) => drop(AnthropicMessages.encode(&request, &Provider::DEFAULT)),
            Err(error) => {
                prop_assert_eq!(error.kind(), Kind::InvalidRequest);
                prop_assert!(error.field().is_some(), "{} names no field", error.message());
            }
        }
    }

    /// What is read and written once is not changed by doing so again.
    #[test]
    fn a_request_keeps_its_meaning(body in body()) {
        let request = AnthropicMessages.decode_request(body.to_string().as_bytes()).unwrap();
        let count = AnthropicMessages.decode_count_request(body.to_string().as_bytes()).unwrap();
        prop_assert_eq!(&count.messages, &request.messages);
        let wire = AnthropicMessages.encode(&request, &Provider::DEFAULT).unwrap();
        let again = AnthropicMessages.decode_request(&wire.body).unwrap();
        let twice = AnthropicMessages.encode(&again, &Provider::DEFAULT).unwrap();
        prop_assert_eq!(String::from_utf8_lossy(&wire.body), String::from_utf8_lossy(&twice.body));
    }

    #[test]
    fn any_events_are_a_stream_that_can_be_read(events in prop::collection::vec(event(), 0..20), batch in 1..6usize) {
        read(&streamed(&events, batch)).unwrap();
        let mut fold = Fold::new();
        fold.extend(events);
        AnthropicMessages.encode_response(&fold.finish(), &antiphon_core::Request::default());
    }

    #[test]
    fn an_answer_is_the_same_in_any_batches(events in answer(), batch in 1..50usize) {
        let mut fold = Fold::new();
        fold.extend(events.clone());
        prop_assert_eq!(portable(&read(&streamed(&events, batch)).unwrap()), portable(&fold.finish()));
    }
}
