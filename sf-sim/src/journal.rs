//! What was asked of the org: one entry a request, for assertions.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use http::Method;
use serde::Serialize;

use crate::fault::Route;

/// How many entries are kept unless [`SimBuilder::journal_size`](crate::SimBuilder::journal_size) says otherwise.
pub const DEFAULT_SIZE: usize = 100_000;

/// Parameters whose value is replaced by `***`.
const SECRET: &[&str] = &[
    "token",
    "access_token",
    "refresh_token",
    "client_secret",
    "password",
    "assertion",
    "client_assertion",
    "code",
    "code_verifier",
    "oauth_token",
    "subject_token",
    "user_code",
];

/// One request and what became of it. It holds no token, password or assertion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Its number: 1, 2, … since the org began.
    pub number: u64,
    /// When it came, in milliseconds of the org's clock.
    pub at: i64,
    /// `GET`, `POST`, …
    pub method: String,
    /// The path as it was sent.
    pub path: String,
    /// The query string, decoded; secrets are `***`.
    pub query: String,
    /// The name of the user whose token came with it.
    pub user: Option<String>,
    /// What the body asked for where that is one line: the SOQL of a job, the grant of a login.
    pub detail: Option<String>,
    /// The status of the answer; none while the request is being worked on, or where it got no answer.
    pub status: Option<u16>,
    /// Bytes of the request's body.
    pub received: u64,
    /// Bytes of the answer's body, before compression and before any fault.
    pub sent: u64,
    /// The fault that acted on it.
    pub fault: Option<u64>,
}

impl Entry {
    /// The value of a parameter of the query string.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .find(|(key, _)| *key == name)
            .map(|(_, v)| v)
    }

    /// Whether it is a call of this route.
    pub fn is(&self, route: &Route) -> bool {
        self.method.parse::<Method>().is_ok_and(|method| route.matches(&method, &self.path))
    }
}

/// The last requests, oldest first, and how many there were of each kind.
#[derive(Debug)]
pub struct Journal {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    entries: VecDeque<Entry>,
    size: usize,
    next: u64,
    counts: BTreeMap<String, u64>,
}

impl Journal {
    pub(crate) fn new(size: usize) -> Self {
        let state = State { entries: VecDeque::new(), size: size.max(1), next: 1, counts: BTreeMap::new() };
        Self { state: Mutex::new(state) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The requests that are still kept, oldest first.
    pub fn requests(&self) -> Vec<Entry> {
        self.state().entries.iter().cloned().collect()
    }

    /// The requests numbered above `number` that are still kept.
    pub fn since(&self, number: u64) -> Vec<Entry> {
        self.state().entries.iter().filter(|entry| entry.number > number).cloned().collect()
    }

    /// The kept requests of one route.
    pub fn of(&self, route: &Route) -> Vec<Entry> {
        self.state().entries.iter().filter(|entry| entry.is(route)).cloned().collect()
    }

    /// How many requests each route had since the org began, dropped entries included.
    /// A request without a named route counts under `other`.
    pub fn counts(&self) -> BTreeMap<String, u64> {
        self.state().counts.clone()
    }

    /// How many requests there were of one named route since the org began, dropped entries included.
    pub fn count(&self, route: &Route) -> u64 {
        self.state().counts.get(&route.to_string()).copied().unwrap_or_default()
    }

    /// Forgets the entries. Numbers and counts go on.
    pub fn clear(&self) {
        self.state().entries.clear();
    }

    pub(crate) fn begin(
        &self,
        method: &Method,
        path: &str,
        query: Option<&str>,
        at: i64,
        received: u64,
    ) -> u64 {
        let name = Route::of(method, path).map_or_else(|| "other".to_owned(), |route| route.to_string());
        let mut state = self.state();
        *state.counts.entry(name).or_default() += 1;
        let number = state.next;
        state.next += 1;
        if state.entries.len() == state.size {
            state.entries.pop_front();
        }
        state.entries.push_back(Entry {
            number,
            at,
            method: method.to_string(),
            path: path.to_owned(),
            query: query.map(without_secrets).unwrap_or_default(),
            user: None,
            detail: None,
            status: None,
            received,
            sent: 0,
            fault: None,
        });
        number
    }

    pub(crate) fn amend(&self, number: u64, change: impl FnOnce(&mut Entry)) {
        let mut state = self.state();
        // Numbers are consecutive, so the place of an entry follows from the first one's.
        let first = state.entries.front().map_or(number, |entry| entry.number);
        let place = number.checked_sub(first).and_then(|n| usize::try_from(n).ok());
        if let Some(entry) = place.and_then(|place| state.entries.get_mut(place)) {
            change(entry);
        }
    }
}

fn without_secrets(query: &str) -> String {
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(query).unwrap_or_default();
    let shown: Vec<String> = pairs
        .into_iter()
        .map(
            |(key, value)| {
                if SECRET.contains(&key.as_str()) { format!("{key}=***") } else { format!("{key}={value}") }
            },
        )
        .collect();
    shown.join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_entry_goes_and_counts_stay() {
        let journal = Journal::new(2);
        for n in 0..3 {
            let number = journal.begin(&Method::POST, "/services/oauth2/token", None, n, 0);
            journal.amend(number, |entry| entry.status = Some(200));
        }
        let numbers: Vec<_> = journal.requests().iter().map(|entry| (entry.number, entry.status)).collect();
        assert_eq!(numbers, [(2, Some(200)), (3, Some(200))]);
        assert_eq!(journal.count(&Route::Token), 3);
        journal.amend(1, |entry| entry.status = Some(500));
        assert!(journal.requests().iter().all(|entry| entry.status == Some(200)));
        assert_eq!(journal.since(2).len(), 1);
    }

    #[test]
    fn secrets_in_a_query_string_are_not_kept() {
        let journal = Journal::new(9);
        journal.begin(&Method::GET, "/services/oauth2/revoke", Some("token=00Dabc&x=a%20b"), 0, 0);
        let entry = journal.requests().remove(0);
        assert_eq!(entry.query, "token=***&x=a b");
        assert_eq!(entry.parameter("x"), Some("a b"));
    }
}
