//! Who is logged in: userinfo and the identity URL.

use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::id::RecordId;
use crate::org::{Session, Shared};
use crate::rest::{Answer, Call};

fn refused(status: StatusCode, text: &'static str) -> Answer {
    Answer::new(status, "text/html; charset=UTF-8", text)
}

fn session(org: &Shared, call: &Call) -> Result<Session, Answer> {
    let parameter = call.parameter("oauth_token").or_else(|| call.parameter("access_token"));
    let Some(token) = call.token().or(parameter.as_deref()) else {
        return Err(refused(StatusCode::FORBIDDEN, "Missing_OAuth_Token"));
    };
    let session = org.state().session(token, org.clock.now_ms());
    let session = session.ok_or_else(|| refused(StatusCode::FORBIDDEN, "Bad_OAuth_Token"))?;
    org.journal.amend(call.number, |entry| entry.user = Some(session.username.to_string()));
    Ok(session)
}

/// The fields of a user's row.
struct Person<'a> {
    org: &'a Shared,
    id: RecordId,
}

impl Person<'_> {
    fn field(&self, name: &str) -> Value {
        let value = self.org.read(|store| {
            let (at, _) = store.table("User")?.def().field(name)?;
            Some(store.row("User", self.id)?.get(at).to_json())
        });
        value.unwrap_or_default()
    }
}

/// Addresses of the APIs; clients put a version in.
fn urls(org: &Shared, base: &str, user: RecordId) -> Value {
    let org_id = org.identity().0;
    let mut urls = Map::new();
    for (name, letter) in [("enterprise", 'c'), ("metadata", 'm'), ("partner", 'u')] {
        let url = format!("{base}/services/Soap/{letter}/{{version}}/{}", org_id.as_str15());
        urls.insert(name.to_owned(), url.into());
    }
    for (name, path) in [
        ("rest", ""),
        ("sobjects", "sobjects/"),
        ("search", "search/"),
        ("query", "query/"),
        ("recent", "recent/"),
        ("feeds", "chatter/feeds"),
        ("groups", "chatter/groups"),
        ("users", "chatter/users"),
        ("feed_items", "chatter/feed-items"),
    ] {
        urls.insert(name.to_owned(), format!("{base}/services/data/v{{version}}/{path}").into());
        if name == "recent" {
            urls.insert("profile".to_owned(), format!("{base}/{user}").into());
        }
    }
    Value::Object(urls)
}

/// Scheme and host of the org.
fn instance(org: &Shared, call: &Call) -> String {
    org.state().moved.as_ref().map_or(&call.base, |moved| &moved.to).clone()
}

/// `/services/oauth2/userinfo`.
pub(super) fn userinfo(org: &Shared, call: &Call) -> Answer {
    let session = match session(org, call) {
        Ok(session) => session,
        Err(refused) => return refused,
    };
    let user = session.user;
    let person = Person { org, id: user };
    let base = instance(org, call);
    Answer::ok(&json!({
        "sub": org.identity_url(user),
        "user_id": user.to_string(),
        "organization_id": org.identity().0.to_string(),
        "preferred_username": session.username.as_ref(),
        "nickname": person.field("CommunityNickname"),
        "name": person.field("Name"),
        "email": person.field("Email"),
        "email_verified": true,
        "given_name": person.field("FirstName"),
        "family_name": person.field("LastName"),
        "zoneinfo": person.field("TimeZoneSidKey"),
        "photos": { "picture": format!("{base}/profilephoto/005/F"), "thumbnail": format!("{base}/profilephoto/005/T") },
        "profile": format!("{base}/{user}"),
        "picture": format!("{base}/profilephoto/005/F"),
        "address": {},
        "is_salesforce_integration_user": false,
        "urls": urls(org, &base, user),
        "active": true,
        "user_type": "STANDARD",
        "language": person.field("LanguageLocaleKey"),
        "locale": person.field("LocaleSidKey"),
        "utcOffset": 0,
        "updated_at": person.field("LastModifiedDate"),
    }))
}

/// `/id/<org>/<user>`.
pub(crate) fn identity(org: &Shared, call: &Call, org_id: &str, user_id: &str) -> Answer {
    let session = match session(org, call) {
        Ok(session) => session,
        Err(refused) => return refused,
    };
    if org_id.parse() != Ok(org.identity().0) {
        return refused(StatusCode::FORBIDDEN, "Wrong_Org");
    }
    let user = session.user;
    if user_id.parse() != Ok(user) {
        return refused(StatusCode::NOT_FOUND, "Bad_Id");
    }
    let person = Person { org, id: user };
    let base = instance(org, call);
    Answer::ok(&json!({
        "id": org.identity_url(user),
        "asserted_user": true,
        "user_id": user.to_string(),
        "organization_id": org.identity().0.to_string(),
        "username": session.username.as_ref(),
        "nick_name": person.field("CommunityNickname"),
        "display_name": person.field("Name"),
        "email": person.field("Email"),
        "email_verified": true,
        "first_name": person.field("FirstName"),
        "last_name": person.field("LastName"),
        "timezone": person.field("TimeZoneSidKey"),
        "photos": { "picture": format!("{base}/profilephoto/005/F"), "thumbnail": format!("{base}/profilephoto/005/T") },
        "addr_street": person.field("Street"),
        "addr_city": person.field("City"),
        "addr_state": person.field("State"),
        "addr_country": person.field("Country"),
        "addr_zip": person.field("PostalCode"),
        "mobile_phone": person.field("MobilePhone"),
        "mobile_phone_verified": false,
        "status": { "created_date": null, "body": null },
        "urls": urls(org, &base, user),
        "active": true,
        "user_type": "STANDARD",
        "language": person.field("LanguageLocaleKey"),
        "locale": person.field("LocaleSidKey"),
        "utcOffset": 0,
        "last_modified_date": person.field("LastModifiedDate"),
        "is_app_installed": true,
    }))
}
