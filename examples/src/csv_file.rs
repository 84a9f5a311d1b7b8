//! A query's result in a CSV file.
