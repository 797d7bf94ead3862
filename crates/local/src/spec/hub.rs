use usb_model::device::HUB_PORTS_MAX;
use usb_spec::Speed;

use super::wires::Wires;
use super::{DeviceSpec, SpecError, fast_speed, items, number, unknown, value};

/// How many ports a hub has of which nothing is said.
const PORTS_USUAL: u8 = 4;

/// A hub to be plugged in, with what is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HubSpec {
    /// Its speed. If nothing is said it is a USB 3 hub: two hubs, one at super speed and one at high speed, on the two halves of a cable. Where it
    /// finds but one half, it is the hub of that half, as fast as it can.
    pub speed: Option<Speed>,
    /// How many ports it has.
    pub ports: u8,
    /// Whether each port has a transaction translator of its own.
    pub multi_tt: bool,
    /// What is in which port.
    pub children: Vec<(u8, DeviceSpec)>,
}

impl HubSpec {
    /// The halves that it has on these wires.
    pub(crate) fn halves(&self, wires: Wires) -> Option<Wires> {
        match self.speed {
            Some(_) => wires.speed(self.speed, Speed::Super).map(Wires::only),
            None => Some(Wires {
                usb2: wires.usb2,
                usb3: wires.usb3.map(|fastest| fastest.min(Speed::Super)),
            }),
        }
    }
}

/// Reads what stands behind the word `hub`; `tier` hubs are above it.
pub(super) fn hub(text: &str, tier: u8) -> Result<HubSpec, SpecError> {
    let (options, children) = match text.find('(') {
        Some(at) => (&text[..at], inside(&text[at..])?),
        None => (text, ""),
    };
    if options.contains(')') {
        return Err(unbalanced(text));
    }
    let mut spec = HubSpec {
        speed: None,
        ports: PORTS_USUAL,
        multi_tt: false,
        children: Vec::new(),
    };
    for item in items(options.strip_prefix(':').unwrap_or(options)) {
        match item.name {
            "speed" => spec.speed = Some(fast_speed(item)?),
            "ports" => {
                let text = value("ports", item)?;
                spec.ports = number("ports", text, 1..=HUB_PORTS_MAX, "a number from 1 to 15")?;
            }
            "mtt" if item.value.is_none() => spec.multi_tt = true,
            _ => return Err(unknown(item, "option of a hub", "speed, ports and mtt")),
        }
    }
    if spec.multi_tt && spec.speed.is_some_and(|speed| speed != Speed::High) {
        return Err(SpecError::NoTranslators);
    }
    let mut next = 1;
    for child in split(children).filter(|child| !child.trim().is_empty()) {
        let (port, device) = numbered(child.trim(), next)?;
        let device = DeviceSpec::read(device, tier + 1)?;
        if port == 0 || port > spec.ports {
            let (device, ports) = (device.to_string(), spec.ports);
            return Err(match port {
                port if port > HUB_PORTS_MAX => SpecError::ManyPorts { device },
                port => SpecError::NoHubPort {
                    device,
                    port,
                    ports,
                    wanted: port.max(1),
                },
            });
        }
        if spec.children.iter().any(|(taken, _)| *taken == port) {
            let device = device.to_string();
            return Err(SpecError::PortTaken { device, port });
        }
        spec.children.push((port, device));
        next = port + 1;
    }
    Ok(spec)
}

/// What is between a bracket and the one that belongs to it, which has to be the last.
fn inside(text: &str) -> Result<&str, SpecError> {
    let mut depth = 0u32;
    for (at, sign) in signs(text) {
        match sign {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            let rest = text[at + 1..].trim();
            if !rest.is_empty() {
                return Err(if rest.contains(')') {
                    unbalanced(text)
                } else {
                    SpecError::Trailing {
                        text: rest.to_owned(),
                    }
                });
            }
            return Ok(&text[1..at]);
        }
    }
    Err(unbalanced(text))
}

fn unbalanced(text: &str) -> SpecError {
    SpecError::Unbalanced {
        text: format!("hub{text}"),
    }
}

/// The signs of the grammar, with their places: none that stand behind a backslash.
fn signs(text: &str) -> impl Iterator<Item = (usize, char)> {
    let mut escaped = false;
    text.char_indices().filter(move |(_, sign)| {
        let plain = !escaped;
        escaped = plain && *sign == '\\';
        plain && matches!(sign, '(' | ')' | ';')
    })
}

/// Cuts at the semicolons that are not in brackets.
fn split(children: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0u32;
    let mut begin = 0;
    let mut cuts = Vec::new();
    for (at, sign) in signs(children) {
        match sign {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ if depth == 0 => {
                cuts.push(&children[begin..at]);
                begin = at + 1;
            }
            _ => {}
        }
    }
    cuts.push(&children[begin..]);
    cuts.into_iter()
}

/// Cuts `3=keyboard`; without a number it is the next port.
fn numbered(child: &str, next: u8) -> Result<(u8, &str), SpecError> {
    let digits = child.trim_start_matches(|sign: char| sign.is_ascii_digit());
    let (port, rest) = child.split_at(child.len() - digits.len());
    match rest.trim_start().strip_prefix('=') {
        Some(device) if !port.is_empty() => {
            let port = port.parse().unwrap_or(u8::MAX);
            Ok((port, device.trim_start()))
        }
        _ => Ok((next, child)),
    }
}
