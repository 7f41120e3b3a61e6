//! Records of the log as OCSF, for destinations that want them so.

use std::time::Duration;

use audit_delivery::{Encoded, Format};
use audit_model::EventPattern;
use audit_ocsf::object::Product;
use audit_ocsf::{Class, Coalesced, Coalescer, Mapping, NativeRecord, Recorded, Rule};
use audit_sink::{Batch, Record};

use crate::OcsfFormat;

#[derive(Debug)]
pub(crate) struct Ocsf {
    mapping: Mapping,
    coalesce: Vec<(Vec<EventPattern>, Duration)>,
}

impl OcsfFormat {
    /// How events become records.
    #[must_use]
    pub fn to_mapping(&self) -> Mapping {
        let mut mapping = Mapping::new(self.version).raw_data(self.raw_data);
        if let Some(own) = &self.product {
            let mut product = Product::new(&own.name, &own.vendor_name);
            product.version.clone_from(&own.version);
            product.uid.clone_from(&own.uid);
            mapping = mapping.product(&product);
        }
        self.rules().into_iter().fold(mapping, Mapping::rule)
    }

    /// What the configuration says that events become.
    #[must_use]
    pub fn rules(&self) -> Vec<Rule> {
        let mut rules = Vec::new();
        for rule in &self.mapping {
            let class = Class::from(rule.class);
            let Some(activity) = class.activity(&rule.activity, self.version) else { continue };
            for events in &rule.events {
                let made = Rule::new(events.clone(), class, activity);
                rules.push(match &rule.activity_name {
                    Some(name) => made.activity_name(name),
                    None => made,
                });
            }
        }
        rules
    }
}

impl Ocsf {
    pub(crate) fn new(format: &OcsfFormat) -> Self {
        let windows = format.coalesce.iter();
        let coalesce = windows.map(|it| (it.events.clone(), it.window)).collect();
        Self { mapping: format.to_mapping(), coalesce }
    }

    fn write(&self, merged: &Coalesced<&Record>, chain_id: &str) -> Result<Record, String> {
        let (first, last) = match merged.items.as_slice() {
            [] => return Err("nothing was merged".to_owned()),
            [only] => (*only, None),
            [first, .., last] => (*first, Some(last.sequence_number)),
        };
        let line = std::str::from_utf8(&first.bytes).map_err(|error| error.to_string())?;
        let recorded = Recorded {
            chain_id: Some(chain_id),
            sequence_number: Some(first.sequence_number),
            last_sequence_number: last,
            line: Some(line),
        };
        let mut bytes = Vec::with_capacity(line.len() * 3);
        self.mapping.write(&merged.event, recorded, &mut bytes).map_err(|error| error.to_string())?;
        Ok(Record {
            sequence_number: first.sequence_number,
            timestamp_ms: first.timestamp_ms,
            event_id: first.event_id.clone(),
            event_type: first.event_type.clone(),
            severity: first.severity,
            bytes,
        })
    }
}

impl Format for Ocsf {
    fn encode(&self, batch: &Batch) -> Encoded {
        let mut encoded = Encoded::new(batch);
        let rules = self.coalesce.iter().cloned();
        let mut coalescer = rules.fold(Coalescer::new(), |made, (events, window)| made.rule(events, window));
        let put = |encoded: &mut Encoded, merged: &Coalesced<&Record>| {
            let members = merged.items.iter().map(|record| record.sequence_number);
            match self.write(merged, &batch.chain_id) {
                Ok(record) => encoded.push(record, members),
                Err(reason) => members.for_each(|number| encoded.refuse(number, reason.clone())),
            }
        };
        for record in &batch.records {
            match NativeRecord::parse(&record.bytes) {
                Ok(native) => {
                    let complete = coalescer.push(native.event, record);
                    complete.iter().for_each(|merged| put(&mut encoded, merged));
                }
                Err(error) => {
                    encoded.refuse(record.sequence_number, format!("cannot be written as OCSF: {error}"));
                }
            }
        }
        coalescer.finish().iter().for_each(|merged| put(&mut encoded, merged));
        encoded
    }
}
