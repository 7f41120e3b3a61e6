use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use audit_sink::SinkError;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::extension::ClientId;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::ServerName;

use crate::connection::Connection;
use crate::reply::No;
use crate::starttls::{self, Problem};
use crate::wire::Wire;
use crate::{EmailOptions, EmailOptionsError, Encryption};

const SUBMISSION: u16 = 587;
const SUBMISSIONS: u16 = 465;

/// A mail server, and how to become its client.
pub(crate) struct Server {
    host: String,
    port: u16,
    encryption: Encryption,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    credentials: Option<(String, SecretString)>,
    hello: Option<String>,
    connect_timeout: Duration,
    answer_timeout: Duration,
}

impl Server {
    pub(crate) fn new(options: &EmailOptions) -> Result<Self, EmailOptionsError> {
        let (host, port) = host_and_port(&options.server)?;
        let encryption = options.encryption.unwrap_or(match port {
            SUBMISSIONS => Encryption::Tls,
            _ => Encryption::StartTls,
        });
        for (what, timeout) in
            [("connect_timeout", options.connect_timeout), ("answer_timeout", options.answer_timeout)]
        {
            if timeout.is_zero() {
                return Err(EmailOptionsError::NoTime { what });
            }
        }
        if let Some((user, password)) = &options.credentials {
            for (what, text) in [("user name", user.as_str()), ("password", password.expose_secret())] {
                if text.is_empty() {
                    return Err(EmailOptionsError::EmptyCredentials(what));
                }
            }
            let in_the_clear = encryption == Encryption::Plain && !is_this_machine(&host);
            if in_the_clear && !options.danger_credentials_in_the_clear {
                return Err(EmailOptionsError::CredentialsInTheClear { server: options.server.clone() });
            }
        }
        let tls = match (encryption, &options.tls) {
            (Encryption::Plain, Some(_)) => return Err(EmailOptionsError::TlsWithoutEncryption),
            (Encryption::Plain, None) => None,
            (_, tls) => {
                let name = ServerName::try_from(host.clone())
                    .map_err(|_| EmailOptionsError::ServerName(host.clone()))?;
                let config = tls.clone().unwrap_or_default().client_config()?;
                Some((TlsConnector::from(Arc::new(config)), name))
            }
        };
        if let Some(name) = &options.hello_name
            && (name.is_empty() || name.len() > 255 || !name.bytes().all(is_of_a_host_name))
        {
            return Err(EmailOptionsError::HelloName(name.clone()));
        }
        Ok(Self {
            host,
            port,
            encryption,
            tls,
            credentials: options.credentials.clone(),
            hello: options.hello_name.clone(),
            connect_timeout: options.connect_timeout,
            answer_timeout: options.answer_timeout,
        })
    }

    /// What errors call it.
    pub(crate) fn place(&self) -> String {
        match self.host.contains(':') {
            true => format!("[{}]:{}", self.host, self.port),
            false => format!("{}:{}", self.host, self.port),
        }
    }

    /// Connects, with TLS and credentials as they were set; what comes next is a letter.
    pub(crate) async fn connect(&self) -> Result<Connection, SinkError> {
        let place = self.place();
        let connecting = timeout(self.connect_timeout, TcpStream::connect((self.host.as_str(), self.port)));
        let mut tcp = match connecting.await {
            Ok(Ok(tcp)) => tcp,
            Ok(Err(error)) => {
                let problem = format!(
                    "cannot connect to {place}: {error}; is the name right, and does a mail server listen there?"
                );
                return Err(SinkError::retryable(problem));
            }
            Err(_) => {
                let problem = format!(
                    "no connection to {place} within {:?}; is it up, and let through by firewalls?",
                    self.connect_timeout
                );
                return Err(SinkError::retryable(problem));
            }
        };
        // A dialogue of short lines: each is waited for.
        tcp.set_nodelay(true).map_err(|error| self.broken(&error))?;
        let hello = self.hello(&tcp);
        let wire = match (self.encryption, &self.tls) {
            (Encryption::StartTls, Some(tls)) => {
                self.within(starttls::ask(&mut tcp, &hello))
                    .await?
                    .map_err(|problem| self.no_starttls(problem))?;
                Wire::tls(self.encrypt(tls, tcp).await?, b"220 STARTTLS\r\n")
            }
            (Encryption::Tls, Some(tls)) => Wire::tls(self.encrypt(tls, tcp).await?, b""),
            _ => Wire::plain(tcp),
        };
        let secrets = self.secrets();
        let greeted =
            self.within(AsyncSmtpConnection::connect_with_transport(Box::new(wire), &hello)).await?;
        let mut smtp = greeted.map_err(|error| match No::of(&error, &secrets) {
            Some(no) => SinkError::retryable(format!(
                "{place} turns this client away: {}; perhaps it wants another hello_name, or a client certificate",
                no.said
            )),
            None => self.broken(&error),
        })?;
        if let Some((user, password)) = &self.credentials {
            let credentials = Credentials::new(user.clone(), password.expose_secret().to_owned());
            let answer = self.within(smtp.auth(DEFAULT_MECHANISMS, &credentials)).await?;
            answer.map_err(|error| self.not_logged_in(&error, &secrets))?;
        }
        Ok(Connection::new(smtp, place, self.answer_timeout, secrets))
    }

    async fn encrypt(
        &self,
        (connector, name): &(TlsConnector, ServerName<'static>),
        tcp: TcpStream,
    ) -> Result<TlsStream<TcpStream>, SinkError> {
        let place = self.place();
        match timeout(self.connect_timeout, connector.connect(name.clone(), tcp)).await {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(error)) => {
                let mut problem = audit_tls::explain(&error).unwrap_or_else(|| error.to_string());
                if self.encryption == Encryption::Tls && problem.ends_with("is that a TLS port?") {
                    problem.push_str(" set encryption to starttls where it begins in the clear");
                }
                Err(SinkError::retryable(format!("no TLS connection to {place}: {problem}")))
            }
            Err(_) => Err(SinkError::retryable(format!(
                "no TLS connection to {place} within {:?}; is that a TLS port?",
                self.connect_timeout
            ))),
        }
    }

    /// Under the limit of one answer; the outer error is that it was exceeded.
    async fn within<T>(&self, answer: impl Future<Output = T>) -> Result<T, SinkError> {
        timeout(self.answer_timeout, answer).await.map_err(|_| {
            let advice = match self.encryption {
                Encryption::Tls => "",
                _ => "; does it want TLS from the first byte? then set encryption to tls",
            };
            SinkError::retryable(format!(
                "no answer from {} within {:?}{advice}",
                self.place(),
                self.answer_timeout
            ))
        })
    }

    fn hello(&self, tcp: &TcpStream) -> ClientId {
        match (&self.hello, tcp.local_addr().map(|address| address.ip().to_canonical())) {
            (Some(name), _) => ClientId::Domain(name.clone()),
            (None, Ok(IpAddr::V4(address))) => ClientId::Ipv4(address),
            (None, Ok(IpAddr::V6(address))) => ClientId::Ipv6(address),
            (None, Err(_)) => ClientId::default(),
        }
    }

    fn no_starttls(&self, problem: Problem) -> SinkError {
        let place = self.place();
        SinkError::retryable(match problem {
            Problem::Broken(error) => return self.broken(&error),
            Problem::No(to, no) => format!("{place} answered {to} with {}", no.said),
            Problem::NotOffered => format!(
                "{place} offers no STARTTLS, and nothing was sent in the clear; use a port that does, or set encryption \
                 to tls where it wants TLS from the first byte"
            ),
            Problem::Injected => {
                format!(
                    "{place} said something in the clear after TLS was agreed on: somebody is between here and there"
                )
            }
            Problem::NoReply(said) => format!("{place} is no mail server; it said {said:?}"),
        })
    }

    fn not_logged_in(&self, error: &lettre::transport::smtp::Error, secrets: &[String]) -> SinkError {
        let place = self.place();
        let Some(no) = No::of(error, secrets) else {
            if error.is_client() {
                let advice = match self.encryption {
                    Encryption::Plain => "; many servers offer it only under TLS",
                    _ => "; leave the credentials out if it wants none",
                };
                return SinkError::retryable(format!("{place} offers no login by PLAIN or LOGIN{advice}"));
            }
            return self.broken(error);
        };
        SinkError::retryable(if no.is_for_now() {
            format!("{place} cannot check the user name and password now: {}", no.said)
        } else {
            format!("{place} refused the user name or the password: {}; set the right ones", no.said)
        })
    }

    fn broken(&self, error: &(dyn std::error::Error + 'static)) -> SinkError {
        crate::connection::broken(&self.place(), error)
    }

    /// What errors do not quote: the password as it is, and as it is sent.
    fn secrets(&self) -> Vec<String> {
        let Some((user, password)) = &self.credentials else { return Vec::new() };
        let password = password.expose_secret();
        vec![password.to_owned(), STANDARD.encode(password), STANDARD.encode(format!("\0{user}\0{password}"))]
    }
}

/// `host`, `host:port`, `[::1]` or `[::1]:port`.
fn host_and_port(server: &str) -> Result<(String, u16), EmailOptionsError> {
    let refused = || EmailOptionsError::Server(server.to_owned());
    let (host, port) = match server.strip_prefix('[') {
        Some(rest) => rest.split_once(']').ok_or_else(refused)?,
        None => server.split_at(server.find(':').unwrap_or(server.len())),
    };
    let port = match port.strip_prefix(':') {
        Some(port) => port.parse().ok().filter(|port| *port != 0).ok_or_else(refused)?,
        None if port.is_empty() => SUBMISSION,
        None => return Err(refused()),
    };
    let is_host = match server.starts_with('[') {
        true => host.parse::<std::net::Ipv6Addr>().is_ok(),
        false => !host.is_empty() && host.bytes().all(is_of_a_host_name),
    };
    if is_host { Ok((host.to_owned(), port)) } else { Err(refused()) }
}

/// Letters, digits, dashes and dots (RFC 5321 §4.1.2), the underscore that some have, and the brackets and colons of an
/// address literal.
fn is_of_a_host_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._[]:".contains(&byte)
}

fn is_this_machine(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use audit_tls::TlsOptions;

    use super::{Server, host_and_port, is_this_machine};
    use crate::{EmailOptions, Encryption};

    #[test]
    fn the_port_says_how_tls_begins() {
        for (server, expected) in [
            ("mail.example.com", Encryption::StartTls),
            ("mail.example.com:25", Encryption::StartTls),
            ("mail.example.com:2525", Encryption::StartTls),
            ("mail.example.com:465", Encryption::Tls),
        ] {
            let tls = TlsOptions::default().danger_accept_invalid_certificates(true);
            let options = EmailOptions::new(server, "a@b.example").tls(tls);
            assert_eq!(Server::new(&options).unwrap().encryption, expected, "{server}");
            let options = options.encryption(Encryption::StartTls);
            assert_eq!(Server::new(&options).unwrap().encryption, Encryption::StartTls);
        }
    }

    #[test]
    fn a_server_is_a_host_and_perhaps_a_port() {
        for (server, host, port) in [
            ("mail.example.com:25", "mail.example.com", 25),
            ("mail.example.com", "mail.example.com", 587),
            ("127.0.0.1:465", "127.0.0.1", 465),
            ("[::1]:2525", "::1", 2525),
            ("[::1]", "::1", 587),
        ] {
            assert_eq!(host_and_port(server).unwrap(), (host.to_owned(), port), "{server}");
        }
        for wrong in [
            "",
            ":25",
            "mail:",
            "mail:0",
            "mail:70000",
            "smtp://mail:25",
            "::1",
            "[mail]:25",
            "a b:25",
            "[::1",
        ] {
            let error = host_and_port(wrong).unwrap_err().to_string();
            assert!(error.contains("is not host:port"), "{wrong}: {error}");
        }
    }

    #[test]
    fn this_machine_is_known_by_its_loopback_names() {
        assert!(["localhost", "127.0.0.1", "127.9.9.9", "::1"].into_iter().all(is_this_machine));
        assert!(!["localhost.example.com", "10.0.0.1", "mail"].into_iter().any(is_this_machine));
    }
}
