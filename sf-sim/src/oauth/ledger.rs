//! What the org has given out beside sessions: codes, refresh tokens, device codes, and logins half done on a page.

use std::collections::HashMap;
use std::sync::Arc;

use crate::org::Who;

/// How long an authorization code lives.
const CODE_MS: i64 = 15 * 60_000;
/// How long a device code lives.
const DEVICE_MS: i64 = 10 * 60_000;
/// Refresh tokens that a user may have of one app; one more ends the oldest.
const FAMILIES: usize = 5;

/// An authorization code.
#[derive(Clone)]
pub(super) struct Code {
    pub(super) client_id: String,
    pub(super) redirect_uri: String,
    pub(super) who: Who,
    pub(super) scope: String,
    pub(super) challenge: Option<String>,
    pub(super) at: i64,
    pub(super) used: bool,
}

impl Code {
    pub(super) fn is_over(&self, now: i64) -> bool {
        self.used || now.saturating_sub(self.at) >= CODE_MS
    }
}

/// A refresh token. Those that follow from one login by rotation are of one family.
#[derive(Clone)]
pub(super) struct Refresh {
    pub(super) client_id: String,
    pub(super) who: Who,
    pub(super) scope: String,
    pub(super) family: u64,
    /// When the login was.
    pub(super) at: i64,
    pub(super) spent: bool,
}

#[derive(Clone)]
pub(super) enum Verdict {
    Waiting,
    Allowed(Who),
    Denied,
}

/// A device that waits for its user.
#[derive(Clone)]
pub(super) struct Device {
    pub(super) client_id: String,
    pub(super) user_code: String,
    pub(super) scope: String,
    pub(super) at: i64,
    pub(super) interval_ms: i64,
    pub(super) next_poll: i64,
    pub(super) verdict: Verdict,
}

impl Device {
    pub(super) fn is_over(&self, now: i64) -> bool {
        now.saturating_sub(self.at) >= DEVICE_MS
    }
}

/// All of it. It holds tokens and is never shown.
#[derive(Default)]
pub(crate) struct Ledger {
    pub(super) codes: HashMap<String, Code>,
    pub(super) devices: HashMap<String, Device>,
    refresh: HashMap<String, Refresh>,
    /// Users that have given their password and not yet said whether they approve.
    tickets: HashMap<String, (String, Who)>,
    families: u64,
}

impl Ledger {
    /// Keeps the refresh token of a login; its family, and the family that had to go for it.
    pub(super) fn begin_family(
        &mut self,
        token: String,
        client_id: &str,
        who: &Who,
        scope: &str,
        at: i64,
    ) -> (u64, Option<u64>) {
        let mut same: Vec<u64> = self
            .refresh
            .values()
            .filter(|known| !known.spent && known.client_id == client_id && known.who.id == who.id)
            .map(|known| known.family)
            .collect();
        same.sort_unstable();
        let oldest = (same.len() >= FAMILIES).then(|| same[0]);
        if let Some(oldest) = oldest {
            self.end_family(oldest);
        }
        self.families += 1;
        let family = self.families;
        let (client_id, who, scope) = (client_id.to_owned(), who.clone(), scope.to_owned());
        self.refresh.insert(token, Refresh { client_id, who, scope, family, at, spent: false });
        (family, oldest)
    }

    pub(super) fn refresh(&self, token: &str) -> Option<&Refresh> {
        self.refresh.get(token)
    }

    /// Puts the next token of a family in the place of one, which stays known as spent.
    pub(super) fn rotate(&mut self, token: &str, next: String) {
        if let Some(old) = self.refresh.get_mut(token) {
            old.spent = true;
            let following = Refresh { spent: false, ..old.clone() };
            self.refresh.insert(next, following);
        }
    }

    pub(super) fn end_family(&mut self, family: u64) {
        self.refresh.retain(|_, known| known.family != family);
    }

    pub(super) fn keep_ticket(&mut self, ticket: String, client_id: &str, who: Who) {
        self.tickets.insert(ticket, (client_id.to_owned(), who));
    }

    pub(super) fn take_ticket(&mut self, ticket: &str, client_id: &str) -> Option<Who> {
        let (app, who) = self.tickets.remove(ticket)?;
        (app == client_id).then_some(who)
    }

    pub(super) fn drop_old(&mut self, now: i64) {
        // A used code is kept for as long as it would live, to be told from one that never was.
        self.codes.retain(|_, code| now.saturating_sub(code.at) < 4 * CODE_MS);
        self.devices.retain(|_, device| now.saturating_sub(device.at) < 4 * DEVICE_MS);
    }
}

/// What an access token was given out for.
#[derive(Clone, Debug)]
pub(crate) struct Login {
    pub(crate) who: Who,
    /// Empty for sessions of no app.
    pub(crate) client_id: Arc<str>,
    pub(crate) scope: Arc<str>,
    /// Of the refresh token that it hangs on.
    pub(crate) family: Option<u64>,
}

impl Login {
    /// A session of no connected app.
    pub(crate) fn plain(who: Who) -> Self {
        Self { who, client_id: "".into(), scope: "full".into(), family: None }
    }
}
