use audit_model::Map;
use serde::{Deserialize, Serialize};

use crate::id::{EndpointTypeId, NetworkScopeId};
use crate::object::{Fingerprint, Group, Os, User};

/// The OCSF object `network_endpoint`: the source or destination of a connection.
///
/// Left untyped in `extra`: `agent_list`, `autonomous_system`, `container`, `hw_info`, `location`,
/// `proxy_endpoint`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct NetworkEndpoint {
    /// `domain` (optional): the domain that the endpoint belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// `fingerprints` (optional; since 1.8.0): fingerprints of the software at the endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fingerprints: Option<Vec<Fingerprint>>,
    /// `hostname` (recommended): the endpoint's full host name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    /// `instance_uid` (recommended): the unique id of the virtual machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance_uid: Option<String>,
    /// `interface_name` (recommended): the network interface's name, such as `eth2`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interface_name: Option<String>,
    /// `interface_uid` (recommended): the network interface's unique id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interface_uid: Option<String>,
    /// `intermediate_ips` (optional): the addresses on the way, such as those of proxies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub intermediate_ips: Option<Vec<String>>,
    /// `ip` (recommended): the endpoint's address, IPv4 or IPv6.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    /// `isp` (optional; since 1.8.0): the internet service provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub isp: Option<String>,
    /// `isp_org` (optional; since 1.8.0): the internet service provider's organisation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub isp_org: Option<String>,
    /// `mac` (optional): the hardware address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mac: Option<String>,
    /// `mac_vendor` (optional; since 1.8.0): who made the network interface.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mac_vendor: Option<String>,
    /// `name` (recommended): the endpoint's short name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `namespace_pid` (recommended; since 1.1.0; with the profile `container`): the process id within the
    /// process namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace_pid: Option<i64>,
    /// `network_scope` (optional; since 1.8.0): the caption of `network_scope_id`, or the source's own word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network_scope: Option<String>,
    /// `network_scope_id` (optional; since 1.8.0): whether the endpoint is inside the customer's network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network_scope_id: Option<NetworkScopeId>,
    /// `os` (optional; since 1.1.0): the endpoint's operating system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub os: Option<Box<Os>>,
    /// `owner` (recommended; since 1.3.0): whom it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<Box<User>>,
    /// `pool` (optional; since 1.8.0): the pool of machines that it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pool: Option<Box<Group>>,
    /// `port` (recommended): the port, 0 to 65535.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<i64>,
    /// `subnet_uid` (optional): the virtual subnet's unique id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subnet_uid: Option<String>,
    /// `svc_name` (recommended): the service's name, between services.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub svc_name: Option<String>,
    /// `type` (optional; since 1.1.0): the caption of `type_id`, or the source's own word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#type: Option<String>,
    /// `type_id` (recommended; since 1.1.0): what kind of endpoint it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub type_id: Option<EndpointTypeId>,
    /// `uid` (recommended): the endpoint's unique id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    /// `vlan_uid` (optional): the VLAN's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vlan_uid: Option<String>,
    /// `vpc_uid` (optional): the virtual private cloud's unique id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vpc_uid: Option<String>,
    /// `zone` (optional; since 1.1.0): the network zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// What has no field of its own, as it came. A name that has one must not be put here: it would stand twice.
    #[serde(flatten)]
    pub extra: Map,
}

impl NetworkEndpoint {
    /// An endpoint at that address.
    #[must_use]
    pub fn new(ip: impl Into<String>) -> Self {
        Self { ip: Some(ip.into()), ..Self::default() }
    }
}
