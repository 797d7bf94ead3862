use alloc::string::String;
use alloc::vec::Vec;

use usb_spec::descriptor::{
    Bcd, Configuration, Device, DeviceQualifier, Endpoint, Interface, LanguageId, StringDescriptor,
    SuperSpeedEndpointCompanion,
};
use usb_spec::{DescriptorKind, EndpointAddress, Speed, TransferKind};

/// What a device says of itself: everything from which chapter 9 makes descriptors and endpoints.
#[derive(Clone, Debug)]
pub struct Blueprint {
    /// The speed it runs at.
    pub speed: Speed,
    /// Who it is.
    pub identity: Identity,
    /// Class, subclass and protocol of the device as a whole; zeroes leave that to the interfaces.
    pub class: [u8; 3],
    /// The same at the other of full and high speed.
    pub other_speed_class: [u8; 3],
    /// Endpoint 0's packet size; [`Speed::allowed_control_packet_sizes`] says which are allowed.
    pub ep0_max_packet: u16,
    /// The configurations, in the order of their descriptors' indices.
    pub configurations: Vec<ConfigurationPlan>,
    /// Whether it would run at super speed on a port that can; at high speed it is then a USB 2.1 device with a BOS. USB 3.2 §9.2.6.6
    /// (unchecked).
    pub super_speed_capable: bool,
    /// The same number for all devices in one box, if it is to be told. USB 3.2 §9.6.2.3.
    pub container: Option<[u8; 16]>,
    /// Whether it can wake its host.
    pub remote_wakeup: bool,
    /// Whether it has a power supply of its own.
    pub self_powered: bool,
    /// What it draws from the bus, in mA.
    pub max_power_ma: u16,
}

/// One configuration.
#[derive(Clone, Debug)]
pub struct ConfigurationPlan {
    /// `bConfigurationValue`, not 0.
    pub value: u8,
    /// The alternate settings of all interfaces, in the order of the configuration descriptor.
    pub settings: Vec<Setting>,
    /// The settings at the other of full and high speed, for a device that can do both; empty for one that cannot. USB 2.0 §9.6.2.
    pub other_speed_settings: Vec<Setting>,
}

impl ConfigurationPlan {
    /// The configuration of a device that has no other.
    #[must_use]
    pub fn only(settings: Vec<Setting>, other_speed_settings: Vec<Setting>) -> Vec<Self> {
        alloc::vec![Self {
            value: 1,
            settings,
            other_speed_settings,
        }]
    }
}

/// Ids and names. An empty name is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// `idVendor`.
    pub vendor: u16,
    /// `idProduct`.
    pub product: u16,
    /// `bcdDevice`.
    pub release: u16,
    /// Manufacturer's name.
    pub manufacturer_name: String,
    /// Product's name.
    pub product_name: String,
    /// Serial number.
    pub serial: String,
}

/// One alternate setting of one interface.
#[derive(Clone, Debug)]
pub struct Setting {
    /// `bInterfaceNumber`.
    pub interface: u8,
    /// `bAlternateSetting`.
    pub alternate: u8,
    /// Class, subclass and protocol.
    pub class: [u8; 3],
    /// Class descriptors that follow the interface descriptor, as bytes.
    pub class_descriptors: Vec<u8>,
    /// The endpoints.
    pub endpoints: Vec<EndpointPlan>,
}

/// One endpoint of a setting.
#[derive(Clone, Copy, Debug)]
pub struct EndpointPlan {
    /// Number and direction.
    pub address: EndpointAddress,
    /// The kind of its transfers.
    pub kind: TransferKind,
    /// Its packet size in bytes.
    pub max_packet: u16,
    /// `bInterval`.
    pub interval: u8,
    /// Packets in a burst, less one; from super speed on.
    pub burst_z: u8,
}

impl Blueprint {
    /// A device that draws 100 mA, has no configuration yet, and the largest packets on endpoint 0 that its speed allows.
    #[must_use]
    pub fn of(speed: Speed, identity: Identity) -> Self {
        let sizes = speed.allowed_control_packet_sizes();
        Self {
            speed,
            identity,
            class: [0; 3],
            other_speed_class: [0; 3],
            ep0_max_packet: sizes.last().copied().unwrap_or(8),
            configurations: Vec::new(),
            super_speed_capable: speed.is_super(),
            container: None,
            remote_wakeup: false,
            self_powered: false,
            max_power_ma: 100,
        }
    }

    /// The settings of a configuration; none for one that there is not.
    pub(super) fn settings(&self, configuration: u8) -> &[Setting] {
        let plan = self
            .configurations
            .iter()
            .find(|c| c.value == configuration);
        plan.map_or(&[], |plan| &plan.settings)
    }

    /// One alternate setting of a configuration.
    pub(super) fn setting(
        &self,
        configuration: u8,
        interface: u8,
        alternate: u8,
    ) -> Option<&Setting> {
        let mut settings = self.settings(configuration).iter();
        settings.find(|s| s.interface == interface && s.alternate == alternate)
    }

    /// The bytes of a descriptor that the device as a whole has, or nothing if it has none such. USB 2.0 §9.4.3, §9.6.
    pub(super) fn descriptor(&self, kind: DescriptorKind, index: u8, reply: &mut Vec<u8>) -> bool {
        let plan = self.configurations.get(usize::from(index));
        match (kind, index, plan) {
            (DescriptorKind::DEVICE, 0, _) => reply.extend_from_slice(&self.device().emit()),
            (DescriptorKind::CONFIGURATION, _, Some(plan)) => {
                self.configuration(kind, plan.value, &plan.settings, self.speed, reply);
            }
            (DescriptorKind::STRING, ..) => return self.string(index, reply),
            (DescriptorKind::BOS, 0, _) if self.has_bos() => self.bos(reply),
            (DescriptorKind::DEVICE_QUALIFIER, 0, _) if self.has_other_speed() => {
                reply.extend_from_slice(&self.qualifier().emit());
            }
            (DescriptorKind::OTHER_SPEED_CONFIGURATION, _, Some(plan))
                if self.has_other_speed() =>
            {
                let settings = &plan.other_speed_settings;
                self.configuration(kind, plan.value, settings, self.other_speed(), reply);
            }
            _ => return false,
        }
        true
    }

    fn has_other_speed(&self) -> bool {
        let fits = matches!(self.speed, Speed::Full | Speed::High);
        fits && self
            .configurations
            .iter()
            .any(|plan| !plan.other_speed_settings.is_empty())
    }

    fn has_bos(&self) -> bool {
        self.super_speed_capable
    }

    fn other_speed(&self) -> Speed {
        if self.speed == Speed::High {
            Speed::Full
        } else {
            Speed::High
        }
    }

    /// The version of the specification: 1.1 for a low- or full-speed device that cannot do more, so that nobody asks it for a qualifier.
    fn usb_version(&self) -> Bcd {
        match self.speed {
            Speed::Low => Bcd(0x0110),
            Speed::Full | Speed::High if self.super_speed_capable => Bcd(0x0210),
            Speed::Full if !self.has_other_speed() => Bcd(0x0110),
            Speed::Full | Speed::High => Bcd(0x0200),
            Speed::Super => Bcd(0x0310),
            Speed::SuperPlus => Bcd(0x0320),
        }
    }

    fn max_packet_size_0(&self) -> u8 {
        if self.speed.is_super() {
            u8::try_from(self.ep0_max_packet.max(1).ilog2()).unwrap_or(9)
        } else {
            u8::try_from(self.ep0_max_packet).unwrap_or(64)
        }
    }

    fn device(&self) -> Device {
        Device {
            usb_version: self.usb_version(),
            class: self.class[0],
            subclass: self.class[1],
            protocol: self.class[2],
            max_packet_size_0: self.max_packet_size_0(),
            vendor: self.identity.vendor,
            product: self.identity.product,
            device_version: Bcd(self.identity.release),
            manufacturer_string: self.string_index(1),
            product_string: self.string_index(2),
            serial_string: self.string_index(3),
            configurations: self.count(),
        }
    }

    fn count(&self) -> u8 {
        u8::try_from(self.configurations.len()).unwrap_or(u8::MAX)
    }

    fn qualifier(&self) -> DeviceQualifier {
        DeviceQualifier {
            usb_version: self.usb_version(),
            class: self.other_speed_class[0],
            subclass: self.other_speed_class[1],
            protocol: self.other_speed_class[2],
            max_packet_size_0: 64,
            configurations: self.count(),
        }
    }

    fn configuration(
        &self,
        kind: DescriptorKind,
        value: u8,
        settings: &[Setting],
        speed: Speed,
        reply: &mut Vec<u8>,
    ) {
        let start = reply.len();
        reply.extend_from_slice(&[0; Configuration::LENGTH]);
        for setting in settings {
            let interface = Interface {
                number: setting.interface,
                alternate: setting.alternate,
                endpoints: u8::try_from(setting.endpoints.len()).unwrap_or(u8::MAX),
                class: setting.class[0],
                subclass: setting.class[1],
                protocol: setting.class[2],
                string: 0,
            };
            reply.extend_from_slice(&interface.emit());
            reply.extend_from_slice(&setting.class_descriptors);
            for plan in &setting.endpoints {
                reply.extend_from_slice(
                    &Endpoint::new(plan.address, plan.kind, plan.max_packet, plan.interval).emit(),
                );
                if speed.is_super() {
                    reply.extend_from_slice(&companion(plan).emit());
                }
            }
        }
        let header = Configuration {
            total_length: u16::try_from(reply.len() - start).unwrap_or(u16::MAX),
            interfaces: u8::try_from(settings.iter().filter(|s| s.alternate == 0).count())
                .unwrap_or(u8::MAX),
            value,
            string: 0,
            attributes: self.attributes(),
            max_power: u8::try_from(self.max_power_ma / if speed.is_super() { 8 } else { 2 })
                .unwrap_or(u8::MAX),
        };
        let mut head = header.emit();
        // The other speed's configuration differs in its kind alone. USB 2.0 §9.6.4.
        if let Some(byte) = head.get_mut(1) {
            *byte = kind.0;
        }
        for (to, from) in reply.iter_mut().skip(start).zip(head) {
            *to = from;
        }
    }

    fn attributes(&self) -> u8 {
        let mut attributes = Configuration::ATTRIBUTE_RESERVED_ONE;
        if self.self_powered {
            attributes |= Configuration::ATTRIBUTE_SELF_POWERED;
        }
        if self.remote_wakeup {
            attributes |= Configuration::ATTRIBUTE_REMOTE_WAKEUP;
        }
        attributes
    }

    fn name(&self, index: u8) -> Option<&str> {
        let text = match index {
            1 => &self.identity.manufacturer_name,
            2 => &self.identity.product_name,
            3 => &self.identity.serial,
            _ => return None,
        };
        (!text.is_empty()).then_some(text)
    }

    fn string_index(&self, index: u8) -> u8 {
        if self.name(index).is_some() { index } else { 0 }
    }

    /// String 0 lists the languages: US English alone. The language asked for is not looked at, as in most devices. USB 2.0 §9.6.7.
    fn string(&self, index: u8, reply: &mut Vec<u8>) -> bool {
        if index == 0 {
            reply.extend_from_slice(&StringDescriptor::emit_languages(&[LanguageId::ENGLISH_US]));
            return true;
        }
        let Some(text) = self.name(index) else {
            return false;
        };
        reply.extend_from_slice(&StringDescriptor::emit(text));
        true
    }
}

fn companion(plan: &EndpointPlan) -> SuperSpeedEndpointCompanion {
    let bytes_per_interval = if plan.kind.is_periodic() {
        plan.max_packet.saturating_mul(u16::from(plan.burst_z) + 1)
    } else {
        0
    };
    SuperSpeedEndpointCompanion {
        max_burst: plan.burst_z,
        attributes: 0,
        bytes_per_interval,
    }
}
