//! Who waits to be let in, and whose turn it is.
//!
//! Clients take turns: next is the one with the fewest requests running, of several the one whose last turn is
//! the longest ago. A client's own requests go by tier, then by `priority`, then by age. A request of the tier
//! `flex` goes after everybody's others.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use antiphon_core::{Error, Kind, Request};

/// Nobody who is refused shall come back at once, or stay away for good.
const SHORTEST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// Of how many, about, a mean is taken.
const RECENT: u32 = 16;

/// Who asks; all that say nothing are one.
pub(crate) type Client = Option<Arc<str>>;

/// How soon a request wants to be answered, by OpenAI's names of `service_tier`.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Tier {
    /// Before the other requests of its client.
    Priority,
    #[default]
    Default,
    /// When nobody else waits.
    Flex,
}

impl Tier {
    fn of(request: &Request) -> Self {
        match request.params.service_tier.as_deref() {
            Some("priority") => Tier::Priority,
            Some("flex") => Tier::Flex,
            _ => Tier::Default,
        }
    }
}

/// What a request says of its place among those of its client; the smallest goes first.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Rank {
    pub(crate) tier: Tier,
    /// vLLM's: lower is sooner.
    pub(crate) priority: i64,
}

impl Rank {
    pub(crate) fn of(request: &Request) -> Self {
        Self { tier: Tier::of(request), priority: request.params.priority.unwrap_or(0) }
    }
}

/// A place in the line of one client; the smallest goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) rank: Rank,
    /// Requests are numbered as they come.
    pub(crate) number: u64,
    pub(crate) choice: u32,
}

/// Somebody who waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Waiter {
    pub(crate) client: Client,
    pub(crate) place: Place,
}

/// The line.
#[derive(Debug)]
pub(crate) struct WaitingLine<T> {
    /// Of the clients of whom something waits.
    lanes: Vec<Lane<T>>,
    turns: u64,
}

#[derive(Debug)]
struct Lane<T> {
    client: Client,
    last_turn: u64,
    waiting: BTreeMap<Place, T>,
}

impl<T> Default for WaitingLine<T> {
    fn default() -> Self {
        Self { lanes: Vec::new(), turns: 0 }
    }
}

impl<T> WaitingLine<T> {
    pub(crate) fn len(&self) -> usize {
        self.lanes.iter().map(|lane| lane.waiting.len()).sum()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lanes.is_empty()
    }

    pub(crate) fn enter(&mut self, Waiter { client, place }: Waiter, what: T) {
        let at = self.lane(&client).unwrap_or_else(|| {
            // Who is back from its last turn is behind those who still wait for theirs.
            let last_turn = self.turns.saturating_sub(1);
            self.lanes.push(Lane { client, last_turn, waiting: BTreeMap::new() });
            self.lanes.len() - 1
        });
        self.lanes[at].waiting.insert(place, what);
    }

    /// The next ones, in order, at most so many; `running` is how many requests of a client are being answered.
    pub(crate) fn next(&self, most: usize, running: impl Fn(&Client) -> usize) -> Vec<Waiter> {
        let mut order = Vec::new();
        for lane in &self.lanes {
            let running = running(&lane.client);
            for (rank, place) in lane.waiting.keys().take(most).enumerate() {
                let key = (place.rank.tier == Tier::Flex, running + rank, lane.last_turn, place.number);
                order.push((key, &lane.client, *place));
            }
        }
        order.sort_unstable_by_key(|(key, _, place)| (*key, place.choice));
        let waiters = order.into_iter().take(most);
        waiters.map(|(_, client, place)| Waiter { client: client.clone(), place }).collect()
    }

    pub(crate) fn get(&self, waiter: &Waiter) -> Option<&T> {
        self.lanes[self.lane(&waiter.client)?].waiting.get(&waiter.place)
    }

    /// It is the turn of that one.
    pub(crate) fn take(&mut self, waiter: &Waiter) -> Option<T> {
        let at = self.lane(&waiter.client)?;
        let taken = self.lanes[at].waiting.remove(&waiter.place)?;
        self.turns += 1;
        self.lanes[at].last_turn = self.turns;
        self.lanes.retain(|lane| !lane.waiting.is_empty());
        Some(taken)
    }

    /// Leaves no more than `most` waiting of those that may go; who has to go comes back. It is the last one of
    /// the client of whom most wait, so that who asks for little finds a place in a line that others have filled.
    pub(crate) fn shed(&mut self, most: usize, may_go: impl Fn(&T) -> bool) -> Vec<T> {
        if self.len() <= most {
            return Vec::new();
        }
        let count = |lane: &Lane<T>| lane.waiting.values().filter(|what| may_go(what)).count();
        let mut counts: Vec<usize> = self.lanes.iter().map(count).collect();
        let excess = counts.iter().sum::<usize>().saturating_sub(most);
        let mut shed = Vec::with_capacity(excess);
        while shed.len() < excess {
            let last = |lane: &Lane<T>| lane.waiting.last_key_value().map(|(place, _)| place.number);
            let longest = (0..counts.len()).max_by_key(|at| (counts[*at], last(&self.lanes[*at])));
            let Some(at) = longest else { break };
            let waiting = &mut self.lanes[at].waiting;
            let goes = waiting.iter().rev().find(|(_, what)| may_go(what)).map(|(place, _)| *place);
            shed.extend(goes.and_then(|place| waiting.remove(&place)));
            counts[at] -= 1;
        }
        self.lanes.retain(|lane| !lane.waiting.is_empty());
        shed
    }

    /// Lets those go that `stays` is false of.
    pub(crate) fn retain(&mut self, stays: impl Fn(&T) -> bool) {
        self.lanes.iter_mut().for_each(|lane| lane.waiting.retain(|_, what| stays(what)));
        self.lanes.retain(|lane| !lane.waiting.is_empty());
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.lanes.iter().flat_map(|lane| lane.waiting.values())
    }

    /// Lets everybody go.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = T> {
        std::mem::take(&mut self.lanes).into_iter().flat_map(|lane| lane.waiting.into_values())
    }

    fn lane(&self, client: &Client) -> Option<usize> {
        self.lanes.iter().position(|lane| lane.client == *client)
    }
}

/// What is told those for whom there is no place. `rounds` times `mean` is how long those who wait take.
pub(crate) fn overloaded(waiting: usize, mean: Duration, rounds: usize) -> Error {
    let message = format!("{waiting} requests wait for this model already, which is the most it takes");
    let wait = mean.saturating_mul(rounds as u32).clamp(SHORTEST_WAIT, LONGEST_WAIT);
    Error::new(Kind::RateLimit, message).code("overloaded").retry_after(wait)
}

/// A mean of the last times, about; the older ones count for less.
pub(crate) fn mean_with(mean: Duration, last: Duration) -> Duration {
    if mean.is_zero() { last } else { (mean * (RECENT - 1) + last) / RECENT }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line in which those words wait: the client, and its tier or priority where it is not the default.
    fn line(words: &[&str]) -> WaitingLine<String> {
        let mut line = WaitingLine::default();
        for (number, word) in (0..).zip(words) {
            line.enter(of(word, number), format!("{word}{number}"));
        }
        line
    }

    fn of(word: &str, number: u64) -> Waiter {
        let (client, rest) = word.split_at(1);
        let (tier, priority) = match rest.as_bytes() {
            [b'!', priority @ ..] => (Tier::Priority, priority),
            [b'~', priority @ ..] => (Tier::Flex, priority),
            priority => (Tier::Default, priority),
        };
        let priority = std::str::from_utf8(priority).unwrap().parse().unwrap_or(0);
        let place = Place { rank: Rank { tier, priority }, number, choice: 0 };
        Waiter { client: Some(client.into()), place }
    }

    /// Serves everybody with so many places, each of whom stays for as many turns as there are places.
    fn served(line: &mut WaitingLine<String>, places: usize) -> Vec<String> {
        let mut running: Vec<Client> = Vec::new();
        let mut order = Vec::new();
        while !line.is_empty() {
            if running.len() == places {
                running.remove(0);
            }
            let count = |client: &Client| running.iter().filter(|other| *other == client).count();
            let next = line.next(1, count).remove(0);
            order.push(line.take(&next).unwrap());
            running.push(next.client);
        }
        order
    }

    #[test]
    fn clients_take_turns() {
        assert_eq!(served(&mut line(&["a", "a", "a", "b", "c"]), 1), ["a0", "b3", "c4", "a1", "a2"]);
        assert_eq!(served(&mut line(&["a", "a", "a", "b"]), 2), ["a0", "b3", "a1", "a2"]);
    }

    #[test]
    fn who_has_less_running_goes_first() {
        let line = line(&["a", "a", "b"]);
        let running = |client: &Client| if client.as_deref() == Some("a") { 3 } else { 1 };
        let clients: Vec<Client> = line.next(9, running).into_iter().map(|next| next.client).collect();
        assert_eq!(clients, ["b", "a", "a"].map(|client| Some(client.into())));
    }

    #[test]
    fn tiers_order_the_requests_of_a_client_and_flex_goes_last() {
        assert_eq!(served(&mut line(&["a", "a!", "a~", "b"]), 1), ["a!1", "b3", "a0", "a~2"]);
        assert_eq!(served(&mut line(&["a~", "b", "b", "b"]), 1), ["b1", "b2", "b3", "a~0"]);
    }

    #[test]
    fn within_a_tier_the_lowest_priority_goes_first() {
        let words = ["a", "a7", "a-2", "a~-9", "a!3", "a!", "a"];
        let order = ["a!5", "a!34", "a-22", "a0", "a6", "a71", "a~-93"];
        assert_eq!(served(&mut line(&words), 1), order);
        let mut others = line(&["b", "b", "a-9", "a-9"]);
        assert_eq!(served(&mut others, 1), ["b0", "a-92", "b1", "a-93"], "it is nothing to other clients");
        assert_eq!(
            line(&["a-1", "a", "a1", "a"]).shed(3, |_| true),
            ["a12"],
            "who goes first is refused last"
        );
    }

    /// With one place, somebody who asks again as soon as there is an answer, and one who asked for all at once.
    #[test]
    fn who_comes_back_does_not_go_before_who_waits() {
        let mut line = line(&["a", "a", "a", "a"]);
        let mut order = String::new();
        line.enter(of("b", 10), "b".into());
        for number in 11..15 {
            let next = line.next(1, |_| 0).remove(0);
            order += &line.take(&next).unwrap()[..1];
            if next.client.as_deref() == Some("b") {
                line.enter(of("b", number), "b".into());
            }
        }
        assert_eq!(order, "abab");
    }

    #[test]
    fn a_full_line_makes_room_for_who_has_less() {
        let mut line = line(&["a", "a", "a", "b"]);
        assert!(line.shed(4, |_| true).is_empty());
        assert!(line.shed(3, |what| what != "b3").is_empty());
        line.enter(of("b", 4), "b4".into());
        assert_eq!(line.shed(4, |_| true), ["a2"]);
        line.enter(of("b", 5), "b5".into());
        assert_eq!(line.shed(4, |_| true), ["b5"]);
        line.enter(of("c", 6), "c6".into());
        assert_eq!(line.shed(3, |what| what != "b4"), ["a1"]);
        assert_eq!(line.shed(2, |_| true), ["b4", "c6"], "of as many the newest");
        let mut left: Vec<String> = line.drain().collect();
        left.sort();
        assert_eq!(left, ["a0", "b3"]);
        assert!(line.is_empty());
    }

    #[test]
    fn who_is_refused_hears_when_to_come_back() {
        let after = |mean, rounds| overloaded(9, Duration::from_secs(mean), rounds).wait().unwrap().as_secs();
        assert_eq!([after(0, 0), after(3, 4), after(30, 30)], [1, 12, 60]);
        let second = mean_with(Duration::ZERO, Duration::from_secs(1));
        assert_eq!(second, Duration::from_secs(1));
        assert_eq!(mean_with(second, Duration::from_secs(17)), Duration::from_secs(2));
    }
}
