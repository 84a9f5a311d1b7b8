//! The `SF_*` variables that name an org and a login.

use std::collections::BTreeMap;
use std::path::PathBuf;

use sf_core::auth::Secret;

use crate::Result;

/// The variables that say which org to use, and as whom. With any of them set no org is emulated.
pub(crate) const LOGIN: [&str; 17] = [
    "SF_LOGIN_URL",
    "SF_CLIENT_ID",
    "SF_CLIENT_SECRET",
    "SF_USERNAME",
    "SF_PASSWORD",
    "SF_SECURITY_TOKEN",
    "SF_JWT_KEY",
    "SF_JWT_KEY_PASSWORD",
    "SF_JWT_KEY_ALIAS",
    "SF_REFRESH_TOKEN",
    "SF_TOKEN_FILE",
    "SF_SUBJECT_TOKEN_FILE",
    "SF_SUBJECT_TOKEN_TYPE",
    "SF_TOKEN_HANDLER",
    "SF_INSTANCE_URL",
    "SF_ACCESS_TOKEN",
    "SF_CLI_ORG",
];
/// Those that name no org by themselves.
const OTHERS: [&str; 3] = ["SF_CALLBACK_URL", "SF_OBJECTS", "SF_QUICKSTART_LEADS"];
/// How many letters a slip may change.
const SLIP: usize = 2;

/// Variables by name. What is empty is not set; `Debug` shows names alone.
#[derive(Clone, Debug, Default)]
pub struct Variables(BTreeMap<&'static str, Secret>);

impl Variables {
    /// What the environment has of them.
    ///
    /// # Errors
    /// A name that is nearly one of them.
    pub fn from_environment() -> Result<Self> {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Self::read(std::env::vars_os().filter_map(text))
    }

    pub(crate) fn read(all: impl Iterator<Item = (String, String)>) -> Result<Self> {
        let mut read = Self::default();
        for (name, value) in all {
            let value = value.trim();
            if !name.starts_with("SF_") || value.is_empty() {
                continue;
            }
            let known = || LOGIN.into_iter().chain(OTHERS);
            if let Some(known) = known().find(|known| *known == name) {
                read.set(known, value);
            } else if let Some(near) = known().find(|known| strsim::levenshtein(known, &name) <= SLIP) {
                return Err(
                    format!("{name} is set, which no program here takes; did you mean {near}?").into()
                );
            }
        }
        Ok(read)
    }

    pub(crate) fn set(&mut self, name: &'static str, value: impl Into<Secret>) {
        self.0.insert(name, value.into());
    }

    /// The value, or an empty text.
    pub fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", Secret::expose)
    }

    /// The value, where there is one.
    pub fn optional(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(Secret::expose)
    }

    /// Those that name an org and a login.
    pub(crate) fn of_a_login(&self) -> impl Iterator<Item = &'static str> {
        self.0.keys().copied().filter(|name| LOGIN.contains(name))
    }

    /// # Errors
    /// Those that are missing, all at once.
    pub(crate) fn need(&self, needed: &[&str], by: &str) -> Result<()> {
        let missing: Vec<_> = needed.iter().copied().filter(|name| self.optional(name).is_none()).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let set = self.of_a_login().collect::<Vec<_>>().join(", ");
        let (is, missing) = (if missing.len() == 1 { "is" } else { "are" }, missing.join(", "));
        Err(format!("{by} needs {}, but {missing} {is} missing; set: {set}", needed.join(", ")).into())
    }

    /// A path in a variable, of a file that can be read.
    ///
    /// # Errors
    /// Why it cannot.
    pub fn file(&self, name: &str) -> Result<PathBuf> {
        let path = PathBuf::from(self.get(name));
        std::fs::File::open(&path)
            .map_err(|error| format!("{name} names {}, which cannot be read: {error}", path.display()))?;
        Ok(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Variables> {
        Variables::read(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
    }

    #[test]
    fn what_is_empty_or_none_of_ours_is_not_set() {
        let read = read(&[("SF_LOGIN_URL", " "), ("SF_OBJECTS", "Lead"), ("SF_TARGET_ORG", "acme")]).unwrap();
        assert_eq!((read.of_a_login().count(), read.get("SF_OBJECTS")), (0, "Lead"));
        assert_eq!((read.optional("SF_LOGIN_URL"), read.optional("SF_TARGET_ORG")), (None, None));
    }

    #[test]
    fn a_slip_in_a_name_is_not_passed_over() {
        let error = read(&[("SF_LOGINURL", "https://acme.my.salesforce.com")]).unwrap_err().to_string();
        assert_eq!(error, "SF_LOGINURL is set, which no program here takes; did you mean SF_LOGIN_URL?");
    }

    #[test]
    fn what_is_missing_is_named_all_at_once() {
        let error = read(&[("SF_CLIENT_ID", "key")])
            .unwrap()
            .need(&["SF_LOGIN_URL", "SF_CLIENT_ID", "SF_USERNAME"], "it");
        assert_eq!(
            error.unwrap_err().to_string(),
            "it needs SF_LOGIN_URL, SF_CLIENT_ID, SF_USERNAME, but SF_LOGIN_URL, SF_USERNAME are missing; set: SF_CLIENT_ID"
        );
    }

    #[test]
    fn nothing_of_a_value_is_shown() {
        let read = read(&[("SF_PASSWORD", "hidden")]).unwrap();
        assert!(!format!("{read:?}").contains("hidden"));
    }
}
