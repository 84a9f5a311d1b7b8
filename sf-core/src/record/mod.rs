//! The vocabulary of rows: what an object's fields are, and what a cell of a row holds.
//!
//! A [`Schema`] says what the fields are; a [`Record`] is one row as it came from a CSV body, in one buffer
//! that the next row reuses; a [`Value`] is what a cell means. Values are parsed when they are asked for.
//!
//! ```
//! use std::sync::Arc;
//! use sf_core::record::{Columns, Extra, Field, FieldType, Record, Schema, Value};
//!
//! let schema = Arc::new(Schema::new(
//!     "Account",
//!     vec![
//!         Field::new("Name", FieldType::String),
//!         Field::new("AnnualRevenue", FieldType::Currency),
//!         Field::new("Industry", FieldType::Picklist),
//!     ],
//! )?);
//! let columns = Columns::new(&schema, ["Name", "AnnualRevenue"], Extra::Refuse)?;
//! let mut record = Record::new(Arc::new(columns));
//! record.set_cells(["Acme", ""])?;
//!
//! assert_eq!(record.get("name")?, Value::Text("Acme".into()));
//! assert_eq!(record.get("AnnualRevenue")?, Value::Null);   // the row has no value
//! assert_eq!(record.get("Industry")?, Value::Absent);      // the row was not asked for it
//! # Ok::<(), sf_core::Error>(())
//! ```

pub mod csv_cell;

mod row;
mod schema;
mod value;

pub use row::{Columns, Extra, Record};
pub use schema::{DataType, Field, FieldType, Schema};
pub use value::Value;
