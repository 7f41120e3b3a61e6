use audit_model::Map;
use serde::{Deserialize, Serialize};

use crate::id::{EndpointTypeId, RiskLevelId};
use crate::object::{Group, Organization, Os, User};

/// The OCSF object `device`: a computer or another addressable device.
///
/// Left untyped in `extra`: `agent_list`, `container`, `hw_info`, `image`, `location`, `network_interfaces`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Device {
    /// `autoscale_uid` (optional): the unique id of the cloud autoscale configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub autoscale_uid: Option<String>,
    /// `boot_time` (optional; since 1.3.0): when the system was booted, in milliseconds since 1970-01-01 UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub boot_time: Option<i64>,
    /// `boot_time_dt` (optional; since 1.3.0; with the profile `datetime`): as `boot_time`, as text (RFC
    /// 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub boot_time_dt: Option<String>,
    /// `boot_uid` (optional; since 1.8.0): an id of the device that changes at every reboot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub boot_uid: Option<String>,
    /// `created_time` (optional): when the device was created, in milliseconds since 1970-01-01 UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_time: Option<i64>,
    /// `created_time_dt` (optional; with the profile `datetime`): as `created_time`, as text (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_time_dt: Option<String>,
    /// `desc` (optional): what the device is, as the operating system says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub desc: Option<String>,
    /// `domain` (optional): the network domain of the device.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// `eid` (optional; since 1.8.0): the serial number of the embedded SIM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eid: Option<String>,
    /// `first_seen_time` (optional): when the device was seen first, in milliseconds since 1970-01-01 UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_seen_time: Option<i64>,
    /// `first_seen_time_dt` (optional; with the profile `datetime`): as `first_seen_time`, as text (RFC
    /// 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_seen_time_dt: Option<String>,
    /// `groups` (optional): the groups that the device belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub groups: Option<Vec<Group>>,
    /// `hostname` (recommended): the device's host name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    /// `hypervisor` (optional): the hypervisor that the device runs on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hypervisor: Option<String>,
    /// `iccid` (optional; since 1.8.0): the id of the SIM card.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iccid: Option<String>,
    /// `imei` (optional; deprecated since 1.8.0): the mobile device's IMEI.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub imei: Option<String>,
    /// `imei_list` (optional; since 1.8.0): the mobile device's IMEIs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub imei_list: Option<Vec<String>>,
    /// `instance_uid` (recommended): the unique id of the virtual machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance_uid: Option<String>,
    /// `interface_name` (recommended): the network interface's name, such as `eth2`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interface_name: Option<String>,
    /// `interface_uid` (recommended): the network interface's unique id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interface_uid: Option<String>,
    /// `ip` (recommended up to 1.1.0, optional since 1.3.0): the device's address, IPv4 or IPv6.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    /// `is_backed_up` (optional; since 1.8.0): whether there is a backup.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_backed_up: Option<bool>,
    /// `is_compliant` (optional): whether the device complies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_compliant: Option<bool>,
    /// `is_managed` (optional): whether the device is managed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_managed: Option<bool>,
    /// `is_mobile_account_active` (optional; since 1.8.0): whether the device has an active mobile account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_mobile_account_active: Option<bool>,
    /// `is_personal` (optional): whether the device belongs to a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_personal: Option<bool>,
    /// `is_shared` (optional; since 1.8.0): whether the device is shared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_shared: Option<bool>,
    /// `is_supervised` (optional; since 1.8.0): whether the device is supervised.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_supervised: Option<bool>,
    /// `is_trusted` (optional): whether the device is trusted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_trusted: Option<bool>,
    /// `last_seen_time` (optional): when the device was seen last, in milliseconds since 1970-01-01 UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_seen_time: Option<i64>,
    /// `last_seen_time_dt` (optional; with the profile `datetime`): as `last_seen_time`, as text (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_seen_time_dt: Option<String>,
    /// `mac` (optional): the hardware address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mac: Option<String>,
    /// `mac_vendor` (optional; since 1.8.0): who made the network interface.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mac_vendor: Option<String>,
    /// `meid` (optional; since 1.8.0): the mobile equipment id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meid: Option<String>,
    /// `model` (optional; since 1.8.0): the model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// `modified_time` (optional): when the device was last changed, in milliseconds since 1970-01-01 UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub modified_time: Option<i64>,
    /// `modified_time_dt` (optional; with the profile `datetime`): as `modified_time`, as text (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub modified_time_dt: Option<String>,
    /// `name` (recommended up to 1.1.0, optional since 1.3.0): another name of the device.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `namespace_pid` (recommended; since 1.1.0; with the profile `container`): the process id within the
    /// process namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace_pid: Option<i64>,
    /// `org` (optional): the organisation that the device belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub org: Option<Box<Organization>>,
    /// `os` (optional): the device's operating system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub os: Option<Box<Os>>,
    /// `os_machine_uuid` (optional; since 1.8.0): the id that the operating system gave to the machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub os_machine_uuid: Option<String>,
    /// `owner` (recommended; since 1.3.0): whom it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<Box<User>>,
    /// `pool` (optional; since 1.8.0): the pool of machines that it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pool: Option<Box<Group>>,
    /// `region` (recommended): the region of the virtual machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// `risk_level` (optional): the caption of `risk_level_id`, or the source's own word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub risk_level: Option<String>,
    /// `risk_level_id` (optional): how high the risk is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub risk_level_id: Option<RiskLevelId>,
    /// `risk_score` (optional): how high the risk is, as the source scored it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub risk_score: Option<i64>,
    /// `subnet` (optional): the subnet's mask.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subnet: Option<String>,
    /// `subnet_uid` (optional): the virtual subnet's unique id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subnet_uid: Option<String>,
    /// `type` (optional up to 1.1.0, recommended since 1.3.0): the caption of `type_id`, or the source's own
    /// word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#type: Option<String>,
    /// `type_id` (required): what kind of device it is.
    pub type_id: EndpointTypeId,
    /// `udid` (optional; since 1.8.0): Apple's id of the device.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub udid: Option<String>,
    /// `uid` (recommended): the device's unique id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    /// `uid_alt` (optional): another unique id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uid_alt: Option<String>,
    /// `vendor_name` (recommended; since 1.8.0): who makes the device.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vendor_name: Option<String>,
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

impl Device {
    /// A device of that kind.
    #[must_use]
    pub fn new(type_id: EndpointTypeId) -> Self {
        Self {
            autoscale_uid: None,
            boot_time: None,
            boot_time_dt: None,
            boot_uid: None,
            created_time: None,
            created_time_dt: None,
            desc: None,
            domain: None,
            eid: None,
            first_seen_time: None,
            first_seen_time_dt: None,
            groups: None,
            hostname: None,
            hypervisor: None,
            iccid: None,
            imei: None,
            imei_list: None,
            instance_uid: None,
            interface_name: None,
            interface_uid: None,
            ip: None,
            is_backed_up: None,
            is_compliant: None,
            is_managed: None,
            is_mobile_account_active: None,
            is_personal: None,
            is_shared: None,
            is_supervised: None,
            is_trusted: None,
            last_seen_time: None,
            last_seen_time_dt: None,
            mac: None,
            mac_vendor: None,
            meid: None,
            model: None,
            modified_time: None,
            modified_time_dt: None,
            name: None,
            namespace_pid: None,
            org: None,
            os: None,
            os_machine_uuid: None,
            owner: None,
            pool: None,
            region: None,
            risk_level: None,
            risk_level_id: None,
            risk_score: None,
            subnet: None,
            subnet_uid: None,
            r#type: None,
            type_id,
            udid: None,
            uid: None,
            uid_alt: None,
            vendor_name: None,
            vlan_uid: None,
            vpc_uid: None,
            zone: None,
            extra: Map::new(),
        }
    }
}
