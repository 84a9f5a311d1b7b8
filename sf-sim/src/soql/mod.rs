//! SOQL: a statement is [`parse`]d to a tree, [`plan`]ned against the objects of the org, and run over its rows.
//!
//! ```
//! use sf_sim::clock::Clock;
//! use sf_sim::soql::{Scope, parse, plan};
//! use sf_sim::store::Store;
//! use sf_sim::value::Value;
//!
//! let mut store = Store::with_standard_objects(Clock::fixed(1_700_000_000_000));
//! let user = store.running_user();
//! store.insert("Account", vec![("Name".into(), Value::text("Wheelworks"))], user)?;
//!
//! let query = parse("SELECT name, Owner.Name FROM account WHERE Name LIKE 'wheel%'")?;
//! let plan = plan(&query, store.catalog())?;
//! assert_eq!(plan.columns()[0].header(), "Name");
//!
//! let scope = Scope { include_deleted: false, now_ms: store.clock().now_ms(), user: None };
//! let view = plan.view(&store, scope);
//! let rows: Vec<_> = plan.run(&store, scope).collect();
//! assert_eq!(view.cell(rows[0], &plan.columns()[0]).to_value(), Value::text("Wheelworks"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod ast;
mod columns;
mod compare;
mod error;
mod filter;
mod group;
mod lexer;
mod operand;
mod parser;
mod period;
mod plan;
mod related;
mod resolve;
mod scope;
mod select;
mod semi;
mod view;

pub use error::SoqlError;
pub use parser::parse;
pub use plan::{Column, Plan, Scope, plan};
pub use related::{Family, Related, Together};
pub use view::{Rows, View};

#[cfg(test)]
mod tests;
