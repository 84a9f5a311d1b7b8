//! What a text must look like. Each rule answers with the sentence that the user reads.

use chrono::{Datelike, NaiveDate};
use sf_core::ApiVersion;
use url::{Host, Url};

type Checked = Result<(), String>;

fn refuse(message: &str) -> Checked {
    Err(message.to_owned())
}

/// A day of the calendar. Salesforce knows the years 1700 to 4000.
pub(crate) fn parse_day(text: &str) -> Option<NaiveDate> {
    let bytes = text.as_bytes();
    let shape = bytes.len() == 10
        && bytes.iter().enumerate().all(|(i, byte)| match i {
            4 | 7 => *byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    (shape && (1700..=4000).contains(&day.year())).then_some(day)
}

pub(super) fn day(text: &str) -> Checked {
    match parse_day(text) {
        Some(_) => Ok(()),
        None => refuse("must be a day in UTC as yyyy-MM-dd, for example 2024-04-01"),
    }
}

pub(super) fn connector_name(text: &str) -> Checked {
    if text.chars().any(char::is_control) || text.chars().count() > 255 {
        return refuse("must be at most 255 characters, none of them a control character");
    }
    Ok(())
}

pub(super) fn object(text: &str) -> Checked {
    if is_api_name(text) {
        return Ok(());
    }
    refuse("must be an object's API name: letters, digits and _, for example Account or Invoice__c")
}

pub(super) fn field(text: &str) -> Checked {
    if is_api_name(text) {
        return Ok(());
    }
    refuse("must be a field's API name: letters, digits and _, for example SystemModstamp")
}

pub(super) fn fields(text: &str) -> Checked {
    if items(text).all(is_api_name) {
        return Ok(());
    }
    refuse("must be fields' API names with commas between them, for example Id,Name,SystemModstamp")
}

fn is_api_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.len() <= 80
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// The items of a list, without blanks and empty ones.
pub(crate) fn items(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty())
}

pub(super) fn topic(text: &str) -> Checked {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    if text.contains("${") {
        return refuse("must be the topic itself: names made from fields are for streaming sources only");
    }
    if text.len() > 249 || !text.bytes().all(legal) || matches!(text, "." | "..") {
        return refuse("must be a topic's name: at most 249 letters, digits, dots, _ and -");
    }
    Ok(())
}

pub(super) fn api_version(text: &str) -> Checked {
    /// Bulk API 2.0 has query jobs since then.
    const FIRST: u16 = 47;
    if text.eq_ignore_ascii_case("latest") {
        return Ok(());
    }
    match text.parse::<ApiVersion>() {
        Ok(version) if version.major() >= FIRST => Ok(()),
        _ => Err(format!(
            "must be an API version from {FIRST}.0 on, for example {}",
            ApiVersion::DEFAULT.number()
        )),
    }
}

/// Where to log in. Credentials go only over https, or to this machine.
pub(super) fn instance(text: &str) -> Checked {
    let Ok(url) = Url::parse(text) else {
        if !text.contains("://") && text.contains('.') && !text.contains(['@', '/', ' ']) {
            return Err(format!("must be an https URL: write https://{text}"));
        }
        return refuse("must be an https URL, for example https://acme.my.salesforce.com");
    };
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    if !(url.scheme() == "https" || url.scheme() == "http" && loopback) {
        return refuse("must be an https URL: credentials go over http to this machine only");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return refuse("must not hold a user or password; salesforce.username and its like are for them");
    }
    if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
        return refuse("must end after the host: the paths are added");
    }
    match url.host_str().and_then(|host| host.strip_suffix(".lightning.force.com")) {
        Some(domain) => Err(format!(
            "is the address of the user interface; the API's is https://{domain}.my.salesforce.com"
        )),
        None => Ok(()),
    }
}

pub(super) fn json_converter(text: &str) -> Checked {
    match simple_name(text) {
        "JsonConverter" => Ok(()),
        _ => refuse("must be org.apache.kafka.connect.json.JsonConverter; other formats are not in yet"),
    }
}

pub(super) fn key_converter(text: &str) -> Checked {
    match simple_name(text) {
        "JsonConverter" | "StringConverter" => Ok(()),
        _ => refuse(
            "must be org.apache.kafka.connect.json.JsonConverter or \
             org.apache.kafka.connect.storage.StringConverter; other formats are not in yet",
        ),
    }
}

/// A Java class without its package.
pub(crate) fn simple_name(class: &str) -> &str {
    class.rsplit('.').next().unwrap_or(class)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_must_exist_and_be_written_with_leading_zeros() {
        for good in ["2024-04-01", "2024-02-29", "1700-01-01", "4000-12-31"] {
            assert!(parse_day(good).is_some(), "{good}");
        }
        for bad in [
            "01/04/2024",
            "2023-02-29",
            "2024-4-1",
            "2024-04-01T00:00:00Z",
            "24-04-01",
            "+024-04-01",
            "1699-12-31",
            "2024-13-01",
            "2024-04- 1",
            "２０２４-04-01",
            "",
        ] {
            assert!(parse_day(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn an_instance_is_https_or_this_machine_and_nothing_but_a_host() {
        for good in [
            "https://login.salesforce.com",
            "https://acme--dev.sandbox.my.salesforce.com/",
            "http://127.0.0.1:41873",
            "http://localhost:1",
            "http://[::1]:8080",
        ] {
            assert_eq!(instance(good), Ok(()), "{good}");
        }
        for (bad, says) in [
            ("acme.my.salesforce.com", "write https://acme.my.salesforce.com"),
            ("http://acme.my.salesforce.com", "over http to this machine only"),
            ("http://127.0.0.1.example.com", "over http to this machine only"),
            ("ftp://localhost", "https"),
            ("https://user:pw@acme.my.salesforce.com", "must not hold a user"),
            ("https://acme.my.salesforce.com/services/oauth2/token", "must end after the host"),
            ("https://acme.lightning.force.com", "https://acme.my.salesforce.com"),
            ("acme", "must be an https URL, for example"),
        ] {
            let said = instance(bad).unwrap_err();
            assert!(said.contains(says), "{bad}: {said}");
        }
    }

    #[test]
    fn names_of_objects_topics_and_versions_are_checked() {
        for good in ["Account", "Invoice__c", "ns__Thing__c", "Order__e"] {
            assert_eq!(object(good), Ok(()));
        }
        for bad in ["<SObject-name>", "1x", "Account; DROP", "Account,Lead", "Ü"] {
            assert!(object(bad).is_err(), "{bad}");
        }
        assert_eq!(topic("a.b_c-1"), Ok(()));
        for bad in ["a b", "..", "a/b", "${_ObjectType}", &"x".repeat(250)] {
            assert!(topic(bad).is_err(), "{bad}");
        }
        for good in ["latest", "47.0", "v65.0", "67"] {
            assert_eq!(api_version(good), Ok(()), "{good}");
        }
        for bad in ["46.0", "65.5", "new", "-1"] {
            assert!(api_version(bad).is_err(), "{bad}");
        }
    }
}
