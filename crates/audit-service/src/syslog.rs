//! A syslog listener.

use audit_config::{SyslogListenProtocol, SyslogSource as Configured};
use audit_model::EventTypeError;
use audit_source::SourceError;
use audit_source_syslog::{Rule, SyslogSource, SyslogSourceOptions};

use crate::service::Inner;
use crate::sources::tls;

impl Inner {
    pub(crate) fn syslog(&self, syslog: &Configured) -> Result<SyslogSource, SourceError> {
        let mut options = SyslogSourceOptions::new(syslog.address().to_string());
        if let (SyslogListenProtocol::Tls, Some(server)) = (syslog.protocol, &syslog.tls) {
            options = options.tls(tls(server));
        }
        for configured in &syslog.rules {
            let other = |error: Box<dyn std::error::Error + Send + Sync>| SourceError::Other(error);
            let event_type =
                configured.event_type.parse().map_err(|error: EventTypeError| other(error.into()))?;
            let mut rule = Rule::new(event_type).map_err(|error| other(error.into()))?;
            if let Some(pattern) = &configured.app_name {
                rule = rule.app_name(pattern);
            }
            if let Some(pattern) = &configured.message_id {
                rule = rule.message_id(pattern);
            }
            options = options.rule(rule);
        }
        if let Some(kilobytes) = syslog.max_message_kb {
            options = options.max_message_bytes(kilobytes.get() as usize * 1024);
        }
        if let Some(connections) = syslog.max_connections {
            options = options.max_connections(connections.get() as usize);
        }
        let _in_runtime = self.runtime.enter();
        SyslogSource::bind(options)
    }
}
