//! Rows: one at a time, up to 200 a call, and several calls in one with references between them.
//!
//! | | sent again after a lost answer |
//! |---|---|
//! | [`create`](Client::create), [`Collections::create`], a [`Composite`] that writes | never: a second copy cannot be told from the first. The error's [`outcome_unknown`](crate::Error::outcome_unknown) says so |
//! | [`upsert`](Client::upsert), [`Collections::upsert`] | never: an external id need not be unique, and two that meet could create two rows |
//! | [`upsert_by_unique`](Client::upsert_by_unique), [`Collections::upsert_by_unique`] | yes: the org keeps a second row with the value out |
//! | [`update`](Client::update), [`delete_row`](Client::delete_row) and their collections | yes: the same values set twice are set once, and a row that is gone is gone |
//! | everything that reads | yes |

mod blob;
mod collections;
mod composite;
mod fields;
mod finite;
mod graph;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use ::http::StatusCode;

use crate::client::{Collected, encode_segment};
use crate::{Client, Error, ErrorKind, Id, Result};

pub use blob::File;
pub use collections::{Collections, RowOutcome, Written};
pub use composite::{Composite, CompositeAnswer, Part, Reference};
pub use fields::Fields;
pub use graph::{GraphAnswer, Graphs};

const LOOK_FIRST: &str = "Whether the row was created is not known. Look for it by what only it has before you create it \
     again; with a unique external id, `upsert_by_unique` can be sent again without harm.";
const LOOK_BY_KEY: &str = "Whether the row was created or changed is not known. Look for it by its external id before you \
     send it again; where the org keeps that field unique, `upsert_by_unique` does so by itself.";

#[derive(Deserialize)]
struct Saved {
    id: Id,
    #[serde(default)]
    created: Option<bool>,
}

/// What became of an [`upsert`](Client::upsert).
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a value that several rows have was not written"]
#[non_exhaustive]
pub enum Upserted {
    /// There was no such row, and now there is (201).
    Created(Id),
    /// The row was there and has the new values (200, or 204 in versions before 46.0, which tell no id).
    Updated(Option<Id>),
    /// Several rows have this value, and none was changed (300).
    Several(Vec<Id>),
}

impl Client {
    /// Creates a row and returns its id.
    ///
    /// The row is anything that serde writes as an object, or [`Fields`]; a member `attributes`, as rows have that
    /// were read, is left out. It is never sent twice: creating is not repeatable.
    ///
    /// # Errors
    /// [`ErrorKind::Refused`] with the org's code and fields. Where no answer came,
    /// [`Error::outcome_unknown`] is true: the row may be there. An answer whose body breaks after its head said that the row
    /// was created, and which it is, is no error.
    pub async fn create(&self, object: &str, row: &impl Serialize) -> Result<Id> {
        let mut fields = one_row(row)?;
        if fields.take_id()?.is_some() {
            let message = format!("a new {object} cannot have an Id of its own, the org gives it one");
            return Err(Error::new(ErrorKind::InvalidInput, message).with_hint("Did you mean to update it?"));
        }
        let path = object_path(object)?;
        let what = format!("POST {path}");
        let created = self.post(path).json_body(&fields).head_tells().response().await.and_then(|answer| {
            let saved = answer.parse::<Saved>(&what).map(|saved| saved.id);
            saved.or_else(|error| answer.located().ok_or(error.with_outcome_unknown(true)))
        });
        created.map_err(|error| if error.outcome_unknown() { error.with_hint(LOOK_FIRST) } else { error })
    }

    /// Reads the named fields of a row, or all that the user sees where none is named.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] where there is no such row.
    pub async fn retrieve<T: DeserializeOwned>(&self, object: &str, id: Id, fields: &[&str]) -> Result<T> {
        self.choosing(row_path(object, id)?, fields).json().await
    }

    /// Reads the row that has this value in an external id field.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] where there is none, [`ErrorKind::Refused`] with status 300 where several have it.
    pub async fn retrieve_by<T: DeserializeOwned>(
        &self,
        object: &str,
        external_id_field: &str,
        value: &str,
        fields: &[&str],
    ) -> Result<T> {
        let path = external_path(object, external_id_field, value)?;
        let what = format!("GET {path}");
        let answer = self.choosing(path, fields).response().await?;
        if answer.status == StatusCode::MULTIPLE_CHOICES {
            let ids: Vec<_> = several(&answer, &what)?.iter().map(Id::to_string).collect();
            let message = format!(
                "{what}: {} rows have this value in {external_id_field}: {}",
                ids.len(),
                ids.join(", ")
            );
            return Err(Error::new(ErrorKind::Refused, message).with_status(300));
        }
        answer.parse(&what)
    }

    fn choosing(&self, path: String, fields: &[&str]) -> crate::client::RequestBuilder<'_> {
        let request = self.get(path).json_answer();
        if fields.is_empty() { request } else { request.query("fields", &fields.join(",")) }
    }

    /// Changes the given fields of a row; see [`Fields`] for what null and absent mean.
    ///
    /// An `Id` in the row may stand there if it is this row's: it is not sent.
    ///
    /// # Errors
    /// As [`create`](Self::create), and [`ErrorKind::NotFound`]. After a lost answer it is sent again.
    pub async fn update(&self, object: &str, id: Id, row: &impl Serialize) -> Result<()> {
        let mut fields = one_row(row)?;
        if let Some(other) = fields.take_id()?.filter(|other| *other != id) {
            let message = format!("the row to change {object} {id} with has the Id {other}");
            return Err(Error::new(ErrorKind::InvalidInput, message));
        }
        // The same values set twice are set once.
        let request = self.patch(row_path(object, id)?).json_body(&fields);
        request.repeatable(true).response().await.map(drop)
    }

    /// Creates the row that has this value in an external id field, or changes it where it exists.
    ///
    /// After a lost answer it is not sent again: an external id that is not unique, such as `Email` of a Contact, keeps
    /// nobody from creating a second row while the first attempt is still at work. Where the org keeps the field
    /// unique, use [`upsert_by_unique`](Self::upsert_by_unique).
    ///
    /// # Errors
    /// As [`create`](Self::create). A row that holds another value of the field than the one to look for is
    /// [`ErrorKind::InvalidInput`]; the same value may stand in it and is not sent. Neither is an `Id`, as rows have that
    /// were read.
    pub async fn upsert(
        &self,
        object: &str,
        external_id_field: &str,
        value: &str,
        row: &impl Serialize,
    ) -> Result<Upserted> {
        let upserted = self.upsert_once_or_more(object, (external_id_field, value), row, false).await;
        upserted.map_err(|error| if error.outcome_unknown() { error.with_hint(LOOK_BY_KEY) } else { error })
    }

    /// As [`upsert`](Self::upsert), by a field that the org keeps unique (`unique` in its describe), which you vouch
    /// for: it is sent again after a lost answer, so a row that this call created may be told as
    /// [`Updated`](Upserted::Updated).
    ///
    /// # Errors
    /// As [`upsert`](Self::upsert). `DUPLICATE_VALUE` where somebody else creates the row meanwhile.
    pub async fn upsert_by_unique(
        &self,
        object: &str,
        external_id_field: &str,
        value: &str,
        row: &impl Serialize,
    ) -> Result<Upserted> {
        self.upsert_once_or_more(object, (external_id_field, value), row, true).await
    }

    async fn upsert_once_or_more(
        &self,
        object: &str,
        (external_id_field, value): (&str, &str),
        row: &impl Serialize,
        repeatable: bool,
    ) -> Result<Upserted> {
        let mut fields = one_row(row)?;
        take_key(&mut fields, external_id_field, value)?;
        // Which row it is, the external id says; an org takes no Id beside it.
        fields.take_id()?;
        let path = external_path(object, external_id_field, value)?;
        let what = format!("PATCH {path}");
        let answer = self.patch(path).json_body(&fields).repeatable(repeatable).response().await?;
        let unread = |error: Error| error.with_outcome_unknown(true);
        match answer.status {
            StatusCode::MULTIPLE_CHOICES => Ok(Upserted::Several(several(&answer, &what)?)),
            StatusCode::NO_CONTENT => Ok(Upserted::Updated(None)),
            status => {
                let saved: Saved = answer.parse(&what).map_err(unread)?;
                let created = saved.created.unwrap_or(status == StatusCode::CREATED);
                Ok(if created { Upserted::Created(saved.id) } else { Upserted::Updated(Some(saved.id)) })
            }
        }
    }

    /// Deletes a row; it goes to the recycle bin.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] where it is gone already, unless an earlier attempt of this very call may have
    /// deleted it: then all is as it should be.
    pub async fn delete_row(&self, object: &str, id: Id) -> Result<()> {
        match self.delete(row_path(object, id)?).repeatable(true).response().await {
            Err(error) if error.outcome_unknown() && error.error_code() == Some(DELETED) => Ok(()),
            answer => answer.map(drop),
        }
    }
}

/// What an org says of a row in the recycle bin.
const DELETED: &str = "ENTITY_IS_DELETED";

/// The fields of a row that goes alone: what it is stands in the path.
fn one_row(row: &impl Serialize) -> Result<Fields> {
    let mut fields = Fields::checked(row)?;
    fields.take("attributes");
    Ok(fields)
}

/// Takes the field that a row is looked for by out of it: it stands in the path.
fn take_key(fields: &mut Fields, field: &str, value: &str) -> Result<()> {
    let Some(text) = fields.take(field) else { return Ok(()) };
    let same = match serde_json::from_str::<String>(&text) {
        Ok(own) => own == value,
        Err(_) => text == value,
    };
    if same {
        return Ok(());
    }
    let message = format!("the row has another value of {field} than the one to look for");
    Err(Error::new(ErrorKind::InvalidInput, message))
}

/// An object's or a field's API name, which goes into paths.
fn api_name<'n>(name: &'n str, what: &str) -> Result<&'n str> {
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    if name.bytes().next().is_some_and(|b| b.is_ascii_alphabetic()) && name.bytes().all(word) {
        return Ok(name);
    }
    let shown: String = name.chars().take(80).collect();
    let message = format!("{shown:?} is not the API name of {what}, such as Account or Order__c");
    Err(Error::new(ErrorKind::InvalidInput, message))
}

fn object_path(object: &str) -> Result<String> {
    Ok(format!("sobjects/{}", api_name(object, "an object")?))
}

fn row_path(object: &str, id: Id) -> Result<String> {
    Ok(format!("{}/{id}", object_path(object)?))
}

fn external_path(object: &str, field: &str, value: &str) -> Result<String> {
    if value.is_empty() {
        let message = format!("the value of {field} to look for is empty");
        return Err(Error::new(ErrorKind::InvalidInput, message));
    }
    let field = api_name(field, "a field")?;
    Ok(format!("{}/{field}/{}", object_path(object)?, encode_segment(value)))
}

/// The ids of the rows that a 300 lists: it holds their addresses.
fn several(answer: &Collected, what: &str) -> Result<Vec<Id>> {
    let addresses: Vec<String> = answer.parse(what)?;
    addresses.iter().map(|address| address.rsplit('/').next().unwrap_or(address).parse()).collect()
}
