//! What came in: requests, connections, and who ended them when.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::{Serialize, Serializer};

use super::data::Data;

/// What an upstream has received since its start, or since it was last cleared.
///
/// Times are milliseconds since the start of the upstream, monotonic.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Record {
    /// The requests, in the order in which they came.
    pub requests: Vec<Received>,
    /// The connections, in the order in which they were accepted.
    pub connections: Vec<Connection>,
    /// Connections accepted so far.
    pub accepted: u64,
    /// Connections open now.
    pub open: u64,
    /// Requests so far, recorded or not.
    pub requested: u64,
    /// Requests whose answer is under way now.
    pub in_flight: u64,
    /// The most there ever were at once.
    pub max_in_flight: u64,
}

/// One request.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Received {
    /// Its number, from 1.
    pub number: u64,
    /// Its connection's number, from 1.
    pub connection: u64,
    /// When its head was there.
    #[serde(serialize_with = "millis")]
    pub at_ms: f64,
    /// Its method; empty where nothing of it was read.
    pub method: String,
    /// Its target as it was written: a path, a whole URL, or an authority.
    pub target: String,
    /// `HTTP/1.0`, `HTTP/1.1` or `HTTP/2`.
    pub version: &'static str,
    /// Its headers, in order, with the names as they were written.
    pub headers: Vec<(String, String)>,
    /// Its body, as far as it was read.
    pub body: Data,
    /// Bytes of the answer that were written, the head included.
    pub written: u64,
    /// When the answer was over, however it ended.
    #[serde(serialize_with = "some_millis")]
    pub ended_ms: Option<f64>,
    /// Whether, while the answer was under way, the peer left.
    pub closed: Option<Closed>,
}

/// One connection.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Connection {
    /// Its number, from 1.
    pub number: u64,
    /// When it was accepted.
    #[serde(serialize_with = "millis")]
    pub at_ms: f64,
    /// How many requests came on it.
    pub requests: u64,
    /// Requests whose answer is under way on it now.
    pub in_flight: u64,
    /// The most there were at once: more than 1 only under HTTP/2.
    pub max_in_flight: u64,
    /// What was agreed by ALPN.
    pub alpn: Option<String>,
    /// Why a TLS handshake or a request's head was no good.
    pub error: Option<String>,
    /// When it was over, whoever ended it.
    #[serde(serialize_with = "some_millis")]
    pub ended_ms: Option<f64>,
    /// Whether the peer left first.
    pub closed: Option<Closed>,
}

/// The end that a peer made.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Closed {
    /// How.
    pub how: How,
    /// When it was noticed.
    #[serde(serialize_with = "millis")]
    pub at_ms: f64,
}

/// How a peer left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// By closing in order.
    Fin,
    /// By a reset of the connection. An ordinary close is one too where unread bytes were thrown away.
    Rst,
    /// By a reset of the HTTP/2 stream alone.
    Stream,
}

impl Received {
    /// A header's first value, by its name in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let same = |pair: &&(String, String)| pair.0.eq_ignore_ascii_case(name);
        self.headers.iter().find(same).map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub fn text(&self) -> String {
        self.body.text()
    }

    /// The body as JSON; null where it is none.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

impl Record {
    /// How many requests were given up by the peer before their answer was over.
    pub fn closed(&self) -> usize {
        self.requests.iter().filter(|request| request.closed.is_some()).count()
    }

    fn request(&mut self, number: u64) -> Option<&mut Received> {
        let at = self.requests.binary_search_by_key(&number, |request| request.number).ok()?;
        self.requests.get_mut(at)
    }

    pub(super) fn connection(&mut self, number: u64) -> Option<&mut Connection> {
        let at = self.connections.binary_search_by_key(&number, |connection| connection.number).ok()?;
        self.connections.get_mut(at)
    }

    fn clear(&mut self) {
        self.requests.clear();
        // Those that are still open go on, and their end must find its place.
        self.connections.retain(|connection| connection.ended_ms.is_none());
        self.max_in_flight = self.in_flight;
    }
}

/// The record that the server writes while tests wait for it.
pub(super) struct Ledger {
    record: Mutex<Record>,
    changed: Condvar,
    start: Instant,
    /// Whether requests and connections are kept; counters always are.
    keeps: bool,
}

impl Ledger {
    pub(super) fn new(keeps: bool) -> Self {
        Self { record: Mutex::default(), changed: Condvar::new(), start: Instant::now(), keeps }
    }

    pub(super) fn keeps(&self) -> bool {
        self.keeps
    }

    pub(super) fn now(&self) -> f64 {
        self.start.elapsed().as_secs_f64() * 1e3
    }

    fn lock(&self) -> MutexGuard<'_, Record> {
        // A test's condition that panicked has changed nothing.
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn read<T>(&self, read: impl FnOnce(&Record) -> T) -> T {
        read(&self.lock())
    }

    pub(super) fn write<T>(&self, write: impl FnOnce(&mut Record) -> T) -> T {
        let result = write(&mut self.lock());
        self.changed.notify_all();
        result
    }

    pub(super) fn clear(&self) {
        self.write(Record::clear);
    }

    pub(super) fn wait(&self, condition: impl Fn(&Record) -> bool, within: Duration) -> bool {
        let waiting = self.changed.wait_timeout_while(self.lock(), within, |record| !condition(record));
        !waiting.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    pub(super) fn accept(&self) -> u64 {
        let at_ms = self.now();
        self.write(|record| {
            record.accepted += 1;
            record.open += 1;
            let number = record.accepted;
            if self.keeps {
                record.connections.push(Connection { number, at_ms, ..Connection::default() });
            }
            number
        })
    }

    pub(super) fn disconnect(&self, connection: u64) {
        let now = self.now();
        self.write(|record| {
            record.open -= 1;
            if let Some(connection) = record.connection(connection) {
                connection.ended_ms = Some(now);
            }
        });
    }

    pub(super) fn on_connection(&self, number: u64, change: impl FnOnce(&mut Connection)) {
        if self.keeps {
            self.write(|record| record.connection(number).map(change));
        }
    }

    pub(super) fn peer_left(&self, connection: u64, how: How) {
        let closed = Closed { how, at_ms: self.now() };
        self.on_connection(connection, |connection| connection.closed = connection.closed.or(Some(closed)));
    }

    /// Notes a request, numbers it, and counts it as under way.
    pub(super) fn begin(&self, received: Received) -> u64 {
        self.write(|record| {
            record.requested += 1;
            record.in_flight += 1;
            record.max_in_flight = record.max_in_flight.max(record.in_flight);
            let number = record.requested;
            if self.keeps {
                if let Some(connection) = record.connection(received.connection) {
                    connection.requests += 1;
                    connection.in_flight += 1;
                    connection.max_in_flight = connection.max_in_flight.max(connection.in_flight);
                }
                record.requests.push(Received { number, ..received });
            }
            number
        })
    }

    /// Notes that an answer is over.
    pub(super) fn end(&self, number: u64, connection: u64, written: u64, left: Option<How>) {
        let now = self.now();
        self.write(|record| {
            record.in_flight -= 1;
            if let Some(connection) = record.connection(connection) {
                connection.in_flight -= 1;
            }
            if let Some(request) = record.request(number) {
                request.written = written;
                request.ended_ms = Some(now);
                request.closed = left.map(|how| Closed { how, at_ms: now });
            }
        });
    }

    /// Notes how much of an answer has been written so far.
    pub(super) fn progress(&self, number: u64, written: u64) {
        if self.keeps {
            self.write(|record| record.request(number).map(|request| request.written = written));
        }
    }
}

fn millis<S: Serializer>(ms: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64((ms * 1e3).round() / 1e3)
}

fn some_millis<S: Serializer>(ms: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
    match ms {
        Some(ms) => millis(ms, serializer),
        None => serializer.serialize_none(),
    }
}
