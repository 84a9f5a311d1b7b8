//! Apps and users as JSON: the file of `--apps`.

use std::fmt;

use serde::Deserialize;

use super::{App, User};

/// A file of apps and users that cannot be read; it says where and why.
#[derive(Debug)]
pub struct AccountsFileError(serde_json::Error);

impl fmt::Display for AccountsFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not apps and users: {}", self.0)
    }
}

impl std::error::Error for AccountsFileError {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    apps: Vec<App>,
    #[serde(default)]
    users: Vec<User>,
}

pub(crate) fn parse(json: &str) -> Result<(Vec<App>, Vec<User>), AccountsFileError> {
    let File { apps, users } = serde_json::from_str(json).map_err(AccountsFileError)?;
    Ok((apps, users))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::Grant;

    #[test]
    fn a_file_says_what_the_builders_say() {
        let text = r#"{
            "apps": [{"client_id": "portal", "client_secret": "s", "grants": ["authorization_code", "device"],
                      "callbacks": ["http://localhost/cb"], "scopes": ["api"], "pkce_required": true,
                      "admin_approved": ["ada@example.com"], "run_as": "ada@example.com", "rotate": true,
                      "device_interval_s": 0, "subject_tokens": {"t": "ada@example.com"}}],
            "users": [{"username": "ada@example.com", "password": "p", "security_token": "t", "locked": true,
                       "trusted_ips": ["10.0.0.1"]}]
        }"#;
        let app = App::new("portal")
            .secret("s")
            .grants([Grant::AuthorizationCode, Grant::Device])
            .callback("http://localhost/cb")
            .scopes(["api"])
            .pkce_required(true)
            .admin_approved("ada@example.com")
            .run_as("ada@example.com")
            .rotate(true)
            .device_interval_s(0)
            .subject_token("t", "ada@example.com");
        let user = User::new("ada@example.com", "p")
            .security_token("t")
            .locked(true)
            .trusted_ip([10, 0, 0, 1].into());
        let (apps, users) = parse(text).unwrap();
        assert!(apps == [app] && users == [user]);
        assert!(parse(r#"{"apps": [{"client_id": "a"}]}"#).unwrap().0 == [App::new("a")]);
    }

    #[test]
    fn a_slip_in_a_file_is_named() {
        for (text, wanted) in [
            (r#"{"apps": [{}]}"#, "missing field `client_id`"),
            (r#"{"apps": [{"client_id": "a", "grants": ["magic"]}]}"#, "unknown variant `magic`"),
            (r#"{"users": [{"username": "a", "pasword": "b"}]}"#, "unknown field `pasword`"),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(wanted), "{text}: {error}");
        }
    }
}
