#![doc = include_str!("../README.md")]

pub mod function;

mod bulk_fields;
mod cache;
mod check;
mod children;
mod condition;
mod cursor;
mod date_literal;
mod describe;
mod error;
mod expr;
mod fields_of;
mod literal;
mod name;
mod order;
mod query;
mod schema;
mod select;

pub use bulk_fields::{BulkFields, FieldReason, ObjectReason};
pub use cache::DescribeCache;
pub use check::{BulkWarning, Problem, ProblemKind};
pub use children::Children;
pub use condition::Condition;
pub use cursor::{cursor_candidates, cursor_field};
pub use date_literal::DateLiteral;
pub use describe::{ChildRelationship, Describe, FieldDescribe, Global, ObjectSummary, PicklistValue};
pub use error::{Error, ErrorKind, Result};
pub use expr::{DistanceUnit, Expr, field};
pub use fields_of::fields_of;
pub use literal::Literal;
pub use order::{Nulls, Order};
pub use query::{Page, Pages, Plan, PlanNote, Query, Records, Rows};
pub use schema::schema_of;
pub use select::{CategorySelector, Fields, For, Item, QueryScope, Select, Track, TypeOf, With, type_of};
