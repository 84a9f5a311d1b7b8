//! One cell, played one way at one place: the fault is armed, the client works, and the org is asked what is true.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use sf_sim::fault::{Action, Fault, FaultId, Hook, Route as On};

use crate::failed::Failed;
use crate::org::Org;
use crate::route::{Place, Route, Work};
use crate::table::Expected;
use crate::trouble::{Deed, GIVEN_UP, Way};
use crate::work::{Problems, carry_out};

/// A play takes a few seconds at most.
const LONGEST: Duration = Duration::from_secs(120);
/// The least pause that a `Retry-After` of one second allows.
const RETRY_AFTER_MS: i64 = 1_000;

/// A cell of the table at one of its places.
pub(crate) struct Cell<'t> {
    pub(crate) fault: &'t str,
    pub(crate) route: Route,
    pub(crate) place: Place,
    pub(crate) way: Way,
    pub(crate) expected: &'t Expected,
}

/// A fault that waits for its call.
enum Armed {
    Fault(FaultId),
    /// Calls that are held before the org has seen them, and again once it has worked.
    Silence(Vec<(Hook, Hook)>),
    Abort(Hook),
}

impl Cell<'_> {
    /// Whether the job is to end with some rows written and some not: then its outcomes are what the cell is about.
    fn half_way(&self) -> bool {
        self.route == Route::OutcomeFiles && self.fault.starts_with("job ")
    }

    /// Plays it; what is not as the table says, in sentences.
    pub(crate) async fn play(&self) -> Problems {
        match tokio::time::timeout(LONGEST, self.played()).await {
            Ok(Ok(problems)) => problems,
            Ok(Err(void)) => vec![format!("void: {void}")],
            Err(_) => vec![format!("no end after {} s", LONGEST.as_secs())],
        }
    }

    async fn played(&self) -> Result<Problems, String> {
        let work = self.place.work;
        let silent = matches!(self.way.deed, Deed::Silence | Deed::Act(Action::Stall { .. }));
        let org = Org::new(work, silent).await?;
        org.sim.set_gzip(self.way.gzip);
        if self.fault.starts_with("job ") && (self.half_way() || matches!(self.way.deed, Deed::Abort { .. }))
        {
            org.slow_jobs();
        }
        let mut problems = Problems::new();
        let (armed, outcome) = self.work_in(&org, &mut problems).await?;
        self.check_calls(&org, &armed, &mut problems);
        // From here on the org is asked what is true, and has to answer.
        org.sim.faults().clear();
        self.settle(&org, &armed).await?;
        self.check_rows(&org, outcome.as_ref().err(), &mut problems);
        self.judge(&org, outcome, &mut problems);
        Ok(problems)
    }

    /// The client's work with the fault armed: before the login where that is what is hit, else after it.
    async fn work_in(
        &self,
        org: &Org,
        problems: &mut Problems,
    ) -> Result<(Armed, Result<(), Failed>), String> {
        let work = self.place.work;
        let login = async || org.login().await.map_err(Failed::from);
        let (armed, client) = if work == Work::Login {
            let armed = self.arm(org);
            match login().await {
                Ok(client) => (armed, client),
                Err(failed) => return Ok((armed, Err(failed))),
            }
        } else {
            let client =
                login().await.map_err(|failed| format!("the login before the fault: {}", failed.shown))?;
            if work == Work::Renewal {
                org.sim.expire_sessions();
            }
            (self.arm(org), client)
        };
        let client_works = carry_out(work, org, &client, self.half_way(), problems);
        let outcome = match &armed {
            Armed::Abort(hook) => {
                let (outcome, aborted) = tokio::join!(client_works, self.abort(org, hook));
                aborted?;
                outcome
            }
            _ => client_works.await,
        };
        Ok((armed, outcome))
    }

    fn arm(&self, org: &Org) -> Armed {
        let (on, nth) = self.target();
        let fault = Fault::on(on.clone()).nth(nth);
        let fault = match self.way.times {
            Some(times) => fault.times(times),
            None => fault.always(),
        };
        let add = |action| Armed::Fault(org.sim.faults().add(fault.then(action)));
        match &self.way.deed {
            Deed::Act(action) => add(action.clone()),
            Deed::Move(old) => {
                let to = org.elsewhere();
                let old = old.reply(&to);
                add(Action::MoveOrg { to, old })
            }
            Deed::Silence => {
                let times = self.way.times.unwrap_or(1);
                let calls = (nth..nth + times)
                    .map(|nth| (org.sim.hook_before(on.clone(), nth), org.sim.hook(on.clone(), nth)));
                Armed::Silence(calls.collect())
            }
            Deed::Abort { before: true } => Armed::Abort(org.sim.hook_before(on, nth)),
            Deed::Abort { before: false } => Armed::Abort(org.sim.hook(on, nth)),
        }
    }

    /// The call that is hit: the cell's own, or the look at the job at which half of it is done.
    fn target(&self) -> (On, u64) {
        if self.half_way() { (On::IngestInfo, 3) } else { (self.place.on.clone(), self.place.nth) }
    }

    /// Somebody else ends the job of the call while that is held.
    async fn abort(&self, org: &Org, hook: &Hook) -> Result<(), String> {
        hook.arrived().await;
        let kind = match self.place.work {
            Work::Ingest | Work::Load | Work::Multipart => "ingest",
            _ => "query",
        };
        let (on, nth) = self.target();
        let held =
            usize::try_from(nth - 1).ok().and_then(|nth| org.sim.journal().of(&on).into_iter().nth(nth));
        let in_path = held.and_then(|call| {
            call.path.split_once(&format!("/jobs/{kind}/"))?.1.split('/').next().map(str::to_owned)
        });
        let id = match in_path.filter(|id| !id.is_empty()) {
            Some(id) => id,
            // A creation has no id in its path; the job that it made is the newest.
            None => {
                org.jobs(kind).await?.into_iter().map(|(id, _)| id).max().ok_or("there is no job to abort")?
            }
        };
        org.ask(Method::PATCH, &format!("jobs/{kind}/{id}"), json!({ "state": "Aborted" })).await?;
        hook.release();
        Ok(())
    }

    /// Lets the org do what it still has to do: calls that were held arrive now.
    async fn settle(&self, org: &Org, armed: &Armed) -> Result<(), String> {
        if let Armed::Silence(calls) = armed {
            for (before, after) in calls {
                if !before.has_arrived() {
                    return Err("the fault did not meet its call".to_owned());
                }
                before.release();
                after.arrived().await;
                after.release();
            }
        }
        // What the org has closed it works on to its end, and somebody has to look for that to be seen.
        if self.place.work.writes() {
            for (id, _) in org.jobs("ingest").await? {
                for _ in 0..8 {
                    org.ask(Method::GET, &format!("jobs/ingest/{id}"), Value::Null).await?;
                }
            }
        }
        Ok(())
    }

    /// The outcome against the table.
    fn judge(&self, org: &Org, outcome: Result<(), Failed>, problems: &mut Problems) {
        let failed = match (outcome, self.expected) {
            (Ok(()), Expected::Recover) => return,
            (Ok(()), expected) => {
                problems.push(format!("{expected} expected, and no error was shown"));
                return;
            }
            (Err(failed), _) => failed,
        };
        if failed.cell() != self.expected.to_string() {
            problems.push(format!("{} expected, it is {}: {}", self.expected, failed.cell(), failed.shown));
        }
        let made_first = ["JobFailed", "JobAborted"].contains(&failed.kind.as_str());
        if self.route.has_job() || made_first {
            match &failed.job {
                None => problems.push(format!("the error does not carry the job's id: {}", failed.shown)),
                Some(job) if !failed.shown.contains(job) => {
                    problems.push(format!("the error does not show the job's id: {}", failed.shown));
                }
                Some(_) => {}
            }
        }
        if failed.kind == "JobFailed" && !failed.shown.contains(GIVEN_UP) {
            problems.push(format!("the error does not say why the job failed: {}", failed.shown));
        }
        let known = org.sim.credentials();
        // Every access token of the emulator has these characters behind the org's id.
        if failed.all.contains("!AQ") || failed.all.contains(&known.client_secret) {
            problems.push(format!("the error shows a secret: {}", failed.shown));
        }
    }

    /// Whether the org has worked and the client finds out without repeating the call: how the job stands is asked after a lost
    /// answer to its close, a job that was made with its data is looked for, and the head of an answer tells that a row was created.
    fn is_settled_at_once(&self, on: &On) -> bool {
        let Deed::Act(action) = &self.way.deed else { return false };
        match action {
            Action::Cut { .. } | Action::Stall { .. } | Action::BrokenGzip { .. } => {
                *on == On::Close || matches!(self.place.work, Work::Insert | Work::Multipart)
            }
            Action::ReplyAfter(_) | Action::ResetAfter => {
                *on == On::Close || self.place.work == Work::Multipart
            }
            _ => false,
        }
    }

    /// How often the fault was met, and how often and when the client asked again.
    fn check_calls(&self, org: &Org, armed: &Armed, problems: &mut Problems) {
        let (on, _) = self.target();
        let calls = org.sim.journal().of(&on);
        let silent = matches!(armed, Armed::Silence(_));
        for (at, call) in calls.iter().enumerate().filter(|_| on == On::Upload) {
            let unknown = silent || call.status.is_none_or(|status| status >= 500);
            if unknown && calls[at + 1..].iter().any(|again| again.path == call.path) {
                problems.push("an upload whose answer was lost was sent again into the same job".to_owned());
            }
        }
        let Armed::Fault(id) = armed else { return };
        let met = org.sim.faults().count(*id);
        let wanted = if self.is_settled_at_once(&on) { 1 } else { self.way.times.unwrap_or(1) };
        if met < wanted {
            problems.push(format!("void: the fault was to be met {wanted} times, and was {met} times"));
        }
        let at_once = self.place.work.at_once();
        let most = match self.fault {
            "403 daily" | "400 LIMIT_EXCEEDED" => Some(at_once),
            "401 each time" => Some(2 * at_once),
            _ => None,
        };
        if let Some(most) = most.filter(|most| met > *most) {
            problems.push(format!("it was asked {met} times, at most {most} are right"));
        }
        for (at, hit) in calls.iter().enumerate().filter(|(_, call)| call.fault == Some(id.0)) {
            let again =
                calls[at + 1..].iter().find(|call| (&call.path, &call.query) == (&hit.path, &hit.query));
            if self.fault == "429" && again.is_some_and(|again| again.at - hit.at < RETRY_AFTER_MS) {
                problems.push("it was asked again before the time of Retry-After".to_owned());
            }
        }
    }

    /// Nothing is there twice, and what was told is true.
    fn check_rows(&self, org: &Org, failed: Option<&Failed>, problems: &mut Problems) {
        let work = self.place.work;
        if !work.writes() {
            return;
        }
        let names = org.names();
        for (name, times) in names.iter().filter(|(_, times)| **times > 1) {
            problems.push(format!("{name} is there {times} times"));
        }
        let alone = matches!(work, Work::Insert | Work::Upsert);
        let Some(failed) = failed else {
            if alone && names.len() != 1 {
                problems.push("no error was shown, and the row is not there".to_owned());
            }
            return;
        };
        if let Some(written) = failed.written.filter(|written| *written != names.len() as u64) {
            problems.push(format!("{written} rows are told as written, {} are there", names.len()));
        }
        // Before a job has all its data and is closed, nothing of it can have been written.
        let unwritten = (alone && !failed.open)
            || (work == Work::Ingest && matches!(self.route, Route::Create | Route::Upload | Route::Close));
        if unwritten && !names.is_empty() {
            problems.push(format!("{} rows are there, and nothing can have been written", names.len()));
        }
    }
}
