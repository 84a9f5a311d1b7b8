//! What a query can reach from an object.

use sf_core::record::FieldType;

use crate::describe::Describe;
use crate::error::{ErrorKind, Result};
use crate::select::Select;

use super::DescribeCache;

/// What can be read of a parent that may be of several objects (Object reference, "Name").
const NAME_FIELDS: [&str; 13] = [
    "Id",
    "Name",
    "Alias",
    "Email",
    "FirstName",
    "IsActive",
    "LastName",
    "Phone",
    "ProfileId",
    "Title",
    "Type",
    "Username",
    "UserRoleId",
];

impl DescribeCache {
    /// The names of all objects that can be queried, in the org's order.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Org`].
    pub async fn queryable(&self) -> Result<Vec<String>> {
        let global = self.global().await?;
        let queryable = global.sobjects.iter().filter(|o| o.queryable && !o.deprecated_and_hidden);
        Ok(queryable.map(|o| o.name.clone()).collect())
    }

    /// The fields of an object that the user can read, and those of the parents that are named: `Owner.Name` for
    /// `Owner`. A parent that the object does not have, or whose describe the user may not see, adds nothing.
    ///
    /// Of a parent that may be of several objects come the fields that all of them have, and that such parents
    /// show. Structures and bytes of parents are left out.
    ///
    /// ```no_run
    /// # async fn example(describes: sf_soql::DescribeCache) -> sf_soql::Result<()> {
    /// let fields = describes.fields_with_parents("Account", ["Owner", "CreatedBy"]).await?;
    /// let soql = sf_soql::Select::from("Account").fields(fields).build()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`object`](Self::object), for the object itself.
    pub async fn fields_with_parents<P: AsRef<str>>(
        &self,
        object: &str,
        parents: impl IntoIterator<Item = P>,
    ) -> Result<Vec<String>> {
        let describe = self.object(object).await?;
        let mut names: Vec<String> = describe.readable_fields().map(|f| f.name.clone()).collect();
        for parent in parents {
            let Some(reference) = describe.parent(parent.as_ref()) else { continue };
            let relationship = reference.relationship_name.as_deref().unwrap_or(parent.as_ref());
            let fields = self.shared_fields(&reference.reference_to).await?;
            names.extend(fields.into_iter().map(|field| format!("{relationship}.{field}")));
        }
        Ok(names)
    }

    /// The fields that can be read whichever of these objects a parent is.
    async fn shared_fields(&self, objects: &[String]) -> Result<Vec<String>> {
        let mut shared: Option<Vec<String>> = None;
        for object in objects {
            let describe = match self.object(object).await {
                Ok(describe) => describe,
                Err(error) if error.kind() == ErrorKind::UnknownObject => return Ok(Vec::new()),
                Err(error) => return Err(error),
            };
            shared = Some(match shared {
                None => plain_fields(&describe),
                Some(mut names) => {
                    names.retain(|name| describe.field(name).is_some());
                    names
                }
            });
        }
        let mut shared = shared.unwrap_or_default();
        if objects.len() > 1 {
            shared.retain(|name| NAME_FIELDS.iter().any(|n| n.eq_ignore_ascii_case(name)));
        }
        Ok(shared)
    }

    /// A child query of all fields that the user can read of a child relationship, such as
    /// `ContentDocumentLinks`; `None` where the object does not have it, or the user may not see or query
    /// the children.
    ///
    /// ```no_run
    /// # async fn example(describes: sf_soql::DescribeCache) -> sf_soql::Result<()> {
    /// let mut select = sf_soql::Select::from("Account").field("Id");
    /// if let Some(links) = describes.children("Account", "ContentDocumentLinks").await? {
    ///     select = select.field(links);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`object`](Self::object), for the object itself.
    pub async fn children(&self, object: &str, relationship: &str) -> Result<Option<Select>> {
        let describe = self.object(object).await?;
        let Some(child) = describe.child(relationship) else { return Ok(None) };
        let children = match self.object(&child.child_object).await {
            Ok(children) => children,
            Err(error) if error.kind() == ErrorKind::UnknownObject => return Ok(None),
            Err(error) => return Err(error),
        };
        if !children.queryable || child.deprecated_and_hidden {
            return Ok(None);
        }
        let name = child.relationship_name.as_deref().unwrap_or(relationship);
        Ok(Some(Select::from(name).fields(plain_fields(&children))))
    }
}

fn plain_fields(describe: &Describe) -> Vec<String> {
    let structure = |of| {
        matches!(of, FieldType::Address | FieldType::Location | FieldType::ComplexValue | FieldType::Base64)
    };
    describe.readable_fields().filter(|f| !structure(f.field_type)).map(|f| f.name.clone()).collect()
}
