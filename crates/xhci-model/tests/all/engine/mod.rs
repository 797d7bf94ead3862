//! Commands, slots, endpoints and transfers, as a driver and a device see them. xHCI 1.2 §4.5 to §4.12.

mod abort;
mod address;
mod arbitrary;
mod commands;
mod configure;
mod control;
mod fake;
mod hands;
mod quiet;
mod real;
mod states;
mod stop;
mod transfers;
