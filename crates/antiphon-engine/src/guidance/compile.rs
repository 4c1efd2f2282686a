//! From a guide to a matcher: in a thread of its own, with a deadline, and kept for the next call.
//!
//! To compile takes milliseconds. A schema can be made for which it takes minutes, or a stack that no thread
//! has; so there is a limit to everything, and a deadline behind the limits.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicIsize, Ordering};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use antiphon_core::schema::check_size;
use antiphon_core::{Error, Kind, Result};
use jsonschema::Validator;
use llguidance::api::{GrammarWithLexer, TopLevelGrammar};
use llguidance::earley::SlicedBiasComputer;
use llguidance::toktrie::{InferenceCapabilities, TokEnv};
use llguidance::{Matcher, ParserFactory};
use serde_json::{Value, json};

use super::environment::Environment;
use super::schema::Schemas;
use super::{Grammar, Guide, gbnf, regex};
use crate::vocabulary::Vocabulary;
use crate::worker::without_panic;

/// How many compiled grammars are kept.
const KEPT: usize = 32;
/// How long a grammar may take: the error has to be there within a second.
const DEADLINE: Duration = Duration::from_millis(750);
/// llguidance and the checker of schemas go down a schema and its references by recursion.
const STACK: usize = 64 << 20;
/// At most so many grammars that were given up may still be compiling.
const STRAYING: isize = 4;
/// At most so many texts to choose from, and bytes of a grammar.
const MAX_CHOICES: usize = 10_000;
const MAX_GRAMMAR: usize = 256 << 10;

/// A grammar that is ready for use.
#[derive(Clone)]
pub(crate) struct Compiled {
    /// At its start.
    pub(crate) matcher: Matcher,
    pub(crate) checks: Arc<Checks>,
}

/// Holds what was written against its schemas: a mask does not know all of JSON Schema.
#[derive(Debug, Default)]
pub(crate) struct Checks {
    /// Of the arguments of each tool.
    calls: Vec<(String, Validator)>,
    #[cfg(test)]
    pub(super) answer: Option<Validator>,
}

impl Checks {
    /// Checks the arguments of a call.
    pub(crate) fn check_call(&self, name: &str, arguments: &str) -> Result<()> {
        let Some((_, validator)) = self.calls.iter().find(|(tool, _)| tool == name) else { return Ok(()) };
        let misfit = |what: String| {
            let message = format!("the arguments of {name} do not fit the schema: {what}");
            Error::new(Kind::JsonSchemaValidation, message).raw(arguments)
        };
        let value: Value =
            serde_json::from_str(arguments).map_err(|error| misfit(format!("they are no JSON: {error}")))?;
        validator.validate(&value).map_err(|fault| misfit(format!("{}: {fault}", fault.instance_path())))
    }
}

/// An outcome that is there, or that somebody is working on.
type Slot = Arc<OnceLock<Result<Compiled>>>;

/// Makes matchers for one vocabulary.
pub(crate) struct Guidance {
    pub(super) vocabulary: Arc<Vocabulary>,
    /// Made on first use: it walks the whole vocabulary.
    factory: OnceLock<Result<Arc<ParserFactory>>>,
    /// The latest first. What cannot be compiled is kept, too, so that it is refused at once the next time.
    slots: Mutex<VecDeque<(Grammar, Slot)>>,
    /// How many threads go on compiling what was given up.
    straying: Arc<AtomicIsize>,
}

impl Guidance {
    pub(crate) fn new(vocabulary: Arc<Vocabulary>) -> Self {
        Self { vocabulary, factory: OnceLock::new(), slots: Mutex::default(), straying: Arc::default() }
    }

    /// A matcher at its start. Blocks for as long as the deadline at most, but for the first time.
    pub(crate) fn compiled(&self, guide: &Guide) -> Result<Compiled> {
        let factory =
            self.factory.get_or_init(|| factory(&self.vocabulary)).as_ref().map_err(Clone::clone)?.clone();
        let slot = self.slot(&guide.grammar);
        // Who asks for the same at the same time waits for it here.
        let outcome = slot.get_or_init(|| {
            let grammar = guide.grammar.clone();
            self.within_deadline(move || compile(&factory, &grammar)).unwrap_or_else(|error| {
                // It may be the machine's fault, so that is not kept.
                self.forget(&slot);
                Err(error)
            })
        });
        outcome.clone().map_err(|error| {
            let message = format!("{}: {}", guide.field, error.message());
            Error::new(error.kind(), message).param(guide.field)
        })
    }

    fn slots(&self) -> MutexGuard<'_, VecDeque<(Grammar, Slot)>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn slot(&self, grammar: &Grammar) -> Slot {
        let mut slots = self.slots();
        let at = slots.iter().position(|(other, _)| other == grammar);
        let entry = at.and_then(|at| slots.remove(at)).unwrap_or_else(|| (grammar.clone(), Slot::default()));
        let slot = entry.1.clone();
        slots.truncate(KEPT - 1);
        slots.push_front(entry);
        slot
    }

    fn forget(&self, slot: &Slot) {
        self.slots().retain(|(_, other)| !Arc::ptr_eq(other, slot));
    }

    /// The outcome of `work`, done in a thread of its own; the outer error says that there is none.
    pub(super) fn within_deadline<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<Result<T>> {
        if self.straying.load(Ordering::Acquire) >= STRAYING {
            let message = "too many schemas and grammars that were given up are still being compiled";
            return Err(Error::new(Kind::RateLimit, message));
        }
        let (sender, receiver) = sync_channel(1);
        // Whoever comes second, the thread at its end or the caller at the deadline, sees that.
        let (straying, is_second) = (self.straying.clone(), Arc::new(AtomicBool::new(false)));
        let is_given_up = is_second.clone();
        let thread = thread::Builder::new().name("antiphon-guidance".into()).stack_size(STACK);
        let spawned = thread.spawn(move || {
            let outcome = without_panic("compiling the grammar", work).flatten();
            // Whoever gave it up has had an error.
            let _ = sender.send(outcome);
            if is_given_up.swap(true, Ordering::AcqRel) {
                straying.fetch_sub(1, Ordering::AcqRel);
            }
        });
        spawned.map_err(|error| Error::new(Kind::Internal, format!("no thread for the grammar: {error}")))?;
        receiver.recv_timeout(DEADLINE).map_err(|_| {
            if !is_second.swap(true, Ordering::AcqRel) {
                self.straying.fetch_add(1, Ordering::AcqRel);
            }
            failed("takes too long to compile").hint("make it smaller")
        })
    }
}

/// An error whose field is put in front by whoever asked.
pub(super) fn failed(message: impl Into<String>) -> Error {
    Error::new(Kind::InvalidRequest, message.into())
}

fn compile(factory: &ParserFactory, grammar: &Grammar) -> Result<Compiled> {
    let (top, checks) = top_level(grammar)?;
    let mut matcher = Matcher::new(factory.create_parser(TopLevelGrammar::from_grammar(top)));
    // The first mask is made here, for some grammars fail only then, and it warms what clones share.
    if let Err(error) = matcher.compute_mask_or_eos() {
        let reason = match one_line(&error) {
            // What a parser says that has no token to go on with.
            reason if reason.contains("NoExtension") => "nothing can fit it".to_owned(),
            reason => placed(&reason),
        };
        return Err(failed(format!("does not compile: {reason}")));
    }
    Ok(Compiled { matcher, checks: Arc::new(checks) })
}

fn top_level(grammar: &Grammar) -> Result<(GrammarWithLexer, Checks)> {
    let mut checks = Checks::default();
    let grammar = match grammar {
        Grammar::Json(Value::Bool(false)) => return Err(failed("no answer fits the schema false")),
        Grammar::Json(schema) => {
            check_size([schema]).map_err(failed)?;
            let mut schemas = Schemas::default();
            let root = schemas.add(schema, "")?;
            let _validator = schemas.validator(&root)?;
            #[cfg(test)]
            {
                checks.answer = Some(_validator);
            }
            GrammarWithLexer::from_json_schema(schemas.guided(root)?)
        }
        Grammar::Calls { arguments, tools } => {
            check_size(tools.iter().map(|(_, schema)| schema)).map_err(failed)?;
            let mut schemas = Schemas::default();
            let mut calls = Vec::new();
            for (i, (name, parameters)) in tools.iter().enumerate() {
                let schema = schemas.add(parameters, &format!("[{i}].function.parameters"))?;
                checks.calls.push((name.clone(), schemas.validator(&schema)?));
                calls.push(call_schema(name, arguments, schema));
            }
            GrammarWithLexer::from_json_schema(schemas.guided(json!({"anyOf": calls}))?)
        }
        Grammar::Regex(expression) => {
            regex::check(expression).map_err(failed)?;
            GrammarWithLexer::from_regex(expression)
        }
        Grammar::Choice(texts) => GrammarWithLexer::from_lark(choice(texts)?),
        Grammar::Context(text) if text.len() > MAX_GRAMMAR => {
            return Err(failed(format!("is longer than {} KB", MAX_GRAMMAR >> 10)));
        }
        Grammar::Context(text) if gbnf::is_gbnf(text) => {
            GrammarWithLexer::from_lark(gbnf::to_lark(text).map_err(failed)?)
        }
        Grammar::Context(text) => GrammarWithLexer::from_lark(text.clone()),
    };
    Ok((grammar, checks))
}

fn call_schema(name: &str, arguments: &str, mut schema: Value) -> Value {
    if schema == Value::Bool(true) {
        schema = json!({});
    }
    if let Value::Object(map) = &mut schema {
        map.entry("type").or_insert("object".into());
        if !["anyOf", "oneOf", "allOf", "$ref"].iter().any(|key| map.contains_key(*key)) {
            map.entry("properties").or_insert(json!({}));
        }
    }
    json!({
        "type": "object",
        "properties": {"name": {"const": name}, arguments: schema},
        "required": ["name", arguments],
        "additionalProperties": false,
    })
}

fn choice(texts: &[String]) -> Result<String> {
    if texts.is_empty() || texts.len() > MAX_CHOICES {
        return Err(failed(format!("must have 1 to {MAX_CHOICES} texts, got {}", texts.len())));
    }
    let literals: Vec<String> = texts.iter().map(|text| Value::from(text.as_str()).to_string()).collect();
    // One terminal, so that a text and its beginning may both be chosen.
    Ok(format!("start: CHOICE\nCHOICE: {}", literals.join(" | ")))
}

/// The errors of llguidance go on for pages; the first line says what is wrong, or the last where the first
/// only says where.
pub(crate) fn one_line(error: &impl std::fmt::Display) -> String {
    let text = error.to_string();
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or("no reason given");
    let reason = lines.clone().find_map(|line| line.strip_prefix("error: "));
    let line = match reason.or(lines.next_back()) {
        Some(last) if first.ends_with(':') => format!("{first} {last}"),
        _ => first.to_owned(),
    };
    line.chars().take(300).collect()
}

/// llguidance writes `at 2(4): …` or `2(4): …` of a place in a grammar.
fn placed(reason: &str) -> String {
    let place = |text: &str| {
        let (place, rest) = text.strip_prefix("at ").unwrap_or(text).split_once("): ")?;
        let (line, column) = place.split_once('(')?;
        let (line, column) = (line.parse::<u32>().ok()?, column.parse::<u32>().ok()?);
        Some(format!("line {line}, column {column}: {rest}"))
    };
    place(reason).unwrap_or_else(|| reason.to_owned())
}

pub(super) fn factory(vocabulary: &Arc<Vocabulary>) -> Result<Arc<ParserFactory>> {
    let environment: TokEnv = Arc::new(Environment::new(vocabulary)?);
    // Several forced tokens at a time need no pass each.
    let capabilities = InferenceCapabilities { ff_tokens: vocabulary.is_canonical(), ..Default::default() };
    let mut factory = ParserFactory::new(&environment, capabilities, &SlicedBiasComputer::json_slices())
        .map_err(|error| Error::new(Kind::Internal, format!("guidance: {}", one_line(&error))))?;
    factory.quiet();
    let limits = factory.limits_mut();
    limits.verbose_errors = false;
    // An object of a thousand optional properties has four thousand.
    limits.max_items_in_row = 10_000;
    // About a kilobyte each, of every grammar that is kept.
    limits.max_lexer_states = 50_000;
    Ok(Arc::new(factory))
}
