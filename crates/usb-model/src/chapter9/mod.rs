//! Chapter 9, once for all devices: states, standard requests, control transfers, endpoints with halts and sequences.
//!
//! A device of its own is a [`Function`] with a [`Blueprint`]; [`Device`] around it is the [`UsbDevice`](crate::UsbDevice).

mod blueprint;
mod bus;
mod capabilities;
mod control;
mod device;
mod function;
mod pipe;
mod serve;
mod standard;

pub use self::blueprint::{Blueprint, ConfigurationPlan, EndpointPlan, Identity, Setting};
pub use self::device::{Device, DeviceState};
pub use self::function::{Arrival, Errand, Function, InAnswer, Job, OutAnswer};
pub use self::pipe::REQUESTS_MAX;
