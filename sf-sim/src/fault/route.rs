//! Which calls a fault, a hook or a journal filter speaks of.

use std::fmt;

use http::Method;
use serde::Deserialize;

/// One kind of call, or a pattern over method and path.
///
/// Every request belongs to at most one of the named routes, so a count of one route never includes
/// calls of another.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Route {
    /// Every request, whatever it asks for.
    Any,
    /// `/services/oauth2/token`.
    Token,
    /// `/services/oauth2/authorize`.
    Authorize,
    /// `/services/oauth2/revoke`.
    Revoke,
    /// `/services/oauth2/introspect`.
    Introspect,
    /// `/services/oauth2/userinfo`, and identity URLs.
    Userinfo,
    /// `POST /services/Soap/u/…` and `…/c/…`: login().
    SoapLogin,
    /// `GET /services/data`.
    Versions,
    /// `GET …/limits`.
    Limits,
    /// `GET …/sobjects`.
    DescribeGlobal,
    /// `GET …/sobjects/X/describe`.
    Describe,
    /// `GET …/query?q=` and `…/queryAll?q=`.
    Query,
    /// `GET …/query/<cursor>`.
    QueryPage,
    /// `POST …/jobs/query`.
    CreateJob,
    /// `GET …/jobs/query`.
    ListJobs,
    /// `GET …/jobs/query/<id>`.
    JobInfo,
    /// `GET …/jobs/query/<id>/results`.
    Results,
    /// `GET …/jobs/query/<id>/resultPages`.
    ResultPages,
    /// `PATCH …/jobs/query/<id>`.
    Abort,
    /// `DELETE …/jobs/query/<id>`.
    DeleteJob,
    /// `POST …/jobs/ingest`.
    CreateIngest,
    /// `GET …/jobs/ingest`.
    ListIngest,
    /// `GET …/jobs/ingest/<id>`.
    IngestInfo,
    /// `PUT …/jobs/ingest/<id>/batches`.
    Upload,
    /// `PATCH …/jobs/ingest/<id>`: both to close a job and to abort it; a fault tells them apart by `containing`.
    Close,
    /// `DELETE …/jobs/ingest/<id>`.
    DeleteIngest,
    /// `GET …/jobs/ingest/<id>/successfulResults`.
    SuccessfulResults,
    /// `GET …/jobs/ingest/<id>/failedResults`.
    FailedResults,
    /// `GET …/jobs/ingest/<id>/unprocessedrecords`.
    UnprocessedRecords,
    /// Any call on a row: `…/sobjects/X`, `…/sobjects/X/<id>`, `…/sobjects/X/<field>/<value>`, and its files.
    Row,
    /// Any call on up to 200 rows: `…/composite/sobjects…`.
    Collection,
    /// `POST …/composite` and what stands below it: batch, graph, tree.
    Composite,
    /// `POST …/sobjects/Name__e`.
    Event,
    /// A method (none: any) and a path in which `*` stands for any run of characters.
    Path(Option<Method>, String),
}

/// The names that a faults file uses, beside `{"method": …, "path": …}`.
const NAMES: &[(&str, Route)] = &[
    ("any", Route::Any),
    ("token", Route::Token),
    ("authorize", Route::Authorize),
    ("revoke", Route::Revoke),
    ("introspect", Route::Introspect),
    ("userinfo", Route::Userinfo),
    ("soap_login", Route::SoapLogin),
    ("versions", Route::Versions),
    ("limits", Route::Limits),
    ("describe_global", Route::DescribeGlobal),
    ("describe", Route::Describe),
    ("query", Route::Query),
    ("query_page", Route::QueryPage),
    ("create_job", Route::CreateJob),
    ("list_jobs", Route::ListJobs),
    ("job_info", Route::JobInfo),
    ("results", Route::Results),
    ("result_pages", Route::ResultPages),
    ("abort", Route::Abort),
    ("delete", Route::DeleteJob),
    ("create_ingest", Route::CreateIngest),
    ("list_ingest", Route::ListIngest),
    ("ingest_info", Route::IngestInfo),
    ("upload", Route::Upload),
    ("close", Route::Close),
    ("delete_ingest", Route::DeleteIngest),
    ("successful_results", Route::SuccessfulResults),
    ("failed_results", Route::FailedResults),
    ("unprocessed_records", Route::UnprocessedRecords),
    ("row", Route::Row),
    ("collection", Route::Collection),
    ("composite", Route::Composite),
    ("event", Route::Event),
];

impl Route {
    /// A pattern over the path; `*` stands for any run of characters.
    ///
    /// ```
    /// use sf_sim::fault::Route;
    /// let route = Route::path("/services/data/*/sobjects/Lead/describe");
    /// assert!(route.matches(&http::Method::GET, "/services/data/v66.0/sobjects/Lead/describe"));
    /// assert!(!route.matches(&http::Method::GET, "/services/data/v66.0/sobjects/Case/describe"));
    /// ```
    pub fn path(pattern: impl Into<String>) -> Self {
        Self::Path(None, pattern.into())
    }

    /// A method and a pattern over the path.
    pub fn call(method: Method, pattern: impl Into<String>) -> Self {
        Self::Path(Some(method), pattern.into())
    }

    /// The route that a faults file calls by this name.
    pub fn named(name: &str) -> Option<Self> {
        NAMES.iter().find(|(known, _)| *known == name).map(|(_, route)| route.clone())
    }

    /// Whether a request is one of these.
    pub fn matches(&self, method: &Method, path: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Path(wanted, pattern) => {
                wanted.as_ref().is_none_or(|m| m == method) && wildcard(pattern, path)
            }
            named => Self::of(method, path).as_ref() == Some(named),
        }
    }

    /// The named route of a request, if it has one.
    pub fn of(method: &Method, path: &str) -> Option<Self> {
        let path = path.trim_end_matches('/');
        if let Some(rest) = path.strip_prefix("/services/oauth2/") {
            return match rest {
                "token" => Some(Self::Token),
                "authorize" => Some(Self::Authorize),
                "revoke" => Some(Self::Revoke),
                "introspect" => Some(Self::Introspect),
                "userinfo" => Some(Self::Userinfo),
                _ => None,
            };
        }
        if path.starts_with("/id/") {
            return Some(Self::Userinfo);
        }
        if path.starts_with("/services/Soap/u/") || path.starts_with("/services/Soap/c/") {
            return (method == Method::POST).then_some(Self::SoapLogin);
        }
        if path == "/services/data" {
            return Some(Self::Versions);
        }
        let (_, rest) = path.strip_prefix("/services/data/v")?.split_once('/')?;
        let parts: Vec<&str> = rest.split('/').collect();
        Some(match (method.as_str(), parts.as_slice()) {
            ("GET", ["limits"]) => Self::Limits,
            ("GET", ["sobjects"]) => Self::DescribeGlobal,
            ("GET", ["sobjects", _, "describe"]) => Self::Describe,
            ("POST", ["sobjects", name]) if name.to_ascii_lowercase().ends_with("__e") => Self::Event,
            (_, ["sobjects", _] | ["sobjects", _, _] | ["sobjects", _, _, _]) => Self::Row,
            (_, ["composite", "sobjects", ..]) => Self::Collection,
            ("POST", ["composite"] | ["composite", "batch" | "graph"] | ["composite", "tree", _]) => {
                Self::Composite
            }
            ("GET", ["query" | "queryAll"]) => Self::Query,
            ("GET", ["query" | "queryAll", _]) => Self::QueryPage,
            (_, ["jobs", "ingest", rest @ ..]) => return Self::of_ingest(method, rest),
            ("POST", ["jobs", "query"]) => Self::CreateJob,
            ("GET", ["jobs", "query"]) => Self::ListJobs,
            ("GET", ["jobs", "query", _]) => Self::JobInfo,
            ("PATCH", ["jobs", "query", _]) => Self::Abort,
            ("DELETE", ["jobs", "query", _]) => Self::DeleteJob,
            ("GET", ["jobs", "query", _, "results"]) => Self::Results,
            ("GET", ["jobs", "query", _, pages]) if pages.eq_ignore_ascii_case("resultPages") => {
                Self::ResultPages
            }
            _ => return None,
        })
    }

    fn of_ingest(method: &Method, parts: &[&str]) -> Option<Self> {
        let outcome = |name: &str| {
            let known = [
                ("successfulResults", Self::SuccessfulResults),
                ("failedResults", Self::FailedResults),
                ("unprocessedrecords", Self::UnprocessedRecords),
            ];
            known.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, route)| route)
        };
        match (method.as_str(), parts) {
            ("POST", []) => Some(Self::CreateIngest),
            ("GET", []) => Some(Self::ListIngest),
            ("GET", [_]) => Some(Self::IngestInfo),
            ("PUT", [_, "batches"]) => Some(Self::Upload),
            ("PATCH", [_]) => Some(Self::Close),
            ("DELETE", [_]) => Some(Self::DeleteIngest),
            ("GET", [_, name]) => outcome(name),
            _ => None,
        }
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(None, pattern) => f.write_str(pattern),
            Self::Path(Some(method), pattern) => write!(f, "{method} {pattern}"),
            named => {
                let name = NAMES.iter().find(|(_, route)| route == named).map_or("?", |(name, _)| name);
                f.write_str(name)
            }
        }
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum RouteText {
    Name(String),
    Pattern { method: Option<String>, path: String },
}

impl<'de> Deserialize<'de> for Route {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        match RouteText::deserialize(deserializer)? {
            RouteText::Name(name) => Self::named(&name).ok_or_else(|| {
                let known: Vec<_> = NAMES.iter().map(|(name, _)| *name).collect();
                D::Error::custom(format!(
                    "unknown route {name:?}; it is one of {}, or {{\"method\", \"path\"}}",
                    known.join(", ")
                ))
            }),
            RouteText::Pattern { method: None, path } => Ok(Self::path(path)),
            RouteText::Pattern { method: Some(method), path } => {
                let method = method
                    .to_ascii_uppercase()
                    .parse()
                    .map_err(|_| D::Error::custom(format!("{method:?} is not an HTTP method")))?;
                Ok(Self::call(method, path))
            }
        }
    }
}

/// Whether `text` matches a pattern in which `*` stands for any run of characters.
fn wildcard(pattern: &str, text: &str) -> bool {
    let mut pieces = pattern.split('*');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let Some(last) = pattern.rsplit_once('*').map(|(_, last)| last) else { return rest.is_empty() };
    let middle: Vec<_> = pieces.collect();
    for piece in &middle[..middle.len().saturating_sub(1)] {
        match rest.find(piece) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_of_the_slice_has_its_own_route() {
        let cases = [
            ("POST", "/services/oauth2/token", Route::Token),
            ("GET", "/services/oauth2/authorize", Route::Authorize),
            ("POST", "/services/oauth2/revoke", Route::Revoke),
            ("POST", "/services/oauth2/introspect", Route::Introspect),
            ("GET", "/services/oauth2/userinfo", Route::Userinfo),
            ("GET", "/id/00D5i0000000001EAA/0055i0000000001AAA", Route::Userinfo),
            ("POST", "/services/Soap/u/64.0", Route::SoapLogin),
            ("GET", "/services/data/", Route::Versions),
            ("GET", "/services/data/v66.0/limits", Route::Limits),
            ("GET", "/services/data/v66.0/sobjects/", Route::DescribeGlobal),
            ("GET", "/services/data/v66.0/sobjects/Lead/describe", Route::Describe),
            ("POST", "/services/data/v66.0/sobjects/Order__e", Route::Event),
            ("POST", "/services/data/v66.0/sobjects/Lead", Route::Row),
            ("PATCH", "/services/data/v66.0/sobjects/Lead/00Q", Route::Row),
            ("PATCH", "/services/data/v66.0/sobjects/Lead/Key__c/a%2Fb", Route::Row),
            ("DELETE", "/services/data/v66.0/composite/sobjects", Route::Collection),
            ("PATCH", "/services/data/v66.0/composite/sobjects/Lead/Key__c", Route::Collection),
            ("POST", "/services/data/v66.0/composite", Route::Composite),
            ("GET", "/services/data/v66.0/query/", Route::Query),
            ("GET", "/services/data/v66.0/queryAll", Route::Query),
            ("GET", "/services/data/v66.0/query/0r8xx-2000", Route::QueryPage),
            ("POST", "/services/data/v66.0/jobs/query", Route::CreateJob),
            ("GET", "/services/data/v66.0/jobs/query/750", Route::JobInfo),
            ("GET", "/services/data/v66.0/jobs/query/750/results", Route::Results),
            ("GET", "/services/data/v66.0/jobs/query/750/resultPages", Route::ResultPages),
            ("PATCH", "/services/data/v66.0/jobs/query/750", Route::Abort),
            ("DELETE", "/services/data/v66.0/jobs/query/750", Route::DeleteJob),
            ("POST", "/services/data/v66.0/jobs/ingest/", Route::CreateIngest),
            ("GET", "/services/data/v66.0/jobs/ingest", Route::ListIngest),
            ("GET", "/services/data/v66.0/jobs/ingest/750", Route::IngestInfo),
            ("PUT", "/services/data/v66.0/jobs/ingest/750/batches", Route::Upload),
            ("PATCH", "/services/data/v66.0/jobs/ingest/750", Route::Close),
            ("DELETE", "/services/data/v66.0/jobs/ingest/750", Route::DeleteIngest),
            ("GET", "/services/data/v66.0/jobs/ingest/750/successfulResults", Route::SuccessfulResults),
            ("GET", "/services/data/v66.0/jobs/ingest/750/failedResults/", Route::FailedResults),
            ("GET", "/services/data/v66.0/jobs/ingest/750/unprocessedRecords", Route::UnprocessedRecords),
        ];
        for (method, path, route) in cases {
            let method: Method = method.parse().unwrap();
            assert_eq!(Route::of(&method, path), Some(route.clone()), "{method} {path}");
            let other = cases_other(&route);
            assert!(!other.matches(&method, path), "{other} also matches {method} {path}");
        }
        assert_eq!(Route::of(&Method::GET, "/services/data/v66.0/jobs/ingest/750/batches"), None);
    }

    fn cases_other(route: &Route) -> Route {
        if *route == Route::Token { Route::Results } else { Route::Token }
    }

    #[test]
    fn a_star_stands_for_any_run_and_nothing_else_is_special() {
        assert!(wildcard("*", ""));
        assert!(wildcard("/a/*/c", "/a/b/c"));
        assert!(wildcard("/a/*/c*", "/a/b/x/c"));
        assert!(wildcard("*/describe", "/x/describe"));
        assert!(!wildcard("/a/*/c", "/a/b/d"));
        assert!(!wildcard("/a", "/ab"));
        assert!(!wildcard("a*a", "a"));
        assert!(wildcard("a.c", "a.c") && !wildcard("a.c", "abc"));
    }

    #[test]
    fn a_file_names_routes_and_a_wrong_name_lists_the_right_ones() {
        let route: Route = serde_json::from_str("\"create_job\"").unwrap();
        assert_eq!(route, Route::CreateJob);
        let route: Route = serde_json::from_str(r#"{"method":"get","path":"/x/*"}"#).unwrap();
        assert_eq!(route, Route::call(Method::GET, "/x/*"));
        let error = serde_json::from_str::<Route>("\"jobs\"").unwrap_err().to_string();
        assert!(error.contains("\"jobs\"") && error.contains("create_job"), "{error}");
    }
}
