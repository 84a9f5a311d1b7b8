#![doc = include_str!("../README.md")]

mod bulk_fields;
mod cache;
mod condition;
mod cursor;
mod describe;
mod error;
mod literal;
mod schema;
mod select;

pub use bulk_fields::{BulkFields, FieldReason, ObjectReason};
pub use cache::DescribeCache;
pub use condition::{Condition, FieldRef, Nulls, Order, field};
pub use cursor::{cursor_candidates, cursor_field};
pub use describe::{Describe, FieldDescribe, Global, ObjectSummary, PicklistValue};
pub use error::{Error, ErrorKind, Result};
pub use literal::{DateLiteral, Literal};
pub use schema::schema_of;
pub use select::Select;
