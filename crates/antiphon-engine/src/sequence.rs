//! One answer in the making: from logits to events.
//!
//! A sequence knows its tokens and how many of them the context has seen; which slot and batch it is in is
//! the worker's business. A sequence that is put out of the context loses nothing but time.

use std::cell::Cell;
use std::rc::Rc;

use antiphon_core::{Error, Event, Kind, Result, TokenLogprob, TopLogprob, Usage};
use futures_channel::mpsc::UnboundedSender;
use llguidance::Matcher;
use llguidance::toktrie::SimpleVob;
use serde_json::json;

use crate::engine::Batch;
use crate::guidance::one_line;
use crate::prepare::{Job, Plan, ToolPlan};
use crate::random::{self, Random};
use crate::sampler::{self, Sampler};
use crate::stops::{Scan, Scanner};
use crate::tools::CallReader;
use crate::utf8::Utf8;
use crate::vocabulary::Vocabulary;
use crate::waiting_line::{Client, Place, Rank, Tier, Waiter};

/// A model that does nothing but call tools has lost itself.
const MAX_CALLS: u32 = 64;

/// What the choices of one request share.
pub(crate) struct Call {
    sender: UnboundedSender<Batch>,
    client: Client,
    rank: Rank,
    /// Requests are numbered as they come.
    number: u64,
    prompt_tokens: u64,
    /// How many of the prompt's tokens were in the cache when the first choice was let in.
    cached_tokens: Cell<Option<u64>>,
    completion_tokens: Cell<u64>,
    unfinished: Cell<u32>,
    failed: Cell<bool>,
}

impl Call {
    /// Whether nobody waits for it any more.
    pub(crate) fn is_over(&self) -> bool {
        self.failed.get() || self.sender.is_closed()
    }

    /// Who asks.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Whether it gives way to everybody.
    pub(crate) fn is_flex(&self) -> bool {
        self.rank.tier == Tier::Flex
    }

    /// Whether it was let in before, be it that it waits again.
    pub(crate) fn has_begun(&self) -> bool {
        self.cached_tokens.get().is_some()
    }

    /// It is let in for the first time, and so many of its prompt's tokens need not be read. The prompt's tokens
    /// and those come back. What a sequence that was put out finds again later is not news.
    pub(crate) fn begin(&self, found: usize) -> Option<(u64, u64)> {
        if self.has_begun() {
            return None;
        }
        let found = (found as u64).min(self.prompt_tokens);
        self.cached_tokens.set(Some(found));
        Some((self.prompt_tokens, found))
    }

    fn usage(&self) -> Usage {
        let mut usage = Usage::new(self.prompt_tokens, self.completion_tokens.get());
        if let Some(cached) = self.cached_tokens.get().filter(|cached| *cached > 0) {
            usage.prompt_tokens_details.get_or_insert_default().cached_tokens = Some(cached);
        }
        usage
    }

    /// Ends it, for all of its choices.
    pub(crate) fn fail(&self, error: Error) {
        if !self.failed.replace(true) {
            // A receiver that is gone wants no error either.
            let _ = self.sender.unbounded_send(Err(error));
        }
    }
}

enum Mode {
    Free,
    /// The answer follows a grammar.
    Guided(Matcher),
    /// A tool call is being written.
    Calling(Matcher, CallReader),
}

/// One answer in the making.
pub(crate) struct Sequence {
    pub(crate) call: Rc<Call>,
    /// Prompt and answer.
    pub(crate) tokens: Vec<i32>,
    /// How many of them the context has seen.
    pub(crate) cached: usize,
    /// Further choices of the same request, that go their own way once the prompt is read.
    pub(crate) siblings: Vec<Sequence>,
    pub(crate) is_finished: bool,
    choice: u32,
    generated: u64,
    limit: u64,
    sampler: Sampler,
    mode: Mode,
    tools: Option<ToolPlan>,
    calls: u32,
    out: Output,
    /// How many top tokens to show, where probabilities are asked for.
    logprobs: Option<usize>,
    logprob_of_end: bool,
    skip_special: bool,
    include_stop: bool,
    events: Vec<Event>,
}

/// Text on its way out, with the probabilities of its tokens.
#[derive(Default)]
struct Output {
    utf8: Utf8,
    scanner: Scanner,
    /// The pattern that opens a tool call, by its place.
    opener: Option<usize>,
    /// Bytes that came in.
    received: usize,
    has_text: bool,
    /// Probabilities whose text is not out yet, with where it starts.
    waiting: Vec<(usize, TokenLogprob)>,
}

impl Sequence {
    /// The choices of a job: the first, with the others as its siblings.
    pub(crate) fn of(job: Job, number: u64, context: usize) -> Sequence {
        let Job { sender, client, rank, prompt, plan } = job;
        let choices = plan.checked.choices;
        let call = Rc::new(Call {
            sender,
            client,
            rank,
            number,
            prompt_tokens: prompt.len() as u64,
            cached_tokens: Cell::new(None),
            completion_tokens: Cell::new(0),
            unfinished: Cell::new(choices),
            failed: Cell::new(false),
        });
        let room = (context - prompt.len()) as u64;
        let limit = plan.checked.limit.map_or(room, |limit| limit.min(room));
        let seed = match plan.checked.seed {
            Some(seed) => seed.cast_unsigned(),
            None => Random::from_system().next(),
        };
        let siblings: Vec<Sequence> = (1..choices)
            .map(|choice| Sequence::new(&call, choice, prompt.clone(), plan.clone(), limit, seed))
            .collect();
        Sequence { siblings, ..Sequence::new(&call, 0, prompt, plan, limit, seed) }
    }

    fn new(call: &Rc<Call>, choice: u32, tokens: Vec<i32>, plan: Plan, limit: u64, seed: u64) -> Sequence {
        let Plan { checked, matcher, tools } = plan;
        let mut sampler = Sampler::new(checked.sampling, Random::for_choice(seed, choice));
        sampler.prompt(&tokens);
        let mut patterns = checked.stops;
        let mut opener = None;
        if let (Some(tools), None) = (&tools, &matcher) {
            opener = Some(patterns.len());
            patterns.push(tools.format.opener().to_owned());
        }
        Sequence {
            call: call.clone(),
            tokens,
            cached: 0,
            siblings: Vec::new(),
            is_finished: false,
            choice,
            generated: 0,
            limit,
            sampler,
            mode: matcher.map_or(Mode::Free, Mode::Guided),
            tools,
            calls: 0,
            out: Output { scanner: Scanner::new(patterns), opener, ..Output::default() },
            logprobs: checked.logprobs,
            logprob_of_end: checked.logprob_of_end,
            skip_special: checked.skip_special,
            include_stop: checked.include_stop,
            events: Vec::new(),
        }
    }

    /// As what it waits.
    pub(crate) fn waiter(&self) -> Waiter {
        let Call { client, rank, number, .. } = &*self.call;
        let place = Place { rank: *rank, number: *number, choice: self.choice };
        Waiter { client: client.clone(), place }
    }

    /// How many tokens were generated.
    pub(crate) fn generated(&self) -> u64 {
        self.generated
    }

    /// How many tokens it may still generate.
    pub(crate) fn remaining(&self) -> usize {
        self.limit.saturating_sub(self.generated) as usize
    }

    /// Tokens that the context has not seen.
    pub(crate) fn left(&self) -> usize {
        self.tokens.len() - self.cached
    }

    /// What can be written before anything is sampled: the opening of a forced call, a grammar's forced start.
    pub(crate) fn start(&mut self, vocabulary: &Vocabulary) -> Result<()> {
        if self.generated > 0 {
            return Ok(());
        }
        if let Some(tools) = self.tools.as_ref().filter(|tools| tools.forced) {
            let opener = vocabulary.tokenize(tools.format.opener(), true);
            self.append(&opener);
            self.begin_call(vocabulary)?;
        }
        self.force(vocabulary)?;
        self.flush();
        Ok(())
    }

    /// Samples the next token and takes it in.
    pub(crate) fn next(&mut self, logits: &[f32], vocabulary: &Vocabulary) -> Result<()> {
        let mask = self.mask()?;
        let Some(token) = self.sampler.sample(logits, mask.as_ref()) else {
            return Err(Error::new(Kind::Internal, "no token of the vocabulary can go on with this answer"));
        };
        if let Some(count) = self.logprobs
            && !matches!(self.mode, Mode::Calling(..))
            && (self.logprob_of_end || !vocabulary.is_end(token.cast_signed()))
        {
            let entry = logprob(token, logits, count, vocabulary);
            self.out.waiting.push((self.out.received, entry));
        }
        self.take(token.cast_signed(), vocabulary)?;
        self.force(vocabulary)?;
        self.flush();
        Ok(())
    }

    fn mask(&mut self) -> Result<Option<SimpleVob>> {
        let mask = match &mut self.mode {
            Mode::Free => return Ok(None),
            Mode::Guided(matcher) | Mode::Calling(matcher, _) => matcher.compute_mask_or_eos(),
        };
        let mut mask = mask.map_err(|error| guidance_error(&error))?;
        // Where tools are offered beside a form of answer, calling one instead is allowed at the start.
        if let (Mode::Guided(_), 0, Some(opener)) = (&self.mode, self.generated, self.opener()) {
            mask.allow_token(opener.cast_unsigned());
        }
        Ok(Some(mask))
    }

    fn opener(&self) -> Option<i32> {
        self.tools.as_ref().and_then(|tools| tools.opener)
    }

    /// Takes in one token of the answer.
    fn take(&mut self, token: i32, vocabulary: &Vocabulary) -> Result<()> {
        self.generated += 1;
        if vocabulary.is_end(token) {
            // Who wants to see special tokens sees this one, too; a form of answer has no room for it.
            if !self.skip_special && matches!(self.mode, Mode::Free) {
                self.write(token, vocabulary)?;
            }
            if !self.is_finished {
                self.finish("stop");
            }
            return Ok(());
        }
        self.tokens.push(token);
        self.sampler.accept(token.cast_unsigned());
        if !matches!(self.mode, Mode::Calling(..)) && self.opener() == Some(token) {
            let held = self.out.scanner.finish();
            self.emit(held);
            self.begin_call(vocabulary)?;
        } else {
            self.consume(token)?;
            self.write(token, vocabulary)?;
        }
        self.check_end(vocabulary)
    }

    fn consume(&mut self, token: i32) -> Result<()> {
        match &mut self.mode {
            Mode::Free => Ok(()),
            Mode::Guided(matcher) | Mode::Calling(matcher, _) => {
                matcher.consume_token(token.cast_unsigned()).map_err(|error| guidance_error(&error))
            }
        }
    }

    fn write(&mut self, token: i32, vocabulary: &Vocabulary) -> Result<()> {
        let bytes = vocabulary.bytes(token, !self.skip_special);
        let text = self.out.utf8.push(&bytes);
        if let Mode::Calling(_, reader) = &mut self.mode {
            let news = reader.push(&text);
            if let Some(name) = news.name {
                let call = self.calls;
                self.events.push(Event::set_call(self.choice, call, "id", random::call_id()));
                self.events.push(Event::set_call(self.choice, call, "type", "function"));
                self.events.push(Event::set_call(self.choice, call, "name", name));
            }
            if !news.arguments.is_empty() {
                let (choice, call) = (self.choice, self.calls);
                self.events.push(Event::Arguments { choice, call, text: news.arguments });
            }
            return Ok(());
        }
        self.out.received += bytes.len();
        match self.out.scanner.push(text) {
            Scan::Text(text) => {
                self.emit(text);
                let out = self.out.received - self.out.utf8.pending() - self.out.scanner.held();
                self.release(out);
                Ok(())
            }
            Scan::Met { before, pattern, rest } => self.met(token, &before, pattern, &rest, vocabulary),
        }
    }

    fn met(
        &mut self,
        token: i32,
        before: &str,
        pattern: usize,
        rest: &str,
        vocabulary: &Vocabulary,
    ) -> Result<()> {
        self.emit(before.to_owned());
        let after = rest.len() + self.out.utf8.pending();
        let end = self.out.received - after;
        let text = self.out.scanner.pattern(pattern).to_owned();
        self.release(end - text.len());
        if self.out.opener == Some(pattern) {
            self.out.waiting.clear();
            self.out.utf8.clear();
            self.cut(token, after, vocabulary);
            return self.begin_call(vocabulary);
        }
        if self.include_stop {
            self.emit(text);
            self.release(end);
        }
        self.out.waiting.clear();
        self.out.utf8.clear();
        self.finish("stop");
        Ok(())
    }

    /// Takes the last `bytes` bytes off the last token, which the context has not seen yet.
    fn cut(&mut self, token: i32, bytes: usize, vocabulary: &Vocabulary) {
        if bytes == 0 {
            return;
        }
        let piece = vocabulary.bytes(token, !self.skip_special);
        let kept = String::from_utf8_lossy(&piece[..piece.len().saturating_sub(bytes)]).into_owned();
        self.tokens.pop();
        self.tokens.extend(vocabulary.tokenize(&kept, false));
    }

    fn begin_call(&mut self, vocabulary: &Vocabulary) -> Result<()> {
        let Some(tools) = &self.tools else {
            return Err(Error::new(Kind::Internal, "a tool call began without tools"));
        };
        let space = vocabulary.tokenize(&tools.format.open[tools.format.opener().len()..], false);
        self.mode = Mode::Calling(tools.guide.matcher.clone(), tools.format.reader());
        self.append(&space);
        Ok(())
    }

    fn end_call(&mut self, vocabulary: &Vocabulary) -> Result<()> {
        self.calls += 1;
        self.out.utf8.clear();
        let Some(tools) = &self.tools else { return Ok(()) };
        if let Mode::Calling(_, reader) = &self.mode {
            reader.check(&tools.guide.checks)?;
        }
        if !tools.parallel || self.calls == MAX_CALLS || self.out.opener.is_none() {
            self.finish("stop");
            return Ok(());
        }
        let close = vocabulary.tokenize(tools.format.close, true);
        self.mode = Mode::Free;
        self.append(&close);
        Ok(())
    }

    /// Appends tokens that are part of the format, not of the answer's text.
    fn append(&mut self, tokens: &[i32]) {
        self.tokens.extend_from_slice(tokens);
        self.generated += tokens.len() as u64;
    }

    fn check_end(&mut self, vocabulary: &Vocabulary) -> Result<()> {
        let is_complete = match &self.mode {
            Mode::Free => false,
            Mode::Guided(matcher) | Mode::Calling(matcher, _) => matcher.is_stopped(),
        };
        match &self.mode {
            _ if self.is_finished => {}
            Mode::Guided(_) if is_complete => self.finish("stop"),
            Mode::Calling(..) if is_complete => self.end_call(vocabulary)?,
            _ => {}
        }
        if !self.is_finished && self.generated >= self.limit {
            self.finish("length");
        }
        Ok(())
    }

    /// Takes in the tokens that the grammar leaves no choice about. With probabilities asked for, every
    /// token is sampled, for each has one.
    fn force(&mut self, vocabulary: &Vocabulary) -> Result<()> {
        if self.logprobs.is_some() || self.is_finished {
            return Ok(());
        }
        let forced = match &mut self.mode {
            Mode::Guided(_) if self.generated == 0 && self.tools.is_some() => return Ok(()),
            Mode::Free => return Ok(()),
            Mode::Guided(matcher) | Mode::Calling(matcher, _) => matcher.compute_ff_tokens(),
        };
        for token in forced {
            if self.is_finished || matches!(self.mode, Mode::Free) {
                break;
            }
            self.take(token.cast_signed(), vocabulary)?;
        }
        Ok(())
    }

    fn emit(&mut self, text: String) {
        // White space between two calls belongs to the format.
        if text.is_empty() || (self.calls > 0 && text.trim().is_empty()) {
            return;
        }
        self.out.has_text = true;
        self.events.push(Event::Text { choice: self.choice, text });
    }

    /// Gives out the probabilities of tokens that start before `end`.
    fn release(&mut self, end: usize) {
        let count = self.out.waiting.iter().take_while(|(start, _)| *start < end).count();
        if count > 0 {
            let content = self.out.waiting.drain(..count).map(|(_, entry)| entry).collect();
            self.events.push(Event::Logprobs { choice: self.choice, content });
        }
    }

    fn finish(&mut self, reason: &'static str) {
        self.is_finished = true;
        if !matches!(self.mode, Mode::Calling(..)) {
            let rest = self.out.scanner.finish() + &self.out.utf8.finish();
            self.emit(rest);
            self.release(usize::MAX);
        }
        let is_calling = self.calls > 0 || matches!(self.mode, Mode::Calling(..));
        if !self.out.has_text && !is_calling {
            self.events.push(Event::set_message(self.choice, "content", ""));
        }
        let reason = if reason == "stop" && self.calls > 0 { "tool_calls" } else { reason };
        self.events.push(Event::set_choice(self.choice, "finish_reason", reason));
        let call = &self.call;
        call.completion_tokens.set(call.completion_tokens.get() + self.generated);
        call.unfinished.set(call.unfinished.get() - 1);
        if call.unfinished.get() == 0 {
            self.events.push(Event::set("usage", json!(call.usage())));
        }
    }

    fn flush(&mut self) {
        if !self.events.is_empty() {
            // A receiver that is gone is seen by Call::is_over before the next step.
            let _ = self.call.sender.unbounded_send(Ok(std::mem::take(&mut self.events)));
        }
    }
}

fn guidance_error(error: &impl std::fmt::Display) -> Error {
    let message = format!("the answer cannot be held to its form any further: {}", one_line(error));
    Error::new(Kind::InvalidRequest, message).hint("ask for a simpler schema or grammar")
}

fn logprob(token: u32, logits: &[f32], count: usize, vocabulary: &Vocabulary) -> TokenLogprob {
    let norm = sampler::log_sum_exp(logits);
    let text = |token: u32| {
        let bytes = vocabulary.bytes(token.cast_signed(), true);
        (String::from_utf8_lossy(&bytes).into_owned(), bytes)
    };
    let likelihood = |logit: f32| f64::from(logit) - norm;
    let top_logprobs = sampler::top(logits, count)
        .into_iter()
        .map(|(token, logit)| {
            let (token, bytes) = text(token);
            TopLogprob { token, logprob: likelihood(logit), bytes: Some(bytes) }
        })
        .collect();
    let logit = logits.get(token as usize).copied().unwrap_or(f32::NEG_INFINITY);
    let (token, bytes) = text(token);
    TokenLogprob { token, logprob: likelihood(logit), bytes: Some(bytes), top_logprobs }
}
