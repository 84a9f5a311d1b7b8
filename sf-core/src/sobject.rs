//! Rows, one at a time: create, read, update, delete.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::client::encode_segment;
use crate::{Client, Id, Result};

#[derive(Deserialize)]
struct Created {
    id: Id,
}

impl Client {
    /// Creates a row and returns its id.
    ///
    /// It is never sent twice: creating is not repeatable.
    ///
    /// # Errors
    /// [`ErrorKind::Refused`](crate::ErrorKind::Refused) with the org's code and fields.
    pub async fn create(&self, object: &str, row: &impl Serialize) -> Result<Id> {
        let path = format!("sobjects/{}", encode_segment(object));
        let created: Created = self.post(path).json_body(row).json().await?;
        Ok(created.id)
    }

    /// Reads the named fields of a row.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) where there is no such row.
    pub async fn retrieve<T: DeserializeOwned>(&self, object: &str, id: Id, fields: &[&str]) -> Result<T> {
        self.get(row_path(object, id)).query("fields", &fields.join(",")).json().await
    }

    /// Changes the given fields of a row.
    ///
    /// # Errors
    /// As [`create`](Self::create), and [`ErrorKind::NotFound`](crate::ErrorKind::NotFound).
    pub async fn update(&self, object: &str, id: Id, row: &impl Serialize) -> Result<()> {
        // The same values set twice are set once.
        self.patch(row_path(object, id)).json_body(row).repeatable(true).response().await.map(drop)
    }

    /// Deletes a row; it goes to the recycle bin.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) where it is gone already.
    pub async fn delete_row(&self, object: &str, id: Id) -> Result<()> {
        self.delete(row_path(object, id)).response().await.map(drop)
    }
}

fn row_path(object: &str, id: Id) -> String {
    format!("sobjects/{}/{id}", encode_segment(object))
}
