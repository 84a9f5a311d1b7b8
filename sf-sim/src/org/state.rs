//! What changes while the org runs, beside its rows: sessions, limits, jobs, cursors and knobs.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexMap;

use crate::bulk::{IngestJobs, IngestKnobs, Job};
use crate::events::PublishedEvent;
use crate::fault::Reply;
use crate::id::{KeyPrefix, RecordId};
use crate::limits::Limits;
use crate::oauth::{Ledger, Login};
use crate::org::accounts::Accounts;
use crate::rest::Cursor;

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;
/// How long cursors of REST queries live.
const CURSOR_MS: i64 = 2 * DAY_MS;
/// How many cursors of REST queries an org keeps: with one more, the one that was longest not used goes.
const CURSORS: usize = 500;
/// How long an org keeps a job and its results.
const JOB_MS: i64 = 7 * DAY_MS;
/// Logins that a user has in an hour.
const LOGINS: u32 = 3_600;
/// Characters of an access token behind the org's id.
const TOKEN_CHARS: usize = 96;

/// How fast jobs go from `UploadComplete` to `JobComplete`: those of queries, and those of ingest, which commit their rows in
/// transactions of 200 on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum JobPace {
    /// A job is complete when it is first asked for.
    #[default]
    AtOnce,
    /// A job shows as `InProgress` for so many polls first.
    Polls(u32),
    /// A job is complete so long after it was created, by the org's clock.
    After(Duration),
}

/// What a test may turn while the org runs.
#[derive(Clone, Debug)]
pub(crate) struct Knobs {
    pub(crate) date_skew_ms: i64,
    pub(crate) session_ms: i64,
    /// The most rows of one page of results, whatever the client asks for.
    pub(crate) page_cap: Option<u64>,
    pub(crate) job_pace: JobPace,
    pub(crate) gzip: bool,
    pub(crate) my_domain: bool,
    pub(crate) org_active: bool,
    /// Rows of one page of a REST query.
    pub(crate) batch_size: usize,
    pub(crate) ingest: IngestKnobs,
}

impl Default for Knobs {
    fn default() -> Self {
        Self {
            date_skew_ms: 0,
            session_ms: 2 * HOUR_MS,
            page_cap: None,
            job_pace: JobPace::AtOnce,
            gzip: true,
            my_domain: true,
            org_active: true,
            batch_size: 2_000,
            ingest: IngestKnobs::default(),
        }
    }
}

/// Where the org lives after it moved.
#[derive(Clone, Debug)]
pub(crate) struct Moved {
    pub(crate) to: String,
    pub(crate) old: Reply,
}

#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) user: RecordId,
    pub(crate) username: Arc<str>,
    pub(crate) client_id: Arc<str>,
    pub(crate) scope: Arc<str>,
    family: Option<u64>,
    pub(crate) opened_at: i64,
    pub(crate) expires_at: i64,
}

pub(crate) struct State {
    pub(crate) knobs: Knobs,
    pub(crate) limits: Limits,
    pub(crate) moved: Option<Moved>,
    pub(crate) jobs: HashMap<RecordId, Job>,
    pub(crate) ingest: IngestJobs,
    pub(crate) events: VecDeque<PublishedEvent>,
    pub(crate) accounts: Accounts,
    pub(crate) ledger: Ledger,
    sessions: HashMap<String, Session>,
    /// The one that was used last stands last.
    cursors: IndexMap<String, Cursor>,
    /// The hour of a user's last login, and how many it had in that hour.
    logins: HashMap<RecordId, (i64, u32)>,
    next_job: u64,
    random: fastrand::Rng,
}

impl State {
    pub(crate) fn new(knobs: Knobs, accounts: Accounts, seed: u64) -> Self {
        Self {
            knobs,
            limits: Limits::new(),
            moved: None,
            jobs: HashMap::new(),
            ingest: IngestJobs::default(),
            events: VecDeque::new(),
            accounts,
            ledger: Ledger::default(),
            sessions: HashMap::new(),
            cursors: IndexMap::new(),
            logins: HashMap::new(),
            next_job: 1,
            random: fastrand::Rng::with_seed(seed ^ 0x5f5f_6f72_675f_5f73),
        }
    }

    /// So many characters that ids and tokens are made of.
    pub(crate) fn random_text(&mut self, chars: usize) -> String {
        std::iter::repeat_with(|| self.random.alphanumeric()).take(chars).collect()
    }

    /// A version 4 UUID.
    pub(crate) fn random_uuid(&mut self) -> uuid::Uuid {
        uuid::Builder::from_random_bytes(self.random.u128(..).to_be_bytes()).into_uuid()
    }

    /// Counts a login; false when the user had too many within the hour.
    pub(crate) fn log_in(&mut self, user: RecordId, now: i64) -> bool {
        let hour = now.div_euclid(HOUR_MS);
        let logins = self.logins.entry(user).or_default();
        if logins.0 != hour {
            *logins = (hour, 0);
        }
        logins.1 += 1;
        logins.1 <= LOGINS
    }

    pub(crate) fn open_session(&mut self, org: RecordId, login: Login, now: i64) -> String {
        self.sessions.retain(|_, session| session.expires_at > now);
        let token = format!("{}!AQ{}", org.as_str15(), self.random_text(TOKEN_CHARS));
        let Login { who, client_id, scope, family } = login;
        let session = Session {
            user: who.id,
            username: who.username,
            client_id,
            scope,
            family,
            opened_at: now,
            expires_at: now.saturating_add(self.knobs.session_ms),
        };
        self.sessions.insert(token.clone(), session);
        token
    }

    /// The session of a token, without using it.
    pub(crate) fn peek_session(&self, token: &str, now: i64) -> Option<&Session> {
        self.sessions.get(token).filter(|session| session.expires_at > now)
    }

    /// Ends the sessions that hang on the refresh tokens of a family.
    pub(crate) fn end_family_sessions(&mut self, family: u64) {
        self.sessions.retain(|_, session| session.family != Some(family));
    }

    /// The session of a token; using it prolongs it.
    pub(crate) fn session(&mut self, token: &str, now: i64) -> Option<Session> {
        let life = self.knobs.session_ms;
        let session = self.sessions.get_mut(token).filter(|session| session.expires_at > now)?;
        session.expires_at = session.expires_at.max(now.saturating_add(life));
        Some(session.clone())
    }

    /// Ends one session, or all.
    pub(crate) fn end_session(&mut self, token: Option<&str>) -> bool {
        match token {
            Some(token) => self.sessions.remove(token).is_some(),
            None => {
                let any = !self.sessions.is_empty();
                self.sessions.clear();
                any
            }
        }
    }

    /// Keeps a cursor; its name is random and says nothing.
    pub(crate) fn keep_cursor(&mut self, cursor: Cursor, now: i64) -> String {
        self.cursors.retain(|_, cursor| cursor.expires_at > now);
        let name = self.cursor_name();
        self.keep_cursor_as(name.clone(), cursor, now);
        name
    }

    pub(crate) fn cursor_name(&mut self) -> String {
        format!("0r8{}", self.random_text(15))
    }

    pub(crate) fn keep_cursor_as(&mut self, name: String, mut cursor: Cursor, now: i64) {
        cursor.expires_at = now.saturating_add(CURSOR_MS);
        self.cursors.insert(name, cursor);
        while self.cursors.len() > CURSORS {
            self.cursors.shift_remove_index(0);
        }
    }

    /// Ends all cursors, as two days would.
    pub(crate) fn drop_cursors(&mut self) {
        self.cursors.clear();
    }

    /// A cursor that is to be used now.
    pub(crate) fn cursor(&mut self, name: &str, now: i64) -> Option<Cursor> {
        let at = self.cursors.get_index_of(name)?;
        self.cursors.move_index(at, self.cursors.len() - 1);
        self.cursors.get(name).filter(|cursor| cursor.expires_at > now).cloned()
    }

    pub(crate) fn next_job_id(&mut self) -> RecordId {
        let id = RecordId::new(KeyPrefix::of("750"), self.next_job);
        self.next_job += 1;
        id
    }

    /// Forgets jobs whose results the org keeps no longer.
    pub(crate) fn drop_old_jobs(&mut self, now: i64) {
        self.jobs.retain(|_, job| now.saturating_sub(job.created_at()) < JOB_MS);
        self.ingest.drop_old(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::org::Who;

    fn who() -> Who {
        Who { id: RecordId::new(KeyPrefix::of("005"), 1), username: "u@example.com".into() }
    }

    fn state() -> State {
        State::new(Knobs::default(), Accounts::default(), 1)
    }

    #[test]
    fn a_session_ends_by_the_clock_and_use_prolongs_it() {
        let mut state = state();
        let org = RecordId::new(KeyPrefix::of("00D"), 1);
        let token = state.open_session(org, Login::plain(who()), 0);
        assert!(token.starts_with("00D5i0000000001!AQ"), "{token}");
        assert!(state.session(&token, 2 * HOUR_MS - 1).is_some());
        assert!(state.session(&token, 3 * HOUR_MS).is_some());
        assert!(state.session(&token, 5 * HOUR_MS).is_none());
        assert!(state.session("00D!other", 0).is_none());
    }

    #[test]
    fn a_user_logs_in_so_often_an_hour_and_no_more() {
        let mut state = state();
        let user = who().id;
        let passed = (0..LOGINS + 2).filter(|_| state.log_in(user, 5)).count();
        assert_eq!(passed, 3_600);
        assert!(state.log_in(user, HOUR_MS));
        assert!(state.log_in(RecordId::new(KeyPrefix::of("005"), 2), 5));
    }
}
