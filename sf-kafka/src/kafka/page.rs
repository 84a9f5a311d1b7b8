//! Whether everything that was sent for one page has arrived.

use std::fmt;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use super::{Error, Result};

/// Counts the records of one page of an org's rows until the cluster has acknowledged every one.
///
/// ```
/// use sf_kafka::kafka::Page;
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let page = Page::new();
/// page.begin();                 // what a producer does when it takes a record …
/// page.settle(Ok(()));          // … and when that record is acknowledged
/// assert_eq!(page.acknowledged().await?, 1);
/// # Ok::<(), sf_kafka::kafka::Error>(())
/// # }).unwrap();
/// ```
///
/// A page is shared by reference count and holds two counters and the first failure: a record costs no
/// allocation. Dropping the page forgets the records; it does not take them back.
#[derive(Default)]
pub struct Page {
    on_their_way: AtomicUsize,
    delivered: AtomicU64,
    failure: Mutex<Option<Error>>,
    settled: Notify,
}

impl Page {
    /// A page that holds nothing yet.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Counts one more record as being on its way. For producers.
    pub fn begin(&self) {
        self.on_their_way.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes back a [`begin`](Self::begin): the record was not taken after all. For producers.
    pub fn retract(&self) {
        self.arrive();
    }

    /// Notes what became of one record. For producers.
    pub fn settle(&self, outcome: Result<()>) {
        match outcome {
            Ok(()) => {
                self.delivered.fetch_add(1, Ordering::Relaxed);
            }
            Err(error) => self.fail(error),
        }
        self.arrive();
    }

    /// How many records are on their way.
    pub fn outstanding(&self) -> usize {
        self.on_their_way.load(Ordering::Acquire)
    }

    /// Waits until no record is on its way, and says how many have been delivered.
    ///
    /// Call it when the page's last record has been handed over; it may be called again after more.
    ///
    /// # Errors
    ///
    /// One record at least has not arrived: the first such failure, or, where a batch was refused for its size,
    /// the one that names the largest record.
    pub async fn acknowledged(&self) -> Result<u64> {
        loop {
            let mut settled = pin!(self.settled.notified());
            // Registered before looking, so that the last record cannot slip in between.
            settled.as_mut().enable();
            if self.outstanding() == 0 {
                break;
            }
            settled.await;
        }
        match &*self.failure.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(error) => Err(error.clone()),
            None => Ok(self.delivered.load(Ordering::Acquire)),
        }
    }

    fn fail(&self, error: Error) {
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        match &*failure {
            Some(first) if first.kind() != error.kind() || first.size() >= error.size() => {}
            _ => *failure = Some(error),
        }
    }

    fn arrive(&self) {
        if self.on_their_way.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.settled.notify_waiters();
        }
    }
}

impl fmt::Debug for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Page")
            .field("on_their_way", &self.on_their_way)
            .field("delivered", &self.delivered)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::ErrorKind;

    #[tokio::test]
    async fn an_empty_page_is_acknowledged_at_once() {
        assert_eq!(Page::new().acknowledged().await.unwrap(), 0);
    }

    #[tokio::test]
    async fn a_page_waits_for_its_last_record() {
        let page = Page::new();
        page.begin();
        page.begin();
        page.settle(Ok(()));
        let waiting = tokio::spawn({
            let page = page.clone();
            async move { page.acknowledged().await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        page.settle(Ok(()));
        assert_eq!(waiting.await.unwrap().unwrap(), 2);
    }

    #[tokio::test]
    async fn the_largest_of_the_refused_records_is_named() {
        let page = Page::new();
        let error = |kind, size| Err(Error::new(kind, format!("{size}")).with_size(size));
        for outcome in [
            Ok(()),
            error(ErrorKind::TooLarge, 10),
            error(ErrorKind::TooLarge, 30),
            error(ErrorKind::TooLarge, 20),
            error(ErrorKind::Unreachable, 40),
        ] {
            page.begin();
            page.settle(outcome);
        }
        let error = page.acknowledged().await.unwrap_err();
        assert_eq!((error.kind(), error.size()), (ErrorKind::TooLarge, 30));
    }

    #[tokio::test]
    async fn a_retracted_record_is_not_delivered() {
        let page = Page::new();
        page.begin();
        page.retract();
        assert_eq!(page.acknowledged().await.unwrap(), 0);
    }
}
