use std::fmt;
use std::future::Future;
use std::pin::Pin;

use tokio_util::sync::CancellationToken;

use crate::{Intake, SourceError};

/// What [`Source::run`] returns; the same type as the `BoxFuture` of the futures crates.
pub type RunFuture = Pin<Box<dyn Future<Output = Result<(), SourceError>> + Send>>;

/// One way in for events: a listener, or a reader of some place.
///
/// Whatever can be wrong with how it is set up is found out when it is made (its address is bound, its file opened), so that
/// [`run`](Self::run) fails only for what happens later.
///
/// # Contract
/// - What was acknowledged to a sender (a 2xx, a committed offset, a position that is kept) is durable in the log, or in the rejects file.
/// - It ends soon after `stop` is cancelled: it takes nothing new, finishes what is on its way, acknowledges that, and returns. Being
///   dropped instead loses acknowledgements, never events that were acknowledged.
/// - What heals by itself (a broker that is away, a file that is not there yet) is no reason to end: it says so by
///   [`Intake::set_failing`], and tries again.
/// - It is polled in a tokio runtime with its I/O and time drivers, and blocks no thread of it.
pub trait Source: Send + fmt::Debug {
    /// Takes events until `stop` is cancelled.
    fn run(self: Box<Self>, intake: Intake, stop: CancellationToken) -> RunFuture;
}
