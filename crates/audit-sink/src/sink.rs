use std::fmt;
use std::future::Future;
use std::pin::Pin;

use crate::{Batch, SinkError};

/// What the functions of a [`Sink`] return: one boxed future a batch is cheap.
pub type SendFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, SinkError>> + Send + 'a>>;

/// A place that records are delivered to.
///
/// # Contract
/// - **Order.** A caller sends one batch at a time, in the order of the chain, and sends the next
///   only after the one before was accepted or given up. A sink keeps that order at its place.
/// - **At least once.** An `Ok` promises what [`Receipt`] says and no less. After an error, or
///   when the future was dropped half-way, any part of the batch may have arrived, and the caller
///   sends all of it again.
/// - **Idempotence.** A sink uses what its place offers to make the repetition harmless, and
///   does not remember batches for ever to that end.
/// - **Partial failure.** Records that the place will never take are named in
///   [`Receipt::rejected`] while the others are accepted; [`SinkError::Rejected`] is for when the
///   place does not tell them apart.
/// - **Cancellation.** Dropping a future must leave the sink able to send the same batch again.
/// - **No retry inside.** Waiting and trying again is the caller's, who knows the policy.
pub trait Sink: Send + fmt::Debug {
    /// Moves a batch to the place, and says what the place promised.
    ///
    /// # Errors
    /// See [`SinkError`]: the caller retries, gives the batch up, or stops.
    fn send<'a>(&'a mut self, batch: &'a Batch) -> SendFuture<'a, Receipt>;

    /// Connects to the place and tries whatever shows that records would be taken, without leaving one there.
    ///
    /// # Errors
    /// What would keep records from arriving: what was tried, what came back, and what to do.
    fn check(&mut self) -> SendFuture<'_, ()>;

    /// Moves whatever the sink still holds, and lets go of the place.
    ///
    /// # Errors
    /// When what it holds cannot be moved.
    fn close(&mut self) -> SendFuture<'_, ()>;
}

/// What a place promised about a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub struct Receipt {
    /// Records that the place will never take, in the order of the batch. All others are accepted, as durably as
    /// the place makes anything.
    pub rejected: Vec<Rejection>,
}

impl Receipt {
    /// All records are accepted but these, which the place will never take.
    pub fn rejecting(rejected: Vec<Rejection>) -> Self {
        Self { rejected }
    }
}

/// A record that the place will never take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// Which record of the chain.
    pub sequence_number: u64,
    /// Why, in the place's words.
    pub reason: String,
}
