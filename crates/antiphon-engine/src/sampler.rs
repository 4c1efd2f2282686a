//! The choice of the next token from the model's logits.
//!
//! In this order: bias, guidance mask, penalties, temperature, top_k, top_p, min_p, draw. With temperature 0
//! it is the likeliest token, and nothing is copied or sorted for it unless something changes the logits.
//! Presence and frequency penalties look at the answer, the repetition penalty at prompt and answer.

use std::collections::HashMap;

use toktrie::SimpleVob;

use crate::random::Random;

/// How to sample; every value has its neutral default.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Settings {
    /// 0 takes the likeliest token.
    pub(crate) temperature: f32,
    /// 0 takes all.
    pub(crate) top_k: usize,
    pub(crate) top_p: f32,
    pub(crate) min_p: f32,
    pub(crate) repetition: f32,
    pub(crate) presence: f32,
    pub(crate) frequency: f32,
    pub(crate) bias: Vec<(u32, f32)>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            temperature: 0.0,
            top_k: 0,
            top_p: 1.0,
            min_p: 0.0,
            repetition: 1.0,
            presence: 0.0,
            frequency: 0.0,
            bias: Vec::new(),
        }
    }
}

/// Samples for one sequence. Its buffers live as long as it does.
#[derive(Debug)]
pub(crate) struct Sampler {
    settings: Settings,
    random: Random,
    /// Tokens that have occurred, and how often in the answer.
    seen: HashMap<u32, u32>,
    logits: Vec<f32>,
    candidates: Vec<(u32, f32)>,
}

impl Sampler {
    pub(crate) fn new(settings: Settings, random: Random) -> Self {
        Self { settings, random, seen: HashMap::new(), logits: Vec::new(), candidates: Vec::new() }
    }

    /// Takes note of the prompt.
    pub(crate) fn prompt(&mut self, tokens: &[i32]) {
        if self.settings.repetition != 1.0 {
            self.seen.extend(tokens.iter().map(|token| (token.cast_unsigned(), 0)));
        }
    }

    /// Takes note of a token of the answer.
    pub(crate) fn accept(&mut self, token: u32) {
        if self.has_penalties() {
            *self.seen.entry(token).or_default() += 1;
        }
    }

    /// The next token. `mask` has the allowed ones; `None` where it allows none.
    pub(crate) fn sample(&mut self, logits: &[f32], mask: Option<&SimpleVob>) -> Option<u32> {
        if self.settings.bias.is_empty() && !self.has_penalties() {
            return match mask {
                None if self.settings.temperature == 0.0 => likeliest(logits),
                Some(mask) if self.settings.temperature == 0.0 => likeliest_allowed(logits, mask),
                _ => self.draw(logits, mask),
            };
        }
        let mut changed = std::mem::take(&mut self.logits);
        changed.clear();
        changed.extend_from_slice(logits);
        self.change(&mut changed);
        let token = match mask {
            None if self.settings.temperature == 0.0 => likeliest(&changed),
            Some(mask) if self.settings.temperature == 0.0 => likeliest_allowed(&changed, mask),
            _ => self.draw(&changed, mask),
        };
        self.logits = changed;
        token
    }

    fn has_penalties(&self) -> bool {
        let settings = &self.settings;
        settings.repetition != 1.0 || settings.presence != 0.0 || settings.frequency != 0.0
    }

    fn change(&self, logits: &mut [f32]) {
        for (token, bias) in &self.settings.bias {
            logits[*token as usize] += bias;
        }
        let settings = &self.settings;
        for (token, count) in &self.seen {
            let Some(logit) = logits.get_mut(*token as usize) else { continue };
            *logit = if *logit > 0.0 { *logit / settings.repetition } else { *logit * settings.repetition };
            if *count > 0 {
                *logit -= settings.presence + settings.frequency * *count as f32;
            }
        }
    }

    fn draw(&mut self, logits: &[f32], mask: Option<&SimpleVob>) -> Option<u32> {
        let Settings { temperature, top_k, top_p, min_p, .. } = self.settings;
        let mut candidates = std::mem::take(&mut self.candidates);
        candidates.clear();
        match mask {
            None => candidates.extend(logits.iter().enumerate().map(|(i, logit)| (i as u32, *logit))),
            Some(mask) => mask.iter_set_entries(|i| {
                candidates.extend(logits.get(i).map(|logit| (i as u32, *logit)));
            }),
        }
        candidates.retain(|(_, logit)| *logit > f32::NEG_INFINITY);
        let greatest = candidates.iter().fold(f32::NEG_INFINITY, |max, (_, logit)| max.max(*logit));
        if top_k > 0 && top_k < candidates.len() {
            candidates.select_nth_unstable_by(top_k - 1, likelier);
            candidates.truncate(top_k);
        }
        for (_, weight) in &mut candidates {
            *weight = ((*weight - greatest) / temperature).exp();
        }
        if top_p < 1.0 {
            keep_nucleus(&mut candidates, top_p);
        }
        if min_p > 0.0 {
            // The greatest weight is 1.
            candidates.retain(|(_, weight)| *weight >= min_p);
        }
        let token = pick(&candidates, &mut self.random);
        self.candidates = candidates;
        token
    }
}

/// Likelier first; of equal ones the lower id, so that the order is total and the same everywhere.
fn likelier(a: &(u32, f32), b: &(u32, f32)) -> std::cmp::Ordering {
    b.1.total_cmp(&a.1).then(a.0.cmp(&b.0))
}

/// Keeps the likeliest candidates that together have `top_p` of the weight. Sorts no more of them than
/// needed: mostly the nucleus is among the first few.
fn keep_nucleus(candidates: &mut Vec<(u32, f32)>, top_p: f32) {
    let wanted = candidates.iter().map(|(_, weight)| f64::from(*weight)).sum::<f64>() * f64::from(top_p);
    let mut sorted = 64;
    loop {
        let first = sorted.min(candidates.len());
        if first < candidates.len() {
            candidates.select_nth_unstable_by(first, likelier);
        }
        candidates[..first].sort_unstable_by(likelier);
        let mut sum = 0.0;
        let enough = candidates[..first].iter().position(|(_, weight)| {
            sum += f64::from(*weight);
            sum >= wanted
        });
        match enough {
            Some(last) => return candidates.truncate(last + 1),
            None if first == candidates.len() => return,
            None => sorted *= 8,
        }
    }
}

fn pick(candidates: &[(u32, f32)], random: &mut Random) -> Option<u32> {
    let total: f64 = candidates.iter().map(|(_, weight)| f64::from(*weight)).sum();
    let mut left = random.unit() * total;
    let found = candidates.iter().find(|(_, weight)| {
        left -= f64::from(*weight);
        left < 0.0
    });
    found.or(candidates.last()).map(|(token, _)| *token)
}

/// The likeliest token; the lowest id of equal ones.
pub(crate) fn likeliest(logits: &[f32]) -> Option<u32> {
    // Eight running maxima, so that the compiler can use vectors; then the first place of the greatest.
    let mut lanes = [f32::NEG_INFINITY; 8];
    let chunks = logits.chunks_exact(8);
    let mut greatest = chunks.remainder().iter().copied().fold(f32::NEG_INFINITY, f32::max);
    for chunk in chunks {
        for (lane, logit) in lanes.iter_mut().zip(chunk) {
            *lane = if *logit > *lane { *logit } else { *lane };
        }
    }
    greatest = lanes.into_iter().fold(greatest, f32::max);
    logits.iter().position(|logit| *logit == greatest).map(|at| at as u32)
}

fn likeliest_allowed(logits: &[f32], mask: &SimpleVob) -> Option<u32> {
    let mut best: Option<(usize, f32)> = None;
    mask.iter_set_entries(|i| {
        if let Some(logit) = logits.get(i)
            && best.is_none_or(|(_, greatest)| *logit > greatest)
        {
            best = Some((i, *logit));
        }
    });
    best.map(|(at, _)| at as u32)
}

/// The logarithm of the sum of the exponentials: what turns a logit into a log-probability.
pub(crate) fn log_sum_exp(logits: &[f32]) -> f64 {
    let greatest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f64 = logits.iter().map(|logit| f64::from((logit - greatest).exp())).sum();
    f64::from(greatest) + sum.ln()
}

/// The `count` likeliest tokens, likeliest first.
pub(crate) fn top(logits: &[f32], count: usize) -> Vec<(u32, f32)> {
    let mut best: Vec<(u32, f32)> = Vec::with_capacity(count + 1);
    for (i, logit) in logits.iter().enumerate() {
        let entry = (i as u32, *logit);
        if best.len() == count && best.last().is_none_or(|last| likelier(&entry, last).is_ge()) {
            continue;
        }
        let at = best.partition_point(|other| likelier(other, &entry).is_lt());
        best.insert(at, entry);
        best.truncate(count);
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sampler(settings: Settings) -> Sampler {
        Sampler::new(settings, Random::new(1))
    }

    /// Which tokens are ever drawn in 2,000 draws.
    fn drawn(settings: Settings, logits: &[f32], mask: Option<&SimpleVob>) -> Vec<u32> {
        let mut sampler = sampler(settings);
        let mut tokens: Vec<u32> = (0..2000).map(|_| sampler.sample(logits, mask).unwrap()).collect();
        tokens.sort_unstable();
        tokens.dedup();
        tokens
    }

    fn warm() -> Settings {
        Settings { temperature: 1.0, ..Settings::default() }
    }

    #[test]
    fn greedy_takes_the_first_of_the_likeliest() {
        let mut logits = vec![0.0; 37];
        assert_eq!(likeliest(&logits), Some(0));
        for at in [36, 35, 8, 3] {
            logits[at] = 2.0;
            assert_eq!(likeliest(&logits), Some(at as u32));
        }
        assert_eq!(likeliest(&[f32::NEG_INFINITY, -1.0]), Some(1));
    }

    #[test]
    fn a_mask_is_obeyed() {
        let mask = SimpleVob::from_slice(&[false, true, true, false]);
        let logits = [9.0, 1.0, 2.0, 8.0];
        assert_eq!(sampler(Settings::default()).sample(&logits, Some(&mask)), Some(2));
        assert_eq!(drawn(warm(), &logits, Some(&mask)), [1, 2]);
        let nothing = SimpleVob::from_slice(&[false; 4]);
        assert_eq!(sampler(warm()).sample(&logits, Some(&nothing)), None);
    }

    #[test]
    fn cuts_keep_what_they_say() {
        // Probabilities 0.5, 0.25, 0.125, 0.125.
        let logits = [0.5_f32, 0.25, 0.125, 0.125].map(f32::ln);
        assert_eq!(drawn(warm(), &logits, None), [0, 1, 2, 3]);
        assert_eq!(drawn(Settings { top_k: 2, ..warm() }, &logits, None), [0, 1]);
        assert_eq!(drawn(Settings { top_p: 0.5, ..warm() }, &logits, None), [0]);
        assert_eq!(drawn(Settings { top_p: 0.7, ..warm() }, &logits, None), [0, 1]);
        assert_eq!(drawn(Settings { min_p: 0.5, ..warm() }, &logits, None), [0, 1]);
        assert_eq!(drawn(Settings { top_k: 3, top_p: 0.99, ..warm() }, &logits, None), [0, 1, 2]);
    }

    #[test]
    fn a_wide_nucleus_is_found_too() {
        let logits = vec![0.0; 3000];
        let mut candidates: Vec<(u32, f32)> = (0..3000).map(|i| (i, 1.0)).collect();
        keep_nucleus(&mut candidates, 0.5);
        assert_eq!(candidates.len(), 1500);
        assert!(drawn(Settings { top_p: 0.9, ..warm() }, &logits, None).iter().all(|token| *token < 2700));
    }

    #[test]
    fn penalties_and_bias_change_the_choice() {
        let logits = [1.0, 0.9, -1.0];
        let mut presence = sampler(Settings { presence: 0.5, ..Settings::default() });
        presence.accept(0);
        assert_eq!(presence.sample(&logits, None), Some(1));
        let mut frequency = sampler(Settings { frequency: 0.06, ..Settings::default() });
        frequency.accept(0);
        assert_eq!(frequency.sample(&logits, None), Some(0));
        frequency.accept(0);
        assert_eq!(frequency.sample(&logits, None), Some(1));
        let mut repetition = sampler(Settings { repetition: 1.5, ..Settings::default() });
        repetition.prompt(&[0]);
        assert_eq!(repetition.sample(&logits, None), Some(1));
        let mut favoured = sampler(Settings { presence: -1.0, ..Settings::default() });
        favoured.accept(1);
        assert_eq!(favoured.sample(&logits, None), Some(1));
        let mut biased = sampler(Settings { bias: vec![(2, 100.0)], ..Settings::default() });
        assert_eq!(biased.sample(&logits, None), Some(2));
    }

    #[test]
    fn a_seed_decides_the_draws() {
        let logits: Vec<f32> = (0..50).map(|i| (i % 7) as f32 / 3.0).collect();
        let draw = |seed| {
            let mut sampler = Sampler::new(warm(), Random::new(seed));
            (0..20).map(|_| sampler.sample(&logits, None).unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }

    #[test]
    fn top_is_sorted_and_probabilities_add_up() {
        let logits = [0.5, 2.0, 1.0, 2.0, -3.0];
        assert_eq!(top(&logits, 3).iter().map(|(token, _)| *token).collect::<Vec<_>>(), [1, 3, 2]);
        assert_eq!(top(&logits, 0), []);
        let norm = log_sum_exp(&logits);
        let sum: f64 = logits.iter().map(|logit| (f64::from(*logit) - norm).exp()).sum();
        assert!((sum - 1.0).abs() < 1e-6);
    }
}
