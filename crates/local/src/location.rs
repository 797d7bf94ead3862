use std::fmt;

use host::Place;
use xhci_model::WorkKey;
use xhci_spec::number::{PortId, RouteString};

/// Where something is plugged in: a root port, and behind it a port of each hub on the way. Written `5.2.1`.
///
/// A USB 3 hub is two devices, so it and what is behind it are found below two root ports; a device is at the one whose wires it uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Location {
    /// The root port.
    pub port: PortId,
    /// The way from there.
    pub route: RouteString,
}

impl Location {
    /// The ports of the hubs on the way, the one nearest to the root first.
    #[must_use]
    pub fn hub_ports(&self) -> Vec<u8> {
        (1..=self.route.depth())
            .filter_map(|tier| self.route.tier(tier))
            .collect()
    }

    /// The port `port` of the hub here; `None` behind five hubs, and for a port that no route can name.
    #[must_use]
    pub fn behind(self, port: u8) -> Option<Self> {
        let route = self.route.push(port).filter(|_| port <= 15)?;
        Some(Self { route, ..self })
    }

    /// The hub that this is behind, and the hub's port; `None` for a root port.
    #[must_use]
    pub fn hub(self) -> Option<(Self, u8)> {
        let tier = self.route.depth();
        let port = self.route.tier(tier)?;
        let above = self.route.get() & !(0xf << (4 * (tier - 1)));
        let route = RouteString::new(above);
        Some((Self { route, ..self }, port))
    }

    /// Whether this is `other`, or somewhere behind it.
    #[must_use]
    pub fn is_within(&self, other: &Self) -> bool {
        self.port == other.port && self.hub_ports().starts_with(&other.hub_ports())
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.port.get())?;
        self.hub_ports()
            .iter()
            .try_for_each(|port| write!(f, ".{port}"))
    }
}

impl From<PortId> for Location {
    fn from(port: PortId) -> Self {
        let route = RouteString::ROOT;
        Self { port, route }
    }
}

impl From<&Place> for Location {
    fn from(place: &Place) -> Self {
        let Place { port, route, .. } = *place;
        Self { port, route }
    }
}

impl From<WorkKey> for Location {
    fn from(key: WorkKey) -> Self {
        let (port, route) = (key.port(), key.route());
        Self { port, route }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root(port: u8) -> Location {
        PortId::new(port).unwrap().into()
    }

    #[test]
    fn the_way_down_is_the_way_up() {
        let deep = root(5).behind(2).unwrap().behind(15).unwrap();
        assert_eq!(deep.to_string(), "5.2.15");
        let (hub, port) = deep.hub().unwrap();
        assert_eq!((hub.to_string().as_str(), port), ("5.2", 15));
        assert_eq!(hub.hub(), Some((root(5), 2)));
        assert_eq!(root(5).hub(), None);
    }

    #[test]
    fn a_route_has_five_tiers_of_fifteen_ports() {
        let deepest = (1..=5).try_fold(root(1), Location::behind).unwrap();
        assert_eq!(deepest.behind(1), None);
        assert_eq!((root(1).behind(0), root(1).behind(16)), (None, None));
    }

    #[test]
    fn what_is_within_begins_the_same_way() {
        let hub = root(1).behind(2).unwrap();
        assert!(hub.is_within(&hub) && hub.behind(3).unwrap().is_within(&hub));
        assert!(!root(1).is_within(&hub) && !root(1).behind(3).unwrap().is_within(&hub));
        assert!(!root(2).behind(2).unwrap().is_within(&hub));
    }
}
