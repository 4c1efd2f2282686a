//! Speculative decoding: with the one answer's next tokens those are fed that its [`Draft`](crate::draft::Draft)
//! guesses, and what the model says after each of them is taken as long as the answer has gone that very way.
//! So an answer is what it is without a draft, with all that holds of it: its form, penalties, stops, seeds.

use antiphon_core::Result;
use llama_cpp_2::token::LlamaToken;

use crate::prefix_cache::common;
use crate::worker::{Worker, is_answered};

impl Worker<'_> {
    /// Puts guesses behind the tokens in the batch, where one sequence is answered and nothing else goes on. With
    /// more of them a step reads the weights once for all, which is what guesses are to gain, and a draft would take
    /// its time from everybody.
    pub(crate) fn guess(&mut self) -> Vec<i32> {
        let guesses = self.try_guess().unwrap_or_else(|error| {
            tracing::warn!("the draft model failed, and is not asked again: {error}");
            self.draft = None;
            Vec::new()
        });
        let [running] = &self.running[..] else { return Vec::new() };
        for (place, guess) in guesses.iter().enumerate() {
            let position = (running.sequence.tokens.len() + place) as i32;
            if self.batch.add(LlamaToken(*guess), position, &[running.slot as i32], true).is_err() {
                return guesses[..place].to_vec();
            }
        }
        let evicted = self.cache.make_free(self.batch.n_tokens().unsigned_abs() as usize);
        self.evict(evicted);
        guesses
    }

    fn try_guess(&mut self) -> Result<Vec<i32>> {
        let (Some(draft), [running]) = (&mut self.draft, &self.running[..]) else { return Ok(Vec::new()) };
        let sequence = &running.sequence;
        if !is_answered(running) || running.logits.is_none() || !sequence.siblings.is_empty() {
            return Ok(Vec::new());
        }
        let held = self.cache.pinned() + sequence.left();
        let room = self.limits.cells.saturating_sub(held);
        // The last token of an answer comes from the logits of the one before it.
        let useful = sequence.remaining().saturating_sub(1).min(room);
        if useful == 0 {
            return Ok(Vec::new());
        }
        let most = draft.pace.next().min(useful);
        let Some(guesses) = draft.guess(&sequence.tokens, most, &self.vocabulary)? else {
            return Ok(Vec::new());
        };
        if guesses.is_empty() {
            draft.pace.note(0, 0);
        }
        Ok(guesses)
    }

    /// Samples after the sequence's tokens, and after each guess that the sequence went on with. The others are taken
    /// out of the model's cache again.
    pub(crate) fn verify(&mut self, guesses: &[i32]) {
        let Some(running) = self.running.first_mut() else { return };
        let Some(place) = running.logits.take() else { return };
        let sequence = &mut running.sequence;
        let (start, before) = (sequence.tokens.len(), sequence.generated());
        let mut right = 0;
        loop {
            let logits = self.context.get_logits_ith(place + right as i32);
            if let Err(error) = sequence.next(logits, &self.vocabulary) {
                sequence.call.fail(error);
            }
            let taken = &sequence.tokens[start..];
            let same = common(taken, guesses);
            let goes_on = same == taken.len() && same > right;
            right = same;
            if !goes_on || sequence.is_finished || sequence.call.is_over() {
                break;
            }
        }
        self.counters.generated_tokens.add(sequence.generated() - before);
        running.note_read(right, true);
        self.cache.extend(running.slot, &guesses[..right]);
        let (slot, end) = (running.slot, running.sequence.cached);
        self.counters.draft_tokens.add(guesses.len() as u64);
        self.counters.accepted_tokens.add(right as u64);
        if let Some(draft) = &mut self.draft {
            draft.pace.note(guesses.len(), right);
        }
        if right < guesses.len()
            && let Err(error) = self.context.clear_kv_cache_seq(Some(slot as u32), Some(end as u32), None)
        {
            tracing::error!("cannot take guesses out of the cache of sequence {slot}: {error}");
        }
    }

    /// There were no cells for the guesses: the next steps go without.
    pub(crate) fn give_up_guessing(&mut self) {
        if let Some(draft) = &mut self.draft {
            draft.pace.rest();
        }
    }
}
