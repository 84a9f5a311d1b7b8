//! Making a job: what a request has to say, and what it is refused for.

use std::sync::Arc;

use bytes::Bytes;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde_json::{Map, Value};

use super::header::is_key;
use super::job::{IngestJob, Operation, Order};
use super::{BATCHES_USED, bad, check_memory, rows_used, shut};
use crate::bulk::format::{Delimiter, LineEnding};
use crate::bulk::{choice, no_such_value};
use crate::id::RecordId;
use crate::limits::{BATCHES, INGEST_ROWS};
use crate::org::Shared;
use crate::rest::body::{members, members_of};
use crate::rest::multipart;
use crate::rest::{Answer, DataCall};
use crate::schema::ObjectDef;

/// What ids of assignment rules begin with.
const ASSIGNMENT_RULE: &str = "01Q";
/// Characters of data that may come together with the job.
const MOST_CHARACTERS: usize = 100_000;

/// `POST …/jobs/ingest`, as JSON or as a form with the data in it.
pub(super) async fn create(org: &Arc<Shared>, data: &DataCall<'_>) -> Result<Answer, Answer> {
    let content_type = data.call.header(CONTENT_TYPE.as_str()).unwrap_or_default();
    let (body, content) = match multipart::boundary(content_type) {
        Some(boundary) => form(&data.call.body, &boundary)?,
        None => (members(data.call)?, None),
    };
    let wanted = Wanted::of(org, &body)?;
    let detail = wanted.detail();
    org.journal.amend(data.call.number, |entry| entry.detail = Some(detail));
    let now = org.clock.now_ms();
    let id = {
        let mut state = org.state();
        let (used, most) = state.limits.usage(BATCHES, now);
        if used >= most {
            return Err(bad("LIMIT_EXCEEDED", BATCHES_USED));
        }
        let (used, most) = state.limits.usage(INGEST_ROWS, now);
        if used >= most {
            drop(state);
            return Err(bad("LIMIT_EXCEEDED", rows_used(org, now)));
        }
        check_memory(&state, content.as_ref().map_or(0, |content| content.len() as u64))?;
        let id = state.next_job_id();
        state.ingest.insert(IngestJob::new(Order {
            id,
            operation: wanted.operation,
            object: wanted.object.name.clone(),
            external: wanted.external,
            assignment_rule: wanted.assignment_rule,
            version: data.version,
            delimiter: wanted.delimiter,
            line_ending: wanted.line_ending,
            created_by: data.session.user,
            created_ms: org.clock.stamp_ms(),
        }));
        id
    };
    if let Some(content) = content {
        shut(org, id, content).await?;
    }
    let body = org.state().ingest.get(id).map(IngestJob::created);
    let mut answer = Answer::ok(&body.ok_or_else(Answer::not_found)?);
    answer.job = Some(id);
    Ok(answer)
}

fn form(body: &Bytes, boundary: &str) -> Result<(Map<String, Value>, Option<Bytes>), Answer> {
    let parts = multipart::parts(body, boundary)
        .ok_or_else(|| bad("INVALIDJOB", "The multipart body cannot be read"))?;
    let part = |name: &str| {
        parts.iter().find(|part| part.name.as_deref() == Some(name)).map(|part| part.content.clone())
    };
    let (Some(job), Some(content)) = (part("job"), part("content")) else {
        return Err(bad("INVALIDJOB", "A multipart request has the parts job and content"));
    };
    if content.len() > MOST_CHARACTERS && String::from_utf8_lossy(&content).chars().count() > MOST_CHARACTERS
    {
        let message = format!("The content part has more than {MOST_CHARACTERS} characters");
        return Err(bad("INVALIDJOB", message));
    }
    Ok((members_of(&job)?, Some(content)))
}

/// What a create request asks for.
struct Wanted {
    operation: Operation,
    object: Arc<ObjectDef>,
    external: Option<String>,
    assignment_rule: Option<RecordId>,
    delimiter: Delimiter,
    line_ending: LineEnding,
}

impl Wanted {
    fn of(org: &Shared, body: &Map<String, Value>) -> Result<Self, Answer> {
        let text = |name: &str| body.get(name).and_then(Value::as_str);
        let name = text("operation");
        let operation = name.and_then(Operation::named);
        let operation = operation.ok_or_else(|| no_such_value(&name.into(), "operation"))?;
        if operation == Operation::HardDelete && !org.state().knobs.ingest.hard_delete {
            let message = "hardDelete operation requires special user profile permission, please contact your system administrator";
            return Err(Answer::gateway(StatusCode::BAD_REQUEST, "FEATURENOTENABLED", message));
        }
        if let Some(other) = text("contentType").filter(|kind| *kind != "CSV") {
            return Err(no_such_value(&other.into(), "contentType"));
        }
        let name = text("object").unwrap_or("null");
        let object = org.read(|store| store.catalog().get(name).cloned());
        let object = object.ok_or_else(|| bad("INVALIDENTITY", format!("Unable to find object: {name}")))?;
        if !takes(&object, operation) {
            let message = format!("Entity '{}' is not supported by the Bulk API.", object.name);
            return Err(bad("INVALIDENTITY", message));
        }
        Ok(Self {
            external: external(&object, operation, text("externalIdFieldName"))?,
            assignment_rule: assignment_rule(body.get("assignmentRuleId"))?,
            delimiter: choice(body.get("columnDelimiter"), "columnDelimiter")?,
            line_ending: choice(body.get("lineEnding"), "lineEnding")?,
            operation,
            object,
        })
    }

    fn detail(&self) -> String {
        let by = self.external.as_ref().map(|field| format!(" by {field}")).unwrap_or_default();
        format!("{} {}{by}", self.operation.as_str(), self.object.name)
    }
}

fn takes(object: &ObjectDef, operation: Operation) -> bool {
    match operation {
        // An event is published: there is nothing to change or delete.
        _ if object.event => operation == Operation::Insert && object.createable,
        Operation::Insert => object.createable,
        Operation::Update => object.updateable,
        Operation::Upsert => object.createable && object.updateable,
        Operation::Delete | Operation::HardDelete => object.deletable,
    }
}

/// The rule that assigns the rows to owners, by its id. The org holds no such rules: any id of one is taken.
fn assignment_rule(value: Option<&Value>) -> Result<Option<RecordId>, Answer> {
    let Some(value) = value.filter(|value| !value.is_null()) else { return Ok(None) };
    let id = value.as_str().and_then(|text| text.parse::<RecordId>().ok());
    let rule = id.filter(|id| id.key_prefix() == ASSIGNMENT_RULE);
    let message = || format!("Invalid assignmentRuleId: {}", value.as_str().unwrap_or("?"));
    rule.map(Some).ok_or_else(|| bad("INVALIDJOB", message()))
}

/// The external id field of an upsert, as the request names it.
fn external(object: &ObjectDef, operation: Operation, name: Option<&str>) -> Result<Option<String>, Answer> {
    if operation != Operation::Upsert {
        return Ok(None);
    }
    let name = name.filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| {
        let object = &object.name;
        invalid_job(&format!(
            "External ID was blank for {object}. An External ID must be specified for upsert."
        ))
    })?;
    if object.field(name).is_some_and(|(_, field)| is_key(field)) {
        return Ok(Some(name.to_owned()));
    }
    let object = &object.name;
    Err(invalid_job(&format!("Field name provided, {name} does not match an External ID for {object}")))
}

/// As orgs were seen to say it: the code is in the message once more.
fn invalid_job(message: &str) -> Answer {
    bad("INVALIDJOB", format!("InvalidJob : {message}"))
}
