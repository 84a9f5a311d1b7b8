//! `GET …/jobs/ingest` and `…/jobs/query`: both list the jobs of both kinds.

use http::StatusCode;
use serde_json::{Value, json};

use super::{IngestJob, Job, bad};
use crate::id::RecordId;
use crate::org::Shared;
use crate::rest::{Answer, DataCall};

/// Jobs of one page.
const PAGE: usize = 1_000;

/// Jobs in the order of their creation, a page at a time.
pub(super) fn list(org: &Shared, data: &DataCall<'_>) -> Answer {
    let filter = |name: &str| data.call.parameter(name).filter(|value| !value.is_empty());
    let place = match filter("queryLocator").map(|locator| Place::of(&locator)) {
        Some(None) => return bad("INVALID_QUERY_LOCATOR", "invalid query locator"),
        Some(place) => place,
        None => None,
    };
    let (after, seen) = place.as_ref().map_or((None, 0), |place| (Some(place.last), place.seen));
    // What the first page was asked for holds for those behind it.
    let kinds: Vec<String> =
        place.and_then(|place| place.kind.map(str::to_owned)).into_iter().chain(filter("jobType")).collect();
    let wanted = |job: &str| kinds.iter().all(|kind| kind == job);
    // All jobs run in parallel, and PK chunking is a setting of jobs of the older API.
    let none = filter("isPkChunkingEnabled").is_some_and(|on| on.eq_ignore_ascii_case("true"))
        || filter("concurrencyMode").is_some_and(|mode| !mode.eq_ignore_ascii_case("Parallel"));

    let now = org.clock.now_ms();
    let mut state = org.state();
    state.drop_old_jobs(now);
    let queries = state.jobs.keys().copied().filter(|_| wanted("V2Query"));
    let ingests = state.ingest.ids().filter(|_| wanted("V2Ingest"));
    let behind = |id: &RecordId| !none && after.is_none_or(|last| *id > last);
    let mut ids: Vec<RecordId> = queries.chain(ingests).filter(behind).collect();
    ids.sort_unstable();
    let done = ids.len() <= PAGE;
    ids.truncate(PAGE);
    let one = |id: &RecordId| {
        state.jobs.get(id).map(listed).or_else(|| state.ingest.get(*id).map(IngestJob::listed))
    };
    let records: Vec<Value> = ids.iter().filter_map(one).collect();
    drop(state);
    let next = ids.last().filter(|_| !done).map(|last| {
        let kind = KINDS
            .iter()
            .find_map(|(_, kind)| kind.filter(|kind| kinds.first().is_some_and(|one| one == kind)));
        let place = Place { last: *last, kind, seen: seen.saturating_add(PAGE) };
        // Both lists are gone on with in the same place, as documented.
        format!("/services/data/{}/jobs/ingest?queryLocator={}", data.version, place.locator())
    });
    Answer::json(StatusCode::OK, &json!({ "done": done, "records": records, "nextRecordsUrl": next }))
}

fn listed(job: &Job) -> Value {
    let mut body = job.short();
    body.insert("jobType".to_owned(), "V2Query".into());
    job.format(&mut body);
    Value::Object(body)
}

/// The kinds of jobs that a list is of, by the last characters of its locators' ids.
const KINDS: [(&str, Option<&str>); 3] = [("AAA", None), ("AAQ", Some("V2Query")), ("AAY", Some("V2Ingest"))];

/// Where a list goes on.
struct Place {
    /// The job told last.
    last: RecordId,
    /// The only kind of jobs that the list is of.
    kind: Option<&'static str>,
    /// How many jobs were told.
    seen: usize,
}

impl Place {
    /// `01gR0000000opRTIAY-2000`: opaque to clients.
    fn locator(&self) -> String {
        let end = KINDS.iter().find(|(_, kind)| *kind == self.kind).map_or("AAA", |(end, _)| end);
        format!("01g{}{end}-{}", self.last.as_str15().get(3..).unwrap_or_default(), self.seen)
    }

    fn of(locator: &str) -> Option<Self> {
        let (id, seen) = locator.strip_prefix("01g")?.split_once('-')?;
        let (id, end) = id.split_at_checked(12)?;
        let (_, kind) = KINDS.iter().find(|(known, _)| *known == end)?;
        Some(Self { last: format!("750{id}").parse().ok()?, kind: *kind, seen: seen.parse().ok()? })
    }
}
