//! What sources, access and operations have to be.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use audit_model::EventType;

use crate::check::{Check, PLAIN_NAME, is_host_port, is_plain_name, plain};
use crate::{DestinationKind, FileSource, KafkaSource, ServerTls, Source, SourceKind, SyslogListenProtocol};

impl Check<'_> {
    pub(crate) fn sources(&mut self) {
        let config = self.config;
        let mut names = BTreeMap::new();
        let mut files = BTreeMap::new();
        for (index, destination) in config.destinations.iter().enumerate() {
            if let DestinationKind::File(file) = &destination.kind {
                files.insert(plain(&file.path), config.destination_path(index));
            }
        }
        let mut addresses = BTreeMap::new();
        if let Some(operations) = &config.operations {
            let address = operations.address();
            addresses.insert(address, "operations".to_owned());
            if !address.ip().is_loopback() && !operations.danger_allow_plain_http {
                self.error(
                    "operations.listen",
                    "found an address that other machines reach, expected one of this machine's loopback, or \
                     `danger_allow_plain_http: true` with it",
                );
            }
        }
        for (index, source) in config.sources.iter().enumerate() {
            let path = format!("sources[{index}]");
            let name = source.shown_name();
            if let Some(first) = names.insert(name.to_owned(), path.clone()) {
                let message = match &source.name {
                    Some(_) => format!("found the name of `{first}` again, expected another"),
                    None => {
                        format!(
                            "found type `{name}` without a `name`, as in `{first}`; expected a `name` for each"
                        )
                    }
                };
                self.error(&path, message);
            }
            if let Some(name) = &source.name {
                self.require(is_plain_name(name), &format!("{path}.name"), PLAIN_NAME);
            }
            if let SourceKind::File(FileSource { path: file, .. }) = &source.kind
                && let Some(first) = files.insert(plain(file), path.clone())
            {
                let message = format!(
                    "found the file of `{first}` again, expected another: each event would come twice, or for ever"
                );
                self.error(&format!("{path}.path"), message);
            }
            self.source(&path, source, &mut addresses);
        }
        self.access();
    }

    fn source(&mut self, path: &str, source: &Source, addresses: &mut BTreeMap<SocketAddr, String>) {
        let at = |key: &str| format!("{path}.{key}");
        match &source.kind {
            SourceKind::Http(http) => {
                let is_far = !http.address().ip().is_loopback();
                if is_far && http.tls.is_none() && !http.danger_allow_plain_http {
                    self.error(
                        &at("listen"),
                        "found an address that other machines reach, expected `tls` with it, or \
                         `danger_allow_plain_http: true`",
                    );
                }
                self.listen(path, http.address(), addresses);
                self.server_tls(&at("tls"), http.tls.as_ref());
            }
            SourceKind::Socket(socket) => {
                self.require(!socket.path.as_os_str().is_empty(), &at("path"), "the path of a socket");
                self.require(socket.mode_bits().is_some(), &at("mode"), "permission bits such as `\"0660\"`");
            }
            SourceKind::File(file) => {
                self.require(!file.path.as_os_str().is_empty(), &at("path"), "the path of a file");
            }
            SourceKind::Kafka(kafka) => self.kafka_source(path, kafka),
            SourceKind::Syslog(syslog) => {
                self.listen(path, syslog.address(), addresses);
                self.server_tls(&at("tls"), syslog.tls.as_ref());
                for (index, rule) in syslog.rules.iter().enumerate() {
                    let key = at(&format!("rules[{index}].event_type"));
                    match rule.event_type.parse::<EventType>() {
                        Err(error) => self.error(&key, error.to_string()),
                        Ok(reserved) if reserved.is_reserved() => {
                            self.error(
                                &key,
                                "found a type that is for the log's records about itself, expected another",
                            );
                        }
                        Ok(_) => {}
                    }
                }
                match (syslog.protocol, &syslog.tls) {
                    (SyslogListenProtocol::Tls, None) => {
                        self.error(path, "missing key `tls`, expected with `protocol: tls`");
                    }
                    (SyslogListenProtocol::Tcp, Some(_)) => {
                        self.error(&at("protocol"), "found `tcp`, expected `tls`: `tls` is given");
                    }
                    (SyslogListenProtocol::Tcp, None) if !syslog.address().ip().is_loopback() => {
                        self.warn(
                            &at("protocol"),
                            "messages travel in the clear, and anybody who gets here can send some; use `tls` with a \
                             `client_ca_file`",
                        );
                    }
                    _ => {}
                }
            }
        }
    }

    fn listen(&mut self, path: &str, address: SocketAddr, addresses: &mut BTreeMap<SocketAddr, String>) {
        // Port 0 is another one each time.
        if address.port() == 0 {
            return;
        }
        if let Some(first) = addresses.insert(address, path.to_owned()) {
            let message = format!("found the address of `{first}` again, {address}, expected another");
            self.error(&format!("{path}.listen"), message);
        }
    }

    fn server_tls(&mut self, path: &str, tls: Option<&ServerTls>) {
        let Some(tls) = tls else { return };
        if tls.client_ca_file.is_none() && !tls.require_client_certificate {
            self.warn(
                &format!("{path}.require_client_certificate"),
                "does nothing without `client_ca_file`: no client is asked for a certificate",
            );
        }
    }

    fn kafka_source(&mut self, path: &str, kafka: &KafkaSource) {
        let at = |key: &str| format!("{path}.{key}");
        self.require(!kafka.topics.is_empty(), &at("topic"), "the name of a topic");
        let is_topic = |topic: &String| !topic.is_empty();
        self.require(kafka.topics.iter().all(is_topic), &at("topic"), "the name of a topic");
        self.require(
            !kafka.bootstrap_servers.is_empty(),
            &at("bootstrap_servers"),
            "at least one `host:port`",
        );
        for (index, server) in kafka.bootstrap_servers.iter().enumerate() {
            self.require(is_host_port(server), &at(&format!("bootstrap_servers[{index}]")), "`host:port`");
        }
        if let Some(security) = &kafka.security {
            self.kafka_security(&at("security"), security);
        }
    }

    fn access(&mut self) {
        let config = self.config;
        let access = &config.access;
        if let Some(jwt) = &access.jwt {
            self.require(!jwt.issuer.is_empty(), "access.jwt.issuer", "the URL that the provider's tokens have in `iss`, to the letter: https://login.example.com/realms/main, say");
            self.require(
                !jwt.audience.is_empty(),
                "access.jwt.audience",
                "this service's name at the issuer, as its tokens have it in `aud`",
            );
            if jwt.jwks_file.is_some() && jwt.jwks_url.is_some() {
                self.error("access.jwt", "found `jwks_file` and `jwks_url`, expected only one of them");
            }
            let keys = jwt.jwks_url.as_deref().or(jwt.jwks_file.is_none().then_some(jwt.issuer.as_str()));
            let local = |url: &str| {
                ["http://127.", "http://localhost", "http://[::1]"].iter().any(|it| url.starts_with(it))
            };
            if let Some(url) = keys
                && !url.starts_with("https://")
                && !local(url)
            {
                let key = if jwt.jwks_url.is_some() { "access.jwt.jwks_url" } else { "access.jwt.issuer" };
                self.error(
                    key,
                    "expected a URL that begins with `https://`, as the keys are fetched from there and who can change them can be \
                     anybody; or set `jwks_file` to a file of the keys",
                );
            }
        }
        let mut takes_certificates = false;
        let mut first_http = None;
        for (index, source) in config.sources.iter().enumerate() {
            if let SourceKind::Http(http) = &source.kind {
                first_http.get_or_insert(index);
                takes_certificates |= http.tls.as_ref().is_some_and(|tls| tls.client_ca_file.is_some());
            }
        }
        for (index, certificate) in access.client_certificates.iter().enumerate() {
            let path = format!("access.client_certificates[{index}]");
            if certificate.subject.is_some() == certificate.san.is_some() {
                self.error(&path, "expected `subject` or `san`, one of them");
            }
            self.require(!certificate.roles.is_empty(), &path, "`roles`: what they may do");
        }
        if !access.client_certificates.is_empty() && !takes_certificates {
            self.warn(
                "access.client_certificates",
                "nobody is asked for a certificate: no source of type `http` has a `tls.client_ca_file`",
            );
        }
        let nobody = access.tokens_file.is_none()
            && access.jwt.is_none()
            && access.client_certificates.is_empty()
            && access.anonymous.is_empty();
        if let (Some(index), true, true) = (first_http, nobody, self.is_read("access")) {
            let help = "`access: {anonymous: [ingest]}` lets every program on this machine send; `access: {tokens_file: …}` \
                        those with a token (`audit-log token create`)";
            let message = "nobody may send events here, as `access` says of nobody that they may";
            self.error_with_help(&format!("sources[{index}]"), message, Some(help.to_owned()));
        }
    }
}
