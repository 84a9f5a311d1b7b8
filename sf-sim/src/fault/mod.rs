//! Faults on command: which call goes wrong, when, and how.
//!
//! ```
//! use sf_sim::fault::{Action, Fault, Route};
//! // The second page of results breaks off after 1,000 bytes; the org is unavailable for two polls.
//! let faults = [
//!     Fault::on(Route::Results).nth(2).then(Action::cut(1_000)),
//!     Fault::on(Route::JobInfo).times(2).then(Action::unavailable()),
//! ];
//! # let _ = faults;
//! ```
//!
//! Every fault counts the calls of its route from the moment it is added. Of several that want to
//! act on one call, the one added first does.

mod action;
mod file;
mod hook;
mod oauth;
mod route;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::Method;
use tokio::sync::watch;

pub use action::{Action, Framing, Reply};
pub use file::FaultsFileError;
pub use hook::Hook;
pub(crate) use hook::{Hooks, When};
pub use oauth::OAUTH_ERRORS;
pub use route::Route;

/// One fault: a route, the calls of it that are hit, and what happens to them.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    route: Route,
    containing: Option<String>,
    nth: u64,
    times: u64,
    action: Action,
}

impl Fault {
    /// Begins a fault on a route. Unless said otherwise it hits the first call, once.
    pub fn on(route: Route) -> FaultBuilder {
        FaultBuilder { route, containing: None, nth: 1, times: 1 }
    }

    /// The route that it is on.
    pub fn route(&self) -> &Route {
        &self.route
    }

    /// What it does.
    pub fn action(&self) -> &Action {
        &self.action
    }
}

/// A [`Fault`] without its action.
#[derive(Clone, Debug)]
#[must_use]
pub struct FaultBuilder {
    route: Route,
    containing: Option<String>,
    nth: u64,
    times: u64,
}

impl FaultBuilder {
    /// The first call that is hit: 1 is the next one.
    pub fn nth(mut self, nth: u64) -> Self {
        self.nth = nth.max(1);
        self
    }

    /// How many calls in a row are hit.
    pub fn times(mut self, times: u64) -> Self {
        self.times = times;
        self
    }

    /// Every call from the first one on is hit.
    pub fn always(self) -> Self {
        self.times(u64::MAX)
    }

    /// Only calls with this text in their path, decoded query string or body count.
    pub fn containing(mut self, text: impl Into<String>) -> Self {
        self.containing = Some(text.into());
        self
    }

    /// What happens to the calls that are hit.
    pub fn then(self, action: Action) -> Fault {
        Fault { route: self.route, containing: self.containing, nth: self.nth, times: self.times, action }
    }
}

/// The name of an added fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FaultId(pub u64);

/// The faults of an org. Changes hold from the next request on.
#[derive(Debug, Default)]
pub struct Faults {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    added: Vec<Added>,
    last: u64,
}

#[derive(Debug)]
struct Added {
    id: FaultId,
    fault: Fault,
    seen: u64,
    signals: Arc<Signals>,
}

/// How a fault tells what it did, and is told to let go.
#[derive(Debug)]
pub(crate) struct Signals {
    fired: watch::Sender<u64>,
    released: watch::Sender<bool>,
}

impl Signals {
    fn new() -> Arc<Self> {
        Arc::new(Self { fired: watch::Sender::new(0), released: watch::Sender::new(false) })
    }

    /// Counts one call that the fault has done its work on.
    pub(crate) fn fire(&self) {
        self.fired.send_modify(|n| *n += 1);
    }

    pub(crate) fn is_released(&self) -> bool {
        *self.released.borrow()
    }

    /// Ends when the fault is released.
    pub(crate) async fn released(self: Arc<Self>) {
        let mut watcher = self.released.subscribe();
        // The sender lives as long as `self`, so waiting cannot fail.
        let _ = watcher.wait_for(|released| *released).await;
    }
}

/// A fault that acts on the request in hand.
#[derive(Clone, Debug)]
pub(crate) struct Firing {
    pub(crate) id: FaultId,
    pub(crate) action: Action,
    pub(crate) signals: Arc<Signals>,
}

impl Faults {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a fault; its counting begins now.
    pub fn add(&self, fault: Fault) -> FaultId {
        let mut state = self.state();
        state.last += 1;
        let id = FaultId(state.last);
        state.added.push(Added { id, fault, seen: 0, signals: Signals::new() });
        id
    }

    /// Adds the faults of a file's text, all or none; the README describes the format.
    ///
    /// # Errors
    /// Text that is not such a file; the error names the line and column.
    pub fn add_json(&self, text: &str) -> Result<Vec<FaultId>, FaultsFileError> {
        Ok(file::parse(text)?.into_iter().map(|fault| self.add(fault)).collect())
    }

    /// Takes one fault away and lets go of whatever it holds.
    pub fn remove(&self, id: FaultId) -> bool {
        let mut state = self.state();
        let Some(at) = state.added.iter().position(|added| added.id == id) else { return false };
        state.added.remove(at).signals.released.send_replace(true);
        true
    }

    /// Takes all faults away and lets go of whatever they hold.
    pub fn clear(&self) {
        for added in self.state().added.drain(..) {
            added.signals.released.send_replace(true);
        }
    }

    /// Lets a stalled body or a slow job of this fault go on.
    pub fn release(&self, id: FaultId) -> bool {
        let Some(signals) = self.signals(id) else { return false };
        signals.released.send_replace(true);
        true
    }

    /// How many calls a fault has acted on. A cut or stalled body counts when its last byte before
    /// the fault has gone out.
    pub fn count(&self, id: FaultId) -> u64 {
        self.signals(id).map_or(0, |signals| *signals.fired.borrow())
    }

    /// Waits until a fault has acted on `times` calls. Returns false for a fault that is not there.
    pub async fn fired(&self, id: FaultId, times: u64) -> bool {
        let Some(signals) = self.signals(id) else { return false };
        let mut watcher = signals.fired.subscribe();
        watcher.wait_for(|fired| *fired >= times).await.is_ok()
    }

    /// The faults that are there, in the order in which they were added, and how often each acted.
    pub fn list(&self) -> Vec<(FaultId, Fault, u64)> {
        let state = self.state();
        state
            .added
            .iter()
            .map(|added| (added.id, added.fault.clone(), *added.signals.fired.borrow()))
            .collect()
    }

    fn signals(&self, id: FaultId) -> Option<Arc<Signals>> {
        self.state().added.iter().find(|added| added.id == id).map(|added| Arc::clone(&added.signals))
    }

    /// Counts a request on every fault and returns the one that acts on it.
    pub(crate) fn strike(&self, method: &Method, path: &str, text: impl Fn() -> String) -> Option<Firing> {
        let mut state = self.state();
        let mut firing = None;
        let mut shown: Option<String> = None;
        for added in &mut state.added {
            let fault = &added.fault;
            if !fault.route.matches(method, path) {
                continue;
            }
            if let Some(wanted) = &fault.containing
                && !shown.get_or_insert_with(&text).contains(wanted)
            {
                continue;
            }
            added.seen += 1;
            let hit = added.seen >= fault.nth && added.seen - fault.nth < fault.times;
            if hit && firing.is_none() {
                firing = Some(Firing {
                    id: added.id,
                    action: fault.action.clone(),
                    signals: Arc::clone(&added.signals),
                });
            }
        }
        firing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hits(faults: &Faults, calls: u32) -> Vec<Option<u64>> {
        (0..calls)
            .map(|_| {
                faults.strike(&Method::POST, "/services/oauth2/token", || "grant=x".into()).map(|f| f.id.0)
            })
            .collect()
    }

    #[test]
    fn a_fault_hits_the_calls_it_names_and_no_other() {
        let faults = Faults::default();
        faults.add(Fault::on(Route::Token).nth(2).times(2).then(Action::ResetBefore));
        assert_eq!(hits(&faults, 5), [None, Some(1), Some(1), None, None]);
        assert!(faults.strike(&Method::GET, "/services/data", String::new).is_none());
    }

    #[test]
    fn the_fault_that_was_added_first_acts_and_both_count() {
        let faults = Faults::default();
        faults.add(Fault::on(Route::Any).then(Action::ResetBefore));
        faults.add(Fault::on(Route::Token).times(2).then(Action::ResetAfter));
        assert_eq!(hits(&faults, 3), [Some(1), Some(2), None]);
    }

    #[test]
    fn a_fault_can_ask_for_text_in_the_request() {
        let faults = Faults::default();
        faults.add(Fault::on(Route::Token).containing("y").always().then(Action::ResetBefore));
        assert_eq!(hits(&faults, 2), [None, None]);
        faults.clear();
        faults.add(Fault::on(Route::Token).containing("grant").always().then(Action::ResetBefore));
        assert_eq!(hits(&faults, 2), [Some(2), Some(2)]);
    }

    #[tokio::test]
    async fn a_removed_fault_lets_go() {
        let faults = Faults::default();
        let id = faults.add(Fault::on(Route::Token).then(Action::stall(0)));
        let firing = faults.strike(&Method::POST, "/services/oauth2/token", String::new).unwrap();
        assert!(!firing.signals.is_released());
        firing.signals.fire();
        assert!(faults.fired(id, 1).await);
        assert!(faults.remove(id));
        firing.signals.released().await;
        assert!(!faults.fired(id, 1).await);
    }
}
