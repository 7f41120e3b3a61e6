//! A batch as requests that PutLogEvents takes.
//!
//! The limits are those of <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html>.
//! What is older than 14 days or the group's retention, or more than 2 hours in the future, is not looked for here:
//! the service knows its retention and its clock, takes the others of the request, and says which it did not take.

use std::ops::Range;

use audit_sink::{Batch, Rejection};
use aws_sdk_cloudwatchlogs::types::RejectedLogEventsInfo;

/// What counts besides an event's message, in bytes.
const EVENT_OVERHEAD: usize = 26;

/// What one request may hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// "The maximum number of log events in a batch is 10,000."
    pub(crate) events: usize,
    /// "The maximum batch size is 1,048,576 bytes … the sum of all event messages in UTF-8, plus 26 bytes for each
    /// log event." Also the limit of one event, "no larger than 1 MB" (256 KB until April 2025), whose 26 bytes count too.
    pub(crate) bytes: usize,
    /// "The time span in a single batch cannot exceed 24 hours."
    pub(crate) span_ms: i64,
}

/// Those of PutLogEvents.
pub(crate) const LIMITS: Limits = Limits { events: 10_000, bytes: 1_048_576, span_ms: 24 * 60 * 60 * 1000 };

/// One log event, and which record it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Event<'a> {
    pub(crate) sequence_number: u64,
    pub(crate) timestamp_ms: i64,
    pub(crate) message: &'a str,
}

/// The requests that a batch becomes.
#[derive(Debug)]
pub(crate) struct Plan<'a> {
    /// In chronological order.
    pub(crate) events: Vec<Event<'a>>,
    /// Which events each request holds, in the order in which they are to be sent. Any part of a request is within
    /// the limits as well.
    pub(crate) requests: Vec<Range<usize>>,
    /// Records that no request can hold, in the order of the batch.
    pub(crate) unfit: Vec<Rejection>,
}

/// Splits a batch. The same batch and limits always give the same plan.
///
/// Events of one time stay in the order of the batch.
pub(crate) fn plan<'a>(batch: &'a Batch, limits: &Limits) -> Plan<'a> {
    let mut events = Vec::with_capacity(batch.records.len());
    let mut unfit = Vec::new();
    for record in &batch.records {
        match message(&record.bytes, record.timestamp_ms, limits) {
            Ok(message) => events.push(Event {
                sequence_number: record.sequence_number,
                timestamp_ms: record.timestamp_ms,
                message,
            }),
            Err(reason) => unfit.push(Rejection { sequence_number: record.sequence_number, reason }),
        }
    }
    // "The log events in the batch must be in chronological order by their timestamp."
    events.sort_by_key(|event| event.timestamp_ms);

    let mut requests: Vec<Range<usize>> = Vec::new();
    let mut bytes = 0;
    for (index, event) in events.iter().enumerate() {
        let size = event.message.len() + EVENT_OVERHEAD;
        match requests.last_mut() {
            Some(request)
                if request.len() < limits.events
                    && bytes + size <= limits.bytes
                    && event.timestamp_ms - events[request.start].timestamp_ms <= limits.span_ms =>
            {
                bytes += size;
                request.end += 1;
            }
            _ => {
                bytes = size;
                requests.push(index..index + 1);
            }
        }
    }
    Plan { events, requests, unfit }
}

/// The message of a record, or why it cannot be one.
fn message<'a>(bytes: &'a [u8], timestamp_ms: i64, limits: &Limits) -> Result<&'a str, String> {
    let largest = limits.bytes - EVENT_OVERHEAD;
    if bytes.len() > largest {
        return Err(format!(
            "too large for CloudWatch Logs: {} bytes, and PutLogEvents takes {largest}",
            bytes.len()
        ));
    }
    if bytes.is_empty() {
        return Err("empty, and PutLogEvents takes messages of at least one character".to_owned());
    }
    if timestamp_ms < 0 {
        return Err("from before 1970, and PutLogEvents takes no such time".to_owned());
    }
    std::str::from_utf8(bytes)
        .map_err(|error| format!("PutLogEvents takes UTF-8 only, and this is not: {error}"))
}

/// The events that the service took the request without.
///
/// `tooOldLogEventEndIndex` is exclusive and `tooNewLogEventStartIndex` inclusive, says
/// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_RejectedLogEventsInfo.html>; of
/// `expiredLogEventEndIndex` it does not, so it is read as the other end is.
pub(crate) fn rejections(request: &[Event<'_>], info: &RejectedLogEventsInfo) -> Vec<Rejection> {
    let index = |index: Option<i32>| index.map(|index| usize::try_from(index).unwrap_or(0));
    let too_old_end = index(info.too_old_log_event_end_index()).unwrap_or(0);
    let expired_end = index(info.expired_log_event_end_index()).unwrap_or(0);
    let too_new_start = index(info.too_new_log_event_start_index()).unwrap_or(request.len());
    let rejected = request.iter().enumerate().filter_map(|(index, event)| {
        let reason = if index < too_old_end {
            "too old: CloudWatch Logs takes nothing from more than 14 days ago"
        } else if index < expired_end {
            "expired: older than the log group's retention"
        } else if index >= too_new_start {
            "too new: CloudWatch Logs takes nothing from more than 2 hours in the future; is the clock right?"
        } else {
            return None;
        };
        Some(Rejection { sequence_number: event.sequence_number, reason: reason.to_owned() })
    });
    rejected.collect()
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use audit_sink::{Batch, Record};
    use aws_sdk_cloudwatchlogs::types::RejectedLogEventsInfo;
    use proptest::prelude::*;

    use super::{EVENT_OVERHEAD, Event, LIMITS, Limits, plan, rejections};

    /// Small enough for every limit to be met often.
    const SMALL: Limits = Limits { events: 4, bytes: 200, span_ms: 10 };

    fn record((sequence_number, (timestamp_ms, size)): (u64, (i64, usize))) -> Record {
        Record { sequence_number, timestamp_ms, bytes: vec![b'x'; size], ..Record::default() }
    }

    fn batch(records: Vec<(i64, usize)>) -> Batch {
        Batch { chain_id: "c".into(), records: (1..).zip(records).map(record).collect() }
    }

    fn size(event: &Event<'_>) -> usize {
        event.message.len() + EVENT_OVERHEAD
    }

    fn fits(request: &[Event<'_>], limits: &Limits) -> bool {
        request.len() <= limits.events
            && request.iter().map(size).sum::<usize>() <= limits.bytes
            && request[request.len() - 1].timestamp_ms - request[0].timestamp_ms <= limits.span_ms
    }

    proptest! {
        #[test]
        fn every_request_is_within_every_limit_and_nothing_is_lost_or_repeated(
            records in prop::collection::vec((-1_i64..40, prop_oneof![0_usize..60, 170_usize..180]), 0..40)
        ) {
            let batch = batch(records);
            let plan = plan(&batch, &SMALL);
            for request in &plan.requests {
                prop_assert!(!request.is_empty());
                prop_assert!(fits(&plan.events[request.clone()], &SMALL), "{request:?}");
            }
            for pair in plan.requests.windows(2) {
                let together = &plan.events[pair[0].start..=pair[1].start];
                prop_assert!(!fits(together, &SMALL), "one request more than is needed");
            }
            prop_assert_eq!(
                plan.requests.iter().cloned().flatten().collect::<Vec<_>>(),
                (0..plan.events.len()).collect::<Vec<_>>(),
                "every event once, one after another"
            );
            // The events are what a stable sort makes of the records that fit.
            let mut expected: Vec<&Record> = batch.records.iter().collect();
            expected.retain(|r| r.timestamp_ms >= 0 && (1..=174).contains(&r.bytes.len()));
            expected.sort_by_key(|record| (record.timestamp_ms, record.sequence_number));
            let expected: Vec<_> =
                expected.iter().map(|r| (r.sequence_number, r.timestamp_ms, r.bytes.as_slice())).collect();
            let sent: Vec<_> = plan.events.iter()
                .map(|e| (e.sequence_number, e.timestamp_ms, e.message.as_bytes())).collect();
            prop_assert_eq!(&sent, &expected);

            let mut all: Vec<u64> = sent.iter().map(|event| event.0).collect();
            all.extend(plan.unfit.iter().map(|rejection| rejection.sequence_number));
            all.sort_unstable();
            prop_assert_eq!(all, (1..=batch.records.len() as u64).collect::<Vec<_>>());
        }

        #[test]
        fn rejections_are_the_records_that_the_indices_name(
            records in prop::collection::vec((0_i64..10, 1_usize..5), 1..5),
            too_old in prop::option::of(0_i32..6),
            expired in prop::option::of(0_i32..6),
            too_new in prop::option::of(0_i32..6),
        ) {
            let batch = batch(records);
            let plan = plan(&batch, &LIMITS);
            let request = &plan.events;
            let info = RejectedLogEventsInfo::builder()
                .set_too_old_log_event_end_index(too_old)
                .set_expired_log_event_end_index(expired)
                .set_too_new_log_event_start_index(too_new)
                .build();
            let found: Vec<u64> =
                rejections(request, &info).into_iter().map(|rejection| rejection.sequence_number).collect();
            let expected: Vec<u64> = (0_i32..).zip(request)
                .filter(|(index, _)| {
                    too_old.is_some_and(|end| *index < end)
                        || expired.is_some_and(|end| *index < end)
                        || too_new.is_some_and(|start| *index >= start)
                })
                .map(|(_, event)| event.sequence_number).collect();
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn the_limits_of_put_log_events() {
        let lengths = |records: Vec<(i64, usize)>| -> Vec<usize> {
            plan(&batch(records), &LIMITS).requests.iter().map(Range::len).collect()
        };
        assert_eq!(lengths(vec![(0, 1); 10_000]), [10_000]);
        assert_eq!(lengths(vec![(0, 1); 10_001]), [10_000, 1]);
        // 1,048,576 = 2 × (524,262 + 26)
        assert_eq!(lengths(vec![(0, 524_262); 2]), [2]);
        assert_eq!(lengths(vec![(0, 524_262), (0, 524_263)]), [1, 1]);
        assert_eq!(lengths(vec![(0, 1), (86_400_000, 1)]), [2]);
        assert_eq!(lengths(vec![(0, 1), (86_400_001, 1)]), [1, 1]);
        assert_eq!(lengths(vec![(i64::MAX, 1), (0, 1)]), [1, 1]);
        assert_eq!(lengths(vec![(0, 1_048_550)]), [1]);
        assert_eq!(lengths(vec![(0, 1_048_551)]), [0; 0]);
        assert_eq!(lengths(Vec::new()), [0; 0]);
    }

    #[test]
    fn what_no_request_can_hold_is_named_with_the_reason() {
        let mut batch = batch(vec![(0, 1_048_551), (0, 0), (-1, 1), (0, 1), (0, 1)]);
        batch.records[3].bytes = b"a\xff".to_vec();
        let plan = plan(&batch, &LIMITS);
        let unfit: Vec<_> = plan.unfit.iter().map(|r| (r.sequence_number, r.reason.as_str())).collect();
        assert_eq!(unfit.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [1, 2, 3, 4]);
        for (reason, part) in
            unfit.iter().map(|(_, reason)| reason).zip(["1048550", "empty", "1970", "UTF-8"])
        {
            assert!(reason.contains(part), "{reason}");
        }
        assert_eq!(plan.requests.len(), 1);
    }
}
