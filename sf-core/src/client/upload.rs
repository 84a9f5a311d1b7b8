//! A body that is opened anew for each attempt.

use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;

use crate::Result;
use crate::http::BodyStream;

/// The length of a body, and its bytes as they are read.
type Opened = BoxFuture<'static, Result<(u64, BodyStream)>>;

/// A body that is opened anew for each attempt.
#[derive(Clone)]
pub(crate) struct Upload(Arc<dyn Fn() -> Opened + Send + Sync>);

impl Upload {
    pub(crate) fn new(open: impl Fn() -> Opened + Send + Sync + 'static) -> Self {
        Self(Arc::new(open))
    }

    pub(super) fn open(&self) -> Opened {
        (self.0)()
    }
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Upload")
    }
}
