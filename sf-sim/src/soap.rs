//! `login()` and `logout()` of the SOAP API: a session id for a username, a password and a security token.

use http::{Method, StatusCode};

use crate::oauth::{self, Login, RATE_EXCEEDED};
use crate::org::{Door, NoLogin, Shared, Who};
use crate::rest::{Answer, Call};

/// The versions whose login() answers. From 65 on there is none.
const VERSIONS: std::ops::RangeInclusive<u32> = 31..=64;
/// From which version on an element of `userInfo` is told [SOAP API guide, "getUserInfoResult"].
const CHATTER_EXTERNAL: u32 = 40;
/// The guide names no version; the WSDL of 37 lacks it, that of 38 has it.
const CURRENCY_LOCALE: u32 = 38;
const XML: &str = "text/xml; charset=utf-8";
const PARTNER: &str = "urn:partner.soap.sforce.com";
const ENTERPRISE: &str = "urn:enterprise.soap.sforce.com";

/// A fault: its code and its words.
#[derive(Debug, PartialEq, Eq)]
struct Fault(&'static str, String);

impl Fault {
    fn new(code: &'static str, message: &str) -> Self {
        Self(code, message.to_owned())
    }

    fn answer(&self, kind: &str) -> Answer {
        let Self(code, message) = self;
        let message = oauth::escaped(message);
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><soapenv:Envelope \
             xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" \
             xmlns:sf=\"urn:fault.{kind}.soap.sforce.com\" \
             xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><soapenv:Body><soapenv:Fault>\
             <faultcode>sf:{code}</faultcode><faultstring>{code}: {message}</faultstring>\
             <detail><sf:LoginFault xsi:type=\"sf:LoginFault\"><sf:exceptionCode>{code}</sf:exceptionCode>\
             <sf:exceptionMessage>{message}</sf:exceptionMessage></sf:LoginFault></detail>\
             </soapenv:Fault></soapenv:Body></soapenv:Envelope>"
        );
        Answer::new(StatusCode::INTERNAL_SERVER_ERROR, XML, body)
    }
}

/// Routes below `/services/Soap/`.
pub(crate) fn route(org: &Shared, call: &Call, rest: &str) -> Answer {
    let mut parts = rest.split('/');
    let (kind, namespace, letter) = match parts.next() {
        Some("u") => ("partner", PARTNER, 'u'),
        Some("c") => ("enterprise", ENTERPRISE, 'c'),
        _ => return Answer::not_found(),
    };
    if call.method != Method::POST {
        return Answer::not_allowed(&call.method, "POST");
    }
    let version = parts.next().unwrap_or_default();
    asked(org, call, version, namespace, &format!("{letter}/{version}"))
        .unwrap_or_else(|fault| fault.answer(kind))
}

fn asked(org: &Shared, call: &Call, version: &str, namespace: &str, at: &str) -> Result<Answer, Fault> {
    if call.header("soapaction").is_none() {
        return Err(Fault::new("UNKNOWN_EXCEPTION", "SOAPAction HTTP header missing"));
    }
    let number: Option<u32> = version.strip_suffix(".0").and_then(|number| number.parse().ok());
    match read(&call.text(), namespace)? {
        Asked::Logout(token) => {
            org.journal.amend(call.number, |entry| entry.detail = Some("logout".to_owned()));
            if !org.state().end_session(Some(&token)) {
                let message = "Invalid Session ID found in SessionHeader: Illegal Session";
                return Err(Fault::new("INVALID_SESSION_ID", message));
            }
            Ok(envelope(namespace, "<logoutResponse/>"))
        }
        Asked::Login { .. } if !number.is_some_and(|number| VERSIONS.contains(&number)) => {
            let message = format!("login() is not available in version {version}");
            Err(Fault("UNSUPPORTED_API_VERSION", message))
        }
        Asked::Login { username, password } => {
            let session = login(org, call, &username, &password)?;
            Ok(envelope(namespace, &told(org, call, &session, at)))
        }
    }
}

/// A session that was opened; where the password has expired, it is good for nothing.
struct Opened {
    who: Who,
    token: String,
    expired: bool,
}

fn login(org: &Shared, call: &Call, username: &str, password: &str) -> Result<Opened, Fault> {
    org.journal.amend(call.number, |entry| entry.detail = Some("login".to_owned()));
    let now = org.clock.now_ms();
    let mut state = org.state();
    let door = Door::Api(oauth::address(call));
    let (who, expired) = match state.accounts.password(username, password, door, now) {
        Ok(who) => (who, false),
        Err(NoLogin::Expired) => match state.accounts.user(username) {
            Some((who, _)) => (who, true),
            None => return Err(refused(NoLogin::Refused)),
        },
        Err(why) => return Err(refused(why)),
    };
    oauth::admit(&mut state, &who, call, now).map_err(|refusal| match refusal.error() {
        _ if refusal == RATE_EXCEEDED => Fault::new("LOGIN_RATE_EXCEEDED", refusal.description()),
        "inactive_org" => Fault::new("ORG_LOCKED", refusal.description()),
        _ => refused(NoLogin::Refused),
    })?;
    let token = state.open_session(org.identity().0, Login::plain(who.clone()), now);
    if expired {
        state.end_session(Some(&token));
    }
    drop(state);
    org.journal.amend(call.number, |entry| entry.user = Some(who.username.to_string()));
    Ok(Opened { who, token, expired })
}

fn refused(why: NoLogin) -> Fault {
    let wrong = "Invalid username, password, security token; or user locked out.";
    match why {
        NoLogin::TokenMissing => {
            let hint = "Are you at a new location? From outside of your company's trusted networks \
                        you must add a security token to your password.";
            Fault("LOGIN_MUST_USE_SECURITY_TOKEN", format!("{wrong} {hint}"))
        }
        NoLogin::Refused | NoLogin::Expired => Fault::new("INVALID_LOGIN", wrong),
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Asked {
    Login { username: String, password: String },
    Logout(String),
}

/// What an envelope asks for.
fn read(envelope: &str, namespace: &str) -> Result<Asked, Fault> {
    let malformed =
        || Fault::new("UNKNOWN_EXCEPTION", "The request is neither login() nor logout() of this API");
    let document = roxmltree::Document::parse(envelope.trim_start()).map_err(|_| malformed())?;
    let find = |name: &str| document.descendants().find(|node| node.has_tag_name((namespace, name)));
    let text = |parent: roxmltree::Node<'_, '_>, name: &str| {
        let node = parent.children().find(|node| node.has_tag_name((namespace, name)));
        node.map(|node| node.text().unwrap_or_default().to_owned()).ok_or_else(malformed)
    };
    if let Some(login) = find("login") {
        return Ok(Asked::Login { username: text(login, "username")?, password: text(login, "password")? });
    }
    find("logout").ok_or_else(malformed)?;
    Ok(Asked::Logout(text(find("SessionHeader").ok_or_else(malformed)?, "sessionId")?))
}

fn envelope(namespace: &str, body: &str) -> Answer {
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><soapenv:Envelope \
         xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" xmlns=\"{namespace}\" \
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><soapenv:Body>{body}</soapenv:Body>\
         </soapenv:Envelope>"
    );
    Answer::new(StatusCode::OK, XML, text)
}

/// The result of a login.
fn told(org: &Shared, call: &Call, session: &Opened, at: &str) -> String {
    let Opened { who, token, expired } = session;
    let org_id = org.identity().0;
    let (base, valid) = {
        let state = org.state();
        let base = state.moved.as_ref().map_or(&call.base, |moved| &moved.to).clone();
        (base, state.knobs.session_ms / 1000)
    };
    let version = at.split('/').next_back().unwrap_or_default();
    let since = |first: u32, element: &'static str| {
        let number: Option<u32> = version.strip_suffix(".0").and_then(|number| number.parse().ok());
        if number.is_some_and(|number| number >= first) { element } else { "" }
    };
    // Clients made from a WSDL read a sequence: each version has just the elements of its own, in their order.
    let chatter = since(CHATTER_EXTERNAL, "<chatterExternal>false</chatterExternal>");
    let locale = since(CURRENCY_LOCALE, "<orgDefaultCurrencyLocale>en_US</orgDefaultCurrencyLocale>");
    let name = org.read(|store| {
        let (column, _) = store.table("User")?.def().field("Name")?;
        Some(store.row("User", who.id)?.get(column).to_json().as_str()?.to_owned())
    });
    let name = oauth::escaped(&name.unwrap_or_default());
    let username = oauth::escaped(&who.username);
    let (short, user) = (org_id.as_str15(), who.id);
    format!(
        "<loginResponse><result>\
         <metadataServerUrl>{base}/services/Soap/m/{version}/{short}</metadataServerUrl>\
         <passwordExpired>{expired}</passwordExpired><sandbox>false</sandbox>\
         <serverUrl>{base}/services/Soap/{at}/{short}</serverUrl><sessionId>{token}</sessionId>\
         <userId>{user}</userId><userInfo><accessibilityMode>false</accessibilityMode>{chatter}\
         <currencySymbol>$</currencySymbol>\
         <orgAttachmentFileSizeLimit>5242880</orgAttachmentFileSizeLimit>\
         <orgDefaultCurrencyIsoCode>USD</orgDefaultCurrencyIsoCode>{locale}\
         <orgDisallowHtmlAttachments>false</orgDisallowHtmlAttachments><orgHasPersonAccounts>false</orgHasPersonAccounts><organizationId>{org_id}</organizationId>\
         <organizationMultiCurrency>false</organizationMultiCurrency>\
         <organizationName>Emulated Org</organizationName><profileId>00e5i0000000001AAA</profileId>\
         <roleId xsi:nil=\"true\"/><sessionSecondsValid>{valid}</sessionSecondsValid>\
         <userDefaultCurrencyIsoCode xsi:nil=\"true\"/><userEmail>{username}</userEmail>\
         <userFullName>{name}</userFullName><userId>{user}</userId><userLanguage>en_US</userLanguage>\
         <userLocale>en_US</userLocale><userName>{username}</userName><userTimeZone>GMT</userTimeZone>\
         <userType>Standard</userType><userUiSkin>Theme3</userUiSkin></userInfo>\
         </result></loginResponse>"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_read_whatever_its_prefixes_are() {
        let soap = "http://schemas.xmlsoap.org/soap/envelope/";
        let envelope =
            |inner: &str| format!("\n<e:Envelope xmlns:e=\"{soap}\"><e:Body>{inner}</e:Body></e:Envelope>");
        let prefixed = "<n:login xmlns:n=\"urn:partner.soap.sforce.com\"><n:username>u&amp;v</n:username><n:password>p</n:password></n:login>";
        let plain = "<login xmlns=\"urn:partner.soap.sforce.com\"><username>u&amp;v</username><password>p</password></login>";
        for text in [envelope(prefixed), envelope(plain)] {
            let wanted = Asked::Login { username: "u&v".into(), password: "p".into() };
            assert_eq!(read(&text, PARTNER), Ok(wanted));
            assert_eq!(read(&text, ENTERPRISE).unwrap_err().0, "UNKNOWN_EXCEPTION");
        }
        assert_eq!(read("<login", PARTNER).unwrap_err().0, "UNKNOWN_EXCEPTION");
        let no_session = envelope("<logout xmlns=\"urn:partner.soap.sforce.com\"/>");
        assert_eq!(read(&no_session, PARTNER).unwrap_err().0, "UNKNOWN_EXCEPTION");
    }
}
