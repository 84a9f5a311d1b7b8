//! What to change, here or in the org, about each refusal of a login.
//!
//! From Salesforce's help ("OAuth 2.0 Authorization Errors") and from what users of other clients met.

use sf_core::time;

use crate::{ErrorKind, Host, LoginUrl};

/// The grant that was refused, as Salesforce calls it: some sentences of the org mean something else under each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    ClientCredentials,
    JwtBearer,
    UsernamePassword,
    WebServer,
    RefreshToken,
    Device,
    TokenExchange,
    /// Not a grant: a token is given back.
    Revocation,
}

impl Flow {
    fn name(self) -> &'static str {
        match self {
            Self::ClientCredentials => "client credentials flow",
            Self::JwtBearer => "JWT bearer flow",
            Self::UsernamePassword => "username-password flow",
            Self::WebServer => "authorization code (web server) flow",
            Self::RefreshToken => "refresh token flow",
            Self::Device => "device flow",
            Self::TokenExchange => "token exchange flow",
            Self::Revocation => "revocation of tokens",
        }
    }
}

/// What is known about a refused login.
#[derive(Debug, Clone)]
pub(crate) struct Context<'a> {
    pub(crate) flow: Flow,
    pub(crate) login: &'a LoginUrl,
    /// The audience that the JWT named.
    pub(crate) audience: Option<&'a str>,
    /// The org's clock as its `Date` header shows it.
    pub(crate) date: Option<chrono::DateTime<chrono::Utc>>,
}

/// More than this between the two clocks is worth a word.
const SKEW_SECONDS: i64 = 60;

/// What the user can do about a refusal of this kind.
pub(crate) fn of(kind: ErrorKind, context: &Context<'_>) -> Option<String> {
    let hint = match kind {
        ErrorKind::WrongCredentials => wrong_credentials(context),
        ErrorKind::InvalidAudience | ErrorKind::AppNotFound => audience(kind, context),
        ErrorKind::UnsupportedGrant => unsupported_grant(context.flow),
        ErrorKind::InvalidGrant => invalid_grant(context.flow).to_owned(),
        ErrorKind::HostRefused => my_domain(context.login),
        _ => fixed(kind)?.to_owned(),
    };
    Some(match skew(kind, context) {
        Some(skew) => format!("{skew} {hint}"),
        None => hint,
    })
}

/// Client credentials exist on an org's My Domain only.
pub(crate) fn my_domain(login: &LoginUrl) -> String {
    let example = match login.host() {
        Host::Sandbox => "https://acme--sandbox.sandbox.my.salesforce.com",
        _ => "https://acme.my.salesforce.com",
    };
    format!("Log in at the org's own URL (Setup > My Domain), for example {example}.")
}

fn fixed(kind: ErrorKind) -> Option<&'static str> {
    Some(match kind {
        ErrorKind::NotApproved => {
            "The user must approve the app once, or an administrator must set \"Admin approved users are \
             pre-authorized\" on it and give the user's profile or permission set access to it. Check also that \
             the user name is one of this org, a sandbox's with its suffix."
        }
        ErrorKind::InvalidAssertion => {
            "The org could not verify the JWT's signature: upload the certificate that belongs to this private \
             key to the app (\"Use digital signatures\"), and check that it has not expired."
        }
        ErrorKind::AssertionExpired => {
            "The JWT was too old when it arrived. Check this machine's clock, and give the JWT more life (up to 5 \
             minutes) if the network is slow."
        }
        ErrorKind::ReusedRefreshToken => {
            "With rotation on, a refresh token works once, and the org ends all that came from one spent twice. Log in \
             anew, keep the token in one `TokenStore` that all processes share (`FileStore`), and check that no \
             other program uses a copy of it. An answer that was lost on its way, so that a token was sent again, looks \
             the same."
        }
        ErrorKind::StateMismatch => {
            "The answer belongs to another login, or someone forged it. Begin again, and use the newest page."
        }
        ErrorKind::InvalidToken => "The token has ended or was revoked before, or is another org's.",
        ErrorKind::ExpiredToken => {
            "The token was revoked, has expired, or was pushed out: an app keeps five for a user. With rotation on, an \
             org may say the same of a token spent twice: another program has a copy of it, or an answer was lost on its \
             way. Log in anew, and check the app's refresh token policy."
        }
        ErrorKind::InvalidCode => {
            "An authorization code lives 15 minutes and works once. Start the login again."
        }
        ErrorKind::RedirectMismatch => {
            "The redirect URI must be one of the app's callback URLs, letter by letter, a trailing slash included."
        }
        ErrorKind::InactiveUser => "Activate the user (Setup > Users), or log in as another one.",
        ErrorKind::InactiveOrg => "The org is inactive: its owner must ask Salesforce to reactivate it.",
        ErrorKind::NoRunAsUser => {
            "Enable the client credentials flow in the app's OAuth policies and choose an active user with API \
             access under \"Run As\"."
        }
        ErrorKind::AccessRestricted => {
            "The user's profile, or the app, allows other addresses or hours. Add this machine's address to the \
             profile's login IP ranges, or set the app's IP relaxation to \"Relax IP restrictions\"."
        }
        ErrorKind::LoginRateExceeded => {
            "A user can log in 3,600 times an hour. Wait, and share one client between tasks: it logs in once and \
             renews its token when that is refused."
        }
        ErrorKind::DailyLimit => {
            "The org's calls of the last 24 hours are used up: wait, and see under Setup > Company Information how many there \
             are. `Limits` shows them as `DailyApiRequests`."
        }
        ErrorKind::InvalidClientId => {
            "Copy the consumer key from the app again (Setup > App Manager > Manage Consumer Details). An app that \
             was just made is known after up to ten minutes; a sandbox has apps of its own."
        }
        ErrorKind::InvalidClient => {
            "Copy the consumer secret from the app again (Setup > App Manager > Manage Consumer Details): key and \
             secret must be of the same app."
        }
        ErrorKind::NotAdminApproved => {
            "The app lets in users that an administrator approved: give the user's profile or a permission set \
             access to it (Setup > App Manager > Manage > Profiles or Permission Sets)."
        }
        ErrorKind::InvalidRequest => {
            "The org found the request itself wrong. A proxy that changes requests, or an app that asks for another \
             kind of secret, causes this."
        }
        ErrorKind::UnsupportedResponseType => {
            "The app allows another flow: enable this one in its OAuth settings."
        }
        ErrorKind::InvalidScope => {
            "Add the scope to the app's \"Selected OAuth Scopes\"; API access needs \"Manage user data via APIs \
             (api)\"."
        }
        ErrorKind::AuthorizationPending => "The user has not answered yet. Ask again after the interval.",
        ErrorKind::SlowDown => "Ask less often: add five seconds to the interval.",
        ErrorKind::AccessDenied => "The user refused access, or the app may not be used by this user.",
        ErrorKind::Server => "See https://status.salesforce.com for the org's instance, and try again later.",
        ErrorKind::RateLimited => "Wait, and log in less often.",
        ErrorKind::Refused => {
            "The org's login history (Setup > Login History) shows the reason for a user's refused login."
        }
        _ => return None,
    })
}

fn wrong_credentials(context: &Context<'_>) -> String {
    let place = match context.login.host() {
        Host::Sandbox => "This host knows users of sandboxes only.",
        Host::Production => {
            "This host knows no user of a sandbox: those log in at https://test.salesforce.com."
        }
        _ => "A sandbox's user names end in the sandbox's name.",
    };
    match context.flow {
        Flow::UsernamePassword => format!(
            "Check user name, password and security token (a password change makes a new token), that the user is \
             not locked, and that the org allows this flow (Setup > OAuth and OpenID Connect Settings > Allow OAuth \
             Username-Password Flows; off in newer orgs). {place} Every try counts towards locking the user."
        ),
        _ => format!(
            "Check that the user is active and not locked, and that the app is one of this org. {place}"
        ),
    }
}

fn audience(kind: ErrorKind, context: &Context<'_>) -> String {
    let named = context.audience.map_or_else(String::new, |a| format!("The JWT's audience was {a}. "));
    let other = match context.login.host() {
        Host::Production | Host::Sandbox => {
            "Log in at the org's own URL (Setup > My Domain): some orgs since Spring '26 accept no other audience."
        }
        Host::MyDomain | Host::Other => {
            "Set `audience` to https://login.salesforce.com, for a sandbox to https://test.salesforce.com, or to the \
             org's own URL (Setup > My Domain)."
        }
    };
    let key = if kind == ErrorKind::AppNotFound { " Check the consumer key as well." } else { "" };
    format!("{named}{other}{key}")
}

fn unsupported_grant(flow: Flow) -> String {
    let more = match flow {
        Flow::UsernamePassword => {
            " It is off in orgs made since Summer '23 (Setup > OAuth and OpenID Connect Settings) and does not exist \
             for External Client Apps: prefer client credentials or JWT bearer."
        }
        Flow::ClientCredentials => " Choose a user under \"Run As\" as well.",
        Flow::JwtBearer => " \"Use digital signatures\" with a certificate switches it on.",
        Flow::TokenExchange => {
            " It also needs a token exchange handler (an Apex class) that is enabled for the app."
        }
        Flow::RefreshToken => {
            " The scope \"Perform requests at any time (refresh_token, offline_access)\" allows it."
        }
        Flow::WebServer | Flow::Device | Flow::Revocation => "",
    };
    format!("Enable the {} in the app's OAuth settings.{more}", flow.name())
}

fn invalid_grant(flow: Flow) -> &'static str {
    match flow {
        Flow::WebServer | Flow::Device | Flow::Revocation => {
            "Begin the login again; a code works once and not for long. The org's login history (Setup > Login \
             History) shows the reason."
        }
        Flow::RefreshToken => {
            "The refresh token has expired, was revoked or is another app's: log in anew, and check the app's refresh \
             token policy (Setup > App Manager > Manage)."
        }
        Flow::TokenExchange => {
            "The app's token exchange handler did not accept the subject token, or found no user for it: its debug \
             log (Setup > Debug Logs) shows why."
        }
        Flow::ClientCredentials => {
            "Check that the user chosen under the app's \"Run As\" is active and has API access. The org's login \
             history (Setup > Login History) shows the reason."
        }
        Flow::JwtBearer => {
            "Check user name, consumer key, audience and the certificate of the app. The org's login history (Setup \
             > Login History) shows the reason."
        }
        Flow::UsernamePassword => {
            "Check user name, password and security token. The org's login history (Setup > Login History) shows \
             the reason."
        }
    }
}

/// A JWT carries this machine's time, so a wrong clock is refused, in words that never say so.
fn skew(kind: ErrorKind, context: &Context<'_>) -> Option<String> {
    let by_time = matches!(
        kind,
        ErrorKind::InvalidGrant
            | ErrorKind::InvalidAssertion
            | ErrorKind::AssertionExpired
            | ErrorKind::WrongCredentials
            | ErrorKind::InvalidAudience
            | ErrorKind::ExpiredToken
    );
    if context.flow != Flow::JwtBearer || !by_time {
        return None;
    }
    let seconds = (time::now() - context.date?).num_seconds();
    let direction = if seconds > 0 { "ahead of" } else { "behind" };
    (seconds.abs() > SKEW_SECONDS).then(|| {
        format!(
            "This machine's clock is {} seconds {direction} the org's: set it right first.",
            seconds.abs()
        )
    })
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::OAuthError;

    fn context<'a>(flow: Flow, login: &'a LoginUrl) -> Context<'a> {
        Context { flow, login, audience: None, date: None }
    }

    #[test]
    fn every_refusal_that_orgs_are_known_to_send_has_a_hint_under_every_grant() {
        let login: LoginUrl = LoginUrl::PRODUCTION.parse().unwrap();
        for (error, description, _) in crate::token::tests::REFUSALS {
            let kind = OAuthError::new(*error, *description).kind();
            for flow in [
                Flow::ClientCredentials,
                Flow::JwtBearer,
                Flow::UsernamePassword,
                Flow::WebServer,
                Flow::RefreshToken,
                Flow::Device,
                Flow::TokenExchange,
                Flow::Revocation,
            ] {
                assert!(of(kind, &context(flow, &login)).is_some(), "{error} ({description}) under {flow:?}");
            }
        }
    }

    #[test]
    fn a_clock_that_is_off_is_named_with_its_direction() {
        let login: LoginUrl = LoginUrl::PRODUCTION.parse().unwrap();
        for (seconds, words) in [(600, "seconds behind"), (-600, "seconds ahead of")] {
            let date = Some(time::now() + TimeDelta::seconds(seconds));
            let hint = of(ErrorKind::InvalidGrant, &Context { date, ..context(Flow::JwtBearer, &login) });
            assert!(hint.unwrap().contains(words), "{seconds}");
        }
        let close = Some(time::now() + TimeDelta::seconds(30));
        for (flow, date) in
            [(Flow::JwtBearer, close), (Flow::UsernamePassword, Some(chrono::DateTime::UNIX_EPOCH))]
        {
            let hint = of(ErrorKind::InvalidGrant, &Context { date, ..context(flow, &login) });
            assert!(!hint.unwrap().contains("clock"), "{flow:?}");
        }
    }

    #[test]
    fn a_refused_audience_is_shown_beside_the_ones_to_try() {
        let login: LoginUrl = "https://acme.my.salesforce.com".parse().unwrap();
        let hint = of(
            ErrorKind::InvalidAudience,
            &Context { audience: Some("https://acme.my.salesforce.com"), ..context(Flow::JwtBearer, &login) },
        )
        .unwrap();
        assert!(
            hint.starts_with("The JWT's audience was https://acme.my.salesforce.com. Set `audience` to"),
            "{hint}"
        );
    }
}
