//! Tokens, held against those that tiktoken gave (`files/tokens.jsonl`, made with tiktoken 0.13).

use antiphon::tokens::{CL100K_BASE, Chat, Encoding, O200K_BASE, Tokenizer};
use serde_json::{Value, json};

const ENCODINGS: [&Encoding; 2] = [&CL100K_BASE, &O200K_BASE];

#[test]
fn tokens_are_those_of_tiktoken() {
    let rows: Vec<Value> =
        include_str!("files/tokens.jsonl").lines().map(|row| serde_json::from_str(row).unwrap()).collect();
    assert!(rows.len() > 600);
    for row in rows {
        let text = row["text"].as_str().unwrap();
        for encoding in ENCODINGS {
            let expected: Vec<u32> = serde_json::from_value(row[encoding.name()].clone()).unwrap();
            assert_eq!(encoding.encode(text), expected, "{} of {text:?}", encoding.name());
            assert_eq!(encoding.count(text), expected.len() as u64, "{text:?}");
            assert_eq!(encoding.decode(&expected).unwrap(), text);
        }
    }
}

#[test]
fn a_megabyte_of_one_character_is_tokenised() {
    for (text, expected) in [
        ("a".repeat(1_000_000), 125_000),
        (" ".repeat(1_000_000) + "x", 7_814),
        ("ab".repeat(500_000), 250_000),
    ] {
        assert_eq!(O200K_BASE.count(&text), expected);
        assert_eq!(O200K_BASE.decode(&O200K_BASE.encode(&text)).unwrap(), text);
    }
}

#[test]
fn odd_tokens_are_decoded_or_refused() {
    assert_eq!(O200K_BASE.decode(&[199_999]).unwrap(), "<|endoftext|>");
    // The first half of a character.
    let half = &O200K_BASE.encode("\u{1d7d8}")[..1];
    assert!(O200K_BASE.decode(half).unwrap().contains('\u{fffd}'));
    let error = O200K_BASE.decode(&[5, 4_000_000_000]).unwrap_err();
    assert_eq!(error.message(), "tokens[1]: 4000000000 is no token of o200k_base");
}

fn count(model: &str, chat: &Chat<'_>) -> antiphon::Result<u64> {
    Tokenizer::of_name(model).count_chat(chat)
}

#[test]
fn a_conversation_is_counted_as_the_cookbook_does() {
    // The messages of OpenAI's cookbook, and its own counts.
    let messages = [
        json!({"role": "system", "content": "You are a helpful, pattern-following assistant that translates corporate jargon into plain English."}),
        json!({"role": "system", "name": "example_user", "content": "New synergies will help drive top-line growth."}),
        json!({"role": "system", "name": "example_assistant", "content": "Things working well together will increase revenue."}),
        json!({"role": "system", "name": "example_user", "content": "Let's circle back when we have more bandwidth to touch base on opportunities for increased leverage."}),
        json!({"role": "system", "name": "example_assistant", "content": "Let's talk later when we're less busy about how to do better."}),
        json!({"role": "user", "content": "This late pivot means we don't have time to boil the ocean for the client deliverable."}),
    ];
    let chat = Chat { messages: &messages, ..Chat::default() };
    for (model, expected) in
        [("gpt-3.5-turbo", 129), ("gpt-4-0613", 129), ("gpt-4o", 124), ("gpt-4o-mini", 124)]
    {
        assert_eq!(count(model, &chat).unwrap(), expected, "{model}");
    }
    let answer = Chat { is_answer: true, ..chat };
    assert_eq!(count("gpt-4o", &answer).unwrap(), 121);
}

#[test]
fn a_part_without_a_known_count_is_an_error_that_names_it() {
    let messages = [json!({"role": "user", "content": [
        {"type": "text", "text": "what is this?"},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": "low"}},
    ]})];
    let chat = Chat { messages: &messages, ..Chat::default() };
    assert_eq!(count("gpt-4o", &chat).unwrap(), 3 + 1 + 4 + 85 + 3);
    assert_eq!(count("gpt-4o", &Chat { each_image: Some(250), ..chat }).unwrap(), 3 + 1 + 4 + 250 + 3);

    let messages = [json!({"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]})];
    let chat = Chat { messages: &messages, ..Chat::default() };
    let error = count("gpt-4o", &chat).unwrap_err();
    assert!(error.message().starts_with("messages[0].content[0]: "), "{error}");
    assert_eq!(count("gpt-4o", &Chat { each_unknown: Some(50), ..chat }).unwrap(), 3 + 1 + 50 + 3);
}
