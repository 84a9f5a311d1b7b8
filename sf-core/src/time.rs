//! The one place where this family of crates reads the wall clock.

use chrono::{DateTime, Utc};

/// The time now, by this machine's clock.
#[expect(clippy::disallowed_methods, reason = "this is the one place")]
pub fn now() -> DateTime<Utc> {
    Utc::now()
}

/// Reads an HTTP date such as `Thu, 26 Jan 2023 14:50:10 GMT` (RFC 9110, "Date/Time Formats").
///
/// Returns `None` for anything else, the two obsolete forms included.
pub fn parse_http_date(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc2822(text.trim()).ok().map(|t| t.with_timezone(&Utc))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_http_date_is_read_as_utc() {
        let date = parse_http_date("Thu, 26 Jan 2023 14:50:10 GMT").unwrap();
        assert_eq!(date.to_rfc3339(), "2023-01-26T14:50:10+00:00");
        assert!(parse_http_date("yesterday").is_none());
    }
}
