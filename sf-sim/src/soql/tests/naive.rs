//! The evaluator against a naive one: random rows and statements, a random time, and the time zone of who asks.
//!
//! The naive one knows no filter, no plan and no calendar of the engine's: it looks at every row for every question.

mod calendar;
mod condition;
mod groups;
mod rows;
mod world;
