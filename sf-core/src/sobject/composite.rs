//! Several calls in one, later ones with what earlier ones gave.

use std::collections::HashMap;
use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::fields::Fields;
use super::graph::MOST_NODES;
use super::{api_name, external_path, object_path, one_row, take_key};
use crate::client::answer::refused_part;
use crate::client::encode_segment;
use crate::{ApiVersion, Client, Error, ErrorKind, Id, Result, json};

/// Parts that a composite may have (REST API guide, "Composite").
const MOST_PARTS: usize = 25;
/// How many of them may be queries.
const MOST_QUERIES: usize = 5;

/// Up to 25 calls that the org makes one after the other in a single API call. A part can use what an earlier one
/// gave: its [`Reference`] stands for values of its answer.
///
/// ```no_run
/// # async fn example(org: sf_core::Client) -> sf_core::Result<()> {
/// use sf_core::sobject::{Composite, Fields};
///
/// let mut calls = Composite::new().all_or_none(true);
/// let account = calls.create("account", "Account", &Fields::new().field("Name", "Wheelworks"))?;
/// let contact = Fields::new().field("LastName", "Okafor").field("AccountId", account.id());
/// calls.create("contact", "Contact", &contact)?;
/// let read = calls.retrieve("read", "Account", account.id(), &["OwnerId"])?;
/// calls.retrieve("owner", "User", read.field("OwnerId"), &["Name"])?;
///
/// let answer = org.composite(&calls).await?;
/// println!("{} and {}", answer.part("account")?.id()?, answer.part("contact")?.id()?);
/// # Ok(()) }
/// ```
///
/// Each part is checked as it is added: names, how many there are, and that it refers to earlier parts alone.
#[derive(Debug, Clone)]
#[must_use]
pub struct Composite {
    all_or_none: bool,
    most: usize,
    parts: Vec<Call>,
}

impl Default for Composite {
    fn default() -> Self {
        Self::new()
    }
}

#[derive(Debug, Clone)]
struct Call {
    method: &'static str,
    /// Below `/services/data/vXX.X/`.
    path: String,
    reference: String,
    body: Option<Fields>,
}

/// The name of a part, through which later parts use its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference(String);

impl Reference {
    /// Stands for the id that the part's answer has.
    #[must_use]
    pub fn id(&self) -> String {
        self.field("id")
    }

    /// Stands for a member of the part's answer: a field of a row that was read, or `records[0].Id` of a query.
    #[must_use]
    pub fn field(&self, path: &str) -> String {
        format!("@{{{}.{path}}}", self.0)
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Composite {
    /// Nothing to do yet.
    pub fn new() -> Self {
        Self { all_or_none: false, most: MOST_PARTS, parts: Vec::new() }
    }

    /// Nothing to do yet, for a graph of [`Graphs`](super::Graphs): up to 500 parts, all or none of them.
    pub fn graph() -> Self {
        Self { all_or_none: true, most: MOST_NODES, parts: Vec::new() }
    }

    /// Whether one part that fails undoes all. Otherwise each stands for itself, and those that refer to a failed one
    /// fail too.
    pub fn all_or_none(mut self, all_or_none: bool) -> Self {
        self.all_or_none = all_or_none;
        self
    }

    /// Creates a row.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] for what the org would refuse as a whole, as of every part.
    pub fn create(&mut self, name: &str, object: &str, row: &impl Serialize) -> Result<Reference> {
        let body = one_row(row)?;
        self.add(name, "POST", object_path(object)?, Some(body))
    }

    /// Reads the named fields of a row. Its id is an [`Id`] or what a [`Reference`] stands for.
    ///
    /// # Errors
    /// As [`create`](Self::create).
    pub fn retrieve(
        &mut self,
        name: &str,
        object: &str,
        id: impl fmt::Display,
        fields: &[&str],
    ) -> Result<Reference> {
        let mut path = place(object, &id.to_string())?;
        if !fields.is_empty() {
            path = format!("{path}?fields={}", encoded(&fields.join(",")));
        }
        self.add(name, "GET", path, None)
    }

    /// Changes the given fields of a row. An `Id` in the row may stand there if it is this row's: it is not sent.
    ///
    /// # Errors
    /// As [`create`](Self::create), also where the row has an `Id` and what a [`Reference`] stands for is to be changed.
    pub fn update(
        &mut self,
        name: &str,
        object: &str,
        id: impl fmt::Display,
        row: &impl Serialize,
    ) -> Result<Reference> {
        let (mut body, id) = (one_row(row)?, id.to_string());
        if let Some(other) = body.take_id()?.filter(|other| id.parse::<Id>().ok() != Some(*other)) {
            return Err(invalid(format!("the row to change {object} {id} with has the Id {other}")));
        }
        self.add(name, "PATCH", place(object, &id)?, Some(body))
    }

    /// Creates or changes the row that has this value in an external id field. The same value may stand in the row and
    /// is not sent; another one is refused. An `Id` is not sent.
    ///
    /// # Errors
    /// As [`create`](Self::create).
    pub fn upsert(
        &mut self,
        name: &str,
        object: &str,
        external_id_field: &str,
        value: &str,
        row: &impl Serialize,
    ) -> Result<Reference> {
        let mut body = one_row(row)?;
        take_key(&mut body, external_id_field, value)?;
        body.take_id()?;
        self.add(name, "PATCH", external_path(object, external_id_field, value)?, Some(body))
    }

    /// Deletes a row.
    ///
    /// # Errors
    /// As [`create`](Self::create).
    pub fn delete(&mut self, name: &str, object: &str, id: impl fmt::Display) -> Result<Reference> {
        self.add(name, "DELETE", place(object, &id.to_string())?, None)
    }

    /// Runs a query; of its answer the first page is told.
    ///
    /// # Errors
    /// As [`create`](Self::create), and where there are five queries already.
    pub fn query(&mut self, name: &str, soql: &str) -> Result<Reference> {
        if self.parts.iter().filter(|part| part.path.starts_with("query")).count() == MOST_QUERIES {
            return Err(invalid(format!("a composite takes {MOST_QUERIES} queries, {name:?} is one more")));
        }
        self.add(name, "GET", format!("query?q={}", encoded(soql)), None)
    }

    /// How many parts there are.
    pub fn len(&self) -> usize {
        self.parts.len()
    }

    /// Whether there is no part.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// The parts as they are sent.
    pub(super) fn body(&self, version: ApiVersion) -> Vec<BodyPart<'_>> {
        let parts = self.parts.iter().map(|part| BodyPart {
            method: part.method,
            url: format!("/services/data/{version}/{}", part.path),
            reference_id: &part.reference,
            body: part.body.as_ref(),
        });
        parts.collect()
    }

    fn add(
        &mut self,
        name: &str,
        method: &'static str,
        path: String,
        body: Option<Fields>,
    ) -> Result<Reference> {
        api_name(name, "a part of a composite (letters, digits, underscores)")?;
        if self.parts.iter().any(|part| part.reference == name) {
            return Err(invalid(format!("two parts of the composite are called {name:?}")));
        }
        if self.parts.len() == self.most {
            return Err(invalid(format!("a composite takes {} parts, {name:?} is one more", self.most)));
        }
        let texts = body.iter().flat_map(Fields::texts).chain([path.as_str()]);
        for used in texts.flat_map(references) {
            if !self.parts.iter().any(|part| part.reference == used) {
                return Err(invalid(format!(
                    "{name:?} refers to \"@{{{used}…\", and no part before it is called so"
                )));
            }
        }
        self.parts.push(Call { method, path, reference: name.to_owned(), body });
        Ok(Reference(name.to_owned()))
    }
}

pub(super) fn invalid(message: String) -> Error {
    Error::new(ErrorKind::InvalidInput, message)
}

/// The path of a row, by an id or what stands for one.
fn place(object: &str, id: &str) -> Result<String> {
    let object = object_path(object)?;
    if id.starts_with("@{") && id.ends_with('}') {
        return Ok(format!("{object}/{id}"));
    }
    Ok(format!("{object}/{}", id.parse::<Id>()?))
}

/// A query as a part of an address. What stands for a value stays as it is, for the org to read.
fn encoded(soql: &str) -> String {
    let mut out = String::new();
    let mut rest = soql;
    while let Some((before, after)) = rest.split_once("@{") {
        let (reference, behind) = after.split_once('}').unwrap_or((after, ""));
        out += &format!("{}@{{{reference}}}", encode_segment(before));
        rest = behind;
    }
    out + &encode_segment(rest)
}

/// The names that a text refers to: the org reads every `@{` in it so, whoever wrote it.
fn references(text: &str) -> impl Iterator<Item = &str> {
    text.split("@{").skip(1).map(|rest| rest.split(['.', '[', '}', '"']).next().unwrap_or(rest))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'c> {
    all_or_none: bool,
    composite_request: Vec<BodyPart<'c>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BodyPart<'c> {
    method: &'static str,
    url: String,
    reference_id: &'c str,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<&'c Fields>,
}

/// What became of each part of a [`Composite`], in their order.
#[derive(Debug)]
#[must_use = "parts may have been refused"]
pub struct CompositeAnswer {
    parts: Vec<Part>,
}

/// What became of one part.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Part {
    reference_id: String,
    http_status_code: u16,
    #[serde(default)]
    http_headers: HashMap<String, serde_json::Value>,
    #[serde(default)]
    body: Option<Box<RawValue>>,
}

/// Says how much there is, not what: rows are people's data and do not belong into logs.
impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Part")
            .field("reference_id", &self.reference_id)
            .field("http_status_code", &self.http_status_code)
            .field("body_bytes", &self.body.as_ref().map_or(0, |body| body.get().len()))
            .finish_non_exhaustive()
    }
}

/// Says what to do where nobody knows what was done.
pub(super) fn unanswered(error: Error) -> Error {
    if !error.outcome_unknown() {
        return error;
    }
    error.with_hint("No answer told what the parts did: look for their rows before you send them again.")
}

impl CompositeAnswer {
    pub(super) fn of(parts: Vec<Part>) -> Self {
        Self { parts }
    }

    /// All parts.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// A part by its name.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] where the composite had no such part.
    pub fn part(&self, name: &str) -> Result<&Part> {
        let found = self.parts.iter().find(|part| part.reference_id == name);
        found.ok_or_else(|| invalid(format!("the composite had no part called {name:?}")))
    }

    /// The answer, where every part was done.
    ///
    /// # Errors
    /// The first failure that is a cause of its own and not the consequence of another part's.
    pub fn whole(self) -> Result<Self> {
        let failed = || self.parts.iter().filter_map(|part| part.refusal());
        let own = failed().find(|error| error.error_code() != Some("PROCESSING_HALTED"));
        match own.or_else(|| failed().next()) {
            Some(error) => Err(error),
            None => Ok(self),
        }
    }
}

impl Part {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.reference_id
    }

    /// Its HTTP status, as if it had been a call of its own.
    pub fn status(&self) -> u16 {
        self.http_status_code
    }

    /// A header, for example the `Location` of a row that was created.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.http_headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.and_then(|(_, value)| value.as_str())
    }

    /// Why it was refused; `None` where it was not.
    pub fn refusal(&self) -> Option<Error> {
        let good = matches!(self.http_status_code, 200..=299);
        let body = self.body.as_deref().map_or("", RawValue::get);
        (!good).then(|| {
            let what = format!("part {:?} of the composite", self.reference_id);
            refused_part(&what, self.http_status_code, body.as_bytes())
        })
    }

    /// Its body.
    ///
    /// # Errors
    /// Why it was refused, or [`ErrorKind::Protocol`] where the body is not what was expected.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        if let Some(refusal) = self.refusal() {
            return Err(refusal);
        }
        let body = self.body.as_deref().map_or("null", RawValue::get);
        serde_json::from_str(body).map_err(|e| {
            let message = format!("part {:?} of the composite is not the JSON expected", self.reference_id);
            let error = Error::new(ErrorKind::Protocol, message).with_status(self.http_status_code);
            error.with_source(json::fault(&e))
        })
    }

    /// The id of the row that it wrote.
    ///
    /// # Errors
    /// As [`json`](Self::json).
    pub fn id(&self) -> Result<Id> {
        #[derive(Deserialize)]
        struct Saved {
            id: Id,
        }
        self.json::<Saved>().map(|saved| saved.id)
    }
}

impl Client {
    /// Makes the calls of a composite.
    ///
    /// Sent again after a lost answer only where all of its parts read.
    ///
    /// # Errors
    /// Where the call failed as a whole; a part that was refused is no error here, see
    /// [`CompositeAnswer::whole`]. With [`Error::outcome_unknown`] some or all parts may have been done.
    pub async fn composite(&self, composite: &Composite) -> Result<CompositeAnswer> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Answer {
            composite_response: Vec<Part>,
        }
        if composite.is_empty() {
            return Err(invalid("the composite has no parts".to_owned()));
        }
        if composite.len() > MOST_PARTS {
            let message = format!("a composite takes {MOST_PARTS} parts, this one has {}", composite.len());
            return Err(invalid(message).with_hint("Send it as a graph."));
        }
        let composite_request = composite.body(self.api_version());
        let body = Body { all_or_none: composite.all_or_none, composite_request };
        let reads = composite.parts.iter().all(|part| part.method == "GET");
        let answer: Answer = self
            .post("composite")
            .json_body(&body)
            .repeatable(reads)
            .json()
            .await
            .map_err(|error| if reads { error.with_outcome_unknown(false) } else { unanswered(error) })?;
        let parts = answer.composite_response;
        if parts.len() != composite.len() {
            let message =
                format!("the org answered {} parts of a composite of {}", parts.len(), composite.len());
            return Err(Error::new(ErrorKind::Protocol, message).with_outcome_unknown(!reads));
        }
        Ok(CompositeAnswer::of(parts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(result: Result<Reference>) -> String {
        let error = result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        error.to_string()
    }

    #[test]
    fn a_part_refers_to_earlier_ones_alone() {
        let mut calls = Composite::new();
        let row = |text: &str| Fields::new().field("AccountId", text);
        let later = calls.create("a", "Contact", &row("@{b.id}"));
        assert!(refusal(later).contains("\"@{b…\""));
        let a = calls.create("a", "Account", &row("x")).unwrap();
        assert_eq!(a.id(), "@{a.id}");
        calls.create("b", "Contact", &row(&a.id())).unwrap();
        calls.retrieve("c", "Contact", Reference("b".to_owned()).id(), &["Name"]).unwrap();
        // Text of one's own that looks like a reference would be read as one.
        assert!(refusal(calls.create("d", "Contact", &row("to @{all}"))).contains("@{all"));
        assert_eq!(calls.len(), 3);
    }

    #[test]
    fn what_an_org_would_refuse_as_a_whole_is_refused_before() {
        let mut calls = Composite::new();
        assert!(refusal(calls.query("bad name", "SELECT Id FROM Account")).contains("bad name"));
        assert!(refusal(calls.delete("x", "Account", "nonsense")).contains("not a Salesforce id"));
        for n in 0..MOST_QUERIES {
            calls.query(&format!("q{n}"), "SELECT Id FROM Account").unwrap();
        }
        assert!(refusal(calls.query("more", "SELECT Id FROM Account")).contains("5 queries"));
        assert!(refusal(calls.create("q1", "Account", &Fields::new())).contains("two parts"));
        for n in calls.len()..MOST_PARTS {
            calls.create(&format!("r{n}"), "Account", &Fields::new()).unwrap();
        }
        assert!(refusal(calls.create("more", "Account", &Fields::new())).contains("25 parts"));
    }

    #[test]
    fn a_row_that_is_another_one_than_its_part_names_is_refused() {
        let mut calls = Composite::new();
        let (id, other) = ("0015i0000000001AAA", "0015i0000000002AAA");
        let row = |id: &str| Fields::new().field("Id", id).field("Name", "x");
        assert!(refusal(calls.update("a", "Account", id, &row(other))).contains(other));
        calls.update("a", "Account", id, &row(id)).unwrap();
        let a = Reference("a".to_owned()).id();
        assert!(refusal(calls.update("b", "Account", a, &row(id))).contains("has the Id"));
        let key = |value: &str| Fields::new().field("Key__c", value).field("Id", id);
        assert!(refusal(calls.upsert("b", "Account", "Key__c", "1", &key("2"))).contains("Key__c"));
        calls.upsert("b", "Account", "key__C", "1", &key("1")).unwrap();
        let bodies: Vec<String> =
            calls.parts.iter().filter_map(|p| serde_json::to_string(&p.body).ok()).collect();
        assert_eq!(bodies, [r#"{"Name":"x"}"#, "{}"]);
    }

    #[test]
    fn a_query_keeps_its_references_and_encodes_all_else() {
        let mut calls = Composite::new();
        let a = calls.create("a", "Account", &Fields::new()).unwrap();
        let of = a.field("records[0].Id");
        calls
            .query("q", &format!("SELECT Id FROM Contact WHERE AccountId = '{of}' AND Name = '}}'"))
            .unwrap();
        let path = &calls.parts[1].path;
        assert!(path.ends_with("%20%3D%20%27@{a.records[0].Id}%27%20AND%20Name%20%3D%20%27%7D%27"), "{path}");
    }
}
