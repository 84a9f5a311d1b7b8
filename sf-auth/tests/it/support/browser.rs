//! A person at a browser, in front of the org's own pages.

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, header};
use sf_core::http::HttpService;
use url::Url;

/// Someone who fills in each form that the org shows, and presses one of its buttons, until the org sends the browser
/// elsewhere or has nothing more to ask.
#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) http: Arc<dyn HttpService>,
    pub(crate) username: String,
    pub(crate) password: String,
    /// `allow` or `deny`.
    pub(crate) decision: &'static str,
}

impl Person {
    /// Where the org sends the browser in the end.
    pub(crate) async fn open(&self, page: &Url) -> Option<Url> {
        let mut request = Request::get(page.as_str()).body(Bytes::new()).unwrap();
        // A login, a consent, and one more in case the password was wrong.
        for _ in 0..3 {
            let answer = self.http.call(request).await.unwrap();
            if let Some(to) = answer.header("location") {
                return Some(page.join(to).unwrap());
            }
            let shown = String::from_utf8(answer.collect(1 << 20).await.unwrap().to_vec()).unwrap();
            request = self.filled_in(page, &shown)?;
        }
        panic!("the org asks again and again");
    }

    fn filled_in(&self, page: &Url, shown: &str) -> Option<Request<Bytes>> {
        let form = shown.split_once("<form ")?.1;
        let action = page.join(&attribute(form, "action")?).unwrap();
        let mut fields: Vec<(String, String)> = Vec::new();
        for input in form.split("<input ").skip(1) {
            let input = input.split('>').next().unwrap();
            let name = attribute(input, "name").unwrap();
            let value = match name.as_str() {
                "username" => self.username.clone(),
                "password" => self.password.clone(),
                _ => attribute(input, "value").unwrap_or_default(),
            };
            fields.push((name, value));
        }
        if form.contains("name=\"decision\"") {
            fields.push(("decision".to_owned(), self.decision.to_owned()));
        }
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = Request::post(action.as_str())
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Bytes::from(body));
        Some(request.unwrap())
    }
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let value = tag.split_once(&format!("{name}=\""))?.1.split('"').next()?;
    let plain = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")];
    Some(plain.iter().fold(value.to_owned(), |text, (escaped, plain)| text.replace(escaped, plain)))
}
