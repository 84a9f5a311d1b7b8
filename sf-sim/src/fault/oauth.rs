//! The errors of the token endpoint that can be asked for by name.

/// Every `error` of an org's login endpoints and what it says, the usual words of an `error` first.
pub const OAUTH_ERRORS: &[(&str, &str)] = &[
    ("invalid_grant", "authentication failure"),
    ("invalid_grant", "user hasn't approved this consumer"),
    ("invalid_grant", "invalid assertion"),
    ("invalid_grant", "audience is invalid"),
    ("invalid_grant", "expired authorization code"),
    ("invalid_grant", "invalid authorization code"),
    ("invalid_grant", "redirect_uri must match configuration"),
    ("invalid_grant", "expired access/refresh token"),
    ("invalid_grant", "inactive user"),
    ("invalid_grant", "token validity expired"),
    ("invalid_grant", "no client credentials user enabled"),
    ("invalid_grant", "ip restricted or invalid login hours"),
    ("invalid_grant", "login rate exceeded"),
    ("invalid_grant", "request not supported on this domain"),
    ("invalid_client_id", "client identifier invalid"),
    ("invalid_client", "invalid client credentials"),
    ("invalid_app_access", "user is not admin approved to access this app"),
    ("invalid_request", "must use HTTP POST"),
    ("invalid_request", "secret type not supported"),
    ("unsupported_grant_type", "grant type not supported"),
    ("unsupported_response_type", "response type not supported"),
    ("invalid_scope", "the requested scope is invalid, unknown, or malformed"),
    ("inactive_user", "user is inactive"),
    ("inactive_org", "organization is inactive"),
    ("rate_limit_exceeded", "number of login attempts exceeded"),
    ("redirect_uri_mismatch", "redirect_uri must match configuration"),
    ("authorization_pending", "end-user authorization is pending"),
    ("slow_down", "polling too frequently"),
    ("access_denied", "end-user denied authorization"),
    ("server_error", "an unexpected error occurred"),
    ("unsupported_token_type", "this token type is not supported"),
    ("invalid_token", "invalid token"),
];

/// What an error usually says.
pub(super) fn usual(error: &str) -> Option<&'static str> {
    OAUTH_ERRORS.iter().find(|(known, _)| *known == error).map(|(_, description)| *description)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::{Action, Fault, Route, file};

    #[test]
    fn each_error_can_be_asked_for_in_a_file_by_its_name_alone_or_with_its_words() {
        for (error, description) in OAUTH_ERRORS {
            let long = serde_json::json!({ "on": "token", "then": { "oauth_error": { "error": error, "description": description } } });
            let expected = Fault::on(Route::Token).then(Action::oauth_error(error, description));
            assert_eq!(file::parse(&long.to_string()).unwrap(), [expected]);
            let short = serde_json::json!({ "on": "token", "then": { "oauth_error": { "error": error } } });
            let first = usual(error).unwrap();
            let expected = Fault::on(Route::Token).then(Action::oauth_error(error, first));
            assert_eq!(file::parse(&short.to_string()).unwrap(), [expected]);
        }
    }
}
