//! Hooks: a test waits for a certain request to arrive, and holds it as long as it likes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::Method;
use tokio::sync::watch;

use super::Route;

/// Where in a request's life a hook holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// Before the org has done anything.
    Before,
    /// After the work, before the answer.
    After,
}

/// A place in the traffic that a test waits for. The request is held there until
/// [`release`](Hook::release) or until the hook is dropped.
#[derive(Debug)]
pub struct Hook {
    number: u64,
    point: Arc<Point>,
    hooks: Arc<Hooks>,
    /// Hooks set over HTTP live until they are released there.
    detached: bool,
}

impl Hook {
    /// Waits until the request is held here.
    pub async fn arrived(&self) {
        self.point.wait_for(|stage| stage != Stage::Waiting).await;
    }

    /// Whether the request is held, or was.
    pub fn has_arrived(&self) -> bool {
        *self.point.stage.borrow() != Stage::Waiting
    }

    /// Lets the request go on. A request that has not come yet will not be held.
    pub fn release(&self) {
        self.hooks.release(self.number);
    }

    /// Keeps the hook when this value goes; its number stands for it from now on.
    pub(crate) fn detach(mut self) -> u64 {
        self.detached = true;
        self.number
    }
}

impl Drop for Hook {
    fn drop(&mut self) {
        if !self.detached {
            self.release();
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Waiting,
    Held,
    Released,
}

#[derive(Debug)]
struct Point {
    stage: watch::Sender<Stage>,
}

impl Point {
    async fn wait_for(&self, wanted: impl Fn(Stage) -> bool) {
        let mut watcher = self.stage.subscribe();
        // The sender is in `self`, so waiting cannot fail.
        let _ = watcher.wait_for(|stage| wanted(*stage)).await;
    }
}

#[derive(Debug, Default)]
pub(crate) struct Hooks {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    last: u64,
    set: BTreeMap<u64, Set>,
}

#[derive(Debug)]
struct Set {
    route: Route,
    containing: Option<String>,
    nth: u64,
    seen: u64,
    when: When,
    point: Arc<Point>,
}

impl Hooks {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set(
        self: &Arc<Self>,
        route: Route,
        containing: Option<String>,
        nth: u64,
        when: When,
    ) -> Hook {
        let point = Arc::new(Point { stage: watch::Sender::new(Stage::Waiting) });
        let mut state = self.state();
        state.last += 1;
        let number = state.last;
        let set = Set { route, containing, nth: nth.max(1), seen: 0, when, point: Arc::clone(&point) };
        state.set.insert(number, set);
        Hook { number, point, hooks: Arc::clone(self), detached: false }
    }

    /// Waits until a hook set earlier holds its request; false for one that is not there.
    pub(crate) async fn arrived(&self, number: u64) -> bool {
        let point = self.state().set.get(&number).map(|set| Arc::clone(&set.point));
        let Some(point) = point else { return false };
        point.wait_for(|stage| stage != Stage::Waiting).await;
        true
    }

    pub(crate) fn release(&self, number: u64) -> bool {
        let Some(set) = self.state().set.remove(&number) else { return false };
        set.point.stage.send_replace(Stage::Released);
        true
    }

    /// Counts a request on every hook and returns the points that will hold it.
    pub(crate) fn meet(&self, method: &Method, path: &str, text: impl Fn() -> String) -> Held {
        let mut held = Held::default();
        for set in self.state().set.values_mut() {
            let wanted = |part: &String| text().contains(part);
            if !set.route.matches(method, path) || !set.containing.as_ref().is_none_or(wanted) {
                continue;
            }
            set.seen += 1;
            if set.seen == set.nth {
                let list = match set.when {
                    When::Before => &mut held.before,
                    When::After => &mut held.after,
                };
                list.push(Arc::clone(&set.point));
            }
        }
        held
    }
}

/// The points that hold one request.
#[derive(Debug, Default)]
pub(crate) struct Held {
    before: Vec<Arc<Point>>,
    after: Vec<Arc<Point>>,
}

impl Held {
    pub(crate) async fn before(&self) {
        hold(&self.before).await;
    }

    pub(crate) async fn after(&self) {
        hold(&self.after).await;
    }
}

async fn hold(points: &[Arc<Point>]) {
    for point in points {
        point.stage.send_if_modified(|stage| {
            let waits = *stage == Stage::Waiting;
            if waits {
                *stage = Stage::Held;
            }
            waits
        });
        point.wait_for(|stage| stage == Stage::Released).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_nth_request_is_held_until_the_hook_lets_go() {
        let hooks = Arc::new(Hooks::default());
        let hook = hooks.set(Route::Token, None, 2, When::After);
        let meet = || hooks.meet(&Method::POST, "/services/oauth2/token", String::new);
        let first = meet();
        first.before().await;
        first.after().await;
        assert!(!hook.has_arrived());
        let second = meet();
        let task = tokio::spawn(async move { second.after().await });
        hook.arrived().await;
        assert!(!task.is_finished());
        drop(hook);
        task.await.unwrap();
        meet().after().await;
    }
}
