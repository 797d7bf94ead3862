//! Interface and interface association descriptors. USB 2.0 §9.6.5, USB 3.2 §9.6.4 and §9.6.5.

use super::error::body;
use super::{DescriptorError, DescriptorKind};

/// One alternate setting of an interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Interface {
    /// `bInterfaceNumber`.
    #[doc(alias = "bInterfaceNumber")]
    pub number: u8,
    /// `bAlternateSetting`.
    #[doc(alias = "bAlternateSetting")]
    pub alternate: u8,
    /// `bNumEndpoints`, without endpoint 0.
    #[doc(alias = "bNumEndpoints")]
    pub endpoints: u8,
    /// `bInterfaceClass`.
    #[doc(alias = "bInterfaceClass")]
    pub class: u8,
    /// `bInterfaceSubClass`.
    #[doc(alias = "bInterfaceSubClass")]
    pub subclass: u8,
    /// `bInterfaceProtocol`.
    #[doc(alias = "bInterfaceProtocol")]
    pub protocol: u8,
    /// `iInterface`; 0 means none.
    #[doc(alias = "iInterface")]
    pub string: u8,
}

impl Interface {
    /// The size of the descriptor.
    pub const LENGTH: usize = 9;

    /// Reads the descriptor at the start of `bytes`.
    ///
    /// # Errors
    /// Another kind, or fewer bytes than the layout has.
    pub fn parse(bytes: &[u8]) -> Result<Self, DescriptorError> {
        let b = body(bytes, DescriptorKind::INTERFACE, 9)?;
        let [
            _,
            _,
            number,
            alternate,
            endpoints,
            class,
            subclass,
            protocol,
            string,
        ] = crate::wire::take(b, 0);
        Ok(Self {
            number,
            alternate,
            endpoints,
            class,
            subclass,
            protocol,
            string,
        })
    }

    /// The bytes on the wire.
    #[must_use]
    pub const fn emit(&self) -> [u8; Self::LENGTH] {
        [
            9,
            DescriptorKind::INTERFACE.0,
            self.number,
            self.alternate,
            self.endpoints,
            self.class,
            self.subclass,
            self.protocol,
            self.string,
        ]
    }
}

/// Interfaces that make up one function together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct InterfaceAssociation {
    /// `bFirstInterface`.
    pub first_interface: u8,
    /// `bInterfaceCount`.
    pub interfaces: u8,
    /// `bFunctionClass`.
    pub class: u8,
    /// `bFunctionSubClass`.
    pub subclass: u8,
    /// `bFunctionProtocol`.
    pub protocol: u8,
    /// `iFunction`; 0 means none.
    pub string: u8,
}

impl InterfaceAssociation {
    /// The size of the descriptor.
    pub const LENGTH: usize = 8;

    /// Reads the descriptor at the start of `bytes`.
    ///
    /// # Errors
    /// Another kind, or fewer bytes than the layout has.
    pub fn parse(bytes: &[u8]) -> Result<Self, DescriptorError> {
        let b = body(bytes, DescriptorKind::INTERFACE_ASSOCIATION, 8)?;
        let [
            _,
            _,
            first_interface,
            interfaces,
            class,
            subclass,
            protocol,
            string,
        ] = crate::wire::take(b, 0);
        Ok(Self {
            first_interface,
            interfaces,
            class,
            subclass,
            protocol,
            string,
        })
    }

    /// The bytes on the wire.
    #[must_use]
    pub const fn emit(&self) -> [u8; Self::LENGTH] {
        [
            8,
            DescriptorKind::INTERFACE_ASSOCIATION.0,
            self.first_interface,
            self.interfaces,
            self.class,
            self.subclass,
            self.protocol,
            self.string,
        ]
    }
}
