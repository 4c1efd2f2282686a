//! Guidance: which tokens may come next, so that an answer follows a schema, expression or grammar.
//!
//! llguidance's [`Matcher`] is used directly: its mask goes into our own sampler, and what it complains of is
//! the request's error. Compiled grammars are kept, for the same schema comes with every call of a program.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use antiphon_core::{Error, Kind, Params, Request, ResponseFormat, Result};
use llguidance::api::{GrammarWithLexer, TopLevelGrammar};
use llguidance::earley::SlicedBiasComputer;
use llguidance::toktrie::{InferenceCapabilities, TokEnv, TokRxInfo, TokTrie, TokenId, TokenizerEnv};
use llguidance::{Matcher, ParserFactory};
use serde_json::{Value, json};

use crate::schema;
use crate::vocabulary::Vocabulary;

/// What an answer has to follow, and the field that says so.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Guide {
    pub(crate) field: &'static str,
    pub(crate) grammar: Grammar,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Grammar {
    /// JSON of this schema.
    Json {
        schema: Value,
        lenient: bool,
    },
    Regex(String),
    Choice(Vec<String>),
    /// In llguidance's form of Lark.
    Lark(String),
}

impl Guide {
    /// What `request` asks for; two at once are refused.
    pub(crate) fn of(request: &Request) -> Result<Option<Guide>> {
        let Params { guided_json, guided_regex, guided_choice, guided_grammar, .. } = &request.params;
        let json = |schema: &Value| Grammar::Json { schema: schema.clone(), lenient: false };
        let format = match &request.response_format {
            Some(ResponseFormat::JsonObject) => Some(json(&json!({"type": "object"}))),
            Some(ResponseFormat::JsonSchema { schema, .. }) => Some(json(schema)),
            _ => None,
        };
        let candidates = [
            ("response_format", format),
            ("guided_json", guided_json.as_ref().map(parsed).transpose()?.as_ref().map(json)),
            ("guided_regex", guided_regex.clone().map(Grammar::Regex)),
            ("guided_choice", guided_choice.clone().map(Grammar::Choice)),
            ("guided_grammar", guided_grammar.clone().map(Grammar::Lark)),
        ];
        let mut given =
            candidates.into_iter().filter_map(|(field, grammar)| Some(Guide { field, grammar: grammar? }));
        let first = given.next();
        if let (Some(first), Some(second)) = (&first, given.next()) {
            let message = format_args!("cannot be combined with {}", first.field);
            return Err(Error::invalid(second.field, message));
        }
        Ok(first)
    }

    /// The sentence that tells the model of it, where there is one.
    pub(crate) fn instruction(&self) -> Option<String> {
        match (&self.grammar, self.field) {
            (Grammar::Json { schema, .. }, "response_format") if *schema == json!({"type": "object"}) => {
                Some("Answer in JSON.".into())
            }
            (Grammar::Json { schema, .. }, _) => Some(format!("Answer in JSON with this schema: {schema}")),
            _ => None,
        }
    }
}

/// Whether `request` asks for guidance, of whatever kind.
pub(crate) fn is_asked(request: &Request) -> bool {
    !matches!(Guide::of(request), Ok(None))
}

/// vLLM also takes the schema as text.
fn parsed(schema: &Value) -> Result<Value> {
    match schema {
        Value::String(text) => serde_json::from_str(text)
            .map_err(|error| Error::invalid("guided_json", format_args!("is no JSON: {error}"))),
        Value::Object(_) | Value::Bool(_) => Ok(schema.clone()),
        _ => Err(Error::invalid("guided_json", "must be a JSON schema (an object)")),
    }
}

/// How many compiled grammars are kept.
const KEPT: usize = 32;

/// Makes matchers for one vocabulary.
pub(crate) struct Guidance {
    vocabulary: Arc<Vocabulary>,
    /// Made on first use: it walks the whole vocabulary.
    factory: OnceLock<Result<ParserFactory>>,
    compiled: Mutex<VecDeque<(Grammar, Matcher)>>,
}

impl Guidance {
    pub(crate) fn new(vocabulary: Arc<Vocabulary>) -> Self {
        Self { vocabulary, factory: OnceLock::new(), compiled: Mutex::default() }
    }

    /// A matcher at its start.
    pub(crate) fn matcher(&self, guide: &Guide) -> Result<Matcher> {
        if let Some(matcher) = self.kept(&guide.grammar) {
            return Ok(matcher);
        }
        let grammar = top_level(guide)?;
        let factory =
            self.factory.get_or_init(|| factory(&self.vocabulary)).as_ref().map_err(Clone::clone)?;
        let mut matcher = Matcher::new(factory.create_parser(grammar));
        // The first mask is made here, for some grammars fail only then, and it warms what clones share.
        let first = matcher.compute_mask_or_eos().map(|_| ());
        if let Err(error) = first {
            return Err(Error::invalid(guide.field, format_args!("does not compile: {}", one_line(&error))));
        }
        let mut compiled = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        compiled.truncate(KEPT - 1);
        compiled.push_front((guide.grammar.clone(), matcher.clone()));
        Ok(matcher)
    }

    fn kept(&self, grammar: &Grammar) -> Option<Matcher> {
        let mut compiled = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        let at = compiled.iter().position(|(other, _)| other == grammar)?;
        let entry = compiled.remove(at)?;
        let matcher = entry.1.clone();
        compiled.push_front(entry);
        Some(matcher)
    }
}

fn top_level(guide: &Guide) -> Result<TopLevelGrammar> {
    let grammar = match &guide.grammar {
        Grammar::Json { schema: Value::Bool(false), .. } => {
            return Err(Error::invalid(guide.field, "no answer fits the schema false"));
        }
        Grammar::Json { schema, lenient } => {
            GrammarWithLexer::from_json_schema(schema::guided(schema.clone(), *lenient))
        }
        Grammar::Regex(regex) => GrammarWithLexer::from_regex(regex),
        Grammar::Choice(texts) => GrammarWithLexer::from_lark(choice(guide.field, texts)?),
        Grammar::Lark(lark) => GrammarWithLexer::from_lark(lark.clone()),
    };
    Ok(TopLevelGrammar::from_grammar(grammar))
}

fn choice(field: &str, texts: &[String]) -> Result<String> {
    if texts.is_empty() || texts.iter().any(String::is_empty) {
        return Err(Error::invalid(field, "must be texts that are not empty"));
    }
    let literals: Vec<String> = texts.iter().map(|text| Value::from(text.as_str()).to_string()).collect();
    Ok(format!("start: {}", literals.join(" | ")))
}

/// The errors of llguidance go on for pages; the first line says what is wrong, or the last where the first
/// only says where.
pub(crate) fn one_line(error: &impl std::fmt::Display) -> String {
    let text = error.to_string();
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or("no reason given");
    let line = match lines.next_back() {
        Some(last) if first.ends_with(':') => format!("{first} {last}"),
        _ => first.to_owned(),
    };
    line.chars().take(300).collect()
}

fn factory(vocabulary: &Arc<Vocabulary>) -> Result<ParserFactory> {
    let environment: TokEnv = Arc::new(Environment::new(vocabulary)?);
    // Several forced tokens at a time need no pass each.
    let capabilities = InferenceCapabilities { ff_tokens: vocabulary.is_canonical(), ..Default::default() };
    let mut factory = ParserFactory::new(&environment, capabilities, &SlicedBiasComputer::json_slices())
        .map_err(|error| Error::new(Kind::Internal, format!("guidance: {}", one_line(&error))))?;
    factory.quiet();
    factory.limits_mut().verbose_errors = false;
    Ok(factory)
}

/// The vocabulary as llguidance sees it.
struct Environment {
    trie: TokTrie,
    vocabulary: Arc<Vocabulary>,
}

impl Environment {
    fn new(vocabulary: &Arc<Vocabulary>) -> Result<Self> {
        let end = vocabulary.end().ok_or_else(|| {
            Error::new(Kind::LocalModel, "the model has no token that ends a text, which guidance needs")
        })?;
        let words: Vec<Vec<u8>> =
            (0..vocabulary.size()).map(|token| word(vocabulary, token.cast_signed())).collect();
        let mut ends = vocabulary.ends();
        ends.retain(|token| *token != end);
        ends.insert(0, end);
        let info = TokRxInfo::new(vocabulary.size(), end);
        let trie = TokTrie::from(&info, &words).with_eos_tokens(&ends);
        Ok(Self { trie, vocabulary: vocabulary.clone() })
    }
}

/// A token's bytes; those of a special one are marked, so that no text matches them.
fn word(vocabulary: &Vocabulary, token: i32) -> Vec<u8> {
    let bytes = vocabulary.bytes(token, false);
    if !bytes.is_empty() {
        return bytes;
    }
    let special = vocabulary.bytes(token, true);
    match special.is_empty() {
        true => special,
        false => [&[TokTrie::SPECIAL_TOKEN_MARKER], special.as_slice()].concat(),
    }
}

impl TokenizerEnv for Environment {
    fn tok_trie(&self) -> &TokTrie {
        &self.trie
    }

    fn tokenize_bytes(&self, bytes: &[u8]) -> Vec<TokenId> {
        match std::str::from_utf8(bytes) {
            Ok(text) if self.vocabulary.is_canonical() => {
                self.vocabulary.tokenize(text, false).into_iter().map(i32::cast_unsigned).collect()
            }
            _ => self.trie.greedy_tokenize(bytes),
        }
    }

    fn tokenize_is_canonical(&self) -> bool {
        self.vocabulary.is_canonical()
    }
}
