//! The SOAP login, which gives a session id.

use reqwest::Method;

use crate::grants::{ADA, org, portal, works};
use crate::support::{Org, told};

async fn soap(org: &Org, version: &str, username: &str, password: &str) -> (u16, String) {
    let body = format!(
        "<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\"><e:Body>\
         <login xmlns=\"urn:partner.soap.sforce.com\"><username>{username}</username>\
         <password>{password}</password></login></e:Body></e:Envelope>"
    );
    let call = org.without_token(Method::POST, &format!("/services/Soap/u/{version}"));
    told(
        call.header("SOAPAction", "login")
            .header("Content-Type", "text/xml")
            .body(body)
            .send()
            .await
            .unwrap(),
    )
    .await
}

fn element<'a>(xml: &'a str, name: &str) -> &'a str {
    xml.split(&format!("<{name}>")).nth(1).unwrap().split("</").next().unwrap()
}

#[tokio::test]
async fn a_soap_login_gives_a_session_id_up_to_version_64() {
    let org = org(portal()).await;
    let (status, xml) = soap(&org, "64.0", ADA, "enginetok").await;
    assert_eq!(status, 200, "{xml}");
    assert!(works(&org, element(&xml, "sessionId")).await);
    let server = format!("{}/services/Soap/u/64.0/{}", org.server.url(), org.sim.org_id().as_str15());
    assert_eq!((element(&xml, "serverUrl"), element(&xml, "passwordExpired")), (server.as_str(), "false"));
    for (version, password, code) in [
        ("64.0", "wrong", "INVALID_LOGIN"),
        ("64.0", "engine", "LOGIN_MUST_USE_SECURITY_TOKEN"),
        ("65.0", "enginetok", "UNSUPPORTED_API_VERSION"),
        ("30.0", "enginetok", "UNSUPPORTED_API_VERSION"),
    ] {
        let (status, xml) = soap(&org, version, ADA, password).await;
        assert_eq!((status, element(&xml, "sf:exceptionCode")), (500, code));
        assert!(element(&xml, "faultstring").starts_with(code), "{xml}");
    }
    org.sim.change_user(ADA, |user| user.password_expired(true));
    let (_, xml) = soap(&org, "64.0", ADA, "enginetok").await;
    assert_eq!(element(&xml, "passwordExpired"), "true");
    assert!(!works(&org, element(&xml, "sessionId")).await);
    org.sim.change_user(ADA, |user| user.active(false).password_expired(false));
    let (_, xml) = soap(&org, "64.0", ADA, "enginetok").await;
    assert_eq!(element(&xml, "sf:exceptionCode"), "INVALID_LOGIN");
}

/// The elements of `userInfo`, as the WSDLs of the SOAP API list them in a sequence.
const USER_INFO: [&str; 24] = [
    "accessibilityMode",
    "chatterExternal",
    "currencySymbol",
    "orgAttachmentFileSizeLimit",
    "orgDefaultCurrencyIsoCode",
    "orgDefaultCurrencyLocale",
    "orgDisallowHtmlAttachments",
    "orgHasPersonAccounts",
    "organizationId",
    "organizationMultiCurrency",
    "organizationName",
    "profileId",
    "roleId",
    "sessionSecondsValid",
    "userDefaultCurrencyIsoCode",
    "userEmail",
    "userFullName",
    "userId",
    "userLanguage",
    "userLocale",
    "userName",
    "userTimeZone",
    "userType",
    "userUiSkin",
];

#[tokio::test]
async fn the_user_of_a_soap_login_is_told_in_the_sequence_of_the_versions_wsdl() {
    let org = org(portal()).await;
    for (version, absent) in [
        ("37.0", &["chatterExternal", "orgDefaultCurrencyLocale"][..]),
        ("38.0", &["chatterExternal"]),
        ("40.0", &[]),
        ("64.0", &[]),
    ] {
        let (_, xml) = soap(&org, version, ADA, "enginetok").await;
        let user = xml.split("<userInfo>").nth(1).unwrap().split("</userInfo>").next().unwrap();
        let names = user.split('<').skip(1).filter(|tag| !tag.starts_with('/'));
        let names: Vec<&str> = names.map(|tag| tag.split([' ', '>', '/']).next().unwrap()).collect();
        let listed: Vec<&str> = USER_INFO.into_iter().filter(|name| !absent.contains(name)).collect();
        assert_eq!(names, listed, "{version}");
    }
}
