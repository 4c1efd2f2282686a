//! What holds for every dialect and every case.
//!
//! - The fold of a stream equals the fold of the whole body, after [`normalise`].
//! - Any split of the bytes, any line ending, a byte order mark, comments in between: the same events.
//! - Nothing after the end.
//! - A stream cut anywhere is a typed error, or complete where every choice had said why it ended; what was
//!   told until then is a prefix of what would have been told. A body cut anywhere is a typed error.
//! - Decoding an encoded request gives the request, after [`normalise_request`]; in a dialect of another
//!   vocabulary it gives one that is encoded the same.
//! - Encoding a response and decoding it gives the response, whole and streamed; chunks have OpenAI's form,
//!   a message's events Anthropic's order. In a dialect of another vocabulary see [`normalise_served`].
//! - A client of any other chat dialect that we serve reads the same answer, as far as it is
//!   [`portable`].

use std::fmt::Debug;

use antiphon_core::dialects::{DIALECTS, Mode, Row, StreamHead};
use antiphon_core::frames::{Frame, Framer};
use antiphon_core::{
    EmbeddingTask, EncodingFormat, Error, Event, Fold, Kind, Operation, Provider, Request, Response, Task,
};
use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::Value;

use crate::fixtures::Case;
use crate::portable::portable;

/// What a law says when it is broken.
pub type Verdict = Result<(), String>;

type Law = fn(&Row, &Case) -> Verdict;

/// Streams up to this many bytes are split and cut at every byte.
const SMALL: usize = 16 * 1024;

/// Dialects whose streams have counts, whoever asked.
const ALWAYS_COUNTED: &[&str] = &["llm-engine"];

/// Runs a case through every law that its files allow. Every broken one is in the error.
pub fn check(case: &Case) -> Verdict {
    let row = DIALECTS.iter().find(|row| row.id == case.dialect);
    let row = row.ok_or_else(|| format!("there is no dialect {:?}", case.dialect))?;
    let laws: &[(&str, Law)] = &[
        ("the case says where it comes from", source),
        ("the request is encoded as expected", wire_request),
        ("decode(encode(request)) is the request", request_round_trip),
        ("the answer is as expected", answer),
        ("the error is as expected", error),
        ("the fold of the stream is the whole body", stream_is_whole),
        ("any split gives the same events", splits),
        ("line endings, comments and a byte order mark change nothing", disguises),
        ("nothing comes after the end", after_the_end),
        ("a cut is a typed error or complete", cuts),
        ("a cut body is a typed error", cut_bodies),
        ("decode(encode(response)) is the response", response_round_trip),
        ("the streamed response is the response", mirror),
        ("clients of other dialects read the same answer", crossing),
    ];
    let broken: Vec<String> = laws
        .iter()
        .filter_map(|(name, law)| law(row, case).err().map(|problem| format!("  {name}: {problem}")))
        .collect();
    if broken.is_empty() {
        Ok(())
    } else {
        Err(format!("{}/{}\n{}", case.dialect, case.name, broken.join("\n")))
    }
}

/// What a stream and a whole body of the same answer may differ in:
/// - an empty content counts as none (a stream cannot tell them apart before its first piece);
/// - an empty list of annotations counts as none (OpenAI writes it in bodies only).
pub fn normalise(mut response: Value) -> Value {
    let choices = response.get_mut("choices").and_then(Value::as_array_mut);
    for choice in choices.into_iter().flatten() {
        let Some(message) = choice.get_mut("message").and_then(Value::as_object_mut) else { continue };
        if message.get("content").is_some_and(|content| content == "") {
            message.insert("content".into(), Value::Null);
        }
        if message.get("annotations").and_then(Value::as_array).is_some_and(Vec::is_empty) {
            message.shift_remove("annotations");
        }
    }
    response
}

/// What encoding a request changes on purpose: usage is asked for in every stream, stream options are left
/// out of what is no stream, of the two names of the output limit the provider's is used, and how vectors are
/// written is the provider's, too.
pub fn normalise_request(mut request: Request, provider: &Provider) -> Request {
    request.include_usage = request.stream && provider.quirks.stream_options;
    if !request.include_usage {
        request.extra.shift_remove("stream_options");
    }
    let limit = request.params.output_limit();
    request.params.max_tokens = None;
    request.params.max_completion_tokens = None;
    match provider.quirks.max_tokens_field {
        _ if request.task != Task::Chat => request.params.max_tokens = limit,
        "max_tokens" => request.params.max_tokens = limit,
        _ => request.params.max_completion_tokens = limit,
    }
    if let Task::Embed(task) = &mut request.task {
        task.encoding_format = None;
    }
    request
}

/// Whether requests and answers of the dialect say all that ours say, in fields of their own.
fn is_ours(row: &Row) -> bool {
    row.id.starts_with("openai-") || ALWAYS_COUNTED.contains(&row.id)
}

/// What an answer loses in a dialect whose words are not ours: the time, warnings, white space in arguments,
/// and not knowing what is zero or empty there (usage, a signature). An answer that is streamed as it comes
/// says only what is [`portable`], for there what a block is may be known at its end only.
pub fn normalise_served(response: Response) -> Value {
    let mut response = Response { created: 0, warnings: Vec::new(), ..response };
    response.usage.get_or_insert_default();
    for call in response.choices.iter_mut().flat_map(|choice| &mut choice.message.tool_calls) {
        let arguments = &mut call.function.arguments;
        if let Ok(value) = serde_json::from_str::<Value>(arguments) {
            *arguments = value.to_string();
        }
    }
    let mut value = normalise(response.to_json());
    sign(&mut value);
    value
}

/// Gives every thinking block a signature.
fn sign(value: &mut Value) {
    match value {
        Value::Object(map) => {
            if map.get("type").is_some_and(|kind| kind == "thinking") {
                map.entry("signature").or_insert_with(|| "".into());
            }
            map.values_mut().for_each(sign);
        }
        Value::Array(items) => items.iter_mut().for_each(sign),
        _ => {}
    }
}

/// What came of decoding some bytes.
struct Outcome {
    /// The events of each frame.
    batches: Vec<Vec<Event>>,
    result: Result<(), Error>,
}

impl Outcome {
    fn events(&self) -> Vec<Event> {
        self.batches.concat()
    }

    fn response(&self) -> Response {
        let mut fold = Fold::new();
        fold.extend(self.events());
        fold.finish()
    }

    /// Events and error, for comparing.
    fn told(&self) -> (Vec<Event>, Option<(Kind, String)>) {
        let error = self.result.as_ref().err();
        (self.events(), error.map(|error| (error.kind(), error.message().to_owned())))
    }
}

fn decode<'a>(row: &Row, mode: Mode, pieces: impl IntoIterator<Item = &'a [u8]>) -> Outcome {
    let mut framer = Framer::new(row.dialect.framing(mode));
    let mut decoder = row.dialect.decoder(mode);
    let mut batches = Vec::new();
    let mut step = |piece: Option<&[u8]>| -> Result<(), Error> {
        match piece {
            Some(bytes) => framer.push(bytes),
            None => framer.finish(),
        }
        while let Some(frame) = framer.next_frame()? {
            if frame != Frame::Comment {
                batches.push(Vec::new());
            }
            decoder.push(&frame, batches.last_mut().unwrap_or(&mut Vec::new()))?;
        }
        if piece.is_none() {
            batches.push(Vec::new());
            decoder.finish(batches.last_mut().unwrap_or(&mut Vec::new()))?;
        }
        Ok(())
    };
    let result = pieces.into_iter().map(Some).chain([None]).try_for_each(&mut step);
    Outcome { batches, result }
}

fn stream(row: &Row, bytes: &[u8]) -> Outcome {
    decode(row, Mode::Stream, [bytes])
}

fn whole(row: &Row, bytes: &[u8]) -> Outcome {
    decode(row, Mode::Whole, [bytes])
}

fn same<T: PartialEq + Debug>(what: &str, actual: T, expected: T) -> Verdict {
    if actual == expected {
        return Ok(());
    }
    Err(format!("{what}\n    is       {actual:?}\n    and not  {expected:?}"))
}

fn same_json(what: &str, actual: &Value, expected: &Value) -> Verdict {
    if actual == expected {
        Ok(())
    } else {
        Err(format!("{what}\n    is       {actual}\n    and not  {expected}"))
    }
}

fn source(_: &Row, case: &Case) -> Verdict {
    match case.bytes("note.md") {
        Some(note) if !note.is_empty() => Ok(()),
        _ => Err("note.md is missing".into()),
    }
}

fn request(row: &Row, case: &Case) -> Result<Option<Request>, String> {
    let Some(value) = case.json("request.json") else { return Ok(None) };
    let Value::Object(map) = value else { return Err("request.json is no object".into()) };
    Request::read(row.operation, map).map(Some).map_err(|error| error.to_string())
}

fn encode(row: &Row, request: &Request) -> Result<Vec<u8>, String> {
    let wire = row.dialect.encode(request, &Provider::DEFAULT).map_err(|error| error.to_string())?;
    Ok(wire.body)
}

fn wire_request(row: &Row, case: &Case) -> Verdict {
    let Some(request) = request(row, case)? else { return Ok(()) };
    let body = encode(row, &request)?;
    let actual: Value = serde_json::from_slice(&body).map_err(|error| error.to_string())?;
    let expected = case.expected("wire-request.json", &actual).ok_or("wire-request.json is missing")?;
    same_json("the wire request", &actual, &expected)
}

fn request_round_trip(row: &Row, case: &Case) -> Verdict {
    let (Some(request), Some(serve)) = (request(row, case)?, row.serve) else { return Ok(()) };
    let wire = row.dialect.encode(&request, &Provider::DEFAULT).map_err(|error| error.to_string())?;
    let mut decoded = serve.decode_request(&wire.body).map_err(|error| error.to_string())?;
    // Where the address says the model, it also says whether to stream: who serves adds both.
    if let Some((_, model)) = wire.query.first() {
        let mut expected = normalise_request(request, &Provider::DEFAULT);
        decoded.model.clone_from(model);
        decoded.stream = expected.stream;
        expected.include_usage = false;
        return same("the request", decoded, expected);
    }
    if is_ours(row) {
        return same("the request", decoded, normalise_request(request, &Provider::DEFAULT));
    }
    let json = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).map_err(|error| error.to_string());
    same_json("the request", &json(&encode(row, &decoded)?)?, &json(&wire.body)?)
}

/// The outcomes of an answer that should be one.
fn answers(row: &Row, case: &Case) -> Vec<(&'static str, Outcome)> {
    if case.json("error.json").is_some() {
        return Vec::new();
    }
    let body = case.body().map(|bytes| ("the body", whole(row, &bytes)));
    body.into_iter()
        .chain(case.bytes("stream.sse").map(|bytes| ("the stream", stream(row, &bytes))))
        .collect()
}

fn answer(row: &Row, case: &Case) -> Verdict {
    let mut expectation = None;
    for (what, outcome) in answers(row, case) {
        outcome.result.as_ref().map_err(|error| format!("{what}: {error}"))?;
        let actual = outcome.response().to_json();
        // The body comes first: where expectations are being written, it has what the stream may lack.
        if expectation.is_none() {
            expectation = case.expected("response.json", &actual);
        }
        let expected = expectation.clone().ok_or("response.json is missing")?;
        // Usage that was not asked for is not in a stream.
        let mut expected = normalise(expected);
        if outcome.response().usage.is_none()
            && let Some(map) = expected.as_object_mut()
        {
            map.shift_remove("usage");
        }
        same_json(what, &normalise(actual), &expected)?;
    }
    Ok(())
}

fn error(row: &Row, case: &Case) -> Verdict {
    let Some(expected) = case.json("error.json") else { return Ok(()) };
    if let Some(status) = expected["status"].as_u64() {
        let body = case.body().unwrap_or_default();
        let headers = |name: &str| expected["headers"][name].as_str().map(str::to_owned);
        let status = u16::try_from(status).map_err(|error| error.to_string())?;
        return same_error(&row.dialect.decode_error(status, &headers, &body), &expected);
    }
    let body = case.body().map(|bytes| whole(row, &bytes));
    let stream = case.bytes("stream.sse").map(|bytes| stream(row, &bytes));
    for outcome in body.into_iter().chain(stream) {
        let Err(error) = &outcome.result else { return Err("there was none".into()) };
        same_error(error, &expected)?;
        let partial = expected["partial"].as_str().unwrap_or_default();
        same("the text before it", outcome.response().text(), partial)?;
    }
    Ok(())
}

fn same_error(error: &Error, expected: &Value) -> Verdict {
    let text = |name: &str| expected[name].as_str();
    same("the kind", format!("{:?}", error.kind()), text("kind").unwrap_or_default().to_owned())?;
    for part in expected["contains"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if !error.message().contains(part) {
            return Err(format!("{:?} does not contain {part:?}", error.message()));
        }
    }
    for part in expected["lacks"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if format!("{error:?} {error} {:?}", error.raw_text()).contains(part) {
            return Err(format!("{:?} contains {part:?}", error.message()));
        }
    }
    for (name, actual) in [
        ("code", error.provider_code()),
        ("param", error.field()),
        ("request_id", error.upstream_request_id()),
    ] {
        if expected.get(name).is_some() {
            same(name, actual, text(name))?;
        }
    }
    Ok(())
}

fn stream_is_whole(row: &Row, case: &Case) -> Verdict {
    let outcomes = answers(row, case);
    let [(_, body), (_, stream)] = outcomes.as_slice() else { return Ok(()) };
    let (mut body, stream) = (body.response(), stream.response());
    if stream.usage.is_none() {
        body.usage = None;
    }
    same_json("the stream", &normalise(stream.to_json()), &normalise(body.to_json()))
}

fn splits(row: &Row, case: &Case) -> Verdict {
    let Some(bytes) = case.bytes("stream.sse") else { return Ok(()) };
    let expected = stream(row, &bytes).told();
    if bytes.len() <= SMALL {
        for at in 0..=bytes.len() {
            let (left, right) = bytes.split_at(at);
            same(
                &format!("split at {at}"),
                decode(row, Mode::Stream, [left, right]).told(),
                expected.clone(),
            )?;
        }
    }
    same("byte by byte", decode(row, Mode::Stream, bytes.chunks(1)).told(), expected.clone())?;
    random_splits(&bytes, |pieces| {
        same("randomly split", decode(row, Mode::Stream, pieces.iter().copied()).told(), expected.clone())
    })
}

/// Tries `law` on random divisions of the bytes, the same ones in every run.
fn random_splits(bytes: &[u8], law: impl Fn(&[&[u8]]) -> Verdict) -> Verdict {
    let config = Config { cases: 64, failure_persistence: None, ..Config::default() };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let cuts = proptest::collection::vec(0..=bytes.len(), 0..12).prop_map(|mut cuts| {
        cuts.sort_unstable();
        cuts
    });
    let outcome = runner.run(&cuts, |cuts| {
        let ends = cuts.iter().copied().chain([bytes.len()]);
        let begins = [0].into_iter().chain(cuts.iter().copied());
        let pieces: Vec<&[u8]> = begins.zip(ends).map(|(begin, end)| &bytes[begin..end]).collect();
        law(&pieces).map_err(proptest::test_runner::TestCaseError::fail)
    });
    outcome.map_err(|error| error.to_string())
}

fn disguises(row: &Row, case: &Case) -> Verdict {
    let Some(bytes) = case.bytes("stream.sse") else { return Ok(()) };
    let text = String::from_utf8_lossy(&bytes);
    let expected = stream(row, text.as_bytes()).told();
    for (what, text) in [
        ("with CR LF", text.replace('\n', "\r\n")),
        ("with CR", text.replace('\n', "\r")),
        ("after a byte order mark", format!("\u{FEFF}{text}")),
        ("between comments", format!(": hello\n\n{}", text.replace("\n\n", "\n\n: keep-alive\n\n"))),
    ] {
        same(what, stream(row, text.as_bytes()).told(), expected.clone())?;
        let pieces = text.as_bytes().chunks(1);
        same(&format!("{what}, byte by byte"), decode(row, Mode::Stream, pieces).told(), expected.clone())?;
    }
    Ok(())
}

fn after_the_end(row: &Row, case: &Case) -> Verdict {
    let Some(bytes) = case.bytes("stream.sse") else { return Ok(()) };
    let once = stream(row, &bytes);
    let mut decoder = row.dialect.decoder(Mode::Stream);
    let mut framer = Framer::new(row.dialect.framing(Mode::Stream));
    framer.push(&bytes);
    while let Ok(Some(frame)) = framer.next_frame() {
        if decoder.push(&frame, &mut Vec::new()).is_err() {
            break;
        }
    }
    // Where the dialect's end was not seen, more could still come.
    if !decoder.is_done() {
        return Ok(());
    }
    let twice = stream(row, &[&bytes[..], b"\n\n", &bytes[..], b"data: garbage\n\n"].concat());
    same("the events", twice.told(), once.told())
}

fn cuts(row: &Row, case: &Case) -> Verdict {
    let Some(bytes) = case.bytes("stream.sse") else { return Ok(()) };
    let full = stream(row, &bytes);
    let (response, kind) = (full.response(), full.result.as_ref().err().map(Error::kind));
    for at in 0..bytes.len().min(SMALL) {
        let cut = stream(row, &bytes[..at]);
        let sofar = cut.response();
        match &cut.result {
            Ok(()) if sofar.choices.iter().all(|choice| choice.finish_reason.is_some()) => {}
            // Only the end mark says that this one is complete.
            Ok(()) if kind.is_none() && sofar == response => {}
            Ok(()) => return Err(format!("cut at {at} it is taken for complete")),
            Err(error) if error.kind() == Kind::StreamInterrupted || Some(error.kind()) == kind => {}
            Err(error) => return Err(format!("cut at {at} it is {:?}: {error}", error.kind())),
        }
        is_prefix(&sofar, &response).map_err(|what| format!("cut at {at} {what} is no prefix"))?;
    }
    Ok(())
}

fn is_prefix(cut: &Response, full: &Response) -> Verdict {
    for choice in &cut.choices {
        let Some(other) = full.choices.iter().find(|other| other.index == choice.index) else {
            return Err(format!("choice {}", choice.index));
        };
        let (left, right) = (&choice.message, &other.message);
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let arguments = |message: &antiphon_core::Message, at: usize| {
            message.tool_calls.get(at).map(|call| call.function.arguments.clone()).unwrap_or_default()
        };
        let mut pairs = vec![
            ("the content", left.content.text(), right.content.text()),
            ("the refusal", text(&left.refusal), text(&right.refusal)),
            ("the reasoning", text(&left.reasoning_content), text(&right.reasoning_content)),
        ];
        // Calls may come out of order, so that a cut answer has only the second: compared by id.
        for (at, call) in left.tool_calls.iter().enumerate() {
            let other = right.tool_calls.iter().position(|other| other.id == call.id);
            pairs.push(("a call's arguments", arguments(left, at), arguments(right, other.unwrap_or(at))));
        }
        if let Some((what, ..)) = pairs.iter().find(|(_, left, right)| !right.starts_with(left.as_str())) {
            return Err((*what).to_owned());
        }
    }
    Ok(())
}

fn cut_bodies(row: &Row, case: &Case) -> Verdict {
    let Some(bytes) = case.bytes("body.json").filter(|_| case.json("error.json").is_none()) else {
        return Ok(());
    };
    for at in 0..bytes.trim_ascii_end().len() {
        match whole(row, &bytes[..at]).result {
            Err(error) if error.kind() == Kind::ResponseValidation => {}
            other => return Err(format!("cut at {at} it is {other:?}")),
        }
    }
    Ok(())
}

fn response_round_trip(row: &Row, case: &Case) -> Verdict {
    let Some(serve) = row.serve else { return Ok(()) };
    for (what, outcome) in answers(row, case) {
        let response = outcome.response();
        let mut fold = Fold::new();
        fold.extend(response.to_events());
        same(&format!("the fold of to_events of {what}"), fold.finish(), response.clone())?;
        for request in ways_to_ask(row) {
            let again = whole(row, &serve.encode_response(&response, &request));
            again.result.as_ref().map_err(ToString::to_string)?;
            if is_ours(row) {
                same(what, again.response(), Response { warnings: Vec::new(), ..response.clone() })?;
            } else {
                let (actual, expected) =
                    (normalise_served(again.response()), normalise_served(response.clone()));
                same_json(what, &actual, &expected)?;
            }
        }
    }
    Ok(())
}

/// Requests whose answers are written in different ways.
fn ways_to_ask(row: &Row) -> Vec<Request> {
    let formats = match row.operation {
        Operation::Embeddings => vec![Some(EncodingFormat::Float), Some(EncodingFormat::Base64)],
        _ => vec![None],
    };
    let task = |encoding_format| match row.operation {
        Operation::Embeddings => {
            Task::Embed(Box::new(EmbeddingTask { encoding_format, ..EmbeddingTask::default() }))
        }
        _ => Task::default(),
    };
    formats.into_iter().map(|format| Request { task: task(format), ..Request::default() }).collect()
}

/// The ways in which an answer's events may come.
fn ways(outcome: &Outcome) -> [(&'static str, Vec<Vec<Event>>); 3] {
    [
        ("in the batches that came", outcome.batches.clone()),
        (AT_ONCE, vec![outcome.response().to_events()]),
        ("one by one", outcome.events().into_iter().map(|event| vec![event]).collect()),
    ]
}

const AT_ONCE: &str = "at once";

fn mirror(row: &Row, case: &Case) -> Verdict {
    for (what, outcome) in answers(row, case) {
        let response = outcome.response();
        for (way, batches) in ways(&outcome) {
            for include_usage in [true, false] {
                let mirrored = match is_ours(row) {
                    true => mirror_once(row, &response, &batches, include_usage),
                    false => mirror_served(row, &response, &batches, way, include_usage),
                };
                mirrored.map_err(|problem| format!("{what} {way}: {problem}"))?;
            }
        }
    }
    Ok(())
}

/// The bytes of a stream of these events; none where answers are never streamed.
fn streamed(row: &Row, batches: &[Vec<Event>], include_usage: bool) -> Option<Vec<u8>> {
    let head = StreamHead { include_usage, ..StreamHead::default() };
    let mut encoder = row.serve?.stream(head)?;
    let mut bytes = Vec::new();
    for batch in batches {
        encoder.push(batch, &mut bytes);
        encoder.keep_alive(&mut bytes);
    }
    encoder.finish(&mut bytes);
    Some(bytes)
}

fn mirror_once(row: &Row, response: &Response, batches: &[Vec<Event>], include_usage: bool) -> Verdict {
    let Some(bytes) = streamed(row, batches, include_usage) else { return Ok(()) };
    let again = stream(row, &bytes);
    again.result.as_ref().map_err(ToString::to_string)?;
    let mut expected = response.clone();
    if !include_usage && !ALWAYS_COUNTED.contains(&row.id) {
        expected.usage = None;
    }
    same_json("the answer", &normalise(again.response().to_json()), &normalise(expected.to_json()))?;
    if row.id == "openai-chat" {
        openai_form(&bytes, include_usage && response.usage.is_some())
    } else {
        Ok(())
    }
}

fn mirror_served(
    row: &Row,
    response: &Response,
    batches: &[Vec<Event>],
    way: &str,
    include_usage: bool,
) -> Verdict {
    let Some(bytes) = streamed(row, batches, include_usage) else { return Ok(()) };
    let again = stream(row, &bytes);
    again.result.as_ref().map_err(ToString::to_string)?;
    same_json("what is portable", &portable(&again.response()), &portable(response))?;
    if way == AT_ONCE {
        let (actual, expected) = (normalise_served(again.response()), normalise_served(response.clone()));
        same_json("the answer", &actual, &expected)?;
    }
    anthropic_form(&bytes)
}

fn crossing(row: &Row, case: &Case) -> Verdict {
    let chat = |other: &&Row| other.id != row.id && other.operation == Operation::Chat;
    if row.operation != Operation::Chat {
        return Ok(());
    }
    for other in DIALECTS.iter().filter(chat) {
        let Some(serve) = other.serve else { continue };
        for (what, outcome) in answers(row, case) {
            let expected = portable(&outcome.response());
            let check = |way: &str, again: Outcome| {
                let told = again.result.as_ref().map_err(ToString::to_string);
                told.and_then(|()| same_json("the answer", &portable(&again.response()), &expected))
                    .map_err(|problem| format!("{what} {way} to {}: {problem}", other.id))
            };
            let body = serve.encode_response(&outcome.response(), &Request::default());
            check("whole", whole(other, &body))?;
            for (way, batches) in ways(&outcome) {
                let Some(bytes) = streamed(other, &batches, true) else { continue };
                check(way, stream(other, &bytes))?;
            }
        }
    }
    Ok(())
}

/// One message that begins and ends; in it blocks that follow each other, each with its own index.
fn anthropic_form(bytes: &[u8]) -> Verdict {
    let text = String::from_utf8_lossy(bytes);
    let mut kinds = Vec::new();
    let (mut next, mut open) = (0, false);
    for event in text.split("\n\n").filter(|event| !event.is_empty()) {
        let (name, data) = event
            .strip_prefix("event: ")
            .and_then(|event| event.split_once("\ndata: "))
            .ok_or_else(|| format!("{event:?} is no event with a name"))?;
        let data: Value = serde_json::from_str(data).map_err(|error| error.to_string())?;
        same("the name", data["type"].as_str(), Some(name))?;
        match name {
            "ping" => continue,
            "content_block_start" => same("a block is open", std::mem::replace(&mut open, true), false)?,
            "content_block_delta" => same("a block is open", open, true)?,
            "content_block_stop" => same("a block is open", std::mem::replace(&mut open, false), true)?,
            other => {
                same("a block is open", open, false)?;
                kinds.push(other.to_owned());
                continue;
            }
        }
        same("the index", data["index"].as_u64(), Some(next))?;
        next += u64::from(!open);
    }
    same("the frame", kinds, ["message_start", "message_delta", "message_stop"].map(str::to_owned).to_vec())
}

/// The role in a choice's first chunk only; the reason with an empty delta; usage last, without choices.
fn openai_form(bytes: &[u8], usage: bool) -> Verdict {
    let text = String::from_utf8_lossy(bytes);
    let data: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
    let Some(("[DONE]", data)) = data.split_last().map(|(last, rest)| (*last, rest)) else {
        return Err("the last event is not [DONE]".into());
    };
    let chunks: Result<Vec<Value>, _> = data.iter().map(|data| serde_json::from_str(data)).collect();
    let chunks = chunks.map_err(|error| error.to_string())?;
    let mut started = Vec::new();
    for (at, chunk) in chunks.iter().enumerate() {
        same("the object", chunk["object"].as_str(), Some("chat.completion.chunk"))?;
        let is_usage = usage && at + 1 == chunks.len();
        same("a chunk without choices", chunk["choices"][0].is_null(), is_usage)?;
        same("usage", chunk["usage"].is_object(), is_usage)?;
        let choice = &chunk["choices"][0];
        if is_usage {
            continue;
        }
        let first = !started.contains(&choice["index"]);
        same("a role", choice["delta"]["role"].is_string(), first)?;
        started.push(choice["index"].clone());
        if choice["finish_reason"].is_string() {
            same_json("the last delta", &choice["delta"], &serde_json::json!({}))?;
        }
    }
    Ok(())
}
